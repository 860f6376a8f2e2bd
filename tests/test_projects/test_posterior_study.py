# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The posterior study: its measures by brute force, exact answers of its
samplers, and a small run."""
import json
import math

import numpy as np
import pytest
import torch
from lifter_factory import T
from mini_motions import write_mini_motions

from projects.posterior_study import measures, methods, rows, run, training

CHANNELS = 8


def known(frames=T, batch=2):
    torch.manual_seed(0)
    coarse = torch.randn(batch, frames, 17, 3) / 5
    return methods.Known(
        torch.randn(batch, frames, 17, CHANNELS), coarse - coarse[..., :1, :],
        (torch.rand(batch, frames, 17) > .2).float())


def test_scores_by_brute_force():
    rng = np.random.default_rng(0)
    poses = rng.normal(0, .1, (1, 4, 3, 17, 3))
    truth = rng.normal(0, .1, (1, 3, 17, 3))
    seen = np.ones((1, 3, 17), bool)
    found = measures.measure(poses, poses.mean(1), truth, seen).values
    energy = []
    for t in range(3):
        flat = poses[0, :, t].reshape(4, -1)
        own = np.mean([np.linalg.norm(x - truth[0, t].ravel()) for x in flat])
        pairs = np.mean([
            np.linalg.norm(flat[i] - flat[j]) for i in range(4)
            for j in range(4) if i != j
        ])
        energy.append(own - pairs / 2)
    assert found['energy'][0] == pytest.approx(1000 * np.mean(energy))
    error = np.array([[
        np.mean(np.linalg.norm(poses[0, n, t] - truth[0, t], axis=-1))
        for n in range(4)
    ] for t in range(3)])
    assert found['best of N'][0] == pytest.approx(1000 * error.min(1).mean())
    assert found['best of N windows'][0] == pytest.approx(1000 *
                                                          error.mean(0).min())
    mean = poses[0].mean(0)
    std = poses[0].std(0, ddof=1)
    inside = [
        abs(mean[t, j, 2] - truth[0, t, j, 2]) <= 1.6448536 * std[t, j, 2]
        for t in range(3) for j in range(1, 17)
    ]
    assert found['90 % z'][0] == pytest.approx(np.mean(inside))


def test_coverage_of_true_and_of_narrow_hypotheses():
    rng = np.random.default_rng(1)
    poses = rng.normal(size=(40, 20, 3, 17, 3))
    truth = rng.normal(size=(40, 3, 17, 3))
    seen = np.ones((40, 3, 17), bool)
    seen[:, :, 5] = False
    right = measures.measure(poses, poses.mean(1), truth, seen)
    # A level has 5,760 draws: three standard errors are 0.02.
    np.testing.assert_allclose(
        right.covered.mean(0), measures.LEVELS, atol=.02)
    assert (right.unseen[:, -1] == 3).all()
    narrow = measures.measure(poses / 4, poses.mean(1), truth, seen)
    # P(|z| < 1.2816 / 4) at the level 0.8.
    level = int(np.argmin(abs(measures.LEVELS - .8)))
    assert narrow.covered.mean(0)[level] == pytest.approx(
        math.erf(1.2816 / 4 / 2**.5), abs=.03)


def test_energy_of_scaled_hypotheses():
    rng = np.random.default_rng(2)
    poses = rng.normal(size=(2, 5, 3, 17, 3))
    truth = rng.normal(size=(2, 3, 17, 3))
    found = run.scaled_energy(poses, truth)
    for factor in (.7, 1., 1.4):
        wide = run.scaled(poses, factor)
        expected = measures.measure(wide, truth, truth,
                                    np.ones((2, 3, 17), bool))
        assert found[run.FACTORS.index(factor)] == pytest.approx(
            expected.values['energy'].mean() / 1000)


def test_recentred_hypotheses_score_as_draws_do():
    """Of N(0, 1), which the truth is drawn from: half the mean distance of
    two draws is the score, sqrt(2) Gamma(26) / Gamma(25.5) / sqrt(2) in 51
    dimensions, 1 / sqrt(pi) in one. Five hypotheses that lie around the true
    mean would seem a tenth better."""
    rng = np.random.default_rng(6)
    truth = rng.normal(size=(60, 4, 17, 3))
    poses = rng.normal(size=(60, 5, 4, 17, 3))
    exact = math.exp(math.lgamma(26) - math.lgamma(25.5))
    moved = poses - poses.mean(1, keepdims=True)
    seen = np.ones((60, 4, 17), bool)
    scores = [
        measures.measure(these, poses.mean(1), truth, seen, recentred).values
        for these, recentred in ((poses, False), (moved, True), (moved, False))
    ]
    for found in scores[:2]:
        assert found['energy'].mean() == pytest.approx(1000 * exact, rel=.02)
        assert found['CRPS'].mean() == pytest.approx(
            1000 / math.pi**.5, rel=.02)
    assert scores[2]['energy'].mean() < 920 * exact
    factor = run.FACTORS.index(1.)
    assert run.scaled_energy(moved, truth, True)[factor] == pytest.approx(
        scores[1]['energy'].mean() / 1000)
    names = [row.name for row in rows.make_rows() if not row.recentred]
    assert len(names) == 11 and 'the same, not recentred, 2 evaluations' in (
        names)


def test_limbs_towards_the_camera_by_hand():
    poses = np.zeros((1, 4, 1, 17, 3))
    truth = np.zeros((1, 1, 17, 3))
    (elbow, wrist), *rest = measures.LIMBS
    poses[0, :, 0, wrist, 2] = [-.1, -.2, -.3, .1]
    truth[0, 0, wrist, 2] = -.1
    found = measures.reliability(poses, truth)
    # Three of four say so, and so it is; the three other limbs lie in the
    # picture's plane and point nowhere.
    assert found[7].tolist() == [1, .75, 1]
    assert found[0].tolist() == [3, 0, 0]
    assert found[-1].tolist() == [4, .0625, .0625]


def test_aggregates_do_not_depend_on_the_view():
    rng = np.random.default_rng(3)
    poses = rng.normal(0, .1, (2, 5, 3, 17, 3))
    truth = rng.normal(0, .1, (2, 3, 17, 3))
    turn = np.array([[0., 0, -1], [0, 1, 0], [1, 0, 0]])
    sight = dict(
        keypoints=rng.normal(500, 100, (2, 3, 17, 2)),
        scores=np.zeros((2, 3, 17)),
        focal=np.full((2, 2), 1000.),
        center=np.full((2, 2), 500.),
        rotation=np.stack([turn, np.eye(3)]))
    found = measures.aggregates(poses, poses[:, 0], truth, sight)
    mean = np.linalg.norm(poses.mean(1) - truth, axis=-1).mean((1, 2))
    np.testing.assert_allclose(found['mean'], 1000 * mean)
    # Where nothing was seen the choice by projection is the mean.
    np.testing.assert_allclose(found['JPMA'], 1000 * mean, rtol=1e-5)
    assert (found['geometric median'] != found['mean']).all()


def test_windows_of_one_clip_count_once():
    # Two clips, each of windows that are the same: the error of two numbers,
    # 1 and -1, is sqrt(1 + 1) / 2.
    values = np.array([1., 1, 1, -1, -1, -1])
    groups = np.array([0, 0, 0, 1, 1, 1])
    assert measures.clustered_error(values, groups) == pytest.approx(2**.5 / 2)
    alone = measures.clustered_error(values, np.arange(6))
    assert alone == pytest.approx(1 / 6**.5)


def test_recentred_hypotheses_have_the_mean():
    poses, mean = torch.randn(2, 5, T, 17, 3), torch.randn(2, T, 17, 3)
    moved = rows.recentred(poses, mean)
    torch.testing.assert_close(moved.mean(1), mean)
    torch.testing.assert_close(moved[:, 1] - moved[:, 0],
                               poses[:, 1] - poses[:, 0])


def test_a_covariance_is_measured_and_given():
    torch.manual_seed(0)
    mix = torch.randn(51, 51, dtype=torch.float64) / 7
    covariance = methods.Covariance()
    for _ in range(40):
        draws = torch.randn(500, 51, dtype=torch.float64) @ mix.T
        covariance.update(draws.view(500, 17, 3))
    coloured = covariance.colour(torch.randn(40000, 17, 3)).flatten(1).double()
    error = coloured.T @ coloured / 40000 - mix @ mix.T
    assert error.abs().max() < .1 * (mix @ mix.T).diagonal().max()


@pytest.mark.parametrize('steps', [1, 2, 7])
def test_pose_diffusion_and_flow_of_a_single_pose(steps):
    """With the exact network of a point mass every sampler ends there."""
    target = torch.randn(2, T, 17, 3) / 4
    noise = torch.randn(2, 3, T, 17, 3)
    diffusion = methods.PoseDiffusion(CHANNELS)
    diffusion.bind = lambda known, angles: (lambda z, level: target[:, None].
                                            expand_as(z) / methods.POSE_SCALE)
    torch.testing.assert_close(
        diffusion.sample(known(), noise, steps), target[:,
                                                        None].expand_as(noise))
    flow = methods.FlowMatching(CHANNELS)
    flow.bind = lambda known, angles: (lambda x, level: target[:, None] - noise
                                       )
    torch.testing.assert_close(
        flow.sample(known(), noise, steps),
        target[:, None].expand_as(noise),
        atol=1e-5,
        rtol=1e-5)


@pytest.mark.parametrize('steps', [1, 3])
def test_pose_diffusion_and_flow_of_a_standard_normal(steps):
    """The exact networks of N(0, 1) are known, and so is every step: DDIM's
    multiplies by the cosine of its angle, Euler's by 1 + v / steps."""
    noise = torch.randn(2, 3, T, 17, 3)
    diffusion, flow = (
        kind(CHANNELS)
        for kind in (methods.PoseDiffusion, methods.FlowMatching))
    diffusion.bind = lambda known, angles: (lambda z, level: math.cos(angles[
        level]) * z / methods.POSE_SCALE)
    first = methods.FIRST_ANGLE
    torch.testing.assert_close(
        diffusion.sample(known(), noise, steps),
        noise * math.cos(first / steps)**steps,
        atol=1e-5,
        rtol=1e-4)
    factor = 1.
    times = [max(k / steps, .01) for k in range(steps)]
    slopes = [(2 * t - 1) / ((1 - t)**2 + t**2) for t in times]
    for slope in slopes:
        factor *= 1 + slope / steps
    flow.bind = lambda known, angles: (lambda x, level: slopes[level] * x)
    torch.testing.assert_close(
        flow.sample(known(), noise, steps), noise * factor)


