# Copyright (c) mmdiffpose contributors. All rights reserved.
"""How much less is known of joints that were hardly, or not, seen.

A model may be as sure of a joint that it was shown at a wrong place, or where
somebody interpolated it, as of any other. What comes out of it gets a larger
std by the detector's score
(:data:`~mmdiffpose.skeletons.score_width.SCORE_SIGMA`), and by how long the
joint was not seen. The root's score counts for all joints, since poses are
relative to it.
"""

from typing import NamedTuple, Optional, Tuple

import numpy as np

from mmdiffpose.skeletons import Skeleton
from mmdiffpose.skeletons.score_width import person_size, share_of_score
from .usual_poses import usual_distances

MIN_STEP = 0.005
"""Metres a frame that a joint may move although the track shows none."""
_ROWS = 1024
"""Frames whose hypotheses are moved at once."""
USUAL_SCORE = 0.8
"""Mean score of the detections that stds are calibrated with: of better ones
a model's own std says all."""

TOLD = 0.05
"""What a model that knows of missing joints sees of a hardly seen one makes up
for so much of a score. With it stds follow scores without a step back where
joints begin to be missing (``tools/analysis_tools/score_table.py``)."""


class Widened(NamedTuple):
    """What is known of joints, with what the detector did not see.

    Attributes:
        std: (F, J) metres; None where the model gives none.
        hypotheses: (F, N, J, 3) metres, or None.
        added: (F, J) what was added to the std, metres; for the root, which
            is 0 by definition, how far it may be from where it was taken to
            be.
    """
    std: Optional[np.ndarray]
    hypotheses: Optional[np.ndarray]
    added: np.ndarray


def widen_unsure(poses: np.ndarray,
                 std: Optional[np.ndarray],
                 hypotheses: Optional[np.ndarray],
                 scores: np.ndarray,
                 skeleton: Skeleton,
                 least_score: Optional[float] = None) -> Widened:
    r"""Widen std and hypotheses where a joint was hardly or not seen.

    A joint of score s is off by the share of the person's size that
    :func:`~mmdiffpose.skeletons.score_width.share_of_score` says; what that
    exceeds the share at :data:`USUAL_SCORE` by, in squares, adds to the
    model's own variance.

    For a joint that was not seen, what interpolation leaves open is taken to
    be a Brownian bridge: t frames after the last sighting and t' before the
    next, with steps of variance :math:`\sigma^2` a frame (measured on the
    frames in which the joint was seen), a variance of
    :math:`\sigma^2 t t' / (t + t')`; with one sighting only,
    :math:`\sigma^2 t`. It adds to the larger of the model's own variance and
    that of the sightings around, so that a joint is never surer than where it
    was seen.

    All of this together does not exceed the joint's usual distance from the
    root, which a joint gets that was never seen, and all joints if the root
    was not.

    Args:
        poses (np.ndarray): (F, J, 3), metres, consecutive frames.
        std (np.ndarray, optional): (F, J), metres.
        hypotheses (np.ndarray, optional): (F, N, J, 3), metres. They move
            away from the pose by the factor by which the std grows, and all
            joints of one together by what is not known of the root.
        scores (np.ndarray): (F, J), 0 for a joint that was not seen.
        skeleton (Skeleton): The joints; the std of its root, to which poses
            are relative, stays.
        least_score (float, optional): Of a model that was told of joints of
            lower scores that they are missing, and says itself how far off
            these may be: they get as much as a joint of this score, and
            joints above it as much as those of scores up to :data:`TOLD`
            higher, so that none gets more than one that is missing.

    Returns:
        Widened: Std, hypotheses and what was added.
    """
    seen, root = scores > 0, skeleton.root
    usual = usual_distances(skeleton, poses)
    of_gaps = _of_gaps(poses, seen, root)
    added = np.where(seen, _of_scores(poses, scores), of_gaps)
    common = np.minimum(added[:, root, None], usual)
    if least_score is not None:
        added = _of_scores(poses, _beside_missing(scores, least_score))
    added = np.minimum(added, np.sqrt(np.maximum(usual**2 - common**2, 0)))
    added[:, root] = 0
    wide = None
    if std is not None:
        own = std
        if least_score is None:
            own = np.maximum(std, _interpolated(np.hypot(std, added), seen))
            own = np.where(seen, std, own)
        wide = np.hypot(own, added)
        if hypotheses is not None:
            factor = np.where(std > 1e-9, wide / np.maximum(std, 1e-9), 1)
            hypotheses = _spread_out(hypotheses, poses, factor, common)
        wide = np.hypot(wide, common).astype(std.dtype)
    added = np.hypot(added, common)
    added[:, root] = common.max(1)
    return Widened(wide, hypotheses, added)


