# Copyright (c) mmdiffpose contributors. All rights reserved.
"""All people of a clip on one floor."""

from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

import numpy as np
from scipy.ndimage import median_filter

from mmdiffpose.structures.keypoint_track import DEFAULT_FPS
from mmdiffpose.structures.lifted_track import LiftedTrack
from .scene import upright_rotation

SPACING = 1.3
"""Metres between people side by side."""
MAX_IN_ROW = 5
FLOOR_SECONDS = 2.
"""Seconds in which the floor follows the feet: slow enough for a jump."""
CORE = (1., 99.)
"""Percentiles of the paths that the scene shows: single wild frames, in which
the distance is badly solved, do not shrink everybody."""


@dataclass(frozen=True)
class ScenePerson:
    """A track in the scene's world: x right, y up, z to the viewer.

    Attributes:
        track: F frames.
        number: The person.
        rotation: (3, 3) from camera axes to the world.
        offsets: (F, 3) the root joint in the world, metres.
    """
    track: LiftedTrack
    number: int
    rotation: np.ndarray
    offsets: np.ndarray

    def poses(self) -> np.ndarray:
        """All poses, (F, J, 3) metres, world."""
        return (self.track.keypoints_3d @ self.rotation.T +
                self.offsets[:, None])

    def pose(self, row: int) -> np.ndarray:
        """Pose of a row, (J, 3) metres, world."""
        pose = self.track.keypoints_3d[row]
        return pose @ self.rotation.T + self.offsets[row]

    def cloud(self, row: int, most: int) -> np.ndarray:
        """At most so many hypotheses of a row, (N, J, 3); maybe none."""
        hypotheses = self.track.hypotheses
        if hypotheses is None:
            return np.empty((0, *self.track.keypoints_3d.shape[1:]))
        return hypotheses[row, :most] @ self.rotation.T + self.offsets[row]


@dataclass(frozen=True)
class CommonScene:
    """People of a clip in one world with a floor.

    Attributes:
        people: Their tracks.
        ground: (G, 2) x and z of all root joints, metres, but for wild ones.
        radius: Farthest that a joint is from its root, horizontally, metres.
        height: Highest that a joint is over the floor, metres.
        rooted: Whether people stand where they were solved to be.
    """
    people: Tuple[ScenePerson, ...]
    ground: np.ndarray
    radius: float
    height: float
    rooted: bool

    @property
    def floor(self) -> Tuple[float, float]:
        """Half of the floor's sides along x and z, metres."""
        x, z = np.abs(self.ground).max(0) + self.radius
        return float(x), float(z)

    def reach(self, azimuth: float) -> Tuple[float, float]:
        """Half of the extents across and along a view (radians), metres."""
        across, along = self.radius + np.abs(
            self.ground @ _turn(azimuth)).max(0)
        return float(across), float(along)

    @classmethod
    def fit(cls,
            tracks: Sequence[LiftedTrack],
            numbers: Sequence[int],
            azimuth: float = 0.) -> 'CommonScene':
        """Put tracks on a floor.

        Where all have root trajectories, people stand where these say, each
        on a floor that slowly follows their feet: depths are not exact
        enough to tell a step from an error. Otherwise they stand side by
        side, ordered as in the picture, the lowest joint on the floor.

        Args:
            tracks (sequence[LiftedTrack]): Of one video.
            numbers (sequence[int]): The person of each.
            azimuth (float): Radians; of the view that people stand side by
                side in. Defaults to 0.
        """
        poses = np.concatenate([track.keypoints_3d for track in tracks])
        rotation = upright_rotation(poses, tracks[0].skeleton)
        rooted = all(track.root_trajectory is not None for track in tracks)
        if rooted:
            offsets = [_stand(track, rotation) for track in tracks]
        else:
            slots = _slots(tracks, numbers, azimuth)
            offsets = [
                _stand_in_slot(track, rotation, slots[number])
                for track, number in zip(tracks, numbers)
            ]
        everywhere = np.concatenate(offsets)
        core = np.percentile(everywhere, CORE, axis=0)
        middle = core.mean(0) * [1, 0, 1]
        people = tuple(
            ScenePerson(track, number, rotation, offset - middle)
            for track, number, offset in zip(tracks, numbers, offsets))
        tops = np.concatenate(
            [person.poses()[..., 1].max(1) for person in people])
        body = np.linalg.norm((poses @ rotation.T)[..., [0, 2]], axis=-1)
        ground = (np.clip(everywhere, *core) - middle)[:, [0, 2]]
        return cls(people, ground, float(body.max()),
                   float(np.percentile(tops, CORE[1])), rooted)


def _turn(azimuth: float) -> np.ndarray:
    """Matrix (2, 2) that takes rows (x, z) to (across, along) a view."""
    cos, sin = np.cos(azimuth), np.sin(azimuth)
    return np.array([[cos, -sin], [sin, cos]])


def _lowest(track: LiftedTrack, rotation: np.ndarray) -> np.ndarray:
    """Height of the lowest joint over the root, (F, ), metres."""
    return (track.keypoints_3d @ rotation[1]).min(1)


def _stand(track: LiftedTrack, rotation: np.ndarray) -> np.ndarray:
    """Roots of a track that knows where they are, (F, 3)."""
    roots = (track.root_trajectory @ rotation.T).astype(float)
    lowest = _lowest(track, rotation)
    frames = int(FLOOR_SECONDS * (track.fps or DEFAULT_FPS)) // 2 * 2 + 1
    floor = median_filter(roots[:, 1] + lowest, frames, mode='nearest')
    # Nobody sinks into the floor.
    roots[:, 1] = np.maximum(roots[:, 1] - floor, -lowest)
    return roots


def _stand_in_slot(track: LiftedTrack, rotation: np.ndarray,
                   slot: np.ndarray) -> np.ndarray:
    """Roots over a place (x, z) on the floor, (F, 3)."""
    offsets = np.zeros((len(track), 3))
    offsets[:, [0, 2]] = slot
    offsets[:, 1] = -_lowest(track, rotation)
    return offsets


def _slots(tracks: Sequence[LiftedTrack], numbers: Sequence[int],
           azimuth: float) -> Dict[int, np.ndarray]:
    """A place (x, z) per person, in rows from left to right of a view."""
    columns: Dict[int, List[float]] = {}
    for track, number in zip(tracks, numbers):
        seen = track.keypoints_2d[track.scores_2d > 0]
        x = np.median(seen[:, 0]) if len(seen) else 0.
        columns.setdefault(number, []).append(float(x))
    order = sorted(columns, key=lambda number: (columns[number][0], number))
    rows = -(-len(order) // MAX_IN_ROW)
    back = _turn(azimuth).T
    # The back row's people stand in the gaps of the front row's.
    return {
        number: SPACING * np.array([place / rows, -(place % rows)]) @ back
        for place, number in enumerate(order)
    }
