# Copyright (c) mmdiffpose contributors. All rights reserved.
"""COCO's keypoint annotations and results, JSON.

Annotations::

    {"images": [{"id": 1, "file_name": "000001.jpg", "width": w,
                 "height": h}, ...],
     "annotations": [{"image_id": 1, "keypoints": [x, y, v, ...]}, ...],
     "categories": [{"keypoints": ["nose", ...]}]}

Results::

    [{"image_id": 1, "keypoints": [x, y, score, ...], "score": s}, ...]

Frames are numbered by the images' ``frame_id`` (PoseTrack), else by the last
number in ``file_name``, else by its order; in results by ``image_id``. The
third number is COCO's flag v where any is 2 (0: not labelled, 1: labelled but
hidden, 2: visible) and becomes v / 2; else it is a score. The joint set is
the one whose names ``categories`` lists, without names COCO's with 17 joints
and COCO-WholeBody's with 133. People may carry a ``track_id``.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from mmdiffpose.files.person_selection import Frames
from mmdiffpose.skeletons import SKELETONS
from .checks import (choose_image_size, choose_skeleton, describe, expect,
                     expect_list, make_person, number_images, triples, whole)
from .keypoint_clip import KeypointClip

BY_COUNT = {17: 'coco', 133: 'coco_wholebody'}


def parse(path: Path, document: Any, image_size: Optional[Sequence[int]],
          skeleton: Optional[str]) -> KeypointClip:
    """Read a document; arguments and errors as of the other formats."""
    where = str(path)
    if isinstance(document, list):
        return parse_results(where, document, image_size, skeleton, BY_COUNT)
    images = {
        whole(where, expect(where, item, 'id', 'each image'), 'image id'): item
        for item in _list(where, document, 'images')
    }
    people = [
        item for item in _list(where, document, 'annotations')
        if not isinstance(item, dict) or 'keypoints' in item
    ]
    numbers = _frame_numbers(where, images)
    frames: Frames = {number: [] for number in numbers.values()}
    values = [_values(where, item) for item in people]
    joints = choose_skeleton(where, skeleton, _named(where, document),
                             len(values[0]) if values else None, BY_COUNT)
    flags = any((v[:, 2] > 1).any() for v in values)
    for item, found in zip(people, values):
        image = whole(where, item['image_id'], 'image id')
        if image not in images:
            raise ValueError(f'{where}: expected an image of each annotation, '
                             f'found none with the id {image}')
        if flags:
            found[:, 2] /= 2
        frames[numbers[image]].append(
            make_person(f'{where}, image {image}', found, joints, None,
                        item.get('track_id')))
    return KeypointClip(
        frames, joints,
        choose_image_size(where, image_size, _size(where, images)), None,
        where)


def parse_results(where: str,
                  entries: List[Any],
                  image_size: Optional[Sequence[int]],
                  skeleton: Optional[str],
                  by_count: Dict[int, str],
                  track_key: str = 'track_id') -> KeypointClip:
    """Read a list of persons, of COCO or AlphaPose.

    Args:
        where (str): The file.
        entries (list): The persons.
        image_size (tuple[int, int], optional): See ``read_keypoint_file``.
        skeleton (str, optional): See ``read_keypoint_file``.
        by_count (dict[int, str]): Joint sets by number of joints.
        track_key (str): Where a person's track id stands.
    """
    if not entries:
        raise ValueError(f'{where} is empty: expected at least one person, '
                         'found none')
    values = [_values(where, item) for item in entries]
    joints = choose_skeleton(where, skeleton, None, len(values[0]), by_count)
    names = [item['image_id'] for item in entries]
    if any(isinstance(name, str) for name in names):
        names = [str(name) for name in names]
        numbers = number_images(where, list(dict.fromkeys(names)))
        ids = [numbers[name] for name in names]
    else:
        ids = [whole(where, name, 'image id') for name in names]
    frames: Frames = defaultdict(list)
    for frame, item, found in zip(ids, entries, values):
        frames[frame].append(
            make_person(f'{where}, image {item["image_id"]}', found, joints,
                        None, item.get(track_key)))
    return KeypointClip(
        dict(frames), joints, choose_image_size(where, image_size, None), None,
        where)


def _values(where: str, item: Any) -> np.ndarray:
    image = expect(where, item, 'image_id', 'each person')
    here = f'{where}, image {image}'
    return triples(here, expect(here, item, 'keypoints', 'each person'))


def _list(where: str, document: Any, key: str) -> List[Any]:
    found = expect(where, document, key, 'the document')
    return expect_list(where, found, key)


def _named(where: str, document: Dict[str, Any]) -> Optional[str]:
    """The joint set that the categories name.

    Raises:
        ValueError: If they name joints of no known one.
    """
    for category in expect_list(where,
                                document.get('categories') or [],
                                'categories'):
        names = category.get('keypoints') if isinstance(category,
                                                        dict) else None
        if not names:
            continue
        for skeleton in SKELETONS.values():
            if list(skeleton.joints) == names:
                return skeleton.name
        raise ValueError(f'{where}: expected the joints of one of '
                         f'{sorted(SKELETONS)}, found {names}; if the order '
                         'is that of one of them, say so: skeleton=..., on '
                         'the command line --skeleton')
    return None


def _frame_numbers(where: str, images: Dict[int, Any]) -> Dict[int, int]:
    """Image id to frame id."""
    given = [image.get('frame_id') for image in images.values()]
    if given and None not in given:
        numbers = {
            i: whole(where, number, 'frame id')
            for i, number in zip(images, given)
        }
        if len(set(numbers.values())) < len(numbers):
            raise ValueError(f'{where}: expected frame ids that differ, found '
                             'one of several images; a file of several videos '
                             'has to be split')
        return numbers
    names = [image.get('file_name') for image in images.values()]
    if None in names or len(set(map(str, names))) < len(names):
        return {i: i for i in images}
    by_name = number_images(where, names)
    return {i: by_name[name] for i, name in zip(images, names)}


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
