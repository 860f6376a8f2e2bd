# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MMPose's prediction JSON, as its inferencer and demos write it.

One of::

    [{"frame_id": 0, "instances": [{"keypoints": [[x, y], ...],
                                    "keypoint_scores": [s, ...]}, ...]}, ...]
    {"meta_info": {...}, "instance_info": [... the list above ...]}
    [{"keypoints": ..., "keypoint_scores": ...}, ...]        (a single image)

``keypoints`` are pixels; a third number per joint is its score where
``keypoint_scores`` is absent. An instance may carry a ``track_id``. These
keys of ``meta_info`` are read: ``image_size`` [w, h], ``fps`` and
``skeleton`` (or MMPose's ``dataset_name``).
"""

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from mmdiffpose.files.person_selection import Frames
from mmdiffpose.skeletons import SKELETONS, Skeleton
from .checks import (choose_fps, choose_image_size, choose_skeleton, describe,
                     expect, expect_list, make_person)
from .keypoint_clip import KeypointClip


def parse(path: Path, document: Any, image_size: Optional[Sequence[int]],
          skeleton: Optional[str]) -> KeypointClip:
    """Read a document.

    Args:
        path (Path): The file, for messages.
        document: Its JSON.
        image_size (tuple[int, int], optional): See ``read_keypoint_file``.
        skeleton (str, optional): See ``read_keypoint_file``.

    Raises:
        ValueError: If it is of another format, or has other joints.
    """
    where = str(path)
    meta: Dict[str, Any] = {}
    if isinstance(document, dict):
        entries = expect(where, document, 'instance_info', 'the document')
        meta = document.get('meta_info') or {}
        if not isinstance(meta, dict):
            raise ValueError(f'{where}: expected keys and values as meta_info'
                             f', found {describe(meta)}')
    else:
        entries = document
    entries = expect_list(where, entries, 'frames')
    if not entries:
        raise ValueError(f'{where} is empty: expected keypoints of at least '
                         'one frame, found 0 frames')
    stated = meta.get('skeleton')
    if stated is None and meta.get('dataset_name') in SKELETONS:
        stated = meta['dataset_name']
    joints = choose_skeleton(where, skeleton, stated or 'coco', None, {})
    return KeypointClip(
        _frames(where, entries, joints), joints,
        choose_image_size(where, image_size, meta.get('image_size')),
        choose_fps(where, meta.get('fps')), where)


def _frames(where: str, entries: List[Any], skeleton: Skeleton) -> Frames:
    if all(isinstance(e, dict) and 'keypoints' in e for e in entries):
        entries = [dict(frame_id=0, instances=entries)]
    frames: Frames = {}
    for position, entry in enumerate(entries):
        instances = expect(where, entry, 'instances',
                           f'frame number {position}')
        frame_id = entry.get('frame_id', position)
        if type(frame_id) is not int or frame_id in frames:
            raise ValueError(f'{where}: expected frame ids that are whole and '
                             f'differ, found {frame_id!r} in frame number '
                             f'{position}')
        here = f'{where}, frame {frame_id}'
        frames[frame_id] = [
            make_person(here, expect(here, item, 'keypoints', 'each instance'),
                        skeleton, item.get('keypoint_scores'),
                        item.get('track_id'))
            for item in expect_list(here, instances, 'instances')
        ]
    return frames
