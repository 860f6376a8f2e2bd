# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Checkpoints that are cut short, corrupted, renamed or foreign."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mmdiffpose.checkpoints.checkpoint import (check_weights, load_weights,
                                               origin_of, read_checkpoint)


@pytest.fixture
def saved(tmp_path):
    """The same weights as ``.pth`` and ``.safetensors``."""
    state = {'a.weight': torch.arange(4000.), 'a.bias': torch.zeros(7)}
    torch.save(dict(state_dict=state), tmp_path / 'a.pth')
    save_file(state, tmp_path / 'a.safetensors', dict(config='net-27'))
    return tmp_path


@pytest.mark.parametrize('suffix', ['pth', 'safetensors'])
@pytest.mark.parametrize('share', [0., .001, .01, .5, .99])
def test_cut_short(saved, suffix, share):
    path = saved / f'a.{suffix}'
    content = path.read_bytes()
    path.write_bytes(content[:int(share * len(content))])
    with pytest.raises(ValueError, match=f'a.{suffix}'):
        read_checkpoint(path)


def test_lengths_are_told(saved):
    path = saved / 'a.safetensors'
    content = path.read_bytes()
    path.write_bytes(content[:-5])
    with pytest.raises(
            ValueError, match=f'cut short: expected {len(content)} bytes'):
        read_checkpoint(path)
    path.write_bytes(content + b'12345')
    with pytest.raises(ValueError, match='too long'):
        read_checkpoint(path)
    pth = saved / 'a.pth'
    pth.write_bytes(pth.read_bytes()[:-30])
    with pytest.raises(ValueError, match='a.pth is cut short'):
        read_checkpoint(pth)


def test_corrupted_headers(saved):
    path = saved / 'a.safetensors'
    content = path.read_bytes()
    for wrong in (content.replace(b'"F32"', b'"F3?"'),
                  content.replace(b'data_offsets', b'data_offzets'),
                  content.replace(b'":{', b'":[')):
        path.write_bytes(wrong)
        with pytest.raises(ValueError, match='a.safetensors.*not a safete'):
            read_checkpoint(path)
    path = saved / 'a.pth'
    path.write_bytes(path.read_bytes().replace(b'a.weight', b'a.wei\xff\x00t'))
    with pytest.raises(ValueError, match='a.pth'):
        read_checkpoint(path)


def test_renamed(saved):
    (saved / 'a.pth').rename(saved / 'b.safetensors')
    with pytest.raises(ValueError, match='torch checkpoint.*rename it to .pt'):
        read_checkpoint(saved / 'b.safetensors')
    (saved / 'a.safetensors').rename(saved / 'b.pth')
    with pytest.raises(ValueError, match='rename it to .safetensors'):
        read_checkpoint(saved / 'b.pth')


@pytest.mark.parametrize('text, found', [
    ('version https://git-lfs.github.com/spec/v1\n', 'pointer of Git LFS'),
    ('<!DOCTYPE html>\n<html>', 'a web page'),
    ('\n{"error": "not found"}', 'a JSON file'),
])
@pytest.mark.parametrize('suffix', ['pth', 'safetensors'])
def test_something_else(tmp_path, text, found, suffix):
    path = tmp_path / f'a.{suffix}'
    path.write_text(text)
    with pytest.raises(ValueError, match=f'a.{suffix}.*found .*{found}'):
        read_checkpoint(path)


def test_metadata_of_safetensors(saved):
    assert read_checkpoint(saved / 'a.safetensors')[1] == dict(config='net-27')
    assert origin_of(dict(experiment_name='run_1')) == 'run_1'
    assert origin_of({}) == ''


def test_foreign():
    net = nn.Linear(2, 3)
    resnet = {
        'conv1.weight': torch.zeros(64, 3, 7, 7),
        'layer1.0.conv1.weight': torch.zeros(64, 64, 1, 1),
        'fc.bias': torch.zeros(1000)
    }
    with pytest.raises(ValueError) as caught:
        load_weights(net, resnet, 'resnet50.pth', 'resnet50_8xb32')
    message = str(caught.value)
    for part in ('resnet50.pth', 'another architecture than Linear',
                 'no key in common', '2 keys missing: bias, weight',
                 '3 keys unexpected: conv1.weight', 'of resnet50_8xb32'):
        assert part in message
    assert len(message) < 400


def test_values_that_are_not_finite():
    net = nn.Linear(2, 3)
    state = {k: v.clone() for k, v in net.state_dict().items()}
    assert check_weights(net, state, 'a.pth') == state
    state['weight'][1, 1] = float('nan')
    with pytest.raises(ValueError, match='a.pth is corrupted.*: weight'):
        check_weights(net, state, 'a.pth')
