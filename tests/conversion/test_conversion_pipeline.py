# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What is written, and what is refused."""
import json

import pytest
import torch
from mmengine.config import Config
from plain_gcn import draw_gcn
from plain_layers import save_bin, save_list, wrapped
from plain_mixste import draw_mixste
from plain_p_stmo import draw_p_stmo
from safetensors import safe_open

from mmdiffpose.apis import init_model
from mmdiffpose.conversion import read_official


def test_the_pair_says_where_it_comes_from(convert, tmp_path):
    path = save_bin(tmp_path / 'mixste_cpn_243f.bin', draw_mixste())
    report = convert('mixste', path)
    with safe_open(report.checkpoint, 'pt') as file:
        metadata = file.metadata()
    assert metadata['source_sha256'] == read_official(path).sha256
    assert metadata['converter'] == 'mmdiffpose mixste'
    assert 'do not redistribute' in metadata['licence']
    assert report.defaults == ['head.calibrated', 'head.residual_std']
    text = report.config.read_text()
    assert '_base_' not in text and metadata['source_sha256'] in text
    config = Config.fromfile(report.config)
    assert 'train_cfg' not in config and 'optim_wrapper' not in config
    assert config.val_dataloader.dataset.seq_len == 3
    json.dumps(report.options)


def test_the_pair_builds_from_another_folder(convert, tmp_path, monkeypatch):
    report = convert('graformer',
                     save_list(tmp_path / 'gcn_xyz_gt.pth', draw_gcn(2, 3)))
    folder = tmp_path / 'elsewhere'
    folder.mkdir()
    for path in (report.config, report.checkpoint):
        path.rename(folder / path.name)
    monkeypatch.chdir(folder)
    model = init_model('out.py', 'out.safetensors')
    assert model.cfg.test_dataloader.dataset.keypoint_2d_src == 'gt'
    assert model.dataset_meta['num_keypoints'] == 17


@pytest.mark.parametrize('method, state, message', [
    ('mixste', draw_gcn(2, 3), 'as mixste.*Spatial.*weights of graformer'),
    ('graformer', draw_gcn(5, 5, steps=True), 'weights of diffpose'),
    ('diffpose', draw_gcn(2, 3), 'weights of graformer'),
    ('pstmo', draw_mixste(), 'weights of mixste'),
    ('mixste', dict(foo=torch.ones(1)), 'expected.*foo.*no known method'),
    ('mixste', {
        **draw_mixste(), 'extra.weight': torch.ones(1)
    }, 'place for every tensor.*1 that.*extra.weight'),
    ('mixste', {
        **draw_mixste(), 'head.1.weight': torch.ones(4, 16)
    }, r'head.1.weight.*\(3, 16\).*\(4, 16\)'),
    ('mixste', {
        **draw_mixste(), 'Spatial_pos_embed': torch.ones(1, 16, 16)
    }, "Spatial_pos_embed of Human3.6M's 17 joints.*16 joints"),
    ('mixste', {
        **draw_mixste(), 'TTEblocks.5.norm1.weight': torch.ones(16)
    }, r'layers TTEblocks.0, TTEblocks.1 .*5'),
    ('mixste', {
        **draw_mixste(), 'Temporal_pos_embed': torch.ones(16)
    }, r'Temporal_pos_embed with 3 axes.*\(16,\)'),
    ('pstmo', draw_p_stmo(frames=11), 'frame counts.*11 frames, 3 blocks'),
    ('graformer', {
        **draw_gcn(2, 3), 'atten_layers.0.feed_forward.A_hat': torch.eye(16)
    }, 'A_hat of.*17 joints'),
])
def test_foreign_weights(method, state, message, convert, tmp_path):
    path = save_list(tmp_path / 'renamed.pth', state)
    with pytest.raises(ValueError, match=message) as error:
        convert(method, path, encoder=path if method == 'diffpose' else None)
    assert 'renamed.pth' in str(error.value)
    assert not list(tmp_path.glob('out*'))


def test_a_missing_tensor(convert, tmp_path):
    for name in ('STEblocks.1.mlp.fc2.bias', 'head.0.weight'):
        state = draw_mixste()
        del state[name]
        path = save_bin(tmp_path / 'short.bin', state)
        with pytest.raises(ValueError, match=f'short.bin.*{name}'):
            convert('mixste', path)


def test_the_encoder_of_diffpose(convert, tmp_path):
    path = save_list(tmp_path / 'diffpose_uvxyz_cpn.pth',
                     draw_gcn(5, 5, steps=True))
    with pytest.raises(FileNotFoundError, match='--encoder.*gcn_xyz_cpn.pth'):
        convert('diffpose', path)
    with pytest.raises(ValueError, match='context encoder.*diffpose'):
        convert('diffpose', path, encoder=path)
    with pytest.raises(ValueError, match='takes no encoder'):
        convert('graformer', path, encoder=path)


def test_arguments(convert, tmp_path):
    path = save_list(tmp_path / 'gcn_xyz_cpn.pth', draw_gcn(2, 3))
    with pytest.raises(ValueError, match='gcn_xyz_cpn.pth.*running average'):
        convert('graformer', path, averaged=True)
    with pytest.raises(ValueError, match='expected a method'):
        convert('poseformer', path)
    with pytest.raises(ValueError, match='expected keypoints'):
        convert('graformer', path, keypoints='hrnet')


def test_what_was_there_stays_after_an_error(convert, tmp_path):
    good = save_bin(tmp_path / 'good.bin', draw_mixste())
    report = convert('mixste', good)
    before = report.checkpoint.read_bytes(), report.config.read_bytes()
    torch.save(wrapped(draw_gcn(2, 3)), tmp_path / 'bad.pth')
    with pytest.raises(ValueError, match='bad.pth'):
        convert('mixste', tmp_path / 'bad.pth')
    assert before == (report.checkpoint.read_bytes(),
                      report.config.read_bytes())
    assert len(list(tmp_path.iterdir())) == 4
