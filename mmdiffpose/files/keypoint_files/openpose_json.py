# Copyright (c) mmdiffpose contributors. All rights reserved.
"""OpenPose's folder with a JSON file per frame (``--write_json``).

Each ``<name>_<frame number>_keypoints.json`` holds::

    {"version": 1.3,
     "people": [{"person_id": [-1], "pose_keypoints_2d": [x, y, c, ...]},
                ...]}

Version 1.0 calls them ``pose_keypoints``; AlphaPose's ``sep-json`` has
``bodies`` with ``joints`` too. 25 joints are BODY_25's, unless they look like
BODY_25B's; 18 are the COCO model's, 15 the MPI model's. Pose2Sim writes the
same with 26 joints of Halpe, or COCO's 17 or 133, an empty object for who is
not there, and NaN for joints that were filtered out. Hands and faces are not
read. People have no names unless ``person_id`` is 0 or more: they are
followed by where they are.
"""

from pathlib import Path
from typing import Any, Dict, List, Optional

from mmdiffpose.files.person_selection import Frames, Person
from mmdiffpose.input_files import read_json
from mmdiffpose.skeletons import COCO_18
from mmdiffpose.structures.frame_numbers import (file_number, frame_times,
                                                 number_images)
from .checks import (PACKED, describe, expect, expect_list, make_person,
                     no_joints, triples)
from .raw_clip import RawClip

USUAL = {
    25: 'body25',
    18: 'coco18',
    15: 'openpose_mpi',
    26: 'halpe26',
    17: 'coco',
    133: 'coco_wholebody',
    136: 'halpe136'
}
_JOINT_KEYS = ('pose_keypoints_2d', 'pose_keypoints', 'joints')


def parse_folder(folder: Path, files: List[Path]) -> RawClip:
    """Read a folder.

    Args:
        folder (Path): For messages.
        files (list[Path]): Its JSON files.

    Raises:
        ValueError: If there are none, one is no JSON, or their names do not
            count.
    """
    # Other tools leave settings beside OpenPose's files.
    files = [f for f in files if f.stem.endswith('_keypoints')] or files
    if not files:
        raise ValueError(f'{folder}: expected the JSON files that OpenPose '
                         'writes, one per frame, found none')
    names = [file.name for file in files]
    numbers = number_images(str(folder), names)
    documents = {
        numbers[file.name]: read_json(file, packed=PACKED)
        for file in files
    }
    return _clip(str(folder), documents, frame_times(names))


def parse(path: Path, document: Any) -> RawClip:
    """Read a single frame's document.

    Args:
        path (Path): The file.
        document: The file's JSON.

    Raises:
        ValueError: If it is of another format.
    """
    return _clip(str(path), {file_number(path.name) or 0: document})


def _clip(where: str,
          documents: Dict[int, Any],
          times: Optional[Dict[int, float]] = None) -> RawClip:
    frames: Frames = {
        frame: people_of(f'{where}, frame {frame}', content)
        for frame, content in documents.items()
    }
    return RawClip(where, frames, USUAL, times=times)


def people_of(where: str, content: Any) -> List[Person]:
    """The people of one frame's document.

    Raises:
        ValueError: If it has none of the keys.
    """
    if isinstance(content, dict) and 'bodies' in content:
        people = content['bodies']
    else:
        people = expect(where, content, 'people', 'the document')
    version = content.get('version')
    by_alphapose = isinstance(version, str) and 'alphapose' in version.lower()
    found = []
    for person in expect_list(where, people or [], 'people'):
        if person in ({}, None):
            continue
        key = next(
            (k
             for k in _JOINT_KEYS if isinstance(person, dict) and k in person),
            None)
        if key is None:
            raise ValueError(
                f'{where}: expected a key \'{_JOINT_KEYS[0]}\' in '
                f'each person, found {describe(person)}')
        if no_joints(person[key]):
            continue  # nothing but hands or a face
        joints = triples(where, person[key])
        if by_alphapose and len(joints) == COCO_18.num_joints:
            joints[COCO_18.index['neck']] = 0
        found.append(make_person(where, joints, None, person.get('person_id')))
    return found
