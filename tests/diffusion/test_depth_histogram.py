# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Depth histograms and their mixtures, against NumPy and direct sampling."""
import numpy as np
import pytest
import torch
from scipy.stats import norm

from mmdiffpose.diffusion.depth_histogram import (DepthHistogram, count_depths,
                                                  histogram_mixture,
                                                  read_depth_histogram)
from mmdiffpose.diffusion.initial_distribution import (initial_distribution,
                                                       joint_noise)
from mmdiffpose.diffusion.noise import HypothesisNoise

J = 17


def depths(frames=4000, seed=0):
    """Two modes a joint, the root at 0."""
    rng = np.random.default_rng(seed)
    z = rng.normal(
        0, 0.04,
        (frames, J)) + 0.15 * rng.choice([-1, 1], (frames, J), p=[0.3, 0.7])
    z[:, 0] = 0
    return z


def mixture_cdf(mixture, points):
    """Distribution functions (J, n) of mixtures (J, M, 3)."""
    weight, mean, std = mixture.double().numpy().transpose(2, 0, 1)[..., None]
    return (weight * norm.cdf((points - mean) / std)).sum(1)


def test_counts_are_those_of_numpy():
    z = depths()
    histogram = count_depths(z, 0.02)
    np.testing.assert_allclose(np.diff(histogram.edges), 0.02)
    for joint, counts in zip(z.T, histogram.counts):
        expected, _ = np.histogram(joint, histogram.edges)
        np.testing.assert_array_equal(counts, expected)
        assert counts.sum() == len(z)  # none is outside
    # The root's depth 0 is the centre of a bin.
    assert histogram.centers[histogram.counts[0] > 0] == pytest.approx(0)
    mean, std = histogram.moments()
    np.testing.assert_allclose(mean, z.mean(0), atol=1e-3)
    np.testing.assert_allclose(std[1:], z.std(0)[1:], atol=1e-3)


def test_the_mixture_is_distributed_as_the_histogram():
    z = depths()
    histogram = count_depths(z)
    mixture = histogram_mixture(histogram)
    assert mixture.shape == (J, 5, 3) and mixture.dtype == torch.float32
    weight, mean, std = mixture.double().unbind(-1)
    np.testing.assert_allclose(weight.sum(-1), 1, rtol=1e-5)
    centre = (weight * mean).sum(-1)
    second = (weight * (std**2 + mean**2)).sum(-1)
    np.testing.assert_allclose(centre, z.mean(0), atol=1e-3)
    np.testing.assert_allclose(
        (second - centre**2).sqrt()[1:], z.std(0)[1:], rtol=0.01)
    points = np.linspace(-0.4, 0.4, 81)
    empirical = (z[:, :, None] < points).mean(0)
    gap = np.abs(mixture_cdf(mixture, points) - empirical)[1:]
    assert gap.max() < 0.03
    # One Gaussian, as the context encoder's, can't say this.
    single = histogram_mixture(histogram, 1)
    assert np.abs(mixture_cdf(single, points) - empirical)[1:].max() > 0.1


def test_bins_of_unequal_width_and_few_filled_ones():
    edges = np.array([-0.3, -0.1, -0.05, 0., 0.2])
    counts = np.tile([1., 0, 0, 3], (J, 1))
    mixture = histogram_mixture(DepthHistogram(counts, edges), 5)
    assert mixture.isfinite().all() and (mixture[..., 2] > 0).all()
    mean = (mixture[..., 0] * mixture[..., 1]).sum(-1)
    torch.testing.assert_close(mean, torch.full((J, ), 0.25 * -0.2 + .75 * .1))


def test_hypotheses_start_with_depths_of_the_histogram():
    """Samples of H_K against the depths themselves, joint by joint."""
    z = depths()
    mixture = histogram_mixture(count_depths(z))
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(1, 2, J, 3, generator=generator) * 0.3
    coarse[:, :, 0] = 0
    images = torch.zeros(1, 2, J, 2, 5)
    images[..., 0] = torch.tensor([0.7, 0.3])
    images[..., 1:3] = coarse[..., None, :2] / 2
    images[..., 1, 1] += 0.1
    images[..., 3:] = 0.01
    residual = torch.full((J, 3), 0.05)
    plain = initial_distribution(coarse, residual, images)
    joints = initial_distribution(coarse, residual, images, depths=mixture)
    assert joints.weights.shape == (1, 2, J, 10)
    torch.testing.assert_close(joints.weights.sum(-1), torch.ones(1, 2, J))
    # x and y are what they were, z is the histogram's for every pose.
    (mean, std), (old_mean, old_std) = joints.moments(), plain.moments()
    torch.testing.assert_close(mean[..., :2], old_mean[..., :2])
    torch.testing.assert_close(
        std[..., :2], old_std[..., :2], rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(mean[:, 0, :, 2], mean[:, 1, :, 2])
    assert (mean[:, :, 0] == 0).all()
    noise = HypothesisNoise([0], 4000, 1, J)
    frame = type(joints)(*(value[:, :1]
                           for value in (joints.weights, joints.means,
                                         joints.stds)))
    model = joint_noise(frame, noise)
    drawn = (model.center + model.colour(noise.normal()))[0, :, 0, :, 2]
    points = np.linspace(-0.4, 0.4, 41)
    share = (drawn[..., None] < torch.from_numpy(points)).double().mean(0)
    empirical = (z[:, :, None] < points).mean(0)
    assert np.abs(share.numpy() - empirical)[1:].max() < 0.05
    # Depth and image position are independent of each other.
    x = (model.center + 0 * drawn[0, 0])[0, :, 0, 5, 0]
    assert abs(np.corrcoef(x, drawn[:, 5])[0, 1]) < 0.06


def write(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_files_that_make_no_sense_are_refused(tmp_path):
    good = count_depths(depths())
    path = tmp_path / 'depths.npz'
    write(path, counts=good.counts, edges=good.edges)
    read = read_depth_histogram(path)
    np.testing.assert_array_equal(read.counts, good.counts)
    with pytest.raises(FileNotFoundError, match='depth_histograms.py'):
        read_depth_histogram(tmp_path / 'none.npz')
    empty = good.counts.copy()
    empty[3] = 0
    for arrays, message in (
        (dict(counts=good.counts), 'lacks.*edges'),
        (dict(counts=good.counts[:16], edges=good.edges), '17 joints'),
        (dict(counts=good.counts, edges=good.edges[1:]), r'n \+ 1 edges'),
        (dict(counts=-good.counts, edges=good.edges), 'not negative'),
        (dict(counts=empty, edges=good.edges), 'each joint'),
        (dict(counts=good.counts, edges=good.edges[::-1]), 'increase'),
        (dict(counts=np.ones((J, 2000)),
              edges=np.linspace(-1, 1, 2001)), '--bin-width'),
        (dict(counts=good.counts, edges=1000 * good.edges), 'metres'),
        (dict(counts=good.counts, edges=good.edges / 1000), 'metres'),
    ):
        with pytest.raises(ValueError, match=message) as error:
            read_depth_histogram(write(path, **arrays))
        assert 'depths.npz' in str(error.value)
    path.write_bytes(b'no npz')
    with pytest.raises(ValueError, match='cannot be read'):
        read_depth_histogram(path)


def test_bad_depths_are_refused():
    with pytest.raises(ValueError, match='bin_width'):
        count_depths(depths(10), 0)
    with pytest.raises(ValueError, match='finite'):
        count_depths(np.full((3, J), np.nan))
