# Copyright (c) mmdiffpose contributors. All rights reserved.
"""How far off a context encoder is on people that it has not seen."""

import logging
from typing import Any, Mapping, Optional, Sequence

import torch
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.logging import print_log
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


def put_measured(checkpoint: dict, prefix: str,
                 values: Mapping[str, Tensor]) -> None:
    """Put what a validation has measured beside the weights that are saved.

    ``EMAHook`` saves its average as the model. What was measured is about the
    average, because that is validated, but the average's buffers are those of
    the last training step, before the validation. The weights that training
    goes on from, saved beside it, get the same.

    Args:
        checkpoint (dict): About to be written; changed in place.
        prefix (str): Of the buffers' names, with a dot at its end.
        values (Mapping): Name to buffer.
    """
    states = [(checkpoint['state_dict'], '')]
    if 'ema_state_dict' in checkpoint:
        states.append((checkpoint['ema_state_dict'], 'module.'))
    for state, start in states:
        if not start and next(iter(state)).startswith('module.'):
            start = 'module.'
        for name, value in values.items():
            state[start + prefix + name] = value.detach().cpu().clone()


class ResidualStatistics:
    """Root mean square residual per joint and axis, over all processes.

    Only frames that count in an evaluation enter (``valid_frames``), and
    joints whose position is known there, both poses relative to the root.

    Args:
        root_index (int): The root joint. Defaults to 0.
    """

    def __init__(self, root_index: int = 0) -> None:
        self.root_index = root_index
        self._square: Optional[Tensor] = None
        self._count: Optional[Tensor] = None

    def update(self, data_samples: Sequence, field: str) -> None:
        """Add windows.

        Args:
            data_samples (list[PoseDataSample]): With predictions.
            field (str): The prediction to measure, ``'keypoints'`` or
                ``'coarse_keypoints'``, (T, J, 3), metres.
        """
        root = slice(self.root_index, self.root_index + 1)
        for sample in data_samples:
            truth = sample.gt_instances
            target = torch.as_tensor(truth.lifting_target)
            pred = torch.as_tensor(sample.pred_instances[field])
            known = torch.as_tensor(truth.valid_frames).bool()[:, None]
            if 'lifting_target_visible' in truth:
                visible = torch.as_tensor(truth.lifting_target_visible) > 0
                known = known & visible & visible[:, root]
            known = known.expand(target.shape[:-1])
            residual = (pred - pred[:, root]) - (target - target[:, root])
            square = residual.double().square()
            square = torch.where(known[..., None], square, 0.).sum(dim=0)
            count = known.sum(dim=0).double()
            if self._square is None or self._count is None:
                self._square, self._count = square, count
            else:
                self._square = self._square + square
                self._count = self._count + count

    def std(self) -> Tensor:
        """Residual std (J, 3), metres, not below :data:`MIN_STD`.

        A joint that is never known has that of the least certain one that
        is, and a warning says so.

        Raises:
            ValueError: Where no frame was seen.
        """
        parts = [
            part for part in all_gather_object((self._square, self._count))
            if part[0] is not None
        ]
        if not any(count.any() for _, count in parts):
            raise ValueError('no valid frame to measure the residual on; the '
                             'validation split is empty')
        square, count = (sum(part[1:], part[0]) for part in zip(*parts))
        std = (square / count.clamp(min=1)[:, None]).sqrt()
        unknown = count == 0
        if unknown.any():
            std[unknown] = std[~unknown].amax(dim=0)
            print_log(
                f'joints {unknown.nonzero()[:, 0].tolist()} are known in no '
                'frame of the validation split: their residual std is a '
                'guess, that of the least certain joint that is known',
                logger='current',
                level=logging.WARNING)
        return std.clamp(min=MIN_STD).float()


@HOOKS.register_module()
class ResidualCalibrationHook(Hook):
    """Store the validation residual in a regression head's checkpoint.

    Runs in every validation epoch and sets ``residual_std`` of the model's
    ``LiftingRegressionHead`` before the best checkpoint is saved; with an
    ``EMAHook``, in the average that is validated and saved. The validation
    split must not be trained on: on its own training frames a residual is
    too small, and everything downstream overconfident.
    """

    # After EMAHook, which swaps what is saved, before CheckpointHook.
    priority = 'LOW'

    def before_val_epoch(self, runner: Runner) -> None:
        """Start anew."""
        self._statistics = ResidualStatistics(
            unwrap(runner.model).head.root_index)

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

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Put what was measured into what is saved."""
        head = unwrap(runner.model).head
        if bool(head.calibrated):
            put_measured(
                checkpoint, 'head.',
                dict(
                    residual_std=head.residual_std,
                    calibrated=head.calibrated))
