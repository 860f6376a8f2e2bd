# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Published containers are read; what is in them is not executed."""
import hashlib
import io
import os
import pickle
import tarfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from plain_layers import save_bin, save_list

from mmdiffpose.conversion import read_official

STATE = dict(
    a=torch.arange(6.).reshape(2, 3).T,
    b=torch.tensor(7),
    c=torch.ones(2, dtype=torch.float16))


def check(file):
    assert list(file.weights) == list(STATE)
    for name, value in STATE.items():
        assert torch.equal(file.weights[name], value)
        assert file.weights[name].dtype == value.dtype


@pytest.mark.parametrize('zipped', [True, False])
def test_the_bin_that_weights_only_refuses(zipped, tmp_path):
    path = tmp_path / 'mixste.bin'
    content = dict(
        epoch=np.int64(3),
        random_state=np.random.RandomState(1),
        generator=np.random.default_rng(1),
        model_pos=OrderedDict((f'module.{k}', v) for k, v in STATE.items()))
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)
    file = read_official(path)
    check(file)
    assert file.averaged is None
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_random_states_of_old_numpy(tmp_path):
    """Their constructor had another name."""

    class Old:

        def __reduce__(self):
            return old_constructor, (), ('MT19937', np.zeros(624, 'u4'), 1)

    def old_constructor():
        raise AssertionError('it was called')

    old_constructor.__module__ = 'numpy.random'
    old_constructor.__qualname__ = old_constructor.__name__ = (
        '__RandomState_ctor')
    np.random.__RandomState_ctor = old_constructor
    try:
        torch.save(
            dict(random_state=Old(), model_pos=STATE), tmp_path / 'old.bin')
    finally:
        del np.random.__RandomState_ctor
    check(read_official(tmp_path / 'old.bin'))


def test_lists_bare_dicts_and_folders(tmp_path):
    averaged = {k: v + 1 for k, v in STATE.items()}
    file = read_official(save_list(tmp_path / 'a.pth', STATE, averaged))
    check(file)
    assert torch.equal(file.averaged['b'], torch.tensor(8))
    check(read_official(save_list(tmp_path / 'b.pth', STATE)))
    torch.save(STATE, tmp_path / 'model.pth')
    check(read_official(tmp_path))
    check(read_official(save_bin(tmp_path / 'c.bin', STATE)))


class Attack:
    """Runs a function of its choice when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def payload(marker):
    inner = io.BytesIO()
    torch.save(Attack(os.mkdir, str(marker)), inner)
    return [
        Attack(os.mkdir, str(marker)),
        Attack(eval, f'__import__("os").mkdir({str(marker)!r})'),
        Attack(getattr, np.ndarray, 'tofile'),
        Attack(torch.storage._load_from_bytes, inner.getvalue()),
        Attack(torch.load, str(marker)),
        Attack(torch.hub.load, 'a/b', 'c'),
    ]


@pytest.mark.parametrize('zipped', [True, False])
@pytest.mark.parametrize('attack', range(6))
def test_nothing_is_executed(attack, zipped, tmp_path):
    marker = tmp_path / 'executed'
    path = tmp_path / 'evil.bin'
    torch.save(
        dict(random_state=payload(marker)[attack], model_pos=STATE),
        path,
        _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match='evil.bin.*not plain data'):
        read_official(path)
    assert not marker.exists()


def test_a_plain_pickle_is_not_executed_either(tmp_path):
    marker = tmp_path / 'executed'
    path = tmp_path / 'evil.pth'
    path.write_bytes(pickle.dumps(Attack(os.mkdir, str(marker))))
    with pytest.raises(ValueError, match='evil.pth.*truncated, changed'):
        read_official(path)
    assert not marker.exists()


def test_files_that_torch_would_read_by_other_ways(tmp_path):
    script = torch.jit.trace(torch.nn.Linear(1, 1), torch.ones(1, 1))
    script.save(tmp_path / 'script.pth')
    with tarfile.open(tmp_path / 'tar.pth', 'w') as archive:
        archive.add(tmp_path / 'script.pth', 'storages')
    np.savez(tmp_path / 'npz.pth', a=np.ones(2))
    Path(tmp_path / 'npz.pth.npz').rename(tmp_path / 'npz.pth')
    (tmp_path / 'empty.pth').touch()
    (tmp_path / 'done.safetensors').write_bytes(b'x' * 32)
    for name, found in (('script.pth', 'TorchScript'), ('tar.pth', 'tar'),
                        ('npz.pth', 'a.npy'), ('empty.pth', 'an empty file'),
                        ('done.safetensors', 'no conversion')):
        with pytest.raises(ValueError, match=f'{name}.*expected.*{found}'):
            read_official(tmp_path / name)


@pytest.mark.parametrize('keep', [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize('zipped', [True, False])
def test_truncated_files(keep, zipped, tmp_path):
    path = tmp_path / 'cut.bin'
    torch.save(
        dict(model_pos=STATE), path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    path.write_bytes(whole[:int(len(whole) * keep)])
    with pytest.raises(ValueError, match='cut.bin.*expected.*found'):
        read_official(path)


def test_a_changed_weight(tmp_path):
    """One bit of one number, which torch would not notice."""
    path = tmp_path / 'flipped.bin'
    torch.save(dict(model_pos=dict(w=torch.arange(100.))), path)
    content = bytearray(path.read_bytes())
    place = content.find(torch.arange(50., 60.).numpy().tobytes())
    content[place + 2] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(ValueError, match='flipped.bin.*data.*is damaged'):
        read_official(path)


@pytest.mark.parametrize('content, found', [
    (dict(model_pos=[1, 2]), 'list'),
    (dict(model_pos={}), '{}'),
    ([1, 2, 3], 'list'),
    (dict(optimizer=dict(), scheduler=3), "dict.*'optimizer'"),
    (torch.ones(3), 'Tensor'),
    (dict(w=torch.tensor([1., float('nan')])), 'w holds NaN'),
])
def test_other_content(content, found, tmp_path):
    torch.save(content, tmp_path / 'other.pth')
    with pytest.raises(ValueError, match=f'other.pth.*{found}'):
        read_official(tmp_path / 'other.pth')


def test_missing_files(tmp_path):
    for path in (tmp_path / 'none.bin', tmp_path):
        with pytest.raises(FileNotFoundError, match=str(tmp_path)):
            read_official(path)
