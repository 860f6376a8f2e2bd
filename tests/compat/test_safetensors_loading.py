# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MMEngine reads .safetensors files, whatever torch's version."""
import pytest
import torch
from mmengine.runner.checkpoint import CheckpointLoader, load_from_local
from safetensors.torch import save_file

from mmdiffpose.compat import apply_compat
from mmdiffpose.compat.safetensors_loading import load_from_safetensors


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
