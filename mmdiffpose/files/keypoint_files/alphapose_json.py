# Copyright (c) mmdiffpose contributors. All rights reserved.
"""AlphaPose's ``alphapose-results.json``.

::

    [{"image_id": "0.jpg", "keypoints": [x, y, score, ...], "score": s,
      "box": [x, y, w, h], "idx": 1}, ...]

Frames are numbered by the last number in ``image_id``, else by its order;
``idx`` is the person where AlphaPose tracked them. With 17 joints they are
COCO's, with 26 Halpe's. Images without people are not in the file.
"""

from pathlib import Path
from typing import Any, Optional, Sequence

from .checks import expect_list
from .coco_json import parse_results
from .keypoint_clip import KeypointClip

BY_COUNT = {26: 'halpe26', 17: 'coco'}


def parse(path: Path, document: Any, image_size: Optional[Sequence[int]],
          skeleton: Optional[str]) -> KeypointClip:
    """Read a document; arguments and errors as of the other formats."""
    entries = expect_list(str(path), document, 'persons')
    return parse_results(
        str(path), entries, image_size, skeleton, BY_COUNT, track_key='idx')
