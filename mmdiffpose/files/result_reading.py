# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Read the poses of JSON and npz files of this package back."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np

from mmdiffpose.array_files import read_npz
from mmdiffpose.input_files import (check_file, check_name, numbers,
                                    parse_json, printable, read_json)
from mmdiffpose.skeletons import SKELETONS, Skeleton
from mmdiffpose.structures.axes import AXES, LIFTER
from mmdiffpose.structures.keypoint_track import seconds_of
from mmdiffpose.structures.lifted_track import HEIGHT_FIELDS, LiftedTrack
from mmdiffpose.structures.option_checks import (check_height,
                                                 check_height_std,
                                                 check_number)
from .keypoint_files.checks import (choose_fps, choose_image_size, describe,
                                    expect, expect_list, whole)

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
_NUMBERS = ('frame_ids', 'track_ids', 'times')
_SHAPES: Dict[str, Tuple[Any, ...]] = dict(
    keypoints_3d=('J', 3),
    scores=('J', ),
    keypoints_2d=('J', 2),
    scores_2d=('J', ),
    std=('J', ),
    std_xyz=('J', 3),
    root=(3, ),
    hypotheses=('N', 'J', 3),
    frame_ids=(),
    times=())
"""Of a person in a frame."""
_NEEDED = ('keypoints_3d', 'scores', 'keypoints_2d', 'scores_2d')
WHOLE = 2**53
"""Whole numbers up to this are exact as they are read."""
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
    where = printable(path)
    if path.suffix.lower() == '.npz':
        meta, rows = _of_npz(path, where)
    else:
        meta, rows = _of_json(path, where)
    axes = expect(where, meta, 'axes', 'what is said of the file')
    if axes == LIFTER:
        raise ValueError(f'{where}: expected camera, y-up or z-up axes, found '
                         'those of the lifter, of which the file does not say '
                         'how they lie: write it without --axes lifter')
    if not isinstance(axes, str) or axes not in AXES:
        raise ValueError(f'{where}: expected axes that are one of '
                         f'{sorted(AXES)}, found {describe(axes)}')
    skeleton = _skeleton(where, meta)
    people = rows.pop('track_ids')
    _check_rows(where, rows, len(people), skeleton.num_joints)
    said = _said(where, meta)
    return [
        _track(where, said, meta.get('heights', {}), skeleton, int(number), {
            name: values[people == number]
            for name, values in rows.items()
        }) for number in dict.fromkeys(people.tolist())
    ]


def _check_rows(where: str, rows: Dict[str, np.ndarray], count: int,
                joints: int) -> None:
    """Raise unless all have a row for each person and frame."""
    for name, values in rows.items():
        expected = tuple(
            dict(J=joints).get(size, size) for size in (count, *_SHAPES[name]))
        if values.ndim != len(expected) or any(
                isinstance(size, int) and size != found
                for size, found in zip(expected, values.shape)):
            raise ValueError(
                f'{where}: expected {count} rows of {joints} joints of {name}'
                f' as an array {expected}, found {values.shape}')
        if not np.isfinite(values).all() and name in (*_NEEDED, 'times'):
            raise ValueError(f'{where}: expected finite numbers as {name}, '
                             'found NaN or infinity')


def _said(where: str, meta: Dict[str, Any]) -> Dict[str, Any]:
    """What the file says of all people, as :class:`LiftedTrack` has it."""
    size = expect(where, meta, 'image_size', 'what is said of the file')
    step = whole(where, meta.get('frame_step', 1), 'frame_step')
    if step < 1:
        raise ValueError(f'{where}: expected a frame_step above 0, found '
                         f'{step}')
    focal = meta.get('focal_px')
    if focal is not None:
        focal = float(numbers(where, focal, 'focal_px as a number', ()))
        if not 0 < focal < np.inf:
            raise ValueError(f'{where}: expected focal_px above 0, found '
                             f'{focal}')
    texts = {key: meta.get(key) for key in ('focal_source', 'source')}
    for key, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise ValueError(f'{where}: expected text as {key}, found '
                             f'{describe(text)}')
    return dict(
        image_size=choose_image_size(where, None, size),
        fps=choose_fps(where, meta.get('fps')),
        axes=meta['axes'],
        step=step,
        focal_px=focal,
        **texts)


def _track(where: str, said: Dict[str, Any], heights: Any, skeleton: Skeleton,
           number: int, rows: Dict[str, np.ndarray]) -> LiftedTrack:
    order = np.argsort(rows['frame_ids'], kind='stable')
    rows = {name: values[order] for name, values in rows.items()}
    frame_ids, times = rows['frame_ids'], rows.get('times')
    if (np.diff(frame_ids) == 0).any():
        raise ValueError(f'{where}: expected person {number} once a frame, '
                         'found them twice in one')
    even = seconds_of(frame_ids, said['step'], said['fps'], None)
    if times is not None and even is not None and (np.abs(times - even).max()
                                                   < SAME_TIME):
        times = None
    covariance: Optional[np.ndarray] = None
    if 'std_xyz' in rows:
        # What joins the axes is not in the file.
        covariance = rows['std_xyz'][..., None]**2 * np.eye(3)
    return LiftedTrack(
        keypoints_3d=rows['keypoints_3d'],
        scores=rows['scores'],
        std=rows.get('std'),
        hypotheses=rows.get('hypotheses'),
        keypoints_2d=rows['keypoints_2d'],
        scores_2d=rows['scores_2d'],
        frame_ids=frame_ids,
        skeleton=skeleton,
        track_id=number,
        root_trajectory=rows.get('root'),
        covariance=covariance,
        times=times,
        **_height(where, heights, number),
        **said).in_axes('camera')