def test_networks_are_sampled_as_they_are_trained():
    """``bind`` asks the network what ``loss`` asks it."""
    part = known()
    model = methods.FlowMatching(CHANNELS).eval()
    torch.nn.init.normal_(model.net.output.weight, std=.1)
    angles = (1.2, .4, 0.)
    z = torch.randn(2, 3, T, 17, 3)
    network = model.bind(part, angles)
    for level, angle in enumerate(angles[:-1]):
        torch.testing.assert_close(
            network(z, level),
            model.net(z, torch.full((2, 3, T), angle), model.context(part)),
            atol=1e-5,
            rtol=1e-5)


def test_no_two_losses_share_a_parameter():
    methods_of = methods.Posteriors(CHANNELS)
    target = torch.randn(2, T, 17, 3) / 4
    found = methods_of.losses(known(), target, torch.arange(2),
                              torch.Generator().manual_seed(0))
    owners = {}
    for name, loss in found.items():
        methods_of.zero_grad()
        loss.backward(retain_graph=True)
        for key, value in methods_of.named_parameters():
            if value.grad is not None and value.grad.abs().sum() > 0:
                owners.setdefault(key, []).append(name)
    assert owners and all(len(names) == 1 for names in owners.values())


def test_a_run_and_going_on(tmp_path, monkeypatch):
    motions = write_mini_motions(tmp_path / 'motions.npz')
    few = [rows.CONTROL, *run.AGGREGATED, *run.RELIABLE, *rows_of_start()]
    chosen = [row for row in rows.make_rows() if row.name in few]
    monkeypatch.setattr(run, 'make_rows', lambda: chosen)
    cells = run.draw_windows

    def draw(*args):
        return cells(*args)[:2]

    monkeypatch.setattr(run, 'draw_windows', draw)
    monkeypatch.setattr(training, 'DEPTH_WINDOWS', 16)
    monkeypatch.setattr(training, 'SAVE_EVERY', 1)
    people = ['--subjects', '--train-subjects', '--choose-subjects']
    command = [
        'residual', '--motions', motions, '--batch', '2', '--windows', '2',
        '--hypotheses', '3', '--seeds', '4'
    ]
    for name in people:
        command += [name, 'mini/S1']
    command += ['--out-dir', str(tmp_path / 'out')]
    # Stopped in the second of two steps, gone on and never stopped: the same.
    step, calls = training.step, []

    def breaking(*args):
        calls.append(args[4])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return step(*args)

    monkeypatch.setattr(training, 'step', breaking)
    with pytest.raises(KeyboardInterrupt):
        run.main([*command, '--iterations', '2'])
    run.main([*command, '--iterations', '2'])
    assert calls == [0, 1, 1]
    first = (tmp_path / 'out/results.md').read_text()
    straight = tmp_path / 'straight'
    run.main([*command[:-1], str(straight), '--iterations', '2'])
    assert results(straight) == results(tmp_path / 'out')
    for of_row in results(straight)['joints missing']['raw'].values():
        assert np.isfinite(of_row['values']['energy']).all()
    # The control differs from itself by nothing; each row stands in a table.
    assert all(first.count(f'| {row.name} |') >= 4 for row in chosen)
    assert (straight / 'two_modes.png').stat().st_size > 1000
    with pytest.raises(ValueError, match='another --out-dir'):
        (straight / 'seed4.json').unlink()
        run.main([*command[:-1], str(straight), '--iterations', '3'])


def rows_of_start():
    return [row.name for row in rows.start_rows()]


def results(folder):
    """All that no clock has measured."""
    found = json.loads((folder / 'seed4.json').read_text())
    for condition in found.values():
        del condition['frames_a_second']
    return found
