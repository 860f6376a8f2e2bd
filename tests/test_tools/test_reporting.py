# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Parts of the report: published figures, costs, a real test."""
from pathlib import Path
from types import SimpleNamespace

import pytest
import report_zoo
import torch
import torch.nn.functional as F
from mmengine.config import Config

ROOT = Path(__file__).resolve().parents[2]
TINY = f"""
_base_ = ['{ROOT}/configs/diffpose_mixste_mini-27.py']
model = dict(
    backbone=dict(embed_dims=8, depth=1, num_heads=2),
    coarse_head=dict(in_channels=8),
    head=dict(
        in_channels=8,
        num_gmm_samples=16,
        denoiser=dict(channels=8)),
    test_cfg=dict(num_hypotheses=2, num_sampling_steps=2))
"""


@pytest.fixture(autouse=True)
def _path(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / 'tools' / 'analysis_tools')


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """A small untrained DiffPose: config and weights."""
    from safetensors.torch import save_file

    from mmdiffpose.apis import init_model
    folder = tmp_path_factory.mktemp('tiny')
    config = folder / 'tiny.py'
    config.write_text(TINY)
    torch.manual_seed(0)
    network = init_model(config)
    save_file(network.state_dict(), folder / 'tiny.safetensors')
    return SimpleNamespace(
        model=report_zoo.make_model(folder, 'tiny', config), network=network)


def test_published_figures_name_configs_and_tables():
    from reporting import published
    from reporting.published_tables import papers_tables
    figures = published.HUMAN36M + published.MPI_INF_3DHP
    for figure in figures:
        assert (ROOT / 'configs' / f'{figure.config}.py').is_file()
        assert 'Table' in figure.source
        assert figure.command.startswith('python tools/train.py configs/')
    text = papers_tables()
    assert all(f'`{figure.command}`' in text for figure in figures)
    assert text.count('not reproduced here') >= 3
    by_key = {(f.method, f.keypoints, f.frames): f for f in figures}
    video = by_key['DiffPose', 'CPN', 243]
    assert (video.mpjpe, video.p_mpjpe) == (36.9, 28.6)
    wrapper = by_key['DiffHPE-Wrapper, H = 5', 'CPN', 27]
    assert (wrapper.mpjpe, wrapper.symmetry,
            wrapper.segment_std) == (51.2, 12.4, 3.2)


def test_configs_of_a_test_leave_the_model_alone():
    from reporting.test_sets import config_of_test, data_files, own_test_set
    cfg = Config.fromfile(
        str(ROOT / 'configs' / 'diffpose_graformer_hdm05-1.py'))
    assert own_test_set(cfg) == 'hdm05'
    own = config_of_test(cfg, 'hdm05')
    assert own.model == cfg.model
    assert own.test_dataloader.dataset.occlusion is None
    assert len(data_files(own)) == 4
    assert own.test_evaluator[-1]['type'] == 'mmdiffpose.AggregationMetric'
    missing = config_of_test(cfg, 'hdm05-occluded')
    assert missing.test_dataloader.dataset.occlusion == 'mixture'
    mini = config_of_test(cfg, 'mocap-mini')
    assert mini.test_dataloader.dataset.seq_len == 1
    assert mini.test_dataloader.batch_size == cfg.test_dataloader.batch_size
    flipped = config_of_test(cfg, 'hdm05', flip=True)
    assert flipped.model.test_cfg.flip_test
    with pytest.raises(ValueError, match='found nonesuch'):
        config_of_test(cfg, 'nonesuch')


@pytest.mark.parametrize(('seq_len', 'cameras'), [(1, 1), (27, 4), (81, 2)])
def test_mocap_mini_is_reduced_to_whom_no_zoo_model_has_seen(seq_len, cameras):
    from reporting.test_sets import _mini

    from mmdiffpose.datasets import MocapMiniDataset
    settings = _mini(dict(seq_len=seq_len, pipeline=[]), cameras)
    settings.pop('type')
    data = MocapMiniDataset(**settings)
    seen = {data.sequences[window[0]].subject for window in data.windows}
    assert len(data) == len(data.windows)
    assert seen == {'S2'}
    covered = sum(int(window[3] - window[2]) for window in data.windows)
    assert covered == 960 * cameras


