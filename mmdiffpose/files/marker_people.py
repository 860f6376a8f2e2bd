# Copyright (c) mmdiffpose contributors. All rights reserved.
"""People as inverse kinematics wants them: stiff, and facing +x."""

from dataclasses import replace
from typing import Iterator, NamedTuple, Sequence

import numpy as np

from mmdiffpose.skeletons.armature_fit import bone_lengths, stiffened
from mmdiffpose.structures.lifted_track import LiftedTrack
from .scene_people import ScenePerson, scene_people


class MarkerPerson(NamedTuple):
    """One person.

    Attributes:
        person: The frames in which a joint was seen; ``points`` are stiff
            and turned.
        lengths: (J, ) metres of each bone.
        turned: Radians about the vertical axis by which the person was
            turned.
    """
    person: ScenePerson
    lengths: np.ndarray
    turned: float


def marker_people(tracks: Sequence[LiftedTrack],
                  symmetric_bones: bool = False,
                  seen_only: bool = True) -> Iterator[MarkerPerson]:
    """Everybody with bones of one length, and facing +x on average.

    Models of the body name angles of the pelvis by the laboratory's axes: for
    somebody who faces a camera along z, tilt and list change places. Each
    person is turned about the vertical axis through the origin, so that
    several people's places no longer go together.

    Args:
        tracks (sequence[LiftedTrack]): The people of one video, in
            Human3.6M's joints.
        symmetric_bones (bool): Whether left and right get the mean of both
            lengths.
        seen_only (bool): Whether points that were not seen are NaN.

    Yields:
        MarkerPerson: By the people's numbers; whoever has no frame with a
        joint that was seen is left out.

    Raises:
        ValueError: If there are no hips, or a bone is in no frame.
    """
    for person in scene_people(tracks):
        person = person.part(person.seen.any(1))
        if not len(person.frame_ids):
            continue
        lengths = bone_lengths(person.points, person.seen, person.skeleton,
                               symmetric_bones)
        stiff = stiffened(person.points, lengths, person.skeleton)
        turn = -facing(person)
        sine, cosine = np.sin(turn), np.cos(turn)
        # About y: what points along z comes to x by 90 degrees.
        rotation = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])
        points = stiff @ rotation.T
        if seen_only:
            points[~person.seen] = np.nan
        yield MarkerPerson(
            replace(person, points=points), lengths, float(turn))


def facing(person: ScenePerson) -> float:
    """Where a person faces on average.

    Args:
        person (ScenePerson): Someone with hips.

    Returns:
        float: Radians from +x towards +z; 0 where both hips were never seen.

    Raises:
        ValueError: If the skeleton has no hips.
    """
    index = person.skeleton.index
    for side in ('left_hip', 'right_hip'):
        if side not in index:
            raise ValueError(
                f'skeleton {person.skeleton.name}: expected a joint {side}, '
                f'found {list(index)}')
    hips = [index['left_hip'], index['right_hip']]
    across = person.points[:, hips[0]] - person.points[:, hips[1]]
    forward = np.cross(across, [0., 1., 0.])[:, [0, 2]]
    forward = forward[person.seen[:, hips].all(1)]
    length = np.linalg.norm(forward, axis=1, keepdims=True)
    x, z = (forward / np.maximum(length, 1e-9)).sum(0)
    return float(np.arctan2(z, x))
