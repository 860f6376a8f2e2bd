# Copyright (c) mmdiffpose contributors. All rights reserved.
"""An interactive page of a lifted scene: one HTML file, no network."""

import base64
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np

from mmdiffpose.atomic_files import replace_text
from mmdiffpose.skeletons import Skeleton
from mmdiffpose.skeletons.joint_angles import angle_joints
from mmdiffpose.structures.keypoint_track import DEFAULT_FPS
from mmdiffpose.structures.people import Lifted, as_list, person_numbers
from .common_scene import CommonScene, ScenePerson
from .palette import CENTER, LEFT, RIGHT, UNSEEN, person_color

TEMPLATE = Path(__file__).with_suffix('.html')
PLACEHOLDER = '__SCENE__'
MAX_HYPOTHESES = 5
AZIMUTH = 20.
"""Degrees that the page's view is turned by at first."""
_LARGEST = np.iinfo(np.int16).max


def write_html(lifted: Lifted,
               path: Union[str, Path],
               max_hypotheses: int = MAX_HYPOTHESES) -> Path:
    """Write a page that shows the scene in any browser, from a file.

    It plays, pauses and scrubs; the view orbits, pans and zooms, also with
    two fingers, and can have one from the side and one from above beside it;
    people, hypotheses and discs of two standard deviations can be turned off.
    Below are how sure everybody is (the mean score) and their joint angles
    over time. It saves PNG and CSV, and its menu lists the keys. People
    stand as in :class:`~.common_scene.CommonScene`. Positions are stored as
    16-bit multiples of a step that the scene's size sets (0.1 mm for 3 m),
    and with the default five hypotheses a person takes some 920 bytes per
    frame; the page says its size.

    Args:
        lifted (LiftedTrack | sequence[LiftedTrack]): The people of a video.
        path (str | Path): The file.
        max_hypotheses (int): Embedded at most. Defaults to 5.

    Returns:
        Path: The file.

    Raises:
        ValueError: If there is nobody to show.
    """
    replace_text(path, page_text(lifted, max_hypotheses))
    return Path(path)


def page_text(lifted: Lifted, max_hypotheses: int = MAX_HYPOTHESES) -> str:
    """The page of :func:`write_html` as text; arguments and errors as there.
    """
    tracks = as_list(lifted)
    scene = CommonScene.fit(tracks, person_numbers(tracks),
                            np.deg2rad(AZIMUTH))
    document = json.dumps(
        scene_data(scene, max_hypotheses), separators=(',', ':'))
    # The text stands inside a script element: nothing in it, such as a name,
    # may look like a tag or a comment.
    document = document.replace('<', '\\u003c')
    return TEMPLATE.read_text(encoding='utf-8').replace(PLACEHOLDER, document)


def scene_data(scene: CommonScene, max_hypotheses: int) -> Dict[str, Any]:
    """What the page's script reads; arrays as base64, little-endian."""
    first = scene.people[0].track
    clouds = [_clouds(person, max_hypotheses) for person in scene.people]
    poses = [person.poses() for person in scene.people]
    step = max(
        float(np.abs(array).max(initial=0.)) for array in poses + clouds)
    # A step of 0 would divide by it; so small a scene has one point.
    step = max(step / _LARGEST, 1e-6)
    frames = np.concatenate(
        [person.track.frame_ids for person in scene.people])
    # The page counts the frames that there are: of every n-th, n apart.
    stride = first.step
    return dict(
        name='' if first.source is None else Path(first.source).name,
        people=len({person.number
                    for person in scene.people}),
        fps=float(first.fps or DEFAULT_FPS),
        fps_known=first.seconds is not None,
        seconds=_seconds(scene, stride),
        stride=stride,
        offset=int(frames.min()) % stride,
        frames=[int(frames.min()) // stride,
                int(frames.max()) // stride],
        rooted=scene.rooted,
        azimuth=AZIMUTH,
        height=round(scene.height, 3),
        floor=[round(side, 3) for side in scene.floor],
        step=step,
        joints=list(first.skeleton.joints),
        bones=[list(bone) for bone in first.skeleton.bones],
        sides=_sides(first.skeleton),
        angles=angle_joints(first.skeleton),
        colors=dict(left=LEFT, right=RIGHT, middle=CENTER, unseen=UNSEEN),
        tracks=[
            _track_data(person, pose, cloud, step)
            for person, pose, cloud in zip(scene.people, poses, clouds)
        ])


def _track_data(person: ScenePerson, poses: np.ndarray, clouds: np.ndarray,
                step: float) -> Dict[str, Any]:
    track = person.track
    data = dict(
        person=person.number,
        color=person_color(person.number),
        runs=_runs(track.frame_ids // track.step),
        hypotheses=clouds.shape[1],
        pose=_base64(poses / step, '<i2'),
        seen=_base64((track.scores_2d > 0) & (track.scores > 0), 'u1'),
        score=_base64(255 * track.scores.clip(0, 1), 'u1'),
        cloud=_base64(clouds / step, '<i2'))
    if track.height is not None:
        data['height'] = round(track.height, 3)
    if track.height_std:
        data['heightStd'] = round(track.height_std, 3)
    if track.std is not None:
        millimetres = np.clip(1000 * track.std, 0, np.iinfo(np.uint16).max)
        data['std'] = _base64(millimetres, '<u2')
    return data


def _clouds(person: ScenePerson, most: int) -> np.ndarray:
    """Hypotheses of all rows, (F, N, J, 3)."""
    return np.stack(
        [person.cloud(row, most) for row in range(len(person.track))])


def _seconds(scene: CommonScene, stride: int) -> Optional[List[float]]:
    """When each frame of the page is, where no frame rate tells it."""
    known: Dict[int, float] = {}
    for person in scene.people:
        if person.track.times is not None:
            frames = person.track.frame_ids // stride
            known.update(zip(frames.tolist(), person.track.times.tolist()))
    if not known:
        return None
    ids = np.concatenate([person.track.frame_ids for person in scene.people])
    wanted = np.arange(ids.min() // stride, ids.max() // stride + 1)
    there = np.array(sorted(known))
    values = np.interp(wanted, there, [known[frame] for frame in there])
    return np.round(values, 6).tolist()


def _runs(frame_ids: np.ndarray) -> List[Tuple[int, int, int]]:
    """Rows of frames that follow each other: (frame, row, how many)."""
    starts = np.flatnonzero(np.diff(frame_ids, prepend=frame_ids[0] - 2) != 1)
    stops = np.append(starts[1:], len(frame_ids))
    return [(int(frame_ids[start]), int(start), int(stop - start))
            for start, stop in zip(starts, stops)]


def _sides(skeleton: Skeleton) -> List[str]:
    """Side of each joint, which is also its bone's to the parent."""
    return [
        next((side for side in ('left', 'right') if joint.startswith(side)),
             'middle') for joint in skeleton.joints
    ]


def _base64(values: np.ndarray, kind: str) -> str:
    array = np.rint(values.astype(float)).astype(kind)
    return base64.b64encode(array.tobytes()).decode('ascii')