@pytest.mark.parametrize(('value', 'text'),
                         [(None, '–'), (12, '12'), (999.6, '1.00 k'),
                          (1234, '1.23 k'), (45678, '45.7 k'),
                          (999600, '1.00 M'), (9.996e6, '10.0 M'),
                          (2.5e10, '25.0 G')])
def test_counts_have_three_digits(value, text):
    from reporting.rows import count
    assert count(value) == text


@pytest.mark.parametrize(('value', 'text'), [(0.4321, '0.43'), (2, '2.0'),
                                             (9.96, '10'), (1234, '1,200')])
def test_speeds_have_two_digits(value, text):
    from reporting.tables import two_digits
    assert two_digits(value) == text


def test_multiply_adds_of_known_layers(monkeypatch):
    """Linear layers and fused attention, against a count by hand."""
    from reporting import costs
    frames, width = 6, 8

    class Network(torch.nn.Linear):

        def test_step(self, batch):
            x = self(batch['inputs'][0])[None, None]
            F.scaled_dot_product_attention(x, x, x)
            return [SimpleNamespace(pred_instances={})]

    monkeypatch.setattr(
        costs, 'windows',
        lambda model, number: dict(inputs=[torch.ones(frames, width)]))
    network = Network(width, width)
    network.bias.requires_grad_(False)
    found = costs.measure_costs(network)
    expected = frames * width * width + 2 * frames * frames * width
    assert found['macs_per_frame'] == expected / frames
    assert found['parameters'] == width * width + width
    assert found['trained_parameters'] == width * width
    assert found['hypotheses'] is None


def test_costs_and_speed_of_a_lifter(tiny, monkeypatch):
    from reporting import costs
    network = costs.build(tiny.model.config, tiny.model.weights)
    found = costs.measure_costs(network)
    assert found['frames'] == 27 and found['hypotheses'] == 2
    assert found['sampling'] == '2 DDIM steps'
    assert 0 < found['trained_parameters'] < found['parameters']
    counts = {}
    for N, steps in ((2, 2), (4, 2), (2, 4)):
        network.test_cfg.update(num_hypotheses=N, num_sampling_steps=steps)
        counts[N, steps] = costs.measure_costs(network)['macs_per_frame']
    assert counts[2, 2] == found['macs_per_frame']
    more = counts[4, 2] - counts[2, 2], counts[2, 4] - counts[2, 2]
    assert min(more) > 0 and more[0] >= 0.5 * more[1]
    monkeypatch.setattr(costs, 'SPEED_FRAMES', 27)
    speed = costs.measure_speed(network)
    assert speed['frames_per_second'] > 0 and speed['windows'] == 1


def test_a_real_test_gives_the_same_digits_twice(tiny, tmp_path):
    from reporting.evaluation import Cell, evaluate
    from reporting.rows import model_rows
    cell = Cell(tiny.model, 'mocap-mini')
    first, second = (
        evaluate(cell, tiny.model.weights, tmp_path, True, max_sequences=1)
        for _ in range(2))
    assert first == second
    assert (tmp_path / 'tiny' / 'mocap-mini' / 'inputs.json').is_file()
    model = dict(
        label='tiny',
        frames=27,
        hypotheses=2,
        sampling='2 DDIM steps',
        parameters=1,
        trained_parameters=1,
        macs_per_frame=1.,
        test_sets={'mocap-mini': first})
    rows = model_rows(model, 'mocap-mini')
    assert [row.label.split(',')[0] for row in rows] == [
        'encoder of `tiny` alone', '`tiny`', '`tiny`', '*oracle: `tiny`',
        '*oracle: `tiny`'
    ]
    encoder, mean, solved, root, best = rows
    assert '–' not in mean.quality, 'tools/test.py reports all of it'
    assert '–' not in encoder.quality[:4]
    assert all(row.quality[0] != '–' for row in (solved, root, best))


def test_a_failing_test_shows_the_end_of_its_log(tiny, tmp_path):
    from reporting.evaluation import Cell, evaluate
    broken = tmp_path / 'broken.safetensors'
    broken.write_bytes(b'broken')
    with pytest.raises(RuntimeError, match='(?s)test.py.*ends with.*Error'):
        evaluate(
            Cell(tiny.model, 'mocap-mini'), broken, tmp_path / 'work', True, 1)
    assert not list(tmp_path.glob('work/*/*/inputs.json'))
