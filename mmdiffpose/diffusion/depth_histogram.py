# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""Depth of each joint over a training set, as histogram and as mixture.

DiffPose, Sec. 4.1, takes the z of :math:`H_K` from a histogram of the
training set (or from the context encoder, which converges faster). A mixture
of a few Gaussians stands for the histogram here, because :math:`H_K` is a
mixture in x and y already and the product of the two stays one. Fitted by EM
on the bins it has the histogram's mean and variance; with five components its
distribution function is within 0.02 of the histogram's on mocap-mini (one
Gaussian: 0.11).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Tuple, Union

import numpy as np
import torch
from torch import Tensor

from mmdiffpose.array_files import check_numbers, read_npz
from mmdiffpose.input_files import check_file
from .gmm import fit_gmm

MAX_DEPTH = 5.
"""Metres that no joint is ever before or behind the root."""
MAX_BINS = 1024
"""Bins that a checkpoint has room for."""
MIN_SPREAD = 0.005
"""If no joint varies more in depth than this, the poses are not in metres."""


@dataclass(frozen=True, eq=False)
class DepthHistogram:
    """Root-relative depths of J joints, counted in n bins.

    Attributes:
        counts: (J, n), float64, not negative.
        edges: (n + 1, ), float64, metres, increasing.
    """
    counts: np.ndarray
    edges: np.ndarray

    @property
    def centers(self) -> np.ndarray:
        """The bins' centres (n, ), metres."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    def moments(self) -> Tuple[np.ndarray, np.ndarray]:
        """Mean and std of each joint, (J, ), metres."""
        share = self.counts / self.counts.sum(1, keepdims=True)
        mean = share @ self.centers
        return mean, np.sqrt(
            (share * (self.centers - mean[:, None])**2).sum(1))


def count_depths(depths: np.ndarray,
                 bin_width: float = 0.01) -> DepthHistogram:
    """Count root-relative depths.

    Args:
        depths (np.ndarray): (F, J), metres; NaN where a joint isn't known,
            which counts nowhere.
        bin_width (float): Metres. A bin is centred at 0, and as many are on
            either side of it as the largest depth needs.

    Raises:
        ValueError: For a width that isn't positive, no depths, or ones that
            are no metres.
    """
    if not bin_width > 0:
        raise ValueError(f'bin_width should be positive, got {bin_width}')
    known = ~np.isnan(depths)
    if depths.ndim != 2 or not known.any() or np.isinf(depths).any():
        raise ValueError('depths should be finite, or NaN where they are not '
                         f'known, and of the shape (F, J), got {depths.shape}')
    farthest = float(np.abs(depths[known]).max())
    if farthest > MAX_DEPTH:
        raise ValueError(
            f'depths: expected metres, at most {MAX_DEPTH:g} from '
            f'the root, found {farthest:g}')
    side = int(np.ceil(farthest / bin_width))
    edges = (np.arange(2 * side + 2) - side - 0.5) * bin_width
    counts = np.stack([
        np.histogram(joint[seen], edges)[0]
        for joint, seen in zip(depths.T, known.T)
    ])
    return DepthHistogram(counts.astype(np.float64), edges)


def read_depth_histogram(path: Union[str, Path],
                         num_joints: int = 17) -> DepthHistogram:
    """Read and check a file of ``tools/dataset_converters/
    depth_histograms.py``.

    Args:
        path: The npz with ``counts`` (J, n) and ``edges`` (n + 1, ), metres.
        num_joints: J.

    Raises:
        FileNotFoundError: If there is no such file; says what writes it.
        ValueError: If it is another file, of other joints, or not in metres.
    """
    check_file(
        path, 'depth histograms (write them with: python '
        f'tools/dataset_converters/depth_histograms.py CONFIG --out {path})')
    content = read_npz(path, ('counts', 'edges'))
    check_numbers(path, content, ('counts', 'edges'))
    counts, edges = (
        content[name].astype(np.float64) for name in ('counts', 'edges'))
    return check_depth_histogram(counts, edges, num_joints, str(path))


def check_depth_histogram(counts: np.ndarray, edges: np.ndarray,
                          num_joints: int, where: str) -> DepthHistogram:
    """Raises ValueError, naming ``where``, unless both make sense."""
    if (counts.ndim != 2 or edges.ndim != 1
            or counts.shape != (num_joints, len(edges) - 1)
            or not counts.shape[1]):
        raise ValueError(
            f'{where}: expected counts of shape ({num_joints}, n) for '
            f'{num_joints} joints and n + 1 edges, found {counts.shape} and '
            f'{edges.shape}')
    if counts.shape[1] > MAX_BINS:
        raise ValueError(f'{where}: expected at most {MAX_BINS} bins, found '
                         f'{counts.shape[1]}; take a larger --bin-width')
    if not (np.isfinite(counts).all() and
            (counts >= 0).all()) or not (counts.sum(1) > 0).all():
        raise ValueError(f'{where}: expected counts that are finite and not '
                         'negative, some for each joint')
    if not np.isfinite(edges).all() or not (np.diff(edges) > 0).all():
        raise ValueError(f'{where}: expected edges that increase')
    histogram = DepthHistogram(counts, edges)
    seen = counts.any(0)
    low, high = edges[:-1][seen].min(), edges[1:][seen].max()
    spread = histogram.moments()[1].max()
    if max(-low, high) > MAX_DEPTH or spread < MIN_SPREAD:
        raise ValueError(
            f'{where}: expected root-relative depths of a body in metres, '
            f'found values from {low:g} to {high:g} with stds of at most '
            f'{spread:g}')
    return histogram


def histogram_mixture(histogram: DepthHistogram,
                      num_components: int = 5) -> Tensor:
    """A mixture of Gaussians for each joint, by weighted EM on the bins.

    Args:
        histogram (DepthHistogram): Of J joints.
        num_components (int): M, or as many as there are bins.

    Returns:
        Tensor: (J, M, 3) float32: weight, mean, std, metres. The same in
        each run and on each machine up to rounding.
    """
    x = torch.from_numpy(histogram.centers)
    x = x.expand(len(histogram.counts), -1)[..., None].contiguous()
    width = float(np.diff(histogram.edges).mean())
    mixture, _ = fit_gmm(
        x,
        n_components=min(num_components, x.shape[1]),
        covariance_type='diag',
        weights=torch.from_numpy(histogram.counts),
        max_iter=200,
        tol=1e-6,
        # What a uniform density over a bin has and its centre hasn't.
        reg_covar=width**2 / 12)
    return torch.stack(
        [mixture.weights, mixture.means[..., 0], mixture.scale[..., 0]],
        -1).float()
