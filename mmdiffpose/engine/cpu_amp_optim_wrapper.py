# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Mixed precision on processors that multiply in bfloat16."""

from contextlib import contextmanager
from typing import Iterator

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmdiffpose.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class CpuAmpOptimWrapper(OptimWrapper):
    """Losses under a CPU's autocast to bfloat16.

    MMEngine's ``AmpOptimWrapper`` is for accelerators and refuses a CPU.
    Weights, gradients and the optimiser's state stay in float32, bfloat16 has
    float32's range, and so no loss is scaled. Attention and the layers that
    say a pose stay in float32 (:mod:`mmdiffpose.models.layers`). Validation
    runs in float32.

    It pays where the processor has instructions for it (``avx512_bf16`` or
    ``amx_bf16`` in ``/proc/cpuinfo``); elsewhere it is slower than float32.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """The context in which the loss is computed."""
        with super().optim_context(model), torch.autocast(
                'cpu', dtype=torch.bfloat16):
            yield
