# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Is a predicted standard deviation as large as the errors?

The standard deviation of a joint is the root mean square of those of its
three coordinates: std^2 = mean over x, y, z of the predictive variance. The
predictive distribution is read as an isotropic normal with it, so that each
coordinate's residual over std is N(0, 1) where the model is calibrated.
"""

import math
from statistics import NormalDist
from typing import Sequence

import numpy as np

CALIBRATION_LEVELS = tuple(round(0.05 * i, 2) for i in range(1, 20))
"""Nominal levels of the calibration error, 0.05 to 0.95."""

REGIONS = ('axis', 'ball')


def _chi3_quantile(level: float) -> float:
    """Radius that holds a share of a 3D standard normal, by bisection."""
    low, high = 0., 40.
    for _ in range(80):
        radius = (low + high) / 2
        held = math.erf(radius / math.sqrt(2)) - math.sqrt(
            2 / math.pi) * radius * math.exp(-radius**2 / 2)
        low, high = (radius, high) if held < level else (low, radius)
    return (low + high) / 2


def region_sizes(levels: Sequence[float], region: str = 'axis') -> np.ndarray:
    """Half-width of the central region of each level, in standard deviations.

    Args:
        levels: Nominal probabilities, each in (0, 1).
        region: ``'axis'``: the central interval of each coordinate.
            ``'ball'``: the ball around the predicted joint.

    Returns:
        (levels,).
    """
    if any(not 0 < level < 1 for level in levels):
        raise ValueError(f'Levels must lie in (0, 1), got {levels}.')
    if region == 'axis':
        normal = NormalDist()
        return np.array([normal.inv_cdf((1 + p) / 2) for p in levels])
    if region == 'ball':
        return np.array([_chi3_quantile(p) for p in levels])
    raise ValueError(f'region must be one of {REGIONS}, got {region!r}.')


def covered_share(residual: np.ndarray,
                  std: np.ndarray,
                  levels: Sequence[float],
                  region: str = 'axis') -> np.ndarray:
    """Which central regions hold the truth.

    Args:
        residual: Truth minus prediction (..., 3).
        std: Standard deviation of each joint (...,), same unit. Where it is
            0, only a residual of 0 is covered.
        levels: Nominal probabilities.
        region: See :func:`region_sizes`.

    Returns:
        (..., levels) in [0, 1]: the share of the three coordinates whose
        interval holds the truth (``'axis'``), or 1 where the ball does.
    """
    if residual.shape != std.shape + (3, ):
        raise ValueError(f'Residuals of the shape {residual.shape} do not fit '
                         f'standard deviations of the shape {std.shape}.')
    if np.any(std < 0):
        raise ValueError('A standard deviation is negative.')
    limits = std[..., None] * region_sizes(levels, region)
    if region == 'ball':
        radius = np.linalg.norm(residual, axis=-1)
        return (radius[..., None] <= limits).astype(np.float64)
    inside = np.abs(residual)[..., None] <= limits[..., None, :]
    return inside.mean(axis=-2)


def expected_calibration_error(levels: Sequence[float],
                               coverage: np.ndarray) -> float:
    """Mean distance of empirical coverage and nominal level.

    For regression as in Kuleshov et al., "Accurate Uncertainties for Deep
    Learning Using Calibrated Regression", ICML 2018, with the absolute
    difference and equal weights.

    Args:
        levels: Nominal probabilities.
        coverage: Empirical coverage at each, in [0, 1].
    """
    coverage = np.asarray(coverage)
    if coverage.shape != (len(levels), ):
        raise ValueError(f'{len(levels)} levels, but coverage has the shape '
                         f'{coverage.shape}.')
    return float(np.abs(coverage - np.asarray(levels)).mean())


CGNF_LEVELS = tuple(round(0.05 * i, 2) for i in range(21))
"""Quantile levels of cGNF's calibration error, 0 to 1."""


def samples_nearer(samples: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Share of the samples that are nearer to their median than the truth.

    The median is that of each coordinate, the distance Euclidean. Where
    samples and truth have one distribution, the share is uniform on [0, 1].

    Args:
        samples: (..., N, D).
        truth: (..., D).

    Returns:
        (...,) in [0, 1]; NaN where a sample or the truth is.
    """
    middle = np.median(samples, axis=-2)
    radius = np.linalg.norm(samples - middle[..., None, :], axis=-1)
    distance = np.linalg.norm(truth - middle, axis=-1)
    share = (radius < distance[..., None]).mean(axis=-1)
    return np.where(np.isnan(distance), np.nan, share)


def cgnf_calibration_error(shares: np.ndarray) -> float:
    """The calibration error that cGNF reports.

    Pierzchlewicz et al., "Multi-Hypothesis 3D Human Pose Estimation Metrics
    Favor Miscalibrated Distributions", 2022, as its repository computes it
    (``scripts/eval/human36m/calibration.py``, with 200 samples): at each
    level q, the share of frames in which the truth lies no farther from the
    samples' median than their quantile q; of these the median over joints;
    of its distance to q the mean over levels. It is another number than
    :func:`expected_calibration_error` of a standard deviation.

    Args:
        shares: Of :func:`samples_nearer`, (F, J); NaN for joints that don't
            count.

    Returns:
        In [0, 1].
    """
    held = np.stack([
        np.nanmean(
            np.where(np.isnan(shares), np.nan, shares <= level), axis=0)
        for level in CGNF_LEVELS
    ])
    return float(
        np.abs(np.nanmedian(held, axis=1) - np.asarray(CGNF_LEVELS)).mean())
