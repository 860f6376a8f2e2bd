# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Converted weights and their config, in the tools that take the pair."""
import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from plain_gcn import draw_gcn
from plain_layers import save_bin, save_list
from plain_mixste import draw_mixste
from safetensors.torch import load_file, save_file
from test_human36m_config import data_root  # noqa: F401

from mmdiffpose.cli import convert, infer
from mmdiffpose.cli import test as cli_test

ROOT = Path(__file__).parents[1]


@pytest.fixture
def pair(tmp_path, monkeypatch):
    """The command line's output, for single-frame DiffPose."""
    monkeypatch.setenv('LOCAL_RANK', '0')
    save_list(tmp_path / 'gcn_xyz_cpn.pth', draw_gcn(2, 3))
    source = save_list(tmp_path / 'diffpose_uvxyz_cpn.pth',
                       draw_gcn(5, 5, steps=True))
    target = tmp_path / 'out' / 'converted.safetensors'
    # Loggers that are made meanwhile keep their stream, so it stays open.
    with contextlib.redirect_stdout(io.StringIO()) as output:
        convert.main(['diffpose', str(source), str(target)])
    return target.with_suffix('.py'), target, output.getvalue()


def test_the_report(pair):
    config, checkpoint, report = pair
    for words in (f'weights   {checkpoint}', f'config    {config}, from '
                  'diffpose_graformer_h36m-1_released.py',
                  'model.head.denoiser.channels = 8', 'unused    temb.dense.0',
                  'coarse_head.calibrated', 'MIT licence', 'SHA-256'):
        assert words in report


def test_testing(pair, data_root, tmp_path):  # noqa: F811
    config, checkpoint, _ = pair
    out = tmp_path / 'metrics.json'
    arguments = [
        str(config),
        str(checkpoint), '--out',
        str(out), '--work-dir',
        str(tmp_path / 'work'), '--cfg-options',
        f'test_dataloader.dataset.data_root={data_root}',
        'test_dataloader.dataset.indices=5', 'test_dataloader.num_workers=0',
        'test_dataloader.persistent_workers=False'
    ]
    cli_test.main(arguments)
    metrics = json.loads(out.read_text())
    assert 0 < metrics['MPJPE_mm'] < 1e5
    assert abs(metrics['MPJPE_mm'] - metrics['context/MPJPE_mm']) > 1
    # The weights are read: without its last layer the denoiser does nothing.
    state = load_file(checkpoint)
    for field in ('weight', 'bias'):
        state[f'head.denoiser.output.linear.{field}'].zero_()
    save_file(state, checkpoint)
    cli_test.main(arguments)
    metrics = json.loads(out.read_text())
    assert abs(metrics['MPJPE_mm'] / metrics['context/MPJPE_mm'] - 1) < 0.01


def test_lifting(pair, tmp_path):
    config, checkpoint, _ = pair
    paths = infer.run(
        infer.parse_args([
            str(ROOT / 'mmdiffpose/data/demo_track_coco17.json'), '--config',
            str(config), '--checkpoint',
            str(checkpoint), '--out-dir',
            str(tmp_path / 'poses'), '--formats', 'npz', '--max-frames', '6',
            '--no-animation', '--device', 'cpu', '--panel-size', '120'
        ]))
    with np.load(paths[0]) as file:
        assert np.isfinite(file['keypoints_3d']).all()


def test_errors_end_with_a_sentence(tmp_path):
    whole = save_bin(tmp_path / 'mixste.bin', draw_mixste()).read_bytes()
    (tmp_path / 'cut.bin').write_bytes(whole[:len(whole) // 2])
    torch.save(draw_gcn(2, 3), tmp_path / 'gcn.pth')
    target = tmp_path / 'out.safetensors'
    for source, words in (('cut.bin', 'truncated'), ('gcn.pth', 'graformer'),
                          ('none.bin', 'expected a checkpoint, found no')):
        with pytest.raises(SystemExit, match=f'^error: .*{source}') as stop:
            convert.main(['mixste', str(tmp_path / source), str(target)])
        assert words in str(stop.value)
    with pytest.raises(SystemExit, match='.safetensors file to write'):
        convert.main(
            ['mixste',
             str(tmp_path / 'mixste.bin'),
             str(tmp_path / 'x.pth')])
    assert not target.exists()
