# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A progress bar for the terminal."""

from typing import Optional

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from tqdm import tqdm

from mmdiffpose.registry import HOOKS


@HOOKS.register_module()
class ProgressBarHook(Hook):
    """Show training as one bar, with the loss and the time that is left.

    Args:
        name (str): Text before the bar.
    """

    priority = 'VERY_LOW'

    def __init__(self, name: str = 'training') -> None:
        self.name = name
        # Replaced when training begins and its length is known.
        self._bar = tqdm(disable=True)

    def before_train(self, runner: Runner) -> None:
        """Open the bar."""
        self._bar = tqdm(
            total=runner.max_iters,
            initial=runner.iter,
            desc=self.name,
            unit='it',
            mininterval=1.,
            dynamic_ncols=True,
            disable=not is_main_process())

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        """Advance."""
        self._bar.update()
        if outputs and 'loss' in outputs and self._bar.n % 10 == 0:
            self._bar.set_postfix(
                loss=f'{float(outputs["loss"]):.4f}', refresh=False)

    def after_train(self, runner: Runner) -> None:
        """Close the bar."""
        self._bar.close()