def trust(scores: np.ndarray, least_score: float) -> np.ndarray:
    """By what a joint's 3D score counts, by its score in 2D.

    1 from a least score on; below it goes to 0, the 3D score of a joint that
    nobody saw.

    Args:
        scores (np.ndarray): (...) in 2D.
        least_score (float): Of joints that are believed.

    Returns:
        np.ndarray: (...).
    """
    return np.sqrt(np.clip(scores / least_score, 0, 1))


def _beside_missing(scores: np.ndarray, least_score: float) -> np.ndarray:
    """Scores of joints of which some are missing for the model."""
    room = USUAL_SCORE - least_score
    told = USUAL_SCORE - (USUAL_SCORE - scores) * max(room - TOLD, 0) / room
    return np.where(scores < least_score, least_score,
                    np.where(scores < USUAL_SCORE, told, scores))


def _of_scores(poses: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """By how much joints are farther off than usual, (F, J) metres."""
    excess = share_of_score(scores)**2 - share_of_score(
        np.array(USUAL_SCORE))**2
    # Seen levelly: the picture's two axes.
    return person_size(poses[..., :2]) * np.sqrt(np.maximum(excess, 0))


def _of_gaps(poses: np.ndarray, seen: np.ndarray, root: int) -> np.ndarray:
    """How far a joint may have gone since it was seen, (F, J) metres; inf if
    it never was."""
    before, after = _distances(seen)
    with np.errstate(invalid='ignore', divide='ignore'):
        frames = np.where(
            np.isinf(before) | np.isinf(after), np.minimum(before, after),
            before * after / (before + after))
    return np.sqrt(frames) * _step(poses, seen, root)


def _spread_out(hypotheses: np.ndarray, poses: np.ndarray, factor: np.ndarray,
                common: np.ndarray) -> np.ndarray:
    """Hypotheses (F, N, J, 3) farther from the poses (F, J, 3) by a factor
    (F, J), and all of one together by a distance (F, J)."""
    spread = np.empty_like(hypotheses)
    ways = directions(hypotheses.shape[1])[:, None]
    # By rows: in double precision all at once would be several times as much.
    for start in range(0, len(poses), _ROWS):
        rows = slice(start, start + _ROWS)
        center = poses[rows, None]
        moved = (hypotheses[rows] - center) * factor[rows, None, :, None]
        shift = common[rows, None, :, None] * ways
        spread[rows] = center + moved + shift
    return spread


def directions(count: int) -> np.ndarray:
    """(N, 3) with mean 0 and std 1 over the N hypotheses; the same always."""
    draws = np.random.default_rng(0).standard_normal((count, 3))
    if count < 2:
        return np.zeros_like(draws)
    draws -= draws.mean(0)
    return draws / draws.std(0, ddof=1)


def _distances(seen: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Frames since the last sighting and to the next, (F, J); inf: none."""
    time = np.arange(len(seen), dtype=float)[:, None]
    last = np.maximum.accumulate(np.where(seen, time, -np.inf), axis=0)
    following = np.minimum.accumulate(
        np.where(seen, time, np.inf)[::-1], axis=0)[::-1]
    return time - last, following - time


def _step(poses: np.ndarray, seen: np.ndarray, root: int) -> np.ndarray:
    """Root mean squared step per axis, (J, ), metres a frame."""
    both = seen[1:] & seen[:-1]
    square = (np.diff(poses, axis=0)**2).mean(-1) * both
    count = both.sum(0)
    step = np.sqrt(square.sum(0) / np.maximum(count, 1))
    # A joint of which no step was seen may move as the liveliest one does;
    # poses relative to the root do not show its own steps.
    count[root] = 0
    step = np.where(count > 0, step, step.max(initial=0))
    return np.maximum(step, MIN_STEP)


def _interpolated(std: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The std at sightings, interpolated between them; 0 if there are none."""
    time = np.arange(len(std))
    result = np.zeros_like(std)
    for joint in np.flatnonzero(seen.any(0)):
        known = np.flatnonzero(seen[:, joint])
        result[:, joint] = np.interp(time, known, std[known, joint])
    return result
