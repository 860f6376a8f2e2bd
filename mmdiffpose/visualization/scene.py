# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Put root-relative poses on a floor, with one scale for a whole clip."""

from dataclasses import dataclass
from typing import Tuple

import numpy as np

from mmdiffpose.skeletons import Skeleton
from mmdiffpose.skeletons.mapping import joint_share

MAX_PITCH = np.deg2rad(35)
"""Largest camera pitch that is assumed: who leans more leans themselves."""
UPRIGHT = np.diag([1., -1., -1.])
"""Camera axes to the world under a level camera."""


def estimate_pitch(poses: np.ndarray, skeleton: Skeleton) -> float:
    """Camera pitch under which the person stands upright on average.

    Cameras look down a little, so that in camera axes people lean. The mean
    direction from the feet to the thorax over the clip tells by how much. For
    drawing only: results keep the camera's axes.

    Args:
        poses (np.ndarray): (F, J, 3) metres, camera axes.
        skeleton (Skeleton): The joints.

    Returns:
        float: Radians about the x axis, 0 where the person does not stand, or
        has no feet or thorax.
    """
    shares = [
        joint_share(skeleton, name)
        for name in ('thorax', 'left_foot', 'right_foot')
    ]
    if any(share is None for share in shares):
        return 0.
    thorax, left, right = (
        share @ poses for share in shares if share is not None)
    _, y, z = (thorax - (left + right) / 2).mean(0)
    pitch = np.arctan2(z, -y)
    return float(pitch) if abs(pitch) <= MAX_PITCH else 0.


def upright_rotation(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Rotation (3, 3) from camera axes to x right, y up, z to the viewer."""
    pitch = estimate_pitch(poses, skeleton)
    cos, sin = np.cos(pitch), np.sin(pitch)
    level = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    return UPRIGHT @ level


@dataclass(frozen=True)
class Scene:
    """From camera axes to a world with a floor: x right, y up, z to viewer.

    Attributes:
        rotation: (3, 3) from camera axes to the world.
        radius: Farthest that a joint is from the root horizontally, metres.
        height: Highest that a joint is over the floor, metres.
    """
    rotation: np.ndarray
    radius: float
    height: float

    @property
    def floor(self) -> Tuple[float, float]:
        """Half of the floor's sides along x and z, metres."""
        return self.radius, self.radius

    def reach(self, azimuth: float) -> Tuple[float, float]:
        """How far it reaches to the side and in depth, metres.

        The same whatever the azimuth (radians) that it is seen from, so that
        views of one scene compare.
        """
        return self.radius, self.radius

    @classmethod
    def fit(cls, poses: np.ndarray, skeleton: Skeleton) -> 'Scene':
        """Scene of a clip's poses (F, J, 3), metres, camera axes."""
        rotation = upright_rotation(poses, skeleton)
        world = poses @ rotation.T
        radius = np.linalg.norm(world[..., [0, 2]], axis=-1).max()
        height = np.ptp(world[..., 1], axis=1).max()
        return cls(rotation, float(radius), float(height))

    def place(self, pose: np.ndarray, *others: np.ndarray) -> tuple:
        """Stand a pose on the floor, its root above the origin.

        The lowest joint touches the floor (y = 0): root-relative poses do not
        tell a jump from a stand.

        Args:
            pose (np.ndarray): (J, 3) metres, camera axes.
            *others (np.ndarray): (..., J, 3), moved by the same amount, for
                instance the hypotheses around the pose.

        Returns:
            tuple[np.ndarray, ...]: The arrays in world axes, metres.
        """
        world = [np.asarray(p) @ self.rotation.T for p in (pose, *others)]
        lift = np.array([0, world[0][:, 1].min(), 0])
        return tuple(p - lift for p in world)
