# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Train with several processes on a machine without a GPU."""

import functools
from types import ModuleType
from typing import Any, Callable

from .import_hooks import after_import
from .ledger import note


def start_processes_without_gpu() -> None:
    """Let MMEngine start distributed processes where there is no GPU.

    Its launchers for torchrun and MPI call ``torch.cuda.set_device`` before
    anything else: ``module 'torch._C' has no attribute '_cuda_setDevice'``
    with a CPU build of torch. No upstream issue is known. With a GPU, or
    any accelerator that MMEngine knows, its own function runs unchanged.
    """
    after_import('mmengine.dist.utils', _skip_set_device)


def wrap_cpu_models() -> None:
    """Let MMEngine wrap a model on the CPU for distributed training.

    ``Runner.wrap_model`` always passes ``device_ids=[LOCAL_RANK]``, which
    DistributedDataParallel refuses for a model on the CPU (``device_ids ...
    must be None``). No upstream issue is known. Models on other devices are
    wrapped as before.
    """
    after_import('mmengine.model.wrappers.distributed', _drop_device_ids)


def _skip_set_device(module: ModuleType) -> None:
    note(start_processes_without_gpu, True,
         'each call looks whether there is a GPU')
    for name in ('_init_dist_pytorch', '_init_dist_mpi'):
        setattr(module, name, _without_set_device(getattr(module, name)))


def _without_set_device(init_dist: Callable) -> Callable:
    import torch

    @functools.wraps(init_dist)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        if torch.cuda.is_available():
            init_dist(*args, **kwargs)
            return
        # Only this call needs it gone; elsewhere it goes on to say that
        # there is no GPU.
        set_device = torch.cuda.set_device
        torch.cuda.set_device = _ignore_device
        try:
            init_dist(*args, **kwargs)
        finally:
            torch.cuda.set_device = set_device

    return wrapper


def _ignore_device(device: Any) -> None:
    """Stand in for ``torch.cuda.set_device`` without a GPU."""


def _drop_device_ids(module: ModuleType) -> None:
    note(wrap_cpu_models, True, 'each call looks whether the model is on the '
         'CPU')
    wrapper_class = module.MMDistributedDataParallel
    original = wrapper_class.__init__

    @functools.wraps(original)
    def __init__(  # noqa: N807
            self: Any, module: Any, *args: Any, **kwargs: Any) -> None:
        if all(p.device.type == 'cpu' for p in module.parameters()):
            kwargs['device_ids'] = None
        original(self, module, *args, **kwargs)

    wrapper_class.__init__ = __init__
