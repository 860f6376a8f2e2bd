# Copyright (c) mmdiffpose contributors. All rights reserved.
"""OpenPose's folder with a JSON file per frame (``--write_json``).

Each ``<name>_<frame number>_keypoints.json`` holds::

    {"people": [{"person_id": [-1], "pose_keypoints_2d": [x, y, c, ...]},
                ...]}

25 joints are BODY_25's. Hands and faces are not read. People have no names
unless ``person_id`` is 0 or more: they are followed by where they are.
"""

import json
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from mmdiffpose.files.person_selection import Frames
from .checks import (choose_image_size, choose_skeleton, expect, expect_list,
                     file_number, make_person, triples, whole)
from .keypoint_clip import KeypointClip

BY_COUNT = {25: 'body25'}


def read_folder(folder: Path) -> Dict[int, Any]:
    """The documents of a folder, by frame number.

    Raises:
        ValueError: If there are none, one is no JSON, or two have the same
            number.
    """
    documents: Dict[int, Any] = {}
    for position, path in enumerate(sorted(folder.glob('*.json'))):
        number = file_number(path.stem)
        number = position if number is None else number
        if number in documents:
            raise ValueError(f'{folder}: expected one file per frame, found '
                             f'two with the number {number}, one of them '
                             f'{path.name}')
        try:
            documents[number] = json.loads(path.read_text())
        except ValueError as error:
            raise ValueError(f'{path}: not a JSON file ({error})') from error
    if not documents:
        raise ValueError(f'{folder}: expected the JSON files that OpenPose '
                         'writes, one per frame, found none')
    return documents


def parse(path: Path, document: Any, image_size: Optional[Sequence[int]],
          skeleton: Optional[str]) -> KeypointClip:
    """Read a folder or a single frame's document.

    Args:
        path (Path): The folder or file.
        document: The file's JSON; None for a folder.
        image_size (tuple[int, int], optional): See ``read_keypoint_file``.
        skeleton (str, optional): See ``read_keypoint_file``.

    Raises:
        ValueError: If it is of another format, or has other joints.
    """
    documents = read_folder(path) if document is None else {
        file_number(path.stem) or 0: document
    }
    found: Dict[int, list] = {}
    for frame, content in documents.items():
        where = f'{path}, frame {frame}'
        people = expect(where, content, 'people', 'the document')
        found[frame] = []
        for person in expect_list(where, people, 'people'):
            flat = expect(where, person, 'pose_keypoints_2d', 'each person')
            if flat:  # nothing but hands or a face
                found[frame].append((triples(where,
                                             flat), _name(where, person)))
    counts = [len(joints) for rows in found.values() for joints, _ in rows]
    joints = choose_skeleton(
        str(path), skeleton, None, counts[0] if counts else None, BY_COUNT)
    frames: Frames = {
        frame: [
            make_person(f'{path}, frame {frame}', values, joints, None, name)
            for values, name in rows
        ]
        for frame, rows in found.items()
    }
    return KeypointClip(frames, joints,
                        choose_image_size(str(path), image_size, None), None,
                        str(path))


def _name(where: str, person: Dict[str, Any]) -> Optional[int]:
    name = person.get('person_id')
    if name is None or name == []:
        return None
    name = whole(where, name, 'person_id')
    return name if name >= 0 else None
