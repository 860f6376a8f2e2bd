# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The last frames of one person, in memory of a fixed size."""

from typing import Optional, Tuple

import numpy as np

from mmdiffpose.structures.keypoint_track import KeypointTrack


class SightingBuffer:
    """Ring buffer of what was seen of a person.

    Steps are counted by the caller, one per frame of the video. A step
    without a sighting is not put in.

    Args:
        track_id (int): The person.
        length (int): Steps T that are kept.
        num_joints (int): J.
        num_components (int, optional): M of the joints' mixtures, if there
            are any.
        source (str): Where the person was seen, for messages.

    Attributes:
        last: Step of the last sighting; -1 before the first.
    """

    def __init__(self,
                 track_id: int,
                 length: int,
                 num_joints: int,
                 num_components: Optional[int] = None,
                 source: str = 'stream') -> None:
        self.track_id = track_id
        self.source = source
        self.last = -1
        self._steps = np.full(length, -1)
        self._keypoints = np.zeros((length, num_joints, 2), np.float32)
        self._scores = np.zeros((length, num_joints), np.float32)
        self._mixtures = None
        if num_components is not None:
            shape = (length, num_joints, num_components, 5)
            self._mixtures = np.zeros(shape, np.float32)

    @property
    def nbytes(self) -> int:
        """Bytes that it holds, the same from the first sighting on."""
        arrays = (self._steps, self._keypoints, self._scores, self._mixtures)
        return sum(a.nbytes for a in arrays if a is not None)

    def put(self, step: int, track: KeypointTrack) -> None:
        """Add a sighting.

        Args:
            step (int): Later than all before.
            track (KeypointTrack): One frame.

        Raises:
            ValueError: If it has mixtures and those before had none, or the
                other way round, or other numbers of components.
        """
        expected, found = (None if array is None else array.shape[2]
                           for array in (self._mixtures, track.mixtures))
        if expected != found:
            raise ValueError(
                f'{self.source}: expected mixtures of {expected} components, '
                f'as in the frames before, found {found}')
        slot = step % len(self._steps)
        self._steps[slot] = self.last = step
        self._keypoints[slot] = track.keypoints[0]
        self._scores[slot] = track.scores[0]
        if self._mixtures is not None and track.mixtures is not None:
            self._mixtures[slot] = track.mixtures[0]

    def span(self) -> Tuple[int, int]:
        """First and last sighting among the last T steps up to the last."""
        oldest = max(self.last - len(self._steps), -1)
        return int(self._steps[self._steps > oldest].min()), self.last

    def rows(self, first: int,
             last: int) -> Tuple[np.ndarray, np.ndarray, Optional[np.ndarray]]:
        """Keypoints (F, J, 2), scores (F, J) and mixtures (F, J, M, 5).

        Args:
            first (int): First step.
            last (int): Last step, at most T - 1 after the first.

        Returns:
            tuple: Scores are 0 for steps without a sighting.
        """
        steps = np.arange(first, last + 1)
        slots = steps % len(self._steps)
        scores = np.where((self._steps[slots] == steps)[:, None],
                          self._scores[slots], 0)
        mixtures = self._mixtures
        return (self._keypoints[slots], scores,
                None if mixtures is None else mixtures[slots])
