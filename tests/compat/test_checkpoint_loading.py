# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MMEngine reads .safetensors and its own files, whatever torch's version."""
import pickle

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader, load_from_local
from safetensors.torch import save_file
from torch import serialization

from mmdiffpose.compat import apply_compat
from mmdiffpose.compat.checkpoint_loading import load_from_safetensors


@pytest.mark.parametrize(
    'map_location',
    [None, 'cpu', torch.device('cpu'), lambda s, _: s])
def test_by_its_suffix_and_nothing_else(map_location, tmp_path, monkeypatch):
    apply_compat()
    monkeypatch.setattr(torch, 'load', None)
    path = str(tmp_path / 'weights.safetensors')
    save_file(dict(a=torch.arange(3.)), path, metadata=dict(b='c'))
    loaded = CheckpointLoader.load_checkpoint(path, map_location)
    assert torch.equal(loaded['state_dict']['a'], torch.arange(3.))
    find = CheckpointLoader._get_checkpoint_loader
    assert find(path) is load_from_safetensors
    assert find('a.safetensors.pth') is load_from_local
    assert find('safetensors.pth') is load_from_local


def test_bad_files(tmp_path):
    apply_compat()
    path = tmp_path / 'broken.safetensors'
    path.write_bytes(b'x' * 64)
    with pytest.raises(ValueError, match='broken.*not a safetensors file'):
        CheckpointLoader.load_checkpoint(str(path))
    with pytest.raises(FileNotFoundError, match='none.safetensors'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'none.safetensors'))


@pytest.mark.skipif(
    not hasattr(serialization, 'get_safe_globals'),
    reason='this torch has no allow-list')
def test_only_the_loader_reads_what_mmengine_writes(tmp_path):
    apply_compat()
    path = str(tmp_path / 'epoch_1.pth')
    content = dict(
        state_dict=dict(a=torch.ones(2)),
        message_hub=dict(loss=HistoryBuffer([1., 3.], [1, 1])),
        meta=dict(sigmas=np.array([1., 2.])))
    torch.save(content, path)
    before = set(serialization.get_safe_globals())
    assert HistoryBuffer not in before
    loaded = CheckpointLoader.load_checkpoint(path)
    assert loaded['message_hub']['loss'].mean() == 2
    np.testing.assert_array_equal(loaded['meta']['sigmas'], [1, 2])
    assert set(serialization.get_safe_globals()) == before
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)


def test_the_loader_is_wrapped_once():
    apply_compat()
    wrapped = vars(CheckpointLoader)['load_checkpoint'].__func__.__wrapped__
    assert not hasattr(wrapped, '__wrapped__')
