# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Does a predicted uncertainty know where the errors are?

Ilg et al., "Uncertainty Estimates and Multi-Hypotheses Networks for Optical
Flow", ECCV 2018: remove the most uncertain part and see whether the error of
the rest falls as it does when the truly worst part is removed.
"""

from typing import Sequence

import numpy as np

SPARSIFICATION_FRACTIONS = tuple(round(0.05 * i, 2) for i in range(20))
"""Removed fractions, 0 to 0.95."""


def sparsification_curve(
        errors: np.ndarray,
        uncertainty: np.ndarray,
        fractions: Sequence[float] = SPARSIFICATION_FRACTIONS) -> np.ndarray:
    """Mean error of what remains when the most uncertain part is removed.

    Among equally uncertain elements the order is random: the curve is its
    expectation, flat for a constant uncertainty.

    Args:
        errors: (n,).
        uncertainty: (n,), any increasing measure; the errors themselves give
            the oracle curve.
        fractions: Removed fractions, each in [0, 1). At least one element
            remains.

    Returns:
        (fractions,), in the unit of the errors.

    Raises:
        ValueError: If these are no such vectors, or hold NaN.
    """
    if errors.ndim != 1 or errors.shape != uncertainty.shape or not len(
            errors):
        raise ValueError('errors and uncertainty must be two vectors of the '
                         f'same length > 0, got {errors.shape} and '
                         f'{uncertainty.shape}.')
    if np.isnan(errors).any() or np.isnan(uncertainty).any():
        raise ValueError(
            'errors and uncertainty: expected numbers, found NaN, '
            'which has no rank')
    if any(not 0 <= fraction < 1 for fraction in fractions):
        raise ValueError(f'fractions must lie in [0, 1), got {fractions}.')
    _, tie, size = np.unique(
        uncertainty, return_inverse=True, return_counts=True)
    # In ascending order of uncertainty, each tie at its mean error.
    mean_of_tie = np.bincount(tie, errors) / size
    kept_sum = np.cumsum(np.repeat(mean_of_tie, size))
    removed = np.floor(np.asarray(fractions) * len(errors)).astype(int)
    kept = len(errors) - removed
    return kept_sum[kept - 1] / kept


def area_under_sparsification_error(fractions: Sequence[float],
                                    curve: np.ndarray,
                                    oracle: np.ndarray) -> float:
    """Area between a sparsification curve and the oracle's (AUSE).

    Args:
        fractions: Removed fractions, ascending.
        curve: Sparsification curve by the predicted uncertainty.
        oracle: Sparsification curve by the errors.

    Returns:
        The area by the trapezoidal rule, divided by the range of the
        fractions: the mean excess error, in the unit of the errors. 0 where
        the uncertainty ranks the errors perfectly.
    """
    excess = np.asarray(curve) - np.asarray(oracle)
    widths = np.diff(fractions)
    return float(
        ((excess[1:] + excess[:-1]) / 2 * widths).sum() / widths.sum())
