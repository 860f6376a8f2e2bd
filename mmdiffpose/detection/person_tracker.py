# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Give people stable ids from frame to frame."""

from dataclasses import dataclass
from typing import List, Optional

import numpy as np
from scipy.optimize import linear_sum_assignment

from mmdiffpose.structures.keypoint_track import DEFAULT_FPS

PERSON_THR = 0.15
"""Mean score of a detection's joints below which nobody is there."""
LOST_SECONDS = 0.5
"""How long a person may be out of sight and keep their id."""
TOLERANCE = 0.2
"""A joint may miss its predicted place by about this share of the person's
size. COCO's own tolerances (0.03 to 0.1) are for judging detectors: between
two frames people also move."""
MIN_SIMILARITY = 0.1
"""What matches less is somebody else."""
DUPLICATE = 0.6
"""Detections that are alike at COCO's mean tolerance are one person."""
DUPLICATE_TOLERANCE = 0.07
MIN_JOINTS = 2
"""A detection with fewer joints seen is nobody."""
VELOCITY_MEMORY = 0.6
"""How much of the old velocity the new one keeps: detectors jitter."""
COASTING = 0.9
"""What is left of the velocity after each frame in which nobody was seen."""
MAX_GROWTH = 2.
"""How much wider than :data:`TOLERANCE` the search becomes at most."""


@dataclass
class _KnownPerson:
    """A person as last seen, and where they go."""
    track_id: int
    keypoints: np.ndarray
    scores: np.ndarray
    box: np.ndarray
    velocity: np.ndarray
    """(2, ) pixels a frame, of the whole person."""
    lost: int = 0

    @property
    def shift(self) -> np.ndarray:
        """(2, ) pixels from where they were last seen to the next frame."""
        steps = COASTING**np.arange(self.lost + 1)
        return self.velocity * steps.sum()


