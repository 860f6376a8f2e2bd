# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Freed memory stays with a process that trains on a CPU."""
import ctypes
import multiprocessing
import platform
import resource
import types

import pytest
import torch

from mmdiffpose.engine import KeptMemoryHook, kept_memory_hook

PAGES = 50 * 256
"""Of the larger block, 4 KB each."""


def second_faults(keep, send):
    """Pages that two blocks need, which were there and freed before."""
    libc = ctypes.CDLL(None)
    if not keep:
        # glibc's defaults, whatever trained in this process before.
        defaults = {-4: 65536, -3: 128 << 10, -1: 128 << 10}
        for parameter, value in defaults.items():
            assert libc.mallopt(parameter, value)
    elif not kept_memory_hook.keep_freed_memory():
        return
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for size in (5, 50):  # MB; glibc's own limits are below the second
            block = libc.malloc(size << 20)
            ctypes.memset(block, 1, size << 20)
            libc.free(block)
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    send.send(faults)


@pytest.mark.skipif(
    platform.libc_ver()[0] != 'glibc', reason='there is no glibc')
def test_memory_is_there_the_second_time():
    found = {}
    for keep in (True, False):
        # What is asked of malloc holds for the process.
        receive, send = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context('fork').Process(
            target=second_faults, args=(keep, send))
        process.start()
        assert receive.poll(60)
        found[keep] = receive.recv()
        process.join()
    assert found[True] < PAGES / 100 < found[False]


@pytest.mark.parametrize('device, times', [('cpu', 1), ('meta', 0)])
def test_it_is_asked_for_where_a_cpu_trains(monkeypatch, device, times):
    asked = []
    monkeypatch.setattr(kept_memory_hook, 'keep_freed_memory',
                        lambda: asked.append(1))
    model = torch.nn.Linear(2, 2, device=device)
    KeptMemoryHook().before_train(types.SimpleNamespace(model=model))
    assert len(asked) == times


def test_other_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(platform, 'libc_ver', lambda: ('', ''))
    monkeypatch.setattr(kept_memory_hook, 'ctypes', None)
    assert kept_memory_hook.keep_freed_memory() is False
