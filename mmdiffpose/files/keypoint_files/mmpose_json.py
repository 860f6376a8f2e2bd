# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MMPose's prediction JSON, as its inferencer and demos write it.

One of::

    [{"frame_id": 0, "instances": [{"keypoints": [[x, y], ...],
                                    "keypoint_scores": [s, ...]}, ...]}, ...]
    {"meta_info": {...}, "instance_info": [... the list above ...]}
    [{"keypoints": ..., "keypoint_scores": ...}, ...]        (a single image)

Of a folder of images the inferencers write a folder of such files, one per
image, which are numbered by the number in their names that counts up.

``keypoints`` are pixels; a third number per joint is its score where
``keypoint_scores`` is absent. An instance may carry a ``track_id``. Of
``meta_info`` are read: ``image_size`` [w, h], ``fps``, the joints' names
(``keypoint_id2name``, as MMPose's demos write it, or a list ``joints`` or
``keypoint_names``) and the joint set's (``skeleton`` or ``dataset_name``).

Frames of arrays, as those who call rtmlib keep them, are read too::

    [{"keypoints": [[[x, y], ...], ...], "scores": [[s, ...], ...]}, ...]
"""

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from mmdiffpose.files.person_selection import Frames
from mmdiffpose.input_files import read_json
from mmdiffpose.structures.frame_numbers import frame_times, number_images
from .checks import (PACKED, choose_fps, describe, expect, expect_list,
                     holds_nobody, is_list, make_person, whole)
from .raw_clip import RawClip

USUAL = {17: 'coco', 26: 'halpe26', 133: 'coco_wholebody'}


def parse(path: Path, document: Any) -> RawClip:
    """Read a document.

    Args:
        path (Path): The file, for messages.
        document: Its JSON.

    Raises:
        ValueError: If it is of another format.
    """
    where = str(path)
    entries, meta = _entries(where, document)
    if not entries:
        raise ValueError(f'{where} is empty: expected keypoints of at least '
                         'one frame, found 0 frames')
    return _clip(where, _frames(where, entries), meta)


def is_of_image(document: Any) -> bool:
    """Whether a document holds the people of a single image."""
    if isinstance(document, dict):
        document = document.get('instance_info')
    return isinstance(document, list) and all(map(_is_person, document))


def parse_folder(folder: Path, files: List[Path]) -> RawClip:
    """Read a folder with a file per image.

    Args:
        folder (Path): For messages.
        files (list[Path]): Its JSON files.

    Raises:
        ValueError: If one is of another format, or their names do not count.
    """
    names = [file.name for file in files]
    numbers = number_images(str(folder), names)
    frames: Frames = {}
    said: Dict[str, Any] = {}
    for file in files:
        entries, meta = _entries(str(file), read_json(file, packed=PACKED))
        if not all(map(_is_person, entries)):
            raise ValueError(
                f'{file}: expected the people of one image, as in '
                f'the other files of {folder}, found '
                f'{describe(next(iter(entries)))}')
        said = said or meta
        entry = dict(frame_id=numbers[file.name], instances=entries)
        frames.update(_frames(str(file), [entry]))
    return _clip(str(folder), frames, said, frame_times(names))


def _entries(where: str, document: Any) -> Tuple[List[Any], Dict[str, Any]]:
    """What stands there of frames or people, and ``meta_info``."""
    meta: Dict[str, Any] = {}
    if isinstance(document, dict):
        entries = expect(where, document, 'instance_info', 'the document')
        meta = document.get('meta_info') or {}
        if not isinstance(meta, dict):
            raise ValueError(f'{where}: expected keys and values as meta_info'
                             f', found {describe(meta)}')
    else:
        entries = document
    return expect_list(where, entries, 'frames'), meta


def _clip(where: str,
          frames: Frames,
          meta: Dict[str, Any],
          times: Optional[Dict[int, float]] = None) -> RawClip:
    stated = meta.get('skeleton')
    if not isinstance(stated, str):
        stated = meta.get('dataset_name')
    return RawClip(
        where,
        frames,
        USUAL,
        names=_names(where, meta),
        stated=stated,
        image_size=meta.get('image_size'),
        fps=choose_fps(where, meta.get('fps')),
        times=times)


def _names(where: str, meta: Dict[str, Any]) -> Optional[List[str]]:
    """The joints' names in index order."""
    by_number = meta.get('keypoint_id2name')
    if isinstance(by_number, dict) and by_number:
        pairs = {
            whole(where, _number(key), 'number of a joint'): name
            for key, name in by_number.items()
        }
        if sorted(pairs) != list(range(len(pairs))):
            raise ValueError(f'{where}: expected numbers from 0 on in '
                             f'keypoint_id2name, found {sorted(pairs)[:5]}')
        return [pairs[i] for i in range(len(pairs))]
    for key in ('joints', 'keypoint_names'):
        if is_list(meta.get(key)) and len(meta[key]):
            return list(meta[key])
    return None


def _number(key: Any) -> Any:
    """JSON's keys are text."""
    return int(key) if isinstance(key, str) and key.isdecimal() else key


def _frames(where: str, entries: List[Any]) -> Frames:
    if all(map(_is_person, entries)):
        entries = [dict(frame_id=0, instances=entries)]
    frames: Frames = {}
    for position, entry in enumerate(entries):
        if entry in (None, {}, []):
            entry = dict(instances=[])
        if isinstance(entry, dict) and 'instances' not in entry \
                and 'keypoints' in entry:
            entry = dict(entry, instances=_of_arrays(where, entry, position))
        instances = expect(where, entry, 'instances',
                           f'frame number {position}')
        frame_id = whole(where, entry.get('frame_id', position), 'frame id')
        if frame_id in frames:
            raise ValueError(f'{where}: expected frame ids that are whole and '
                             f'differ, found {frame_id!r} in frame number '
                             f'{position}')
        here = f'{where}, frame {frame_id}'
        frames[frame_id] = [
            make_person(here, expect(here, item, 'keypoints', 'each instance'),
                        item.get('keypoint_scores'), item.get('track_id'))
            for item in expect_list(here, instances or [], 'instances')
            if not holds_nobody(item)
        ]
    return frames


def _is_person(entry: Any) -> bool:
    """Whether keypoints are one person's [x, y], not a list of people's."""
    if not isinstance(entry, dict):
        return False
    joints: Any = entry.get('keypoints')
    if 'instances' in entry or not is_list(joints) or not len(joints):
        return False
    if isinstance(joints, np.ndarray):
        return joints.ndim < 3
    return not (isinstance(joints[0], list) and joints[0]
                and isinstance(joints[0][0], list))


def _of_arrays(where: str, entry: Dict[str, Any],
               position: int) -> List[Dict[str, Any]]:
    """The people of one frame that came as arrays."""
    here = f'{where}, frame number {position}'
    people = expect_list(here, entry['keypoints'], 'keypoints')
    scores = entry.get('scores', entry.get('keypoint_scores'))
    scores = [None] * len(people) if scores is None else scores
    if len(expect_list(here, scores, 'scores')) != len(people):
        raise ValueError(f'{here}: expected scores of {len(people)} people, '
                         f'found {len(scores)}')
    return [
        dict(keypoints=joints, keypoint_scores=values)
        for joints, values in zip(people, scores)
    ]
