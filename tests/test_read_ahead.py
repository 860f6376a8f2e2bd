# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Stages that overlap, and what comes out of them."""
import threading
import weakref
from contextlib import closing

import numpy as np
import pytest

from mmdiffpose.read_ahead import read_ahead


def threads():
    return [one for one in threading.enumerate() if one.name == 'read_ahead']


def test_items_come_in_order_and_the_thread_ends():
    assert list(read_ahead(range(1000))) == list(range(1000))
    assert list(read_ahead([])) == []
    # None is an item like any other.
    assert list(read_ahead([None, 1, None], ahead=1)) == [None, 1, None]
    assert not threads()


def test_the_next_item_is_made_while_the_caller_works():
    made = [threading.Event() for _ in range(3)]

    def make():
        for number, event in enumerate(made):
            event.set()
            yield number

    for number in read_ahead(make(), ahead=1):
        if number < 2:
            assert made[number + 1].wait(20)


@pytest.mark.parametrize('ahead', [1, 3])
def test_so_many_wait_and_no_more(ahead):
    made = []
    room = threading.Event()

    def make():
        for number in range(20):
            made.append(number)
            if number == ahead + 2:
                room.set()
            yield number

    with closing(read_ahead(make(), ahead)) as items:
        assert next(items) == 0
        # Of 1 on, so many wait; one more is made and finds no room.
        assert not room.wait(0.5)
        assert len(made) == ahead + 2
        assert next(items) == 1
        assert room.wait(20)


def test_an_error_comes_where_its_item_would_have():

    def make():
        yield from (1, 2)
        raise OSError('the third')

    items = read_ahead(make(), ahead=5)
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(OSError, match='the third'):
        next(items)
    assert not threads()


def test_who_is_closed_closes_what_it_reads():
    closed = []

    def make():
        try:
            while True:
                yield 0
        finally:
            closed.append(threading.current_thread().name)

    items = read_ahead(make())
    next(items)
    items.close()
    assert closed == ['read_ahead'] and not threads()


def test_an_item_is_let_go_with_the_caller():
    alive = weakref.WeakSet()

    class Item(np.ndarray):
        pass

    def make():
        for _ in range(50):
            item = np.zeros(3).view(Item)
            alive.add(Held(item))
            yield item
            del item

    held = {}

    class Held:

        def __init__(self, item):
            held[id(item)] = self
            weakref.finalize(item, held.pop, id(item))

    most = 0
    for item in read_ahead(make(), ahead=2):
        most = max(most, len(alive))
        del item
    assert 1 <= most <= 4 and not alive
