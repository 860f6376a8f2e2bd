# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The posterior study: its measures by brute force, and a small run."""
import json

import numpy as np
import pytest
import torch
from lifter_factory import T
from mini_motions import write_mini_motions

from projects.posterior_study import run as study


def test_measures_by_brute_force():
    rng = np.random.default_rng(0)
    poses = rng.normal(0, .1, (1, 4, 3, 17, 3))
    truth = rng.normal(0, .1, (1, 3, 17, 3))
    found = study.figures(poses, truth)
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
    best = np.mean([
        min(
            np.mean(np.linalg.norm(poses[0, n, t] - truth[0, t], axis=-1))
            for n in range(4)) for t in range(3)
    ])
    assert found['best of N'][0] == pytest.approx(1000 * best)
    mean = poses[0].mean(0)
    std = poses[0].std(0, ddof=1)
    inside = [
        abs(mean[t, j, 2] - truth[0, t, j, 2]) <= 1.6448536 * std[t, j, 2]
        for t in range(3) for j in range(1, 17)
    ]
    assert found['90 % z'][0] == pytest.approx(np.mean(inside))


def test_windows_of_one_clip_count_once():
    # Two clips, each of windows that are the same: the error of two numbers,
    # 1 and -1, is sqrt(1 + 1) / 2.
    values = np.array([1., 1, 1, -1, -1, -1])
    groups = np.array([0, 0, 0, 1, 1, 1])
    assert study.clustered_error(values, groups) == pytest.approx(2**.5 / 2)
    alone = study.clustered_error(values, np.arange(6))
    assert alone == pytest.approx(1 / 6**.5)


def test_recentred_hypotheses_have_the_mean():
    poses, mean = torch.randn(2, 5, T, 17, 3), torch.randn(2, T, 17, 3)
    moved = study.recentred(poses, mean)
    torch.testing.assert_close(moved.mean(1), mean)
    torch.testing.assert_close(moved[:, 1] - moved[:, 0],
                               poses[:, 1] - poses[:, 0])


def test_a_run(tmp_path):
    motions = write_mini_motions(tmp_path / 'motions.npz')
    study.main([
        'residual', '--motions', motions, '--subjects', 'mini/S1', '--windows',
        '4', '--batch', '2', '--hypotheses', '3', '--spread', '1.2',
        '--out-dir',
        str(tmp_path)
    ])
    results = json.loads((tmp_path / 'results.json').read_text())
    assert len(results) == 2
    for rows in results.values():
        # All rows have one mean, the control differs from itself by nothing.
        assert np.ptp([row['MPJPE'] for row in rows]) < 1e-2
        control, = (row for row in rows if row['row'] == study.CONTROL)
        assert control['energy change'] == control['energy error'] == 0
        shaken, = (row for row in rows if 'each frame' in row['row'])
        assert shaken['acceleration'] > 5 * control['acceleration']
    text = (tmp_path / 'results.md').read_text()
    assert text.count('\n| ') == 2 * (1 + len(rows))
