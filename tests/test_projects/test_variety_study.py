# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The study of motions' variety: measures by hand, and a small run."""

import json

import numpy as np
import pytest
import torch
from mini_motions import write_mini_motions

from mmdiffpose.datasets.mocap_views import MocapViewDataset
from mmdiffpose.skeletons import H36M_17
from projects.variety_study import run, tables, training

SMALL = training.Schedule(iterations=4, batch=2, width=32, depth=1)


def test_paired_differences_by_hand():
    """Mean 3; the clips' sums about it are -2 and 2; two clips: times 2."""
    mean, error = tables.paired(np.array([1., 3, 5]), np.array([7, 7, 9]))
    assert (mean, error) == (3, pytest.approx((2 * (4 + 4))**.5 / 3))


def test_lean_by_hand():
    pose = np.zeros((3, 2, 17, 3))
    pose[0, :, H36M_17.index['thorax']] = (0, -.5, 0)
    pose[1, :, H36M_17.index['thorax']] = (.5, 0, 0)
    pose[2, 0, H36M_17.index['thorax']] = (0, -.5, 0)
    pose[2, 1, H36M_17.index['thorax']] = (0, -.5, .5)
    up = np.tile([0., -1, 0], (3, 1))
    np.testing.assert_allclose(
        run.trunk_lean(pose, up), [0, 90, 22.5], atol=1e-5)


def test_errors_by_hand():
    truth = np.random.default_rng(0).normal(size=(2, 3, 17, 3))
    found = truth.copy()
    found[0] += [.003, 0, .004]
    found[1] *= 1.1
    errors = run.errors(found, truth)
    size = np.linalg.norm(truth[1], axis=-1).mean()
    assert errors['MPJPE'] == [5, pytest.approx(100 * size, abs=1e-3)]
    assert errors['P-MPJPE'] == [0, 0]


def test_loss_by_hand():
    """1 away in one of two frames; the velocity is off by 1 there."""
    poses = torch.zeros(1, 2, 3, 3)
    moved = poses.clone()
    moved[0, 1, :, 2] = 1
    assert float(training.pose_loss(moved, poses)) == .5 + 2 * 1


def test_table_by_hand():
    base = dict(lean=[10, 40, 80, 20], clip=[0, 0, 1, 1])
    results = {
        'base': [
            dict(base, **
                 {name: [10., 20, 30, 40]
                  for name in ('MPJPE', 'P-MPJPE')})
        ] * 2,
        'tilts': [
            dict(
                base, **{
                    name: [9. + more, 20 + more, 20 + more, 40 + more]
                    for name in ('MPJPE', 'P-MPJPE')
                }) for more in (0, 2)
        ]
    }
    lines = tables.write(results, [3, 5]).splitlines()
    assert '| all (4) | upright 0-30 (2) | leaning 30-60 (1) | lying 60+ (1)' \
        in lines[2]
    # Differences 0, 1, -9, 1 mean -1.75; sums about it 4.5 and -4.5.
    error = (2 * 2 * 4.5**2)**.5 / 4
    assert lines[4] == ('| base | 25.00 | 25.00 | 20.00 | 30.00 | 3: 25.00, '
                        '5: 25.00 |')
    assert lines[5].startswith(f'| tilts | -1.75 ± {error:.2f} | +0.50 ± ')
    assert lines[5].endswith('| -9.00 ± 0.00 | 3: -2.75, 5: -0.75 |')


@pytest.fixture
def dataset(tmp_path):
    motions = write_mini_motions(tmp_path / 'motions.npz')
    return MocapViewDataset(motions, 9, seed=3)


def test_interrupted_training_goes_on(dataset, tmp_path, monkeypatch):
    whole = training.train(dataset, 0, SMALL, tmp_path / 'whole.pth')
    monkeypatch.setattr(training, 'SAVE_EVERY', 2)
    draw = dataset.draw_batch

    def broken(indices, epoch):
        if indices[0] == 6:
            raise KeyboardInterrupt
        return draw(indices, epoch)

    monkeypatch.setattr(dataset, 'draw_batch', broken)
    with pytest.raises(KeyboardInterrupt):
        training.train(dataset, 0, SMALL, tmp_path / 'cut.pth')
    monkeypatch.setattr(dataset, 'draw_batch', draw)
    mended = training.train(dataset, 0, SMALL, tmp_path / 'cut.pth')
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(mended.state_dict()[name], value)
    with pytest.raises(ValueError, match='cut.pth: was trained for.*another'):
        training.train(dataset, 0, SMALL._replace(batch=3),
                       tmp_path / 'cut.pth')


def test_a_small_run(tmp_path, capsys, monkeypatch):
    motions = write_mini_motions(tmp_path / 'motions.npz')
    arguments = [
        '--motions', motions, '--train-subjects', 'mini/S1', '--subjects',
        'mini/S1', '--seq-len', '9', '--iterations', '2', '--batch', '2',
        '--width', '32', '--depth', '1', '--windows', '6', '--seeds', '0',
        '--rows', 'base', 'crossed limbs', 'tilts', 'time warps',
        'no mirror images', '--out-dir',
        str(tmp_path / 'out')
    ]
    run.main(arguments)
    printed = capsys.readouterr().out
    assert 'no_mirror_images_seed0, 2 of 2' in printed
    table = (tmp_path / 'out/results.md').read_text()
    assert printed.endswith(table + '\n')
    # Every row saw something else.
    results = {
        path.stem: json.loads(path.read_text())
        for path in (tmp_path / 'out').glob('*.json')
    }
    assert len(results) == 5
    assert len({tuple(found['MPJPE']) for found in results.values()}) == 5
    monkeypatch.setattr(run, 'train', None)
    run.main(arguments)
    assert capsys.readouterr().out == table + '\n'
    with pytest.raises(SystemExit):
        run.parse_args(['--rows', 'tilts', '--out-dir', 'out'])
