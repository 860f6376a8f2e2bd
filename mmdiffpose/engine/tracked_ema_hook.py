# Copyright (c) mmdiffpose contributors. All rights reserved.
"""An average of the weights that is saved but not used."""

from typing import Optional

from mmengine.hooks import EMAHook
from mmengine.runner import Runner

from mmdiffpose.registry import HOOKS


@HOOKS.register_module()
class TrackedEMAHook(EMAHook):
    """Track an exponential moving average beside the weights.

    MMEngine's ``EMAHook`` validates and tests with the average and saves it
    as the model. DiffPose's released code tracks and saves one, too, but
    evaluates the weights themselves; so does this hook. The average lies in
    the checkpoint's ``ema_state_dict``, keys prefixed by ``module.``. To use
    it, write ``EMAHook`` in its place.

    Args:
        **kwargs: Arguments of ``EMAHook``; ``momentum`` is the share of the
            new weights, 0.001 for a released "EMA rate" of 0.999.
    """

    def before_val_epoch(self, runner: Runner) -> None:
        """Keep the weights."""

    def after_val_epoch(self,
                        runner: Runner,
                        metrics: Optional[dict] = None) -> None:
        """Keep the weights."""

    def before_test_epoch(self, runner: Runner) -> None:
        """Keep the weights."""

    def after_test_epoch(self,
                         runner: Runner,
                         metrics: Optional[dict] = None) -> None:
        """Keep the weights."""

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Save the average beside the weights."""
        checkpoint['ema_state_dict'] = self.ema_model.state_dict()

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Go on with the average of a run that is resumed.

        Without one it starts anew: the first update copies the weights.
        """
        if 'ema_state_dict' in checkpoint and runner._resume:
            self.ema_model.load_state_dict(
                checkpoint['ema_state_dict'], strict=self.strict_load)
