# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The table that presets of residual diffusion are chosen by."""
import numpy as np
import pytest
import torch
from mini_motions import write_mini_motions

from mmdiffpose.apis import init_model
from mmdiffpose.models.posterior import ResidualDiffusion


@pytest.fixture
def tool(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'analysis_tools')
    import preset_table
    return preset_table


def test_the_silent_network_gives_the_gaussian_control(tool):
    """std s and the noise's correlation, at any number of evaluations."""
    torch.manual_seed(0)
    part = ResidualDiffusion(
        dict(type='mmdiffpose.ResidualMLP', width=8), 4, num_joints=2)
    covariance = torch.eye(6)
    covariance[0, 3] = covariance[3, 0] = .8
    part.noise_covariance.copy_(covariance)
    part.denoiser = tool.SilentNetwork(part.denoiser.temporal)
    mean, std = torch.zeros(1, 1, 2, 3), torch.tensor([.1, .2,
                                                       .3]).expand(1, 1, 2, 3)
    draws = part.sample(
        torch.zeros(1, 1, 2, 4),
        mean,
        std,
        torch.randn(1, 40_000, 1, 2, 3),
        evaluations=3)[0, :, 0].flatten(1)
    found = np.cov(draws.T.numpy())
    np.testing.assert_allclose(
        np.sqrt(np.diag(found)), [.1, .2, .3] * 2, rtol=.02)
    assert np.corrcoef(draws.T.numpy())[0, 3] == pytest.approx(.8, abs=.01)


def test_settings_hold_the_preset_once_and_the_control_last(tool):
    found = tool.settings_of(dict(num_sampling_steps=2, spread=1.2))
    assert found == [('**2**', {}), ('1', dict(num_sampling_steps=1)),
                     ('3', dict(num_sampling_steps=3)), ('2', dict(spread=1.)),
                     ('2', dict(spread=1.1)),
                     ('control', dict(num_sampling_steps=1, spread=1.))]


def test_table_of_two_windows(tool, tmp_path, capsys):
    motions = write_mini_motions(tmp_path / 'motions.npz')
    page = tmp_path / 'page.md'
    page.write_text('\n'.join(['above', *tool.MARKERS, 'below']))
    tool.main([
        '--models', 'residual', '--motions', motions, '--subjects', 'mini/S1',
        '--windows', '2', '--out',
        str(page)
    ])
    text = page.read_text()
    assert text.startswith('above') and text.endswith('below')
    rows = [[cell.strip() for cell in line.split('|')[1:-1]]
            for line in text.splitlines() if line.startswith('| `residual`')]
    assert [row[1] for row in rows] == ['**1**', '2', '3', '1', '1', 'control']
    assert [row[2] for row in rows] == ['1', '1', '1', '1.1', '1.2', '1']
    # Another network, another width: other scores.
    assert len({row[3] for row in rows}) > 3


def test_models_without_residuals_are_refused(tool):
    with pytest.raises(ValueError, match='mixste diffuses no residuals'):
        tool.rows_of('mixste', {})


def test_the_model_keeps_its_options(tool, tmp_path):
    motions = write_mini_motions(tmp_path / 'motions.npz')
    model = init_model('residual')
    before = dict(model.test_cfg)
    windows = tool.DATASETS.build({
        **model.cfg.val_dataloader.dataset, 'ann_file':
        motions,
        'subjects': ['mini/S1'],
        'windows':
        1
    })
    tool.measure(model, windows, 1, dict(spread=2.))
    assert dict(model.test_cfg) == before


def test_the_page_s_presets_are_the_models(tool, request):
    """In bold, with their factor on the spread."""
    page = (request.config.rootpath / 'docs/samplers.md').read_text()
    rows = [[cell.strip() for cell in line.split('|')[1:-1]]
            for line in page.splitlines() if line.startswith('| `')]
    found = {row[0].strip('`'): row[1:3] for row in rows if '**' in row[1]}
    expected = {}
    for alias in tool.MODELS:
        model = init_model(alias)
        used = {**model.head.test_defaults, **model.test_cfg}
        expected[alias] = [
            f'**{used["num_sampling_steps"]}**', f'{used["spread"]:g}'
        ]
    assert found == expected