def _height(where: str, heights: Any, number: int) -> Dict[str, Any]:
    """A person's height, if it was given, and what that did to them, by the
    fields of :class:`LiftedTrack`.

    Raises:
        ValueError: If it is no height.
    """
    said = heights
    if isinstance(heights, dict):
        if str(number) not in heights:
            return {}
        said = heights[str(number)]
    if not isinstance(said, dict):
        raise ValueError(
            f'{where}: heights: expected height and scaled_by by track id, '
            f'found {describe(said)}')
    # Older files have the first and the last: what std there was is in them.
    found: Dict[str, Any] = {
        name: said.get(name)
        for name in HEIGHT_FIELDS
        if name in said or name in ('height', 'scaled_by')
    }
    found.setdefault('height_std', 0.)
    who = f'person {number}'
    check_height(f'{where}: heights, {who}', found['height'])
    check_height_std(f'{where}: height_std, {who}', found['height_std'],
                     found['height'])
    if 'size_std' in found:
        check_number(f'{where}: size_std, {who}', found['size_std'], 0., 10.)
    check_number(f'{where}: scaled_by, {who}', found['scaled_by'], 1e-3, 1e3)
    return {name: float(value) for name, value in found.items()}


def _of_npz(path: Path, where: str) -> Any:
    """What is said of a file, and its arrays by field."""
    try:
        arrays = read_npz(path)
        meta = parse_json(str(arrays['meta']))
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f'{where}: expected an npz file of results, found '
                         f'another ({error})') from error
    found = {
        name: arrays[key]
        for name, (_, key) in _ROWS.items() if key in arrays
    }
    found.update((name, arrays[name]) for name in _NUMBERS if name in arrays)
    return meta, _as_rows(where, found)


def _of_json(path: Path, where: str) -> Any:
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
            track_id = expect(where, person, 'track_id', 'each person')
            row = {
                name: person[key]
                for name, (key, _) in _ROWS.items() if key in person
            }
            row.update(frame_ids=number, track_ids=track_id)
            if 'time' in frame:
                row['times'] = frame['time']
            for name, value in row.items():
                fields.setdefault(name, []).append(value)
    if not count:
        raise ValueError(f'{where}: expected people, found none')
    # What only some have, such as a place in the scene, has no rows.
    return meta, _as_rows(where, {
        name: values
        for name, values in fields.items() if len(values) == count
    })


def _as_rows(where: str, fields: Dict[str, Any]) -> Dict[str, np.ndarray]:
    """Arrays by field: what has fractions in float32, frames and people as
    whole numbers."""
    rows = _complete(
        where, {
            name:
            numbers(where, values, f'numbers of one shape for every '
                    f'person as {name}')
            for name, values in fields.items()
        })
    for name, values in rows.items():
        if name in _ROWS:
            rows[name] = values.astype(np.float32)
        elif name != 'times':
            if values.ndim != 1 or not (abs(values)
                                        < WHOLE).all() or (values % 1).any():
                raise ValueError(f'{where}: expected whole numbers as {name},'
                                 f' found others')
            rows[name] = values.astype(int)
    return rows


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
    name, joints, parents = (
        expect(where, meta, key, 'what is said of the file')
        for key in ('skeleton', 'joints', 'parents'))
    check_name(f'{where}: skeleton', name)
    joints = tuple(
        check_name(f'{where}: joints', joint)
        for joint in expect_list(where, joints, 'joints'))
    if name in SKELETONS and SKELETONS[name].joints == joints:
        return SKELETONS[name]
    parents = expect_list(where, parents, 'parents')
    if len(parents) != len(joints) or not all(
            type(p) is int and -1 <= p < len(joints) for p in parents):
        raise ValueError(f'{where}: expected the parent of each of '
                         f'{len(joints)} joints, found {describe(parents)}')
    if len(set(joints)) < len(joints) or not _is_tree(parents):
        raise ValueError(f'{where}: expected joints that differ and whose '
                         f'parents lead to a root, found {joints} of '
                         f'{parents}')
    index = {joint: i for i, joint in enumerate(joints)}
    pairs = [(i, index.get('right_' + joint[5:], -1))
             for i, joint in enumerate(joints) if joint.startswith('left_')]
    return Skeleton(name, joints, tuple(parents),
                    tuple(pair for pair in pairs if pair[1] >= 0))


def _is_tree(parents: List[int]) -> bool:
    """Whether each joint's parents lead to one that has none."""
    lead = {-1}
    for joint in range(len(parents)):
        way: Dict[int, None] = {}
        while joint not in lead:
            if joint in way:
                return False
            way[joint] = None
            joint = parents[joint]
        lead.update(way)
    return bool(parents)
