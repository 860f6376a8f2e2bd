# Copyright (c) mmdiffpose contributors. All rights reserved.
from copy import deepcopy

import pytest
import torch
from torch import nn

from mmdiffpose.models.layers import HostValue


class Counter(nn.Module):

    def __init__(self):
        super().__init__()
        self.register_buffer('count', torch.tensor(3))
        self.host = HostValue(3)

    def read(self):
        return self.host.read(self.count)


@pytest.fixture
def items(monkeypatch):
    """Counts how often a number is taken from a tensor."""
    taken = []
    item = torch.Tensor.item
    monkeypatch.setattr(torch.Tensor, 'item', lambda self:
                        (taken.append(1), item(self))[1])
    return taken


def test_it_is_read_once_and_after_each_change(items):
    module = Counter()
    assert [module.read() for _ in range(5)] == [3] * 5
    assert len(items) == 1
    module.count.zero_()
    assert module.read() == module.read() == 0 and len(items) == 2
    module.load_state_dict(dict(count=torch.tensor(8)))
    assert module.read() == 8
    module.load_state_dict(dict(count=torch.tensor(9)), assign=True)
    assert module.read() == 9
    module.count += 1
    assert module.read() == 10
    module.count = torch.tensor(11)  # as module.to(...) does
    assert module.read() == 11 and len(items) == 6


def test_what_is_written_need_not_be_read(items):
    module = Counter()
    for value in range(5):
        module.host.write(module.count, value)
        assert module.read() == value
    assert not items
    assert module.count.item() == 4
    assert module.state_dict()['count'] == 4


def test_a_copy_has_its_own():
    module = Counter()
    module.read()
    other = deepcopy(module)
    module.host.write(module.count, 7)
    other.count.fill_(5)
    assert (module.read(), other.read()) == (7, 5)


def test_without_a_number_the_last_one_holds():
    module = Counter()
    module.host.write(module.count, 6)
    module.to('meta')
    assert module.read() == 6
    module.host.write(module.count, 7)
    assert module.read() == 7


def test_a_buffer_that_counts_no_changes_is_read_each_time():
    with torch.inference_mode():
        module = Counter()
        assert module.read() == 3
        module.count.fill_(4)
        assert module.read() == 4
