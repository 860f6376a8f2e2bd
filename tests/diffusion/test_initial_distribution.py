# Copyright (c) mmdiffpose contributors. All rights reserved.
import pytest
import torch

from mmdiffpose.diffusion.initial_distribution import (JointMixtures,
                                                       fit_pose_mixture,
                                                       image_scale,
                                                       initial_distribution,
                                                       joint_noise, pose_noise)
from mmdiffpose.diffusion.noise import HypothesisNoise

J = 17


def scene(B=2, T=3, M=2, scale=2.5):
    """Coarse poses, and 2D mixtures whose first mode is their projection."""
    g = torch.Generator().manual_seed(0)
    coarse = torch.randn(B, T, J, 3, generator=g) * 0.3
    coarse -= coarse[:, :, :1].clone()
    mixtures = torch.zeros(B, T, J, M, 5)
    mixtures[..., 0] = torch.tensor([0.7, 0.3])[:M]
    offset = torch.tensor([0., 0.1])[:M, None]
    mixtures[..., 1:3] = (coarse[..., None, :2] / scale + 0.2) + offset
    mixtures[..., 3:] = 0.01
    residual = torch.rand(J, 3, generator=g) * 0.05 + 0.02
    return coarse, residual, mixtures


def test_image_scale_is_exact_under_weak_perspective():
    coarse, _, mixtures = scene()
    scale = image_scale(coarse, mixtures[:, :, :, 0, 1:3])
    torch.testing.assert_close(scale, torch.full_like(scale, 2.5))


def test_heatmap_modes_become_metric_modes():
    coarse, residual, mixtures = scene()
    joints = initial_distribution(coarse, residual, mixtures, xy='heatmap')
    torch.testing.assert_close(
        joints.means[..., 0, :2], coarse[..., :2], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        joints.means[:, :, 1:, 1, :2],
        coarse[:, :, 1:, :2] + 0.25,
        atol=1e-5,
        rtol=1e-4)
    torch.testing.assert_close(joints.means[..., 0, 2], coarse[..., 2])
    # The joint's and the root's widths add up.
    torch.testing.assert_close(joints.stds[:, :, 1:, :, :2],
                               torch.full((2, 3, J - 1, 2, 2), 0.025 * 2**0.5))
    torch.testing.assert_close(
        joints.stds[0, 0, 1:, 0, 2], residual[1:, 2], rtol=1e-5, atol=0)
    assert (joints.means[:, :, 0] == 0).all()
    assert (joints.stds[:, :, 0] == 0.005).all()


def test_sources_of_xy():
    coarse, residual, mixtures = scene()
    mixtures[..., 1:3] += 0.3 * torch.randn_like(mixtures[..., :1, 1:3])
    context = initial_distribution(coarse, residual, mixtures, xy='context')
    torch.testing.assert_close(context.means[..., 0, :2], coarse[..., :2])
    assert (context.stds[:, :, 1:, 0, :2] >= residual[1:, :2] - 1e-6).all()
    for joints in (initial_distribution(coarse, residual),
                   initial_distribution(
                       coarse, residual, mixtures, xy='encoder')):
        assert joints.means.shape == (2, 3, J, 1, 3)
        torch.testing.assert_close(joints.means[..., 0, :], coarse)
    with pytest.raises(ValueError, match='xy'):
        initial_distribution(coarse, residual, mixtures, xy='image')


def moments(model, noise):
    samples = model.center + model.colour(noise.normal())
    return samples.mean(1), samples.std(1)


def test_joint_noise_is_distributed_as_the_mixture():
    coarse, residual, mixtures = scene(B=1, T=1)
    joints = initial_distribution(coarse, residual, mixtures)
    noise = HypothesisNoise([0], 4000, 1, J)
    mean, std = moments(joint_noise(joints, noise), noise)
    weights = joints.weights[..., None]
    expected = (weights * joints.means).sum(-2)
    second = (weights * (joints.stds**2 + joints.means**2)).sum(-2)
    torch.testing.assert_close(mean, expected, atol=0.015, rtol=0)
    torch.testing.assert_close(
        std, (second - expected**2).sqrt(), atol=0.01, rtol=0)


@pytest.mark.parametrize('covariance_type', ['diag', 'joint', 'full'])
def test_pose_mixture_keeps_the_moments_and_one_component_per_pose(
        covariance_type):
    coarse, residual, mixtures = scene(B=1, T=2)
    joints = initial_distribution(coarse, residual, mixtures)
    base = HypothesisNoise([0], 600, 1, J)
    mixture = fit_pose_mixture(joints, 3, base, covariance_type)
    assert mixture.weights.shape == (1, 2, 3)
    noise = HypothesisNoise([1], 3000, 2, J)
    model = pose_noise(mixture, noise)
    mean, std = moments(model, noise)
    weights = joints.weights[..., None]
    expected = (weights * joints.means).sum(-2)
    second = (weights * (joints.stds**2 + joints.means**2)).sum(-2)
    torch.testing.assert_close(mean, expected, atol=0.03, rtol=0)
    torch.testing.assert_close(
        std, (second - expected**2).sqrt(), atol=0.03, rtol=0.1)
    centres = model.center[0, :, 0].reshape(3000, -1).unique(dim=0)
    assert len(centres) == 3


def test_a_fit_does_not_depend_on_the_batch():
    coarse, residual, mixtures = scene(B=3, T=2)
    g = torch.Generator().manual_seed(1)
    # Different widths, so that no two axes tie for the first cut.
    mixtures[..., 3:] *= torch.rand(3, 2, J, 1, 2, generator=g).add(0.5)
    mixtures[..., 1, 1:3] += torch.randn(3, 2, J, 2, generator=g) * 0.1

    def fit(rows):
        base = HypothesisNoise([0], 64, 1, J)
        joints = initial_distribution(coarse[rows], residual, mixtures[rows])
        return fit_pose_mixture(joints, 3, base)

    whole, part = fit(slice(None)), fit(slice(1, 2))
    torch.testing.assert_close(
        whole.means[1:2], part.means, atol=1e-4, rtol=1e-3)


def test_pick_by_inverse_cdf():
    joints = JointMixtures(
        torch.tensor([[0.2, 0.5, 0.3]]),
        torch.arange(3.)[None, :, None].expand(1, 3, 3), torch.ones(1, 3, 3))
    u = torch.tensor([[0.1], [0.3], [0.69], [0.71], [0.99]])
    picked = joints.pick(joints.means, u)
    assert picked[:, 0, 0].tolist() == [0, 1, 1, 2, 2]
