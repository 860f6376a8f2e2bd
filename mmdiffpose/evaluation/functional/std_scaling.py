# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A predictive standard deviation from an ensemble's spread.

What N hypotheses of a generative model disagree about is only a part of what
their mean may be wrong about: the rest (detector bias, depth that the context
does not determine, a person unlike those trained on) is common to all of
them. So each joint's predictive variance is modelled as

    std^2 = scale^2 * spread^2 + floor^2

and fitted on frames that the model has not been trained on, in two steps.

1. Variance scaling: ``scale`` (at most 10) and ``floor`` by maximum
   likelihood of the residuals of x, y and z under N(0, std^2). (For
   regression networks a lone ``scale`` is due to Levi et al., "Evaluating and
   Calibrating Uncertainty Prediction in Regression Tasks", Sensors 2022.)
2. Split conformal prediction (Lei et al., "Distribution-Free Predictive
   Inference for Regression", JASA 2018, with the locally weighted residual
   ``|r| / std`` as the score): both times one factor, such that the central
   normal interval of one nominal level holds that share of the residuals.
   Residuals have heavier tails than a normal distribution; this makes the
   intervals right at the level where it matters.

The second step's guarantee is for exchangeable data. Neighbouring frames and
the joints of one person are not, and another person's errors differ.
"""

from typing import NamedTuple

import numpy as np

from .coverage import region_sizes

LEVEL = 0.9
"""Nominal level whose coverage is made exact."""
_SMALLEST_STD = 1e-3
# Hypotheses that hardly differ say little, however well it correlates.
_LARGEST_SCALE = 10.


class StdScaling(NamedTuple):
    """std^2 = scale^2 spread^2 + floor^2.

    Attributes:
        scale: (J,).
        floor: (J,), in the poses' unit.
    """
    scale: np.ndarray
    floor: np.ndarray

    def __call__(self, spread: np.ndarray) -> np.ndarray:
        """Predictive standard deviation (..., J) of a spread (..., J)."""
        return np.hypot(self.scale * spread, self.floor)


def fit_std_scaling(spread: np.ndarray,
                    residual: np.ndarray,
                    mask: np.ndarray,
                    level: float = LEVEL) -> StdScaling:
    """Fits the scaling of each joint.

    Args:
        spread: Standard deviation per axis of the hypotheses, (F, J), metres.
        residual: Truth minus the hypotheses' mean, (F, J, 3), metres.
        mask: Joints that count, (F, J), bool.
        level: Nominal level to make exact, in (0, 1).

    Returns:
        The scaling, in metres. A joint that is never wrong, such as the root
        of root-relative poses, gets the standard deviation 0.

    Raises:
        ValueError: If shapes do not fit, a joint is never seen, a value is
            not finite or the spread is 0 everywhere (a single hypothesis).
    """
    if residual.shape != spread.shape + (3, ) or mask.shape != spread.shape:
        raise ValueError(
            f'spread (F, J), residual (F, J, 3) and mask (F, J) expected, got '
            f'{spread.shape}, {residual.shape} and {mask.shape}')
    quantile = float(region_sizes([level])[0])
    spread = np.asarray(spread, np.float64)
    residual = np.asarray(residual, np.float64)
    mask = np.asarray(mask, bool)
    if not (np.isfinite(spread[mask]).all()
            and np.isfinite(residual[mask]).all()):
        raise ValueError('a spread or a residual is NaN or infinite')
    unseen = np.flatnonzero(~mask.any(axis=0))
    if len(unseen):
        raise ValueError(f'no frame to fit joints {unseen.tolist()} on')
    if not spread[mask].any():
        raise ValueError('the hypotheses do not differ: there is no spread to '
                         'scale; draw more than one')
    scale, floor = np.zeros((2, spread.shape[1]))
    for joint in range(spread.shape[1]):
        seen = mask[:, joint]
        error = residual[seen, joint]
        if not error.any():
            continue
        square = spread[seen, joint]**2
        gain, rest = _maximum_likelihood(square, (error**2).mean(axis=1))
        score = np.abs(error) / np.sqrt(gain * square + rest)[:, None]
        factor = _conformal_quantile(score.ravel(), level) / quantile
        scale[joint] = factor * np.sqrt(gain)
        floor[joint] = factor * np.sqrt(rest)
    return StdScaling(scale, floor)


def _maximum_likelihood(square: np.ndarray, error: np.ndarray) -> tuple:
    """The a, b >= 0 that make N(0, a square + b) likeliest, by scoring.

    Fisher scoring for a variance that is linear in its parameters is least
    squares of the squared errors, weighted by the inverse squared variance,
    again and again.

    Args:
        square: Squared spread (F,).
        error: Squared error, mean over axes (F,).
    """
    rest_least = _SMALLEST_STD**2
    mean = max(error.mean(), rest_least)
    size = max(square.mean(), 1e-12)
    # In units in which both parameters are of the order of one.
    features = np.stack([square / size, np.ones_like(square)])
    target = error / mean
    least = np.array([0., rest_least / mean])
    most = np.array([_LARGEST_SCALE**2 * size / mean, np.inf])
    parameters = np.clip([0.5, 0.5], least, most)
    best = (np.inf, parameters)
    for _ in range(100):
        variance = parameters @ features
        loss = float((np.log(variance) + target / variance).mean())
        if loss < best[0] - 1e-10:
            best = (loss, parameters)
        step = _weighted_least_squares(features, target, variance**-2., least,
                                       most)
        if np.allclose(step, parameters, rtol=1e-6, atol=1e-9):
            break
        # Half steps: whole ones may oscillate.
        parameters = (parameters + step) / 2
    gain, rest = best[1]
    return gain * mean / size, rest * mean


def _weighted_least_squares(features: np.ndarray, target: np.ndarray,
                            weight: np.ndarray, least: np.ndarray,
                            most: np.ndarray) -> np.ndarray:
    """Two coefficients within their bounds; features (2, F)."""
    matrix = (features * weight) @ features.T
    vector = (features * weight) @ target
    if np.linalg.cond(matrix) < 1e12:
        both = np.linalg.solve(matrix, vector)
        if ((both >= least) & (both <= most)).all():
            return both
    # Else the optimum has one of them at a bound.
    candidates = []
    for fixed, bounds in enumerate(zip(least, most)):
        free = 1 - fixed
        for bound in filter(np.isfinite, bounds):
            pair = np.full(2, bound)
            pair[free] = least[free]
            if matrix[free, free] > 0:
                rest = vector[free] - matrix[free, fixed] * bound
                pair[free] = np.clip(rest / matrix[free, free], least[free],
                                     most[free])
            candidates.append(pair)
    return min(
        candidates, key=lambda pair: pair @ matrix @ pair - 2 * pair @ vector)


def _conformal_quantile(scores: np.ndarray, level: float) -> float:
    """The smallest bound that a new score exceeds with chance <= 1 - level."""
    rank = int(np.ceil((len(scores) + 1) * level))
    rank = min(rank, len(scores)) - 1
    return float(np.partition(scores, rank)[rank])
