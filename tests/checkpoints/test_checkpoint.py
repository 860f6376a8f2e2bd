# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Checkpoints: formats, strictness, errors."""

import pytest
import torch
from torch import nn

from mmdiffpose.checkpoints.checkpoint import load_weights, read_checkpoint


def net(width=3):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, width), nn.Linear(width, 1))


def test_formats_hold_the_same(tmp_path):
    state = net().state_dict()
    torch.save(state, tmp_path / 'bare.pth')
    torch.save(
        dict(state_dict=state, meta=dict(epoch=3)), tmp_path / 'engine.pth')
    wrapped = {f'module.{key}': value for key, value in state.items()}
    torch.save(wrapped, tmp_path / 'wrapped.pth')
    for name in ('bare', 'engine', 'wrapped'):
        loaded, meta = read_checkpoint(tmp_path / f'{name}.pth')
        assert meta == (dict(epoch=3) if name == 'engine' else {})
        model = net()
        for value in model.parameters():
            nn.init.zeros_(value)
        load_weights(model, loaded, name)
        assert all((model.state_dict()[k] == state[k]).all() for k in state)


def test_safetensors(tmp_path):
    package = pytest.importorskip('safetensors.torch')
    state = net().state_dict()
    package.save_file(state, tmp_path / 'a.safetensors')
    loaded, meta = read_checkpoint(tmp_path / 'a.safetensors')
    assert meta == {} and all((loaded[k] == state[k]).all() for k in state)
    (tmp_path / 'b.safetensors').write_bytes(b'nothing')
    with pytest.raises(ValueError, match='not a safetensors file'):
        read_checkpoint(tmp_path / 'b.safetensors')


def test_another_architecture_is_refused_and_leaves_the_model_alone():
    model = net()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    state = dict(net(5).state_dict())
    state['extra.weight'] = state.pop('1.bias')
    with pytest.raises(ValueError) as caught:
        load_weights(model, state, 'other.pth')
    message = str(caught.value)
    assert 'other.pth is a checkpoint of another architecture' in message
    assert '1 keys missing: 1.bias' in message
    assert '1 keys unexpected: extra.weight' in message
    assert '0.weight (expected (3, 2), found (5, 2))' in message
    assert all((model.state_dict()[k] == v).all() for k, v in before.items())


class Payload:
    """Whatever a checkpoint from elsewhere may hold."""


def test_negligible_weights_become_zero():
    model = torch.nn.Linear(2, 2)
    state = dict(
        weight=torch.tensor([[1e-39, -1e-21], [1e-19, -2.]]),
        bias=torch.tensor([0., 1.]))
    load_weights(model, state, 'a.pth')
    assert model.weight.tolist() == [[0, 0], state['weight'][1].tolist()]
    assert model.bias.tolist() == [0, 1]


def test_checkpoints_from_before_a_calibration_load():
    """Its buffers are optional; what else is missing is an error."""
    from mmdiffpose.models.heads.parts.std_calibration import StdCalibration
    model = nn.ModuleDict(dict(net=net(), std=StdCalibration(3)))
    model['std'].set(torch.ones(3), torch.ones(3))
    state = {f'net.{key}': value for key, value in net().state_dict().items()}
    load_weights(model, state, 'old.pth')
    assert not model['std'].fitted and (model['std'].floor == 0).all()
    del state['net.0.bias']
    with pytest.raises(ValueError, match='1 keys missing: net.0.bias'):
        load_weights(model, state, 'old.pth')


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.pth'):
        read_checkpoint(tmp_path / 'nowhere.pth')
    (tmp_path / 'text.pth').write_text('hello')
    (tmp_path / 'empty.pth').write_text('')
    torch.save(dict(state_dict=Payload()), tmp_path / 'code.pth')
    for name in ('text', 'empty', 'code'):
        with pytest.raises(ValueError, match=f'{name}.pth.*weights_only'):
            read_checkpoint(tmp_path / f'{name}.pth')
    torch.save(dict(epoch=3), tmp_path / 'keys.pth')
    torch.save([1, 2], tmp_path / 'list.pth')
    with pytest.raises(ValueError, match=r"found keys \['epoch'\]"):
        read_checkpoint(tmp_path / 'keys.pth')
    with pytest.raises(ValueError, match='found list'):
        read_checkpoint(tmp_path / 'list.pth')
