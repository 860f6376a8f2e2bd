# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Memory that a training step frees is there for the next one."""

import ctypes
import platform

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdiffpose.registry import HOOKS

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""``M_TRIM_THRESHOLD`` and ``M_MMAP_MAX`` of glibc's ``malloc.h``."""


@HOOKS.register_module()
class KeptMemoryHook(Hook):
    """Keep what is freed, where a CPU trains under glibc.

    A step's activations are some hundred tensors of megabytes, the same in
    each step. glibc gives such memory back to the operating system as soon as
    it is free, which has to find it, and fill it with zeros, for the next
    step: a sixth of the processor's time of MixSTE's step with 27 frames and
    32 windows. The process keeps the size of its largest step from then on.

    Nothing happens with a GPU, whose tensors PyTorch keeps by itself, and
    with other C libraries.
    """

    def before_train(self, runner: Runner) -> None:
        """Ask malloc for it, if a CPU trains."""
        parameter = next(runner.model.parameters(), None)
        if parameter is None or parameter.is_cpu:
            keep_freed_memory()


def keep_freed_memory() -> bool:
    """Let malloc keep memory that is freed, for as long as the process lives.

    Returns:
        bool: Whether it does: glibc alone can be asked.
    """
    if platform.libc_ver()[0] != 'glibc':
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # Of large blocks no mapping of their own, and no heap that shrinks.
    return all((mallopt(_MMAP_MAX, 0), mallopt(_TRIM_THRESHOLD, -1)))