class PersonTracker:
    """Matches the people of a frame to those of the frames before.

    Each person is expected where their velocity takes them. How alike a
    detection is to that is half object keypoint similarity (a Gaussian of
    the joints' distances, in units of the person's size) and half
    intersection over union of the boxes; the best assignment of all people at
    once is found by the Hungarian method. So people who cross keep their
    ids, and so do those who are hidden for a moment.

    Args:
        max_lost (int): A person who was not seen for more frames than this
            gets a new id. Defaults to half a second's at 30 frames a second.
        min_score (float): Mean score of a detection's joints, of those that
            were seen, below which nobody is there. Defaults to 0.15.
    """

    def __init__(self,
                 max_lost: int = round(LOST_SECONDS * DEFAULT_FPS),
                 min_score: float = PERSON_THR) -> None:
        if max_lost < 0:
            raise ValueError(f'max_lost should be 0 or more, got {max_lost}')
        self.max_lost, self.min_score = max_lost, min_score
        self.reset()

    @classmethod
    def at_rate(cls,
                fps: Optional[float],
                min_score: float = PERSON_THR) -> 'PersonTracker':
        """A tracker that waits :data:`LOST_SECONDS` for people.

        Args:
            fps (float, optional): Frames a second, if known.
            min_score (float): See the class.
        """
        return cls(round(LOST_SECONDS * (fps or DEFAULT_FPS)), min_score)

    def reset(self) -> None:
        """Forget everybody, for a new clip."""
        self._tracks: List[_KnownPerson] = []
        self._next_id = 0

    def update(self, keypoints: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Take in the next frame.

        Args:
            keypoints (np.ndarray): (P, K, 2), pixels.
            scores (np.ndarray): (P, K) in [0, 1], 0 for a missing joint.

        Returns:
            np.ndarray: (P, ) ids; -1 for a detection that is nobody: too
            unsure, with fewer than :data:`MIN_JOINTS` joints, or the same
            person again.
        """
        ids = np.full(len(keypoints), -1)
        kept = self._people(scores)
        boxes = {i: joints_box(keypoints[i], scores[i]) for i in kept}
        similarity = np.array([[
            _similarity(track, keypoints[i], scores[i], boxes[i])
            for track in self._tracks
        ] for i in kept]).reshape(len(kept), len(self._tracks))
        # What may not match must not be part of the best assignment either.
        rows, columns = linear_sum_assignment(
            np.where(similarity >= MIN_SIMILARITY, -similarity, 0))
        for row, column in zip(rows, columns):
            if similarity[row, column] >= MIN_SIMILARITY:
                i, track = kept[row], self._tracks[column]
                ids[i] = track.track_id
                _see(track, keypoints[i], scores[i], boxes[i])
        found = set(ids.tolist())
        for track in self._tracks:
            track.lost += track.track_id not in found
        self._tracks = [t for t in self._tracks if t.lost <= self.max_lost]
        for i in kept:
            if ids[i] < 0 and not _is_double(i, keypoints, scores, ids):
                ids[i] = self._next_id
                self._next_id += 1
                self._tracks.append(
                    _KnownPerson(
                        int(ids[i]), keypoints[i].copy(), scores[i].copy(),
                        boxes[i], np.zeros(2)))
        return ids

    def _people(self, scores: np.ndarray) -> List[int]:
        """Indices of detections that are people, the surest first."""
        order = np.argsort(-scores.mean(1), kind='stable').tolist()
        return [
            i for i in order if (scores[i] > 0).sum() >= MIN_JOINTS
            and scores[i, scores[i] > 0].mean() >= self.min_score
        ]


def _is_double(index: int, keypoints: np.ndarray, scores: np.ndarray,
               ids: np.ndarray) -> bool:
    """Whether a detection is a person again who has an id already.

    Only asked of detections that match nobody known: of two people who pass
    each other at the same place, both are known.
    """
    tolerance = DUPLICATE_TOLERANCE * _size(
        joints_box(keypoints[index], scores[index]))
    return any(
        _keypoint_similarity(keypoints[index], keypoints[other], (
            scores[index] > 0) & (scores[other] > 0), tolerance) >= DUPLICATE
        for other in np.flatnonzero(ids >= 0))


def _see(track: _KnownPerson, keypoints: np.ndarray, scores: np.ndarray,
         box: np.ndarray) -> None:
    """Update a person with a detection."""
    both = (track.scores > 0) & (scores > 0)
    if both.any():
        moved = np.median((keypoints - track.keypoints)[both], axis=0)
        velocity = moved / (track.lost + 1)
        # The first movement seen is all that there is to know.
        memory = VELOCITY_MEMORY if track.velocity.any() else 0.
        track.velocity = memory * track.velocity + (1 - memory) * velocity
    track.keypoints, track.scores = keypoints.copy(), scores.copy()
    track.box, track.lost = box, 0


def _similarity(track: _KnownPerson, keypoints: np.ndarray, scores: np.ndarray,
                box: np.ndarray) -> float:
    """How well a detection fits a person, 0 to 1."""
    growth = min(MAX_GROWTH, 1 + 0.1 * track.lost)
    size = max(_size(track.box), _size(box))
    joints = _keypoint_similarity(keypoints, track.keypoints + track.shift,
                                  (track.scores > 0) & (scores > 0),
                                  TOLERANCE * growth * size)
    expected = track.box + np.tile(track.shift, 2)
    return (joints + intersection_over_union(expected, box)) / 2


def _keypoint_similarity(one: np.ndarray, other: np.ndarray, both: np.ndarray,
                         tolerance: float) -> float:
    """Mean of a Gaussian of the distances of joints that both have."""
    if not both.any():
        return 0.
    square = ((one - other)[both]**2).sum(-1)
    return float(np.exp(-square / (2 * tolerance**2)).mean())


def joints_box(keypoints: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Box (x1, y1, x2, y2) around the joints seen."""
    seen = keypoints[scores > 0]
    return np.concatenate([seen.min(0), seen.max(0)]).astype(float)


def _size(box: np.ndarray) -> float:
    """Side of the square of a box's area; never 0.

    A box of joints may be a line: the longer side then says how large the
    person is.
    """
    width, height = box[2:] - box[:2]
    return float(max(np.sqrt(width * height), max(width, height) / 3, 1.))


def intersection_over_union(one: np.ndarray, other: np.ndarray) -> float:
    """Of two boxes (4, ), x1, y1, x2, y2."""
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[2:], other[2:])
    common = float(np.prod((high - low).clip(0)))
    areas = [float(np.prod(box[2:] - box[:2])) for box in (one, other)]
    return common / max(sum(areas) - common, 1.)
