# Copyright (c) mmdiffpose contributors. All rights reserved.
"""AlphaPose's ``alphapose-results.json``.

::

    [{"image_id": "0.jpg", "keypoints": [x, y, score, ...], "score": s,
      "box": [x, y, w, h], "idx": 1}, ...]

Frames are numbered by the number in ``image_id`` that counts up; ``idx`` is
the person where AlphaPose tracked them. 17 joints are COCO's, 26 and 136
Halpe's. Images without people are not in the file.

With ``--format open`` and ``--format cmu`` it writes OpenPose's 18 joints::

    {"0.jpg": {"people": [{"pose_keypoints_2d": [x, y, score, ...]}, ...]}}
    {"0.jpg": {"bodies": [{"joints": [x, y, score, ...]}, ...]}}

The neck of these is computed for models of COCO's 17 joints, and is the top
of the head for Halpe's: it is not read.
"""

from pathlib import Path
from typing import Any

from mmdiffpose.files.person_selection import Frames
from mmdiffpose.structures.frame_numbers import frame_times, number_images
from .checks import expect_list
from .coco_json import parse_results
from .openpose_json import people_of
from .raw_clip import RawClip

USUAL = {
    26: 'halpe26',
    17: 'coco',
    136: 'halpe136',
    133: 'coco_wholebody',
    18: 'coco18'
}


def parse(path: Path, document: Any) -> RawClip:
    """Read a document; arguments and errors as of the other formats."""
    where = str(path)
    if isinstance(document, dict):
        return _by_image(where, document)
    entries = expect_list(where, document, 'persons')
    return parse_results(where, entries, USUAL, track_key='idx')


def is_by_image(document: Any) -> bool:
    """Whether a document is of ``--format open`` or ``cmu``."""
    return (isinstance(document, dict) and bool(document) and all(
        isinstance(page, dict) and ('people' in page or 'bodies' in page)
        for page in document.values()))


def _by_image(where: str, document: Any) -> RawClip:
    if not is_by_image(document):
        raise ValueError(f"{where}: expected 'people' or 'bodies' by image, "
                         f'found keys {sorted(map(str, document))[:5]}')
    numbers = number_images(where, list(document), True)
    frames: Frames = {
        numbers[name]:
        people_of(f'{where}, image {name}', dict(page, version='AlphaPose'))
        for name, page in document.items()
    }
    return RawClip(where, frames, USUAL, times=frame_times(list(document)))
