# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Refuse checkpoints that do not fit, where MMEngine only warns."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdiffpose.registry import HOOKS
from .residual_calibration_hook import unwrap


@HOOKS.register_module()
class StrictLoadingHook(Hook):
    """Raise where a loaded checkpoint is of another model.

    MMEngine's runner loads with ``strict=False``: a foreign checkpoint leaves
    a model with random weights, and a test then measures those.
    """

    priority = 'LOWEST'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check keys, shapes and values, before they reach the model.

        Raises:
            ValueError: If they do not fit; names a few of each kind.
        """
        from mmdiffpose.checkpoints.checkpoint import check_weights, origin_of
        check_weights(
            unwrap(runner.model), checkpoint.get('state_dict', checkpoint),
            runner._load_from or 'the checkpoint',
            origin_of(checkpoint.get('meta') or {}))
