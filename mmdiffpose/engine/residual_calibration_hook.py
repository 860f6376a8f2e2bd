# Copyright (c) mmdiffpose contributors. All rights reserved.
"""How far off a context encoder is on people that it has not seen."""

from typing import Any, Optional, Sequence

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from mmdiffpose.registry import HOOKS

MIN_STD = 0.005
"""Floor of a residual std, metres: a joint is never known exactly."""


def unwrap(model: nn.Module) -> Any:
    """The model inside a (distributed) wrapper.

    What parts it has is up to its config, so its type is left open.
    """
    return model.module if is_model_wrapper(model) else model


class ResidualStatistics:
    """Root mean square residual per joint and axis, over all processes.

    Only frames that count in an evaluation enter (``valid_frames``), both
    poses relative to the root joint.
    """

    def __init__(self) -> None:
        self._square: Optional[Tensor] = None
        self._count = 0

    def update(self, data_samples: Sequence, field: str) -> None:
        """Add windows.

        Args:
            data_samples (list[PoseDataSample]): With predictions.
            field (str): The prediction to measure, ``'keypoints'`` or
                ``'coarse_keypoints'``, (T, J, 3), metres.
        """
        for sample in data_samples:
            target = torch.as_tensor(sample.gt_instances.lifting_target)
            pred = torch.as_tensor(sample.pred_instances[field])
            valid = torch.as_tensor(sample.gt_instances.valid_frames)
            residual = (pred - pred[:, :1]) - (target - target[:, :1])
            square = residual[valid.bool()].double().square().sum(dim=0)
            self._square = (
                square if self._square is None else self._square + square)
            self._count += int(valid.sum())

    def std(self) -> Tensor:
        """Residual std (J, 3), metres, not below :data:`MIN_STD`.

        Raises:
            ValueError: Where no frame was seen.
        """
        count = torch.tensor(float(self._count))
        if self._square is not None:
            all_reduce(self._square)
        all_reduce(count)
        if self._square is None or count == 0:
            raise ValueError('no valid frame to measure the residual on; the '
                             'validation split is empty')
        return (self._square / count).sqrt().clamp(min=MIN_STD).float()


@HOOKS.register_module()
class ResidualCalibrationHook(Hook):
    """Store the validation residual in a regression head's checkpoint.

    Runs in every validation epoch and sets ``residual_std`` of the model's
    ``LiftingRegressionHead`` before the best checkpoint is saved. The
    validation split must not be trained on: on its own training frames a
    residual is too small, and everything downstream overconfident.
    """

    priority = 'HIGH'

    def before_val_epoch(self, runner: Runner) -> None:
        """Start anew."""
        self._statistics = ResidualStatistics()

    def after_val_iter(self,
                       runner: Runner,
                       batch_idx: int,
                       data_batch: Optional[dict] = None,
                       outputs: Optional[Sequence] = None) -> None:
        """Add a batch."""
        self._statistics.update(outputs or (), 'keypoints')

    def after_val_epoch(self,
                        runner: Runner,
                        metrics: Optional[dict] = None) -> None:
        """Store the result."""
        head = unwrap(runner.model).head
        head.set_residual_std(self._statistics.std())
