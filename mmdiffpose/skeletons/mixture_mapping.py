# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""From the 2D mixtures of a detector's joints to those of a lifter's.

A lifter's joint is a weighted mean of the detector's: Human3.6M's pelvis is
the middle of COCO's hips. With the detector's joints taken as independent,
the distribution of :math:`\sum_s c_s X_s` is again a mixture: one component
for each choice of components of the parts, whose weight is the product of
theirs, whose mean is :math:`\sum_s c_s \mu_s` and whose variance is
:math:`\sum_s c_s^2 \sigma_s^2`.

Independence is an approximation. It is best for a detector's jitter; where
left and right are confused as a whole, the middle of the two hips is surer
than this says.

That product has M^S components for S parts. It is built part by part, and
after each the cheapest pairs are merged until ``num_components`` are left,
cheap by Runnalls' bound on the Kullback-Leibler divergence ("Kullback-Leibler
Approach to Gaussian Mixture Reduction", IEEE T-AES 2007, Eq. 16, with
diagonal covariances). A merge keeps weight, mean and variances; so the mean
and the variances of the joint are exact whatever the number of components.
Dropping all but the likeliest would make the pelvis surer than its parts.

Arrays are (..., J, M, 5): weight, mean u, mean v, std u, std v. A joint
whose weights are all 0 is masked.
"""

from typing import Union

import numpy as np

from .mapping import get_skeleton, mapping_ways
from .skeleton import Skeleton

_MASKED = np.array([0, 0, 0, 1, 1.])


def map_mixtures(mixtures: np.ndarray,
                 from_skeleton: Union[str, Skeleton],
                 to: Union[str, Skeleton] = 'h36m',
                 num_components: int = 2) -> np.ndarray:
    """Mixtures of a lifter's joints from those of a detector's.

    Args:
        mixtures (np.ndarray): (..., S, M, 5), pixels.
        from_skeleton (str | Skeleton): The detector's joints, S.
        to (str | Skeleton): The lifter's joints, J.
        num_components (int): Components M' of each joint in the result.

    Returns:
        np.ndarray: (..., J, M', 5) float32, pixels, the heaviest component
        first; spare components are copies of it with weight 0. A joint is
        masked (weights 0, means 0, stds 1) where
        :func:`~.mapping.map_joints` has nothing for it.

    Raises:
        ValueError: If the joint counts aren't the skeleton's, there is no
            mapping, weights are negative, stds aren't positive, or a value
            isn't finite.
    """
    source, target = (
        get_skeleton(item) if isinstance(item, str) else item
        for item in (from_skeleton, to))
    if num_components < 1:
        raise ValueError(
            f'num_components should be at least 1, got {num_components}')
    mixtures = _checked(mixtures, source.num_joints, source.name)
    masked = mixtures[..., 0].sum(-1) <= 0
    total = mixtures[..., :1].sum(-2, keepdims=True)
    mixtures[..., :1] /= np.where(total > 0, total, 1.)
    mixtures[..., 3:] **= 2  # variances from here on
    shape = (*mixtures.shape[:-3], num_components, 5)
    joints = []
    for ways in mapping_ways(source, target):
        joint = np.array(np.broadcast_to(_MASKED, shape))
        missing = np.ones(shape[:-2], bool)
        # As map_joints: the first way whose parts were all seen.
        for way in ways:
            use = missing & ~masked[..., way.parts > 0].any(-1)
            if use.any():
                joint[use] = _mixture(mixtures[use], way.parts, num_components)
                missing &= ~use
        joints.append(joint)
    result = np.stack(joints, axis=-3)
    result[..., 3:] **= 0.5
    return result.astype(np.float32)


def _mixture(mixtures: np.ndarray, parts: np.ndarray,
             num_components: int) -> np.ndarray:
    """Mixture (..., M', 5) of a weighted mean of joints (..., S, M, 5)."""
    first, *others = np.flatnonzero(parts)
    mixture = _scaled(mixtures[..., first, :, :], parts[first])
    for part in others:
        mixture = _sum(
            _reduce(mixture, num_components),
            _scaled(mixtures[..., part, :, :], parts[part]))
    return _pad(_reduce(mixture, num_components), num_components)


def mask_joints(mixtures: np.ndarray) -> np.ndarray:
    """Which joints of (..., J, M, 5) are masked, (..., J) bool."""
    return np.asarray(mixtures)[..., 0].sum(-1) <= 0


def fill_masked(mixtures: np.ndarray) -> np.ndarray:
    """Give masked joints mixtures as wide as the person.

    A codec needs a distribution for every joint. A masked one gets a single
    broad Gaussian at the centre of the frame's other joints, as wide as the
    person (root of the mean squared distance of joints to their centre,
    median over the frames), as ``GMMDiffusionPose`` gives a joint without
    score. Keep the scores at 0 beside it: they say that it was not seen.

    Args:
        mixtures (np.ndarray): One person's track, (F, J, M, 5), pixels.

    Returns:
        np.ndarray: (F, J, M, 5) float32.

    Raises:
        ValueError: If no joint was seen in any frame.
    """
    mixtures = np.array(mixtures, np.float32)
    seen = ~mask_joints(mixtures)
    if not seen.any():
        raise ValueError('all joints of all frames are masked, there is '
                         'nothing to fill the mixtures from')
    main = np.take_along_axis(
        mixtures, mixtures[..., :1].argmax(-2)[..., None, :], axis=-2)[..., 0,
                                                                       1:3]
    count = seen.sum(1)
    some = np.flatnonzero(count)
    share = seen[..., None] / np.maximum(count, 1)[:, None, None]
    centre = (main * share).sum(1)
    offset = (main - centre[:, None])**2
    extent = np.median(np.sqrt((offset * share).sum((1, 2)))[some])
    # Where a whole frame is masked the nearest one that isn't stands in.
    frames = np.arange(len(mixtures))
    nearest = some[np.abs(frames[:, None] - some).argmin(1)]
    broad = np.empty((len(mixtures), 5), np.float32)
    broad[:, 0] = 0
    broad[:, 1:3] = centre[nearest]
    broad[:, 3:] = max(float(extent), 1.)
    filled = np.where(seen[..., None, None], mixtures, broad[:, None, None])
    filled[..., 0, 0] = np.where(seen, filled[..., 0, 0], 1)
    return filled


def _checked(mixtures: np.ndarray, num_joints: int, name: str) -> np.ndarray:
    """A float64 copy of valid mixtures."""
    mixtures = np.array(mixtures, np.float64)
    if mixtures.ndim < 3 or mixtures.shape[-1] != 5 or (mixtures.shape[-3]
                                                        != num_joints):
        raise ValueError(
            f'mixtures of skeleton {name}: expected the shape (..., '
            f'{num_joints}, M, 5), found {mixtures.shape}')
    if not np.isfinite(mixtures).all():
        raise ValueError('mixtures hold NaN or infinite values')
    if (mixtures[..., 0] < 0).any() or (mixtures[..., 3:] <= 0).any():
        raise ValueError('mixtures should have weights >= 0 and stds > 0')
    return mixtures


def _scaled(mixture: np.ndarray, factor: float) -> np.ndarray:
    """The mixture of c X, (..., M, 5) with variances."""
    return mixture * np.array([1, factor, factor, factor**2, factor**2])


def _sum(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The mixture of X + Y, independent: M1 * M2 components."""
    first, second = first[..., :, None, :], second[..., None, :, :]
    weight = first[..., :1] * second[..., :1]
    rest = first[..., 1:] + second[..., 1:]
    product = np.concatenate([weight, rest], axis=-1)
    return product.reshape(*product.shape[:-3], -1, 5)


def _reduce(mixture: np.ndarray, number: int) -> np.ndarray:
    """Merges the cheapest pairs until ``number`` components are left."""
    shape = mixture.shape
    mixture = mixture.reshape(-1, *shape[-2:])
    rows = np.arange(len(mixture))
    for count in range(shape[-2], number, -1):
        first, second = np.triu_indices(count, 1)
        pairs = _merge(mixture[:, first], mixture[:, second])
        entropy = 0.5 * mixture[..., 0] * np.log(mixture[..., 3:]).sum(-1)
        cost = 0.5 * pairs[..., 0] * np.log(pairs[..., 3:]).sum(-1)
        cost -= entropy[:, first] + entropy[:, second]
        best = cost.argmin(1)
        mixture[rows, first[best]] = pairs[rows, best]
        keep = np.ones(mixture.shape[:2], bool)
        keep[rows, second[best]] = False
        mixture = mixture[keep].reshape(len(mixture), count - 1, 5)
    return mixture.reshape(*shape[:-2], -1, 5)


def _merge(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Gaussians with the moments of two each, (..., 5) with variances."""
    weight = first[..., :1] + second[..., :1]
    share = first[..., :1] / np.where(weight > 0, weight, 1.)
    share = np.where(weight > 0, share, 0.5)
    mean = share * first[..., 1:3] + (1 - share) * second[..., 1:3]
    between = share * (1 - share) * (first[..., 1:3] - second[..., 1:3])**2
    within = share * first[..., 3:] + (1 - share) * second[..., 3:]
    return np.concatenate([weight, mean, within + between], axis=-1)


def _pad(mixture: np.ndarray, number: int) -> np.ndarray:
    """The heaviest first; copies of it with weight 0 up to ``number``."""
    order = np.argsort(-mixture[..., 0], axis=-1, kind='stable')
    mixture = np.take_along_axis(mixture, order[..., None], axis=-2)
    spare = number - mixture.shape[-2]
    if spare > 0:
        copies = np.repeat(mixture[..., :1, :], spare, axis=-2)
        copies[..., 0] = 0
        mixture = np.concatenate([mixture, copies], axis=-2)
    return mixture
