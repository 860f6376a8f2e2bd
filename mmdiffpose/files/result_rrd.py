# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write lifted tracks as a recording of the viewer Rerun."""

from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Sequence

import numpy as np

from mmdiffpose.atomic_files import replacing
from mmdiffpose.skeletons import Skeleton
from mmdiffpose.structures.lifted_track import LiftedTrack, join_tracks
from mmdiffpose.structures.people import by_person
from .optional_packages import needed
from .result_options import ResultOptions
from .scene_people import ScenePerson, scene_people

SHOWN_HYPOTHESES = 8
"""Of each person and frame: more are a cloud in which nobody sees bones."""
JOINT_RADIUS, PIXEL_RADIUS = 0.018, 4.
"""Of the discs, metres and pixels."""
LEFT, RIGHT, MIDDLE = (60, 130, 246), (239, 104, 60), (160, 160, 160)
"""Colours of joints."""


class _Person(NamedTuple):
    """Where a person's joints are, and how sure that is.

    Attributes:
        scene: Places in the scene.
        pixels: (F, J, 2) 2D joints.
        seen_2d: (F, J) bool.
        std: (F, J, 3) metres along the scene's axes; None: not given.
        hypotheses: (F, N, J, 3) in the scene; None: not given.
    """
    scene: ScenePerson
    pixels: np.ndarray
    seen_2d: np.ndarray
    std: Optional[np.ndarray]
    hypotheses: Optional[np.ndarray]


def write_rrd(tracks: Sequence[LiftedTrack], stem: str,
              options: ResultOptions) -> List[Path]:
    """Write ``<stem>.rrd``, everybody in one recording.

    Entities, with <n> a person's number:

    - ``scene/person<n>``: joints with their names and bones, metres, y up, on
      the floor as in :func:`~mmdiffpose.files.result_trc.write_trc`;
    - ``scene/person<n>/std``: an ellipsoid of one std around each;
    - ``scene/person<n>/hypotheses``: bones of :data:`SHOWN_HYPOTHESES`;
    - ``picture/person<n>``: the 2D joints, pixels, and ``picture/frame``, the
      picture's outline;
    - ``std/person<n>``: std of each joint over time, millimetres.

    Timelines are ``frame``, the frame of the video, and where it is known
    ``time``, seconds. A joint that was not seen is left out, with the bones
    that need it; whoever leaves is cleared in the next frame.

    Args:
        tracks (sequence[LiftedTrack]): The people of one video.
        stem (str): Path of the file without its ending.
        options (ResultOptions): None is looked at.

    Returns:
        list[Path]: The file.

    Raises:
        ImportError: If the package ``rerun-sdk`` is not installed.
    """
    rr = needed('rrd')
    path = Path(f'{stem}.rrd')
    with replacing(path) as part:
        recording = rr.RecordingStream('mmdiffpose')
        recording.save(part)
        _log_static(rr, recording, tracks[0])
        for person in _people(tracks):
            _log_person(rr, recording, person)
        recording.flush()
        recording.disconnect()
    return [path]


def _people(tracks: Sequence[LiftedTrack]) -> List[_Person]:
    people = []
    pieces = by_person(tracks)
    for scene in scene_people(tracks):
        track = join_tracks(pieces[scene.number]).in_axes('y-up')
        std = track.std_xyz
        if std is None and track.std is not None:
            std = np.repeat(track.std[..., None], 3, -1)
        hypotheses = track.hypotheses
        if hypotheses is not None:
            root = track.skeleton.root
            moved = scene.points[:, root] - track.keypoints_3d[:, root]
            hypotheses = hypotheses[:, :SHOWN_HYPOTHESES]
            hypotheses = hypotheses + moved[:, None, None]
        people.append(
            _Person(scene, track.keypoints_2d, track.scores_2d > 0, std,
                    hypotheses))
    return people


