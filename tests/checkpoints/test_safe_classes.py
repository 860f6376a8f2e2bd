# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MMEngine's checkpoints load with weights_only; nothing else does."""

import io
import os
import pickle
from pickle import UnpicklingError
from typing import Any, Callable, Iterator

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from torch import serialization

from mmdiffpose.checkpoints.safe_classes import allowing, checkpoint_classes

pytestmark = pytest.mark.skipif(
    not hasattr(serialization, 'clear_safe_globals'),
    reason='this torch has no allow-list')


@pytest.fixture
def only_our_list() -> Iterator[None]:
    """The allow-list without other packages' entries."""
    before = serialization.get_safe_globals()
    serialization.clear_safe_globals()
    yield
    serialization.clear_safe_globals()
    serialization.add_safe_globals(before)


def _round_trip(content: Any) -> Any:
    file = io.BytesIO()
    torch.save(content, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def _history() -> HistoryBuffer:
    history = HistoryBuffer([1., 2., 4.], [1, 1, 2])
    history.update(3.)
    return history


def test_log_history_and_metainfo_need_the_list(only_our_list: None) -> None:
    checkpoint = dict(
        state_dict=dict(weight=torch.ones(2)),
        message_hub=dict(log_scalars=dict(loss=_history())),
        meta=dict(
            dataset_meta=dict(
                sigmas=np.linspace(0, 1, 17, dtype=np.float32),
                flip=np.array([0, 2, 1]),
                names=np.array(['hip', 'knee']),
                mask=np.array([True, False]),
                empty=np.zeros((0, 3)),
                scale=np.float32(2.5),
                count=np.int64(3))))
    with pytest.raises(UnpicklingError):
        _round_trip(checkpoint)
    with allowing():
        loaded = _round_trip(checkpoint)
    history = loaded['message_hub']['log_scalars']['loss']
    assert history.statistics('mean') == _history().statistics('mean')
    for key, value in checkpoint['meta']['dataset_meta'].items():
        np.testing.assert_array_equal(loaded['meta']['dataset_meta'][key],
                                      value)


@pytest.mark.parametrize('package', ['numpy.core', 'numpy._core'])
def test_arrays_of_the_other_numpy_load(only_our_list: None,
                                        package: str) -> None:
    """NumPy renamed the module that an array's pickle names."""
    file = io.BytesIO()
    torch.save(
        dict(a=np.arange(3.)), file, _use_new_zipfile_serialization=False)
    content = file.getvalue()
    for name in (b'numpy._core.multiarray', b'numpy.core.multiarray'):
        content = content.replace(name, package.encode() + b'.multiarray')
    with allowing():
        loaded = torch.load(io.BytesIO(content), weights_only=True)
    np.testing.assert_array_equal(loaded['a'], np.arange(3.))


class _Runs:
    """Pickles as a call."""

    def __init__(self, function: Callable, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> tuple:
        return self.call


@pytest.mark.parametrize(
    'content', [
        _Runs(os.system, 'true'),
        _Runs(getattr, HistoryBuffer, '__init__'),
        _Runs(getattr, torch.Tensor, 'numpy'),
        _Runs(getattr, np.ndarray, 'tofile'),
        _Runs(eval, '1'),
    ],
    ids=['system', 'dunder', 'tensor', 'ndarray', 'eval'])
def test_code_is_still_refused(only_our_list: None, content: Any) -> None:
    # The cause: torch wraps the errors of the unpickler into its own.
    with allowing(), pytest.raises((UnpicklingError, pickle.UnpicklingError)):
        _round_trip(dict(payload=content))


def test_the_list_is_what_it_was_afterwards(only_our_list: None) -> None:
    serialization.add_safe_globals([HistoryBuffer, complex])
    with allowing():
        inside = set(serialization.get_safe_globals())
        with allowing():
            assert set(serialization.get_safe_globals()) == inside
        assert set(serialization.get_safe_globals()) == inside
    assert inside == {*checkpoint_classes(), complex}
    assert set(serialization.get_safe_globals()) == {HistoryBuffer, complex}
    with pytest.raises(RuntimeError), allowing():
        raise RuntimeError
    assert set(serialization.get_safe_globals()) == {HistoryBuffer, complex}
