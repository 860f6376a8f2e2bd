# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Measures on N pose hypotheses.

P-Best and J-Best (Shan et al., "Diffusion-Based 3D Human Pose Estimation with
Multi-Hypothesis Aggregation", ICCV 2023) choose by the ground truth: they are
upper bounds of what an aggregation could reach (oracles), not results.
"""

from typing import Optional

import numpy as np

from .mpjpe import masked_mean


def _check(errors: np.ndarray) -> None:
    if errors.ndim < 2 or errors.shape[-2] < 1:
        raise ValueError('Errors of hypotheses must have the shape '
                         f'(..., N, J) with N >= 1, got {errors.shape}.')


def pose_best(errors: np.ndarray,
              mask: Optional[np.ndarray] = None) -> np.ndarray:
    """Oracle: error of the best hypothesis of each pose (P-Best).

    Args:
        errors: Joint errors (..., N, J).
        mask: Joints that count (..., J). Defaults to all.

    Returns:
        (...,), NaN for a pose without a joint that counts.
    """
    _check(errors)
    if mask is not None:
        mask = mask[..., None, :]
    return masked_mean(errors, mask).min(axis=-1)


def joint_best(errors: np.ndarray) -> np.ndarray:
    """Oracle: smallest error of each joint among the hypotheses (J-Best).

    Args:
        errors: Joint errors (..., N, J).

    Returns:
        (..., J).
    """
    _check(errors)
    return errors.min(axis=-2)


def mean_of_first(hypotheses: np.ndarray, number: int) -> np.ndarray:
    """Mean of the first hypotheses, (..., N, J, 3) -> (..., J, 3).

    Args:
        hypotheses: (..., N, J, 3).
        number: How many of the N.
    """
    available = hypotheses.shape[-3]
    if not 1 <= number <= available:
        raise ValueError(f'The mean of {number} hypotheses was asked for, '
                         f'there are {available}.')
    return hypotheses[..., :number, :, :].mean(axis=-3)


def mean_pairwise_distance(samples: np.ndarray) -> np.ndarray:
    """Mean Euclidean distance of two different samples.

    Memory stays that of the samples: pairs are formed by rotating the
    samples against each other, one rotation at a time.

    Args:
        samples: (..., N, D).

    Returns:
        (...,), 0 where N is 1.
    """
    if samples.ndim < 2 or samples.shape[-2] < 1:
        raise ValueError('Samples must have the shape (..., N, D) with '
                         f'N >= 1, got {samples.shape}.')
    number = samples.shape[-2]
    total = np.zeros(samples.shape[:-2])
    # Rotations by s and by N - s pair the same samples.
    for shift in range(1, number // 2 + 1):
        rotated = np.roll(samples, shift, axis=-2)
        distance = np.linalg.norm(samples - rotated, axis=-1).mean(axis=-1)
        total += distance if 2 * shift == number else 2 * distance
    return total / max(number - 1, 1)


def hypothesis_spread(hypotheses: np.ndarray) -> np.ndarray:
    """Mean distance of two hypotheses at each joint.

    Args:
        hypotheses: (..., N, J, 3).

    Returns:
        (..., J), in the poses' unit; 0 where N is 1.
    """
    return mean_pairwise_distance(np.swapaxes(hypotheses, -3, -2))