def _log_static(rr: Any, recording: Any, track: LiftedTrack) -> None:
    skeleton = track.skeleton
    recording.log(
        '/',
        rr.AnnotationContext([
            rr.ClassDescription(
                info=rr.AnnotationInfo(id=0, label='person'),
                keypoint_annotations=[
                    rr.AnnotationInfo(id=i, label=joint, color=_color(joint))
                    for i, joint in enumerate(skeleton.joints)
                ],
                keypoint_connections=list(skeleton.bones))
        ]),
        static=True)
    recording.log('scene', rr.ViewCoordinates.RIGHT_HAND_Y_UP, static=True)
    recording.log(
        'picture/frame',
        rr.Boxes2D(mins=[0, 0], sizes=list(track.image_size)),
        static=True)


def _color(joint: str) -> Sequence[int]:
    side = joint.split('_')[0]
    return dict(left=LEFT, right=RIGHT).get(side, MIDDLE)


def _log_person(rr: Any, recording: Any, person: _Person) -> None:
    scene = person.scene
    name = f'person{scene.number}'
    ids = np.arange(scene.skeleton.num_joints)
    if person.std is not None:
        recording.log(
            f'std/{name}',
            rr.SeriesLines(
                names=[f'{j}, mm' for j in scene.skeleton.joints],
                colors=[_color(j) for j in scene.skeleton.joints]),
            static=True)
    seconds = None
    if scene.fps is not None or scene.times is not None:
        seconds = scene.seconds(scene.fps or 1.)
    for row, frame in enumerate(scene.frame_ids.tolist()):
        recording.set_time('frame', sequence=frame)
        if seconds is not None:
            recording.set_time('time', duration=float(seconds[row]))
        seen, seen_2d = scene.seen[row], person.seen_2d[row]
        recording.log(
            f'scene/{name}',
            rr.Points3D(
                scene.points[row][seen],
                radii=JOINT_RADIUS,
                class_ids=0,
                keypoint_ids=ids[seen]))
        recording.log(
            f'picture/{name}',
            rr.Points2D(
                person.pixels[row][seen_2d],
                radii=PIXEL_RADIUS,
                class_ids=0,
                keypoint_ids=ids[seen_2d]))
        if person.std is not None:
            recording.log(
                f'scene/{name}/std',
                rr.Ellipsoids3D(
                    centers=scene.points[row][seen],
                    half_sizes=person.std[row][seen],
                    colors=[(*_color(scene.skeleton.joints[i]), 60)
                            for i in ids[seen]]))
            assert scene.std is not None
            recording.log(
                f'std/{name}',
                rr.Scalars(np.where(seen, scene.std[row] * 1000, np.nan)))
        if person.hypotheses is not None:
            recording.log(
                f'scene/{name}/hypotheses',
                rr.LineStrips3D(
                    _bones(person.hypotheses[row], seen, scene.skeleton),
                    colors=(*MIDDLE, 90),
                    radii=JOINT_RADIUS / 6))
        if _leaves(scene, row):
            recording.set_time('frame', sequence=frame + scene.step)
            if seconds is not None:
                recording.set_time('time', duration=_next(scene, seconds, row))
            for where in ('scene', 'picture', 'std'):
                recording.log(f'{where}/{name}', rr.Clear(recursive=True))


def _leaves(scene: ScenePerson, row: int) -> bool:
    """Whether the person is not there in the next frame."""
    ids = scene.frame_ids
    return row + 1 == len(ids) or ids[row + 1] - ids[row] > scene.step


def _next(scene: ScenePerson, seconds: np.ndarray, row: int) -> float:
    """When the frame after a row's is."""
    if scene.fps is not None:
        return float(seconds[row] + 1 / scene.fps)
    return float(seconds[row] +
                 np.median(np.diff(seconds))) if len(seconds) > 1 else float(
                     seconds[row])


def _bones(poses: np.ndarray, seen: np.ndarray,
           skeleton: Skeleton) -> np.ndarray:
    """Strips (S, 2, 3) of poses (N, J, 3), of bones seen at both ends."""
    bones = [bone for bone in skeleton.bones if seen[list(bone)].all()]
    if not bones:
        return np.zeros((0, 2, 3))
    return poses[:, np.array(bones)].reshape(-1, 2, 3)
