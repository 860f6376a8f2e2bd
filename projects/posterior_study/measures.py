# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What is measured of hypotheses."""

import math
from typing import Dict, NamedTuple

import numpy as np
import torch

from mmdiffpose.datasets.annotation_files.annotation_checks import bone_lengths
from mmdiffpose.diffusion.aggregation import geometric_median, medoid
from mmdiffpose.diffusion.reprojection import joint_wise_by_reprojection
from mmdiffpose.evaluation.functional import (CALIBRATION_LEVELS,
                                              crps_ensemble, joint_errors,
                                              mean_pairwise_distance,
                                              region_sizes, samples_nearer)
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.structures.canonical_view import turn_poses_back

NINETY, = region_sizes((.9, ))
"""Half the width of a 90 % interval, in stds of a normal distribution."""
SCORES = ('MPJPE', 'energy', 'energy of the window', 'CRPS', 'best of N',
          'best of N windows')
"""Per window, mm; smaller is better."""
SHARES = ('90 % x', '90 % y', '90 % z')
OTHERS = ('bone spread', 'acceleration')
LEVELS = np.asarray(CALIBRATION_LEVELS)
LIMBS = tuple((H36M_17.index[f'{side}_{near}'], H36M_17.index[f'{side}_{far}'])
              for near, far in (('elbow', 'wrist'), ('knee', 'foot'))
              for side in ('left', 'right'))
"""Near and far joint of forearms and shins: which of the two is nearer to
the camera is what a picture says least about."""
BINS = 10


class Figures(NamedTuple):
    """Of B windows.

    Attributes:
        values: Of each of ``SCORES``, ``SHARES`` and ``OTHERS``, (B,).
        covered: Share of coordinates inside central intervals between the
            hypotheses' quantiles, at each of ``LEVELS``, (B, levels).
        unseen: The same of joints that the detector did not see, with their
            number behind it, (B, levels + 1).
        nearer: cGNF's shares, see ``samples_nearer``, (B, T, J).
    """
    values: Dict[str, np.ndarray]
    covered: np.ndarray
    unseen: np.ndarray
    nearer: np.ndarray


def measure(poses: np.ndarray,
            reported: np.ndarray,
            truth: np.ndarray,
            seen: np.ndarray,
            recentred: bool = False) -> Figures:
    """Figures of hypotheses.

    The best of N is chosen by the truth, in each frame and in each window:
    an oracle.

    Args:
        poses: (B, N, T, J, 3) root-relative metres.
        reported: The pose that the method reports, (B, T, J, 3).
        truth: (B, T, J, 3).
        seen: Whether the detector saw a joint, (B, T, J).
        recentred: Whether the hypotheses were moved onto a mean, see
            :func:`as_wide_as_drawn`.
    """
    B, N, T, J, _ = poses.shape
    frames = poses.transpose(0, 2, 1, 3, 4).reshape(B, T, N, J * 3)
    wide = as_wide_as_drawn(poses, recentred)
    flat = truth.reshape(B, T, J * 3)
    wide_frames = wide.transpose(0, 2, 1, 3, 4).reshape(B, T, N, J * 3)
    distances = np.linalg.norm(poses - truth[:, None], axis=-1).mean(axis=-1)
    std = poses.std(axis=1, ddof=1)
    error = np.abs(poses.mean(axis=1) - truth)
    inside = (error <= NINETY * std)[:, :, 1:].mean(axis=(1, 2))
    mm = dict(
        zip(SCORES, (
            joint_errors(reported, truth).mean(axis=(1, 2)),
            fair_energy(frames, wide_frames, flat).mean(axis=-1),
            fair_energy(
                poses.reshape(B, N, -1), wide.reshape(B, N, -1),
                truth.reshape(B, -1)),
            (crps_ensemble(np.moveaxis(poses, 1, -1), truth, fair=True) +
             (np.abs(wide - truth[:, None]) -
              np.abs(poses - truth[:, None])).mean(1))[:, :, 1:].mean(
                  axis=(1, 2, 3)),
            distances.min(axis=1).mean(axis=-1),
            distances.mean(axis=-1).min(axis=1),
        )))
    mm['bone spread'] = bone_lengths(poses).std(axis=1, ddof=1).mean((1, 2))
    mm['acceleration'] = acceleration(poses).mean(axis=1)
    values = {key: 1000 * value for key, value in mm.items()}
    values.update(zip(SHARES, inside.T))
    place = quantile(poses, truth)[..., 1:, :]
    held = (np.abs(place - .5)[..., None] <= LEVELS / 2).mean(axis=-2)
    hidden = ~seen[:, :, 1:]
    count = hidden.sum(axis=(1, 2))
    total = (held * hidden[..., None]).sum(axis=(1, 2))
    nearer = samples_nearer(
        frames.reshape(B, T, N, J, 3).swapaxes(2, 3), truth)
    return Figures(values, held.mean(axis=(1, 2)),
                   np.column_stack([total, count]), nearer)


