# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
import torch

from mmdiffpose.diffusion.aggregation import oracle_best, oracle_worst
from mmdiffpose.diffusion.reprojection import (joint_wise_by_reprojection,
                                               project)
from mmdiffpose.diffusion.root_solver import solve_root

B, N, T, J = 2, 4, 3, 17


@pytest.fixture
def scene():
    """Hypotheses around true poses, their 2D and two cameras."""
    generator = torch.Generator().manual_seed(0)
    poses = 0.4 * torch.randn(B, T, J, 3, generator=generator)
    poses = poses - poses[:, :, :1]
    root = torch.tensor([0.3, -0.2, 5.]) + 0.2 * torch.randn(
        B, T, 3, generator=generator)
    focal = torch.tensor([[1100., 1150.], [900., 910.]])
    centre = torch.tensor([[500., 510.], [640., 360.]])
    pixels = project(poses, root, focal[:, None], centre[:, None])
    noise = 0.05 * torch.randn(B, N, T, J, 3, generator=generator)
    hypotheses = poses[:, None] + noise
    hypotheses = hypotheses - hypotheses[:, :, :, :1]
    weights = torch.ones(B, T, J)
    return hypotheses, pixels, weights, focal, centre, root, poses


def brute_force(hypotheses, pixels, weights, focal, centre, root):
    out = np.zeros((B, T, J, 3))
    for b in range(B):
        for t in range(T):
            for j in range(J):
                errors = []
                for n in range(N):
                    where = root[b, t] if root.ndim == 3 else root[b, n, t]
                    x, y, z = hypotheses[b, n, t, j] + where
                    u = x / z * focal[b, 0] + centre[b, 0]
                    v = y / z * focal[b, 1] + centre[b, 1]
                    du, dv = u - pixels[b, t, j, 0], v - pixels[b, t, j, 1]
                    errors.append(float(du**2 + dv**2))
                out[b, t, j] = hypotheses[b, int(np.argmin(errors)), t, j]
    return out


@pytest.mark.parametrize('oracle', [False, True])
def test_against_a_loop(scene, oracle):
    *args, root, _ = scene
    hypotheses, pixels, weights, focal, centre = args
    out = joint_wise_by_reprojection(*args, root if oracle else None)
    if not oracle:
        root = torch.stack([
            torch.stack([
                torch.stack([
                    solve_root(hypotheses[b, n, t], pixels[b, t],
                               weights[b, t], focal[b], centre[b])
                    for t in range(T)
                ]) for n in range(N)
            ]) for b in range(B)
        ])
    expected = brute_force(hypotheses, pixels, weights, focal, centre, root)
    np.testing.assert_allclose(out, expected, atol=1e-6)
    # A mixture of several, not one hypothesis.
    same = (out[:, None] == hypotheses).all(-1)[..., 1:]
    assert same.any(1).all() and not same.all(-1).any()


def test_it_helps_across_the_view_and_solved_roots_are_nearly_as_good(scene):
    *args, root, poses = scene

    def error(pose):
        return (pose - poses)[..., :2].norm(dim=-1).mean()

    solved = error(joint_wise_by_reprojection(*args))
    oracle = error(joint_wise_by_reprojection(*args, root))
    single = error(args[0][:, 0])
    assert oracle < 0.8 * single and solved < 0.9 * single


def test_what_nothing_is_known_of_is_the_mean(scene):
    hypotheses, pixels, weights, *camera, root, _ = scene
    mean = hypotheses.mean(1)
    full = joint_wise_by_reprojection(hypotheses, pixels, weights, *camera,
                                      root)
    weights[0, 1, 5] = 0
    pixels[0, 1, 5] = torch.nan
    out = joint_wise_by_reprojection(hypotheses, pixels, weights, *camera,
                                     root)
    torch.testing.assert_close(out[0, 1, 5], mean[0, 1, 5])
    out[0, 1, 5] = full[0, 1, 5]
    torch.testing.assert_close(out, full)
    # One joint tells no root.
    weights[1, 2] = 0
    weights[1, 2, 4] = 1
    out = joint_wise_by_reprojection(hypotheses, pixels, weights, *camera)
    torch.testing.assert_close(out[1, 2], mean[1, 2])
    assert out.isfinite().all()


def test_joints_behind_the_camera_are_never_chosen(scene):
    hypotheses, pixels, weights, *camera, root, _ = scene
    hypotheses[0, 2, 0, 7, 2] = -20.
    out = joint_wise_by_reprojection(hypotheses, pixels, weights, *camera,
                                     root)
    assert out[0, 0, 7, 2] != -20


def test_oracles(scene):
    hypotheses, poses = scene[0], scene[-1]
    errors = (hypotheses - poses[:, None]).norm(dim=-1).mean((2, 3))
    for b in range(B):
        order = errors[b].argsort()
        assert torch.equal(
            oracle_best(hypotheses, poses)[b], hypotheses[b, order[0]])
        assert torch.equal(
            oracle_worst(hypotheses, poses)[b], hypotheses[b, order[-1]])
