# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Read the poses of JSON and npz files of this package back."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np

from mmdiffpose.array_files import read_npz
from mmdiffpose.input_files import (check_file, check_name, parse_json,
                                    read_json)
from mmdiffpose.skeletons import SKELETONS, Skeleton
from mmdiffpose.structures.axes import LIFTER, check_axes
from mmdiffpose.structures.keypoint_track import seconds_of
from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.structures.option_checks import check_height, check_number
from .keypoint_files.checks import describe, expect, expect_list

_ROWS = dict(
    keypoints_3d=('keypoints', 'keypoints_3d'),
    scores=('keypoint_scores', 'scores'),
    keypoints_2d=('keypoints_2d', 'keypoints_2d'),
    scores_2d=('keypoint_scores_2d', 'scores_2d'),
    std=('keypoint_std', 'std'),
    std_xyz=('keypoint_std_xyz', 'std_xyz'),
    root=('root', 'root'),
    hypotheses=('hypotheses', 'hypotheses'))
"""Field to its name in JSON, and in npz."""
_NEEDED = ('keypoints_3d', 'scores', 'keypoints_2d', 'scores_2d')
SAME_TIME = 1e-4
"""Seconds by which times may differ from those of an even pace."""


def read_results(path: Union[str, Path]) -> List[LiftedTrack]:
    """The people of a file of
    :func:`~mmdiffpose.files.result_files.write_results`.

    Args:
        path (str | Path): A ``.json`` or ``.npz`` file.

    Returns:
        list[LiftedTrack]: One for each person, in camera axes; absences are
        gaps in ``frame_ids``. JSON has four digits, and hypotheses where they
        were asked for; what the lifter was shown is in neither.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is another file, or its poses are in the lifter's
            axes, of which it does not say what they are.
    """
    path = check_file(path, 'a file of results')
    if path.suffix.lower() == '.npz':
        meta, rows = _of_npz(path)
    else:
        meta, rows = _of_json(path)
    where = str(path)
    axes = expect(where, meta, 'axes', 'what is said of the file')
    check_axes(axes)
    if axes == LIFTER:
        raise ValueError(f'{path}: expected camera, y-up or z-up axes, found '
                         'those of the lifter, of which the file does not say '
                         'how they lie: write it without --axes lifter')
    skeleton = _skeleton(where, meta)
    people = rows.pop('track_ids').astype(int)
    for name, values in rows.items():
        if len(values) != len(people) or (
                name in _NEEDED and (values.shape[1] != skeleton.num_joints)):
            raise ValueError(f'{path}: expected {len(people)} rows of '
                             f'{skeleton.num_joints} joints of {name}, found '
                             f'{values.shape}')
    return [
        _track(meta, skeleton, int(number), {
            name: values[people == number]
            for name, values in rows.items()
        }) for number in dict.fromkeys(people.tolist())
    ]


def _track(meta: Dict[str, Any], skeleton: Skeleton, number: int,
           rows: Dict[str, np.ndarray]) -> LiftedTrack:
    order = np.argsort(rows['frame_ids'], kind='stable')
    rows = {name: values[order] for name, values in rows.items()}
    frame_ids = rows['frame_ids'].astype(int)
    step, fps = int(meta.get('frame_step', 1)), meta.get('fps')
    times = rows.get('times')
    even = seconds_of(frame_ids, step, fps, None)
    if times is not None and even is not None and (np.abs(times - even).max()
                                                   < SAME_TIME):
        times = None
    covariance: Optional[np.ndarray] = None
    if 'std_xyz' in rows:
        # What joins the axes is not in the file.
        covariance = rows['std_xyz'][..., None]**2 * np.eye(3)
    height, scaled_by = _height(meta, number)
    return LiftedTrack(
        keypoints_3d=rows['keypoints_3d'],
        scores=rows['scores'],
        std=rows.get('std'),
        hypotheses=rows.get('hypotheses'),
        keypoints_2d=rows['keypoints_2d'],
        scores_2d=rows['scores_2d'],
        frame_ids=frame_ids,
        image_size=tuple(meta['image_size']),
        skeleton=skeleton,
        fps=fps,
        track_id=number,
        root_trajectory=rows.get('root'),
        focal_px=meta.get('focal_px'),
        focal_source=meta.get('focal_source'),
        covariance=covariance,
        axes=meta['axes'],
        step=step,
        times=times,
        source=meta.get('source'),
        height=height,
        scaled_by=scaled_by).in_axes('camera')


