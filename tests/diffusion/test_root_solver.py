# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The root's position from a projection."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from mmdiffpose.diffusion.root_solver import solve_root

FOCAL, CENTRE = 1100., torch.tensor([500., 400.], dtype=torch.float64)


def people(count=6, seed=0):
    """Poses (count, 17, 3), where they stand, and their pixels."""
    generator = torch.Generator().manual_seed(seed)
    poses = torch.randn(
        count, 17, 3, generator=generator, dtype=torch.float64) * 0.4
    poses -= poses[:, :1].clone()
    roots = torch.rand(count, 3, generator=generator, dtype=torch.float64)
    roots = roots * torch.tensor([4., 2., 5.]) + torch.tensor([-2., -1., 4.])
    return poses, roots, project(poses + roots[:, None])


def project(points):
    return FOCAL * points[..., :2] / points[..., 2:] + CENTRE


def noise(shape, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def solve(poses, pixels, weights=None, **kwargs):
    if weights is None:
        weights = torch.ones(poses.shape[:-1], dtype=poses.dtype)
    return solve_root(poses, pixels, weights, FOCAL, CENTRE, **kwargs)


def test_exact_projections_give_the_exact_root():
    poses, roots, pixels = people()
    torch.testing.assert_close(solve(poses, pixels), roots)
    torch.testing.assert_close(solve(poses, pixels, iterations=0), roots)
    single = solve_root(poses.float(), pixels.float(), torch.ones(6, 17),
                        FOCAL, CENTRE.float())
    torch.testing.assert_close(single, roots.float(), rtol=1e-4, atol=1e-4)


def test_plain_least_squares_is_lstsq():
    """The closed form against the stacked linear system."""
    poses, _, pixels = people()
    pixels = pixels + 8 * noise(pixels.shape)
    weights = noise(poses.shape[:2], 2).abs()
    rays = (pixels - CENTRE) / FOCAL
    one, none = torch.ones(6, 17).double(), torch.zeros(6, 17).double()
    left = torch.cat([
        torch.stack([one, none, -rays[..., 0]], -1),
        torch.stack([none, one, -rays[..., 1]], -1)
    ], 1)
    right = rays * poses[..., 2:] - poses[..., :2]
    right = torch.cat([right[..., 0], right[..., 1]], 1)
    root = weights.sqrt().repeat(1, 2)[..., None]
    expected = torch.linalg.lstsq(root * left, root * right[..., None])
    torch.testing.assert_close(
        solve(poses, pixels, weights, iterations=0), expected.solution[..., 0])


@settings(deadline=None, max_examples=20)
@given(st.floats(0.3, 3), st.integers(0, 50))
def test_scaling_the_pose_scales_the_root(scale, seed):
    poses, _, pixels = people(seed=seed)
    pixels = pixels + 5 * noise(pixels.shape)
    torch.testing.assert_close(
        solve(scale * poses, pixels), scale * solve(poses, pixels))


def test_joints_far_off_count_nothing():
    poses, roots, pixels = people()
    pixels[:, 3] += 150
    pixels[:, 12] -= torch.tensor([120., -60.])
    pixels[:, 16] += torch.tensor([-40., 90.])
    plain = (solve(poses, pixels, iterations=0) - roots).norm(dim=-1)
    robust = (solve(poses, pixels) - roots).norm(dim=-1)
    assert plain.min() > 0.1
    assert robust.max() < 1e-3


def test_weightless_joints_may_be_anything():
    poses, roots, pixels = people()
    weights = torch.ones(6, 17, dtype=torch.float64)
    pixels[:, 5:11], weights[:, 5:11] = torch.nan, 0
    torch.testing.assert_close(solve(poses, pixels, weights), roots)


def test_error_grows_with_the_noise():
    poses, roots, pixels = people(200)
    shift = noise(pixels.shape)
    errors = [(solve(poses, pixels + sigma * shift) - roots).norm(dim=-1)
              for sigma in (1, 3, 9)]
    small, middle, large = (error.mean().item() for error in errors)
    assert 0 < small < middle < large
    assert middle / small == pytest.approx(3, rel=0.25)
    # Three pixels of some 200 that a person is tall.
    assert middle < 0.1


def test_hypotheses_share_keypoints_and_focal_lengths_may_differ():
    poses, roots, pixels = people(6)
    poses, roots, pixels = (
        x.reshape(2, 3, 17, -1)
        for x in (poses, roots[:, None].expand(6, 17, 3), pixels))
    scales = torch.tensor([1., 1.3, 0.7, 2.]).double()[:, None, None, None]
    hypotheses = poses[:, None] * scales
    weights = torch.ones(2, 1, 3, 17, dtype=torch.float64)
    solved = solve_root(hypotheses, pixels[:, None], weights,
                        torch.tensor([FOCAL, FOCAL]).double(), CENTRE)
    assert solved.shape == (2, 4, 3, 3)
    torch.testing.assert_close(solved, scales[..., 0] * roots[:, None, :, 0])


def test_what_the_joints_do_not_tell_is_nan():
    poses, roots, pixels = people(4)
    weights = torch.ones(4, 17, dtype=torch.float64)
    weights[0] = 0
    weights[1, 1:] = 0  # one joint
    pixels[2] = pixels[2, :1]  # all in one point
    solved = solve(poses, pixels, weights)
    assert solved[:3].isnan().all()
    torch.testing.assert_close(solved[3], roots[3])


def test_nobody_stands_behind_the_camera():
    """A picture mirrored in its centre is seen by no camera."""
    poses, _, pixels = people()
    middle = pixels.mean(1, keepdim=True)
    assert solve(poses, 2 * middle - pixels).isnan().all()


def test_gradients_reach_the_pose():
    poses, _, pixels = people(2)
    pixels = pixels + noise(pixels.shape)
    poses.requires_grad_()
    solve(poses, pixels).sum().backward()
    assert poses.grad.isfinite().all() and (poses.grad != 0).any()
