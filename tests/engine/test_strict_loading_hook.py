# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Tests do not measure random weights."""

from types import SimpleNamespace

import pytest
from torch import nn

from mmdiffpose.engine import StrictLoadingHook


@pytest.fixture
def runner():
    return SimpleNamespace(model=nn.Linear(2, 3), _load_from='some.pth')


def test_its_own_checkpoint(runner):
    state = nn.Linear(2, 3).state_dict()
    for checkpoint in (state, dict(state_dict=state, meta=dict(epoch=3))):
        StrictLoadingHook().after_load_checkpoint(runner, checkpoint)


def test_a_foreign_checkpoint(runner):
    checkpoint = dict(
        state_dict=nn.Conv1d(2, 3, 1).state_dict(),
        meta=dict(experiment_name='another_1'))
    with pytest.raises(
            ValueError,
            match=r'some.pth is.*weight \(expected \(3, 2\).*another_1'):
        StrictLoadingHook().after_load_checkpoint(runner, checkpoint)