def _height(meta: Dict[str, Any],
            number: int) -> Tuple[Optional[float], float]:
    """A person's height, if it was given, and what that scaled them by.

    Raises:
        ValueError: If it is no height.
    """
    heights = meta.get('heights', {})
    said = heights
    if isinstance(heights, dict):
        if str(number) not in heights:
            return None, 1.
        said = heights[str(number)]
    if not isinstance(said, dict):
        raise ValueError('heights: expected height and scaled_by by track id, '
                         f'found {describe(said)}')
    height: Any = said.get('height')
    scaled_by: Any = said.get('scaled_by')
    check_height(f'heights, person {number}', height)
    check_number(f'scaled_by, person {number}', scaled_by, 1e-3, 1e3)
    return float(height), float(scaled_by)


def _of_npz(path: Path) -> Any:
    """What is said of a file, and its arrays by field."""
    try:
        arrays = read_npz(path)
        meta = parse_json(str(arrays['meta']))
        rows = {
            name: np.asarray(arrays[key], np.float32)
            for name, (_, key) in _ROWS.items() if key in arrays
        }
        rows.update((name, arrays[name])
                    for name in ('frame_ids', 'track_ids', 'times')
                    if name in arrays)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f'{path}: expected an npz file of results, found '
                         f'another ({error})') from error
    return meta, _complete(str(path), rows)


def _of_json(path: Path) -> Any:
    where = str(path)
    document = read_json(path, packed={key for key, _ in _ROWS.values()})
    meta = expect(where, document, 'meta_info', 'a file of results')
    fields: Dict[str, List[Any]] = {}
    count = 0
    frames = expect_list(where,
                         expect(where, document, 'instance_info', 'the file'),
                         'instance_info')
    for frame in frames:
        number = expect(where, frame, 'frame_id', 'each frame')
        for person in expect_list(where,
                                  expect(where, frame, 'instances', 'a frame'),
                                  'instances'):
            count += 1
            row = {
                name: person[key]
                for name, (key, _) in _ROWS.items() if key in person
            }
            row.update(
                frame_ids=number,
                track_ids=expect(where, person, 'track_id', 'each person'))
            if 'time' in frame:
                row['times'] = frame['time']
            for name, value in row.items():
                fields.setdefault(name, []).append(value)
    if not count:
        raise ValueError(f'{path}: expected people, found none')
    try:
        # What only some have, such as a place in the scene, has no rows.
        rows = {
            name: np.array(values, np.float32 if name in _ROWS else float)
            for name, values in fields.items() if len(values) == count
        }
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f'{path}: expected numbers of one shape for every '
                         f'person, found others ({error})') from error
    return meta, _complete(where, rows)


def _complete(where: str, rows: Dict[str,
                                     np.ndarray]) -> Dict[str, np.ndarray]:
    missing = [
        name for name in (*_NEEDED, 'frame_ids', 'track_ids')
        if name not in rows
    ]
    if missing:
        raise ValueError(f'{where}: expected results of "mmdiffpose infer" '
                         f'with {missing} of everybody, found {sorted(rows)}')
    return rows


def _skeleton(where: str, meta: Dict[str, Any]) -> Skeleton:
    """The joint set, by its name or by what the file says of it."""
    name = expect(where, meta, 'skeleton', 'what is said of the file')
    joints = tuple(expect(where, meta, 'joints', 'what is said of the file'))
    if name in SKELETONS and SKELETONS[name].joints == joints:
        return SKELETONS[name]
    parents = expect(where, meta, 'parents', 'what is said of the file')
    if len(parents) != len(joints) or not all(
            isinstance(p, int) and -1 <= p < len(joints) for p in parents):
        raise ValueError(f'{where}: expected the parent of each of '
                         f'{len(joints)} joints, found {describe(parents)}')
    for joint in joints:
        check_name(f'{where}: joints', joint)
    index = {joint: i for i, joint in enumerate(joints)}
    pairs = [(i, index.get('right_' + joint[5:], -1))
             for i, joint in enumerate(joints) if joint.startswith('left_')]
    return Skeleton(name, joints, tuple(parents),
                    tuple(pair for pair in pairs if pair[1] >= 0))
