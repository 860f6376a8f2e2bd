# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Stop at the first loss that is not finite."""

from typing import Optional

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdiffpose.registry import HOOKS


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Raise as soon as a training loss is NaN or infinite.

    The error names the loss and the clips of the batch. No checkpoint of the
    broken weights is written, the last good one stays.

    Args:
        interval (int): Check every so many iterations. Defaults to 1.
    """

    priority = 'VERY_HIGH'

    def __init__(self, interval: int = 1) -> None:
        self.interval = interval

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        """Check the losses of this iteration.

        Raises:
            FloatingPointError: For a loss that is not finite.
        """
        if not self.every_n_train_iters(runner, self.interval):
            return
        for name, value in (outputs or {}).items():
            if torch.is_tensor(value) and not bool(value.isfinite().all()):
                clips = sorted({
                    str(sample.metainfo.get('clip', '?'))
                    for sample in (data_batch or {}).get('data_samples', ())
                })
                raise FloatingPointError(
                    f'{name} is {value.tolist()} in iteration '
                    f'{runner.iter + 1}; clips of the batch: {clips}. Lower '
                    'the learning rate, or look for wrong values in these '
                    'clips')
