# Copyright (c) mmdiffpose contributors. All rights reserved.
"""How much less is known of a joint in frames where it was not seen."""

from typing import Optional, Tuple

import numpy as np

MIN_STEP = 0.005
"""Metres a frame that a joint may move although the track shows none."""
MAX_STD = 0.25
"""Metres beyond which nothing is added: a joint's usual distance from the
root, so that this says no more than that it belongs to the person."""


def widen_unseen(poses: np.ndarray, std: np.ndarray,
                 hypotheses: Optional[np.ndarray], seen: np.ndarray,
                 root: int) -> Tuple[np.ndarray, Optional[np.ndarray]]:
    r"""Widen std and hypotheses where a joint was not seen.

    A model that was shown an interpolated joint may be as sure of it as of
    any other. What interpolation leaves open is taken to be a Brownian bridge:
    t frames after the last sighting and t' before the next, with steps of
    variance :math:`\sigma^2` a frame (measured on the frames in which the
    joint was seen), a variance of :math:`\sigma^2 t t' / (t + t')`; with one
    sighting only, :math:`\sigma^2 t`. It adds to the larger of the model's own
    variance and that of the sightings around, so that a joint is never surer
    than where it was seen. A joint that was never seen gets :data:`MAX_STD`.

    Args:
        poses (np.ndarray): (F, J, 3), metres, consecutive frames.
        std (np.ndarray): (F, J), metres.
        hypotheses (np.ndarray, optional): (F, N, J, 3), metres; they move
            away from the pose by the factor by which the std grows.
        seen (np.ndarray): (F, J) bool.
        root (int): The joint that poses are relative to; left as it is.

    Returns:
        tuple[np.ndarray, np.ndarray | None]: Std and hypotheses.
    """
    unseen = ~seen
    unseen[:, root] = False
    if not unseen.any():
        return std, hypotheses
    before, after = _distances(seen)
    with np.errstate(invalid='ignore', divide='ignore'):
        frames = np.where(
            np.isinf(before) | np.isinf(after), np.minimum(before, after),
            before * after / (before + after))
        added = np.minimum(np.sqrt(frames) * _step(poses, seen), MAX_STD)
    base = np.maximum(std, _interpolated(std, seen))
    wide = np.where(unseen, np.hypot(base, added), std).astype(std.dtype)
    if hypotheses is not None:
        factor = np.where(std > 1e-9, wide / np.maximum(std, 1e-9), 1)
        center = poses[:, None]
        moved = center + (hypotheses - center) * factor[:, None, :, None]
        hypotheses = moved.astype(hypotheses.dtype)
    return wide, hypotheses


def _distances(seen: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Frames since the last sighting and to the next, (F, J); inf: none."""
    time = np.arange(len(seen), dtype=float)[:, None]
    last = np.maximum.accumulate(np.where(seen, time, -np.inf), axis=0)
    following = np.minimum.accumulate(
        np.where(seen, time, np.inf)[::-1], axis=0)[::-1]
    return time - last, following - time


def _step(poses: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Root mean squared step per axis, (J, ), metres a frame."""
    both = seen[1:] & seen[:-1]
    square = (np.diff(poses, axis=0)**2).mean(-1) * both
    count = both.sum(0)
    step = np.sqrt(square.sum(0) / np.maximum(count, 1))
    # A joint of which no step was seen may move as the liveliest one does.
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
