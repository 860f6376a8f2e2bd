# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The people of a video as animation and biomechanics want them."""

from dataclasses import dataclass, replace
from typing import List, Optional, Sequence

import numpy as np

from mmdiffpose.skeletons import Skeleton
from mmdiffpose.structures.axes import to_axes
from mmdiffpose.structures.keypoint_track import seconds_of
from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.structures.people import by_person


@dataclass
class ScenePerson:
    """One person in a scene: y up, the floor at y = 0, metres.

    Attributes:
        number: The person.
        skeleton: J joints.
        points: (F, J, 3) metres; what is not seen may be anything.
        seen: (F, J) whether a joint has a place that somebody saw.
        std: (F, J) metres; None where the model gives none.
        frame_ids: (F, ) where the frames stand in the video.
        step: From one frame id to the next, where none is missing.
        fps: Frames of the track a second, if known.
        times: (F, ) seconds, where frames come at an uneven pace.
    """
    number: int
    skeleton: Skeleton
    points: np.ndarray
    seen: np.ndarray
    std: Optional[np.ndarray]
    frame_ids: np.ndarray
    step: int
    fps: Optional[float]
    times: Optional[np.ndarray]

    def seconds(self, fps: float) -> np.ndarray:
        """(F, ) time of each frame from the video's start.

        Args:
            fps (float): Taken where the person's frames have no times.
        """
        seconds = seconds_of(self.frame_ids, self.step, fps, self.times)
        assert seconds is not None
        return seconds

    def part(self, rows: np.ndarray) -> 'ScenePerson':
        """Some of the frames.

        Args:
            rows (np.ndarray): Indices of frames, or (F, ) bool.
        """
        return replace(
            self,
            points=self.points[rows],
            seen=self.seen[rows],
            std=None if self.std is None else self.std[rows],
            frame_ids=self.frame_ids[rows],
            times=None if self.times is None else self.times[rows])

    def pieces(self) -> List['ScenePerson']:
        """The stretches between frames in which the person was not there."""
        cuts = np.flatnonzero(np.diff(self.frame_ids) > self.step) + 1
        return [
            self.part(rows)
            for rows in np.split(np.arange(len(self.frame_ids)), cuts)
        ]

    def at_even_pace(self, fps: float) -> 'ScenePerson':
        """A piece without gaps whose frames come ``1 / fps`` apart.

        Frames that have times are interpolated, linearly, to the multiples of
        ``1 / fps`` between the first and the last, and numbered by them; a
        joint is seen where it is on both sides. Std is interpolated, too.
        Others are returned as they are.
        """
        if self.times is None:
            return self
        first = int(np.ceil(self.times[0] * fps - 1e-6))
        last = max(int(np.floor(self.times[-1] * fps + 1e-6)), first)
        wanted = np.arange(first, last + 1) / fps
        if len(self.times) == 1:
            before = after = np.zeros(1, int)
            share = np.zeros(1)
        else:
            after = np.clip(
                np.searchsorted(self.times, wanted), 1,
                len(self.times) - 1)
            before = after - 1
            share = np.clip((wanted - self.times[before]) /
                            (self.times[after] - self.times[before]), 0, 1)
            # Times are those of a file, a microsecond apart from the grid.
            share[share < 1e-4], share[share > 1 - 1e-4] = 0, 1

        def between(values: np.ndarray) -> np.ndarray:
            weight = share.reshape(-1, *[1] * (values.ndim - 1))
            low, high = values[before], values[after]
            # What lies on a frame knows nothing of its neighbour.
            mixed = low + weight * (high - low)
            mixed = np.where(weight == 1, high, mixed)
            return np.where(weight == 0, low, mixed)

        seen = np.where(share[:, None] < 1, self.seen[before], True)
        seen &= np.where(share[:, None] > 0, self.seen[after], True)
        return replace(
            self,
            points=between(self.points),
            seen=seen,
            std=None if self.std is None else between(self.std),
            frame_ids=self.step * np.arange(first, last + 1),
            times=None)


def scene_people(tracks: Sequence[LiftedTrack]) -> List[ScenePerson]:
    """Everybody in one scene.

    Without root trajectories a pelvis stays over the origin; with them people
    stand as they do in the scene, as seen from the camera. Everybody is moved
    up or down by one amount, so that the lowest joint that was seen touches
    the floor y = 0.

    Args:
        tracks (sequence[LiftedTrack]): The people of one video, in camera
            axes.

    Returns:
        list[ScenePerson]: By the people's numbers.
    """
    people = [
        _person(number, pieces)
        for number, pieces in by_person(tracks).items()
    ]
    heights = np.concatenate(
        [person.points[..., 1][person.seen] for person in people])
    if not len(heights):
        heights = np.concatenate(
            [person.points[..., 1].ravel() for person in people])
    floor = np.array([0, heights.min(), 0])
    return [replace(person, points=person.points - floor) for person in people]


def _person(number: int, pieces: Sequence[LiftedTrack]) -> ScenePerson:
    points = np.concatenate([_joints(piece) for piece in pieces])
    unscored = np.concatenate([(piece.scores <= 0) | (piece.scores_2d <= 0)
                               for piece in pieces])
    stds = [piece.std for piece in pieces if piece.std is not None]
    times = [piece.times for piece in pieces if piece.times is not None]
    first = pieces[0]
    return ScenePerson(
        number=number,
        skeleton=first.skeleton,
        points=points,
        seen=~unscored & np.isfinite(points).all(-1),
        std=np.concatenate(stds) if len(stds) == len(pieces) else None,
        frame_ids=np.concatenate([piece.frame_ids for piece in pieces]),
        step=first.step,
        fps=first.fps,
        times=np.concatenate(times) if len(times) == len(pieces) else None)


def _joints(track: LiftedTrack) -> np.ndarray:
    """Joints in the scene, (F, J, 3) metres, y up."""
    track = track.in_axes('camera')
    points = track.keypoints_3d.astype(float)
    if track.root_trajectory is not None:
        points = points + track.root_trajectory[:, None]
    return to_axes(points, 'y-up')