def as_wide_as_drawn(poses: np.ndarray, recentred: bool) -> np.ndarray:
    """Hypotheses (B, N, ...) with the spread that one draw has.

    Hypotheses that were moved onto a given mean lie nearer to it than draws
    do, by the root of (N - 1) / N, while their distances from each other
    stay. A fair score that is told nothing of it takes this for skill: of a
    Gaussian and N = 20 it is 2.5 % too low.
    """
    number = poses.shape[1]
    if not recentred or number < 2:
        return poses
    middle = poses.mean(axis=1, keepdims=True)
    return middle + math.sqrt(number / (number - 1)) * (poses - middle)


def fair_energy(samples: np.ndarray, wide: np.ndarray,
                truth: np.ndarray) -> np.ndarray:
    """Energy score of draws, in expectation that of endless ones.

    Args:
        samples: (..., N, D), whose distances from each other count.
        wide: (..., N, D), whose distances from the truth count; see
            :func:`as_wide_as_drawn`.
        truth: (..., D).
    """
    return np.linalg.norm(
        wide - truth[..., None, :],
        axis=-1).mean(axis=-1) - mean_pairwise_distance(samples) / 2


def quantile(poses: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Where the truth lies among the hypotheses, (B, T, J, 3) in [0, 1).

    Its rank, and a uniform draw between it and the next: uniform where truth
    and hypotheses have one distribution, whatever N is.
    """
    rank = (poses < truth[:, None]).sum(axis=1)
    between = np.random.default_rng(0).random(rank.shape)
    return (rank + between) / (poses.shape[1] + 1)


def acceleration(poses: np.ndarray) -> np.ndarray:
    """Mean size of the second differences: (..., T, J, 3) to (...)."""
    return np.linalg.norm(
        np.diff(poses, n=2, axis=-3), axis=-1).mean(axis=(-1, -2))


def toward_camera(poses: np.ndarray) -> np.ndarray:
    """Whether forearms and shins point to the camera: (..., J, 3) to
    (..., limbs)."""
    return np.stack(
        [poses[..., far, 2] < poses[..., near, 2] for near, far in LIMBS], -1)


def reliability(poses: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Said and true shares of limbs that point to the camera.

    Args:
        poses: (B, N, T, J, 3).
        truth: (B, T, J, 3).

    Returns:
        (BINS + 1, 3): for each bin of the share that the hypotheses say: the
        number of limbs, the sum of the shares, how often it was so. The last
        row has the number and, in both others, the sum of the squared
        differences (Brier's score times the number).
    """
    said = toward_camera(poses).mean(axis=1).ravel()
    was = toward_camera(truth).ravel().astype(float)
    index = np.minimum((said * BINS).astype(int), BINS - 1)
    out = np.zeros((BINS + 1, 3))
    for column, value in enumerate((np.ones_like(said), said, was)):
        out[:BINS, column] = np.bincount(index, value, BINS)
    out[BINS] = len(said), *(((said - was)**2).sum(), ) * 2
    return out


def aggregates(poses: np.ndarray, reported: np.ndarray, truth: np.ndarray,
               sight: Dict[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """MPJPE of single poses made of hypotheses, (B,), mm.

    Args:
        poses: (B, N, T, J, 3), in the canonical view.
        reported: What the method reports, (B, T, J, 3).
        truth: (B, T, J, 3).
        sight: See ``Windows``.
    """
    tensor = torch.from_numpy(poses)
    rotation = sight['rotation'][:, None].astype(float)
    turned = torch.from_numpy(turn_poses_back(poses, rotation))
    camera = (
        torch.from_numpy(sight[key].astype(float))
        for key in ('keypoints', 'scores', 'focal', 'center'))
    chosen = joint_wise_by_reprojection(turned, *camera).numpy()
    made = {
        'mean': poses.mean(axis=1),
        'reported': reported,
        'geometric median': geometric_median(tensor).numpy(),
        'medoid': medoid(tensor).numpy(),
    }
    errors = {
        name: joint_errors(pose, truth).mean(axis=(1, 2))
        for name, pose in made.items()
    }
    errors['JPMA'] = joint_errors(
        chosen,
        turn_poses_back(truth,
                        sight['rotation'].astype(float))).mean(axis=(1, 2))
    return {name: 1000 * error for name, error in errors.items()}


def clustered_error(values: np.ndarray, groups: np.ndarray) -> float:
    """Standard error of a mean of values that come in groups.

    Windows of one clip are alike: the sum of each clip's deviations is one
    independent number (the sandwich estimator of clustered errors).
    """
    deviations = values - values.mean()
    sums = np.array(
        [deviations[groups == group].sum() for group in np.unique(groups)])
    return float(np.sqrt((sums**2).sum()) / len(values))
