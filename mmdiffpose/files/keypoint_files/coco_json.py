# Copyright (c) mmdiffpose contributors. All rights reserved.
"""COCO's keypoint annotations and results, JSON.

Annotations::

    {"images": [{"id": 1, "file_name": "000001.jpg", "width": w,
                 "height": h}, ...],
     "annotations": [{"image_id": 1, "keypoints": [x, y, v, ...]}, ...],
     "categories": [{"keypoints": ["nose", ...]}]}

Results::

    [{"image_id": 1, "keypoints": [x, y, score, ...], "score": s}, ...]

Frames are numbered by the images' ``frame_id`` (PoseTrack), else by the
number in ``file_name`` that counts up
(:mod:`~mmdiffpose.structures.frame_numbers`), else by the images'
ids; in results by ``image_id``. The third number is COCO's flag v where all
are 0, 1 or 2 and one is 2 (0: not labelled, 1: labelled but hidden, 2:
visible) and becomes v / 2; else it is a score. The joints are those that
``categories`` names. People may carry a ``track_id``.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np

from mmdiffpose.files.person_selection import Frames
from mmdiffpose.structures.frame_numbers import (frame_numbers, frame_times,
                                                 number_images)
from .checks import (describe, expect, expect_list, holds_nobody, make_person,
                     no_joints, triples, whole)
from .raw_clip import RawClip

USUAL = {17: 'coco', 133: 'coco_wholebody'}
_VIDEO_KEYS = ('video_id', 'vid_id')


def parse(path: Path, document: Any) -> RawClip:
    """Read a document; arguments and errors as of the other formats."""
    where = str(path)
    if isinstance(document, list):
        return parse_results(where, document, USUAL)
    images = {
        whole(where, expect(where, item, 'id', 'each image'), 'image id'): item
        for item in _list(where, document, 'images')
    }
    people = [
        item for item in _list(where, document, 'annotations')
        if not holds_nobody(item) and (
            not isinstance(item, dict) or 'keypoints' in item)
    ]
    numbers, times = _frame_numbers(where, images)
    frames: Frames = {number: [] for number in numbers.values()}
    values = [_values(where, item) for item in people]
    flags = _are_flags(values)
    for item, found in zip(people, values):
        image = whole(where, item['image_id'], 'image id')
        if image not in images:
            raise ValueError(f'{where}: expected an image of each annotation, '
                             f'found none with the id {image}')
        if flags:
            found[:, 2] /= 2
        frames[numbers[image]].append(
            make_person(f'{where}, image {image}', found, None,
                        item.get('track_id')))
    return RawClip(
        where,
        frames,
        USUAL,
        names=_named(where, document),
        image_size=_size(where, images),
        times=times)


def parse_results(where: str,
                  entries: List[Any],
                  usual: Mapping[int, str],
                  track_key: str = 'track_id') -> RawClip:
    """Read a list of persons, of COCO or AlphaPose.

    Args:
        where (str): The file.
        entries (list): The persons.
        usual (Mapping[int, str]): Joint sets by number of joints.
        track_key (str): Where a person's track id stands.
    """
    if not entries:
        raise ValueError(f'{where} is empty: expected at least one person, '
                         'found none')
    entries = [item for item in entries if not holds_nobody(item)]
    values = [_values(where, item) for item in entries]
    flags = _are_flags(values)
    names = [item['image_id'] for item in entries]
    times: Optional[Dict[int, float]] = None
    if any(isinstance(name, str) for name in names):
        names = [str(name) for name in names]
        # Both tools write image after image.
        images = list(dict.fromkeys(names))
        numbers = number_images(where, images, True)
        times = frame_times(images)
        ids = [numbers[name] for name in names]
    else:
        ids = [whole(where, name, 'image id') for name in names]
    frames: Frames = defaultdict(list)
    for frame, item, found in zip(ids, entries, values):
        if flags:
            found[:, 2] /= 2
        frames[frame].append(
            make_person(f'{where}, image {item["image_id"]}', found, None,
                        item.get(track_key)))
    return RawClip(where, dict(frames), usual, times=times)


def _values(where: str, item: Any) -> np.ndarray:
    image = expect(where, item, 'image_id', 'each person')
    here = f'{where}, image {image}'
    return triples(here, expect(here, item, 'keypoints', 'each person'))


def _are_flags(values: List[np.ndarray]) -> bool:
    found = {v for rows in values for v in np.unique(rows[:, 2]).tolist()}
    return 2 in found and found <= {0, 1, 2}


def _list(where: str, document: Any, key: str) -> List[Any]:
    found = expect(where, document, key, 'the document')
    return expect_list(where, found, key)


def _named(where: str, document: Dict[str, Any]) -> Optional[List[str]]:
    """The joints that the categories name."""
    for category in expect_list(where,
                                document.get('categories') or [],
                                'categories'):
        names = category.get('keypoints') if isinstance(category,
                                                        dict) else None
        if not no_joints(names):
            return expect_list(where, names, 'the joints of a category')
    return None


def _frame_numbers(
    where: str,
    images: Dict[int,
                 Any]) -> Tuple[Dict[int, int], Optional[Dict[int, float]]]:
    """Image id to frame id, and this to seconds, where the names say them."""
    for key in _VIDEO_KEYS:
        videos = {describe(image.get(key)) for image in images.values()}
        if len(videos) > 1:
            raise ValueError(
                f'{where}: expected images of one video, found {key} '
                f'{sorted(videos)[:5]}; a file of several videos has to be '
                'split')
    for key in ('frame_id', 'frame_index', 'frame_number'):
        given = [image.get(key) for image in images.values()]
        if not given or None in given:
            continue
        numbers = {
            i: whole(where, number, 'frame id')
            for i, number in zip(images, given)
        }
        if len(set(numbers.values())) < len(numbers):
            raise ValueError(f'{where}: expected frame ids that differ, found '
                             'one of several images; a file of several videos '
                             'has to be split')
        return numbers, None
    names = [image.get('file_name') for image in images.values()]
    for name in names:
        if name is not None and not isinstance(name, str):
            raise ValueError(f"{where}: expected an image's name, found "
                             f'{describe(name)}')
    if None in names or len(set(names)) < len(names):
        return {i: i for i in images}, None
    found = frame_numbers(names)
    if found is None:
        folders = {
            name.replace('\\', '/').rpartition('/')[0]
            for name in names
        }
        if len(folders) > 1:
            raise ValueError(
                f'{where}: expected images of one video, found the same names '
                f'in {sorted(folders)[:5]}; a file of several videos has to '
                'be split')
        return {i: i for i in images}, None
    numbers = {i: found[name] for i, name in zip(images, names)}
    return numbers, frame_times(names)


def _size(where: str, images: Dict[int, Any]) -> Optional[List[Any]]:
    sizes = {
        (describe(image.get('width')), describe(image.get('height'))):
        [image.get('width'), image.get('height')]
        for image in images.values()
    }
    if len(sizes) > 1:
        raise ValueError(
            f'{where}: expected images of one size, as of one video, found '
            f'{sorted(map(" x ".join, sizes))[:5]}')
    size = next(iter(sizes.values()), [None])
    return None if None in size else size
