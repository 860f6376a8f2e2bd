# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""What a lifter does not know of somebody's size, and how to take it out.

A pose is a size times a shape. Where the logarithm of the size has the
standard deviation s and nothing to do with the shape, a coordinate of mean m
has the variance

.. math:: v = s^2 m^2 + v_{shape}

to first order in s. Of a person whose height is known, with the standard
deviation :math:`\sigma` of its logarithm, it is

.. math:: v' = v - s^2 m^2 + \sigma^2 m^2.

This is the law of total variance, for each axis of the lifter's view, in
which models tell x, y and z apart but not how their errors go together.

Where s comes from is the question. Ten hypotheses show it only to a quarter,
and too small where their correlation is that of an average pose. No
coordinate can be surer than its size is: s is at most :math:`\sqrt v / |m|`
of every one, and nearly that of those few (head, neck and feet, mostly) which
are unsure of hardly anything else. So s is a low quantile of that share, but
no more than hypotheses allow: those of a model that was trained on people of
one size have it, and its std holds no spread of size.
"""

from statistics import NormalDist
from typing import Iterable, Tuple

import numpy as np

SUREST = 0.05
"""Quantile, over frames, joints and axes, of variance over squared mean."""
BY_CHANCE = 1.75
"""How many times as large as the spread of hypotheses' sizes s may be: that of
ten is this far below the true one in one of thirty draws."""
LEAST_LEFT = 0.05
"""Share of its variance that a coordinate keeps."""
LEAST_MEAN = 1e-3
"""Metres from the root along an axis, below which a coordinate says nothing
of the size."""

# SUREST, BY_CHANCE and LEAST_LEFT were chosen on the validation actor (HDM05's
# dg) alone: with them 90 % intervals of `residual` at a known height hold
# about 90 % along all axes (tools/analysis_tools/height_table.py).


def size_std(spreads: Iterable[Tuple[np.ndarray, np.ndarray]],
             heights: np.ndarray) -> float:
    """The std of log size that a lifter's own std holds.

    Args:
        spreads (Iterable[tuple[np.ndarray, np.ndarray]]): Variances and
            squared means, (F, J, 3) each, or (F, J, 1), square metres, of
            each piece of a person's track. Means below
            :data:`LEAST_MEAN` do not count.
        heights (np.ndarray): (N, ) heights of the hypotheses, metres.

    Returns:
        float: 0 of fewer than two hypotheses: a std alone does not say what
        has to do with size.
    """
    if len(heights) < 2:
        return 0.
    shares = np.concatenate([
        variance[square > LEAST_MEAN**2] / square[square > LEAST_MEAN**2]
        for variance, square in spreads
    ])
    if not len(shares):
        return 0.
    surest = np.sqrt(np.quantile(shares, SUREST))
    return float(min(surest, BY_CHANCE * np.std(np.log(heights), ddof=1)))


def at_known_size(variance: np.ndarray, square: np.ndarray, believed: float,
                  known: float) -> np.ndarray:
    """What variances are multiplied by where the size is known.

    Args:
        variance (np.ndarray): v, of any shape.
        square (np.ndarray): Squared means, of the same shape.
        believed (float): s, the std of log size that v holds.
        known (float): The std of log size that it is to hold.

    Returns:
        np.ndarray: v' / v, v' not below :data:`LEAST_LEFT` of v before what
        is not known is added; 1 where v is 0.
    """
    left = np.maximum(variance - believed**2 * square, LEAST_LEFT * variance)
    left = left + known**2 * square
    return np.divide(
        left, variance, out=np.ones_like(left), where=variance > 0)


def spread_heights(heights: np.ndarray, mean: float, std: float) -> np.ndarray:
    """Heights for hypotheses, as far apart as a height is unsure.

    Quantiles of the normal distribution of the logarithm, no random numbers;
    who was the tallest stays it.

    Args:
        heights (np.ndarray): (N, ) their own.
        mean (float): The known height.
        std (float): Its standard deviation, in the unit of the mean.

    Returns:
        np.ndarray: (N, ), whose logarithms have the mean of log(mean) and the
        standard deviation std / mean, of N - 1; all the mean where N is 1.
    """
    number = len(heights)
    if number < 2 or not std:
        return np.full(number, float(mean))
    normal = NormalDist()
    scores = np.array(
        [normal.inv_cdf((place + .5) / number) for place in range(number)])
    scores /= np.std(scores, ddof=1)
    ranks = np.argsort(np.argsort(heights, kind='stable'), kind='stable')
    return mean * np.exp(std / mean * scores[ranks])
