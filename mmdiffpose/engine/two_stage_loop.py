# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Train the context encoder, freeze it, train the diffusion head."""

import logging
from typing import Any, Optional, Union

import torch
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from mmdiffpose.models.heads.parts.base import (LiftingEstimate,
                                                pack_predictions)
from mmdiffpose.registry import LOOPS
from .earlier_stage import check_config, train_earlier_stage
from .residual_calibration_hook import ResidualStatistics, unwrap

CONTEXT = 'context'
"""Folder of the first stage below the work folder, and its file's stem."""


@LOOPS.register_module()
class TwoStageTrainLoop(EpochBasedTrainLoop):
    """Epoch-based training of a lifter, its context encoder first if needed.

    Where the lifter has no trained encoder yet (no ``context_checkpoint``,
    nothing loaded or resumed), the first stage's config is trained in
    ``<work_dir>/context`` by a runner of its own, its best checkpoint (best
    on the validation split; the last one where none was chosen) is written
    to ``<work_dir>/context/context.pth``, loaded and frozen. An interrupted
    first stage is resumed, a finished one reused.

    Args:
        runner (Runner): The runner.
        dataloader (dict | DataLoader): As in ``EpochBasedTrainLoop``.
        max_epochs (int): As in ``EpochBasedTrainLoop``.
        context_config (str): Path of the first stage's config.
        context_options (dict, optional): Overrides of it, keys with dots as
            in ``--cfg-options``.
        **kwargs: As in ``EpochBasedTrainLoop``.
    """

    def __init__(self,
                 runner: Runner,
                 dataloader: Union[dict, DataLoader],
                 max_epochs: int,
                 context_config: str,
                 context_options: Optional[dict] = None,
                 **kwargs: Any) -> None:
        super().__init__(runner, dataloader, max_epochs, **kwargs)
        check_config('context_config', context_config, 'the first stage')
        self.context_config = context_config
        self.context_options = context_options or {}

    def run(self) -> torch.nn.Module:
        """Train both stages."""
        model = unwrap(self.runner.model)
        self._check_inputs()
        if not bool(model.context_loaded):
            path = train_earlier_stage(
                self.runner, self.context_config, self.context_options,
                CONTEXT, ('stage 1 of 2: training the context encoder',
                          'stage 2 of 2: training the head'))
            print_log(f'context encoder: {path}', logger='current')
            model.load_context(path)
        if not bool(model.coarse_head.calibrated):
            self._calibrate()
        return super().run()

    @torch.no_grad()
    def _check_inputs(self) -> None:
        """Encode one window now: windows that do not fit the encoder should
        not come to light when its training is over."""
        model = unwrap(self.runner.model)
        model.eval()
        inputs = self.dataloader.dataset[0]['inputs']
        if inputs.ndim == 3:  # else a batch in one piece
            inputs = inputs[None]
        model.extract_feat(inputs.to(model.context_loaded.device))

    @torch.no_grad()
    def _calibrate(self) -> None:
        """Measure the encoder's residual where its checkpoint lacks it."""
        runner = self.runner
        model = unwrap(runner.model)
        if runner.val_loop is None:
            print_log(
                'the context checkpoint has no measured residual_std, and '
                'there is no validation split to measure it on: it is taken '
                f'to be {float(model.coarse_head.residual_std.max()):g} m',
                logger='current',
                level=logging.WARNING)
            return
        print_log(
            "measuring the context encoder's residual on the validation "
            'split',
            logger='current')
        model.eval()
        statistics = ResidualStatistics(model.coarse_head.root_index)
        for batch in runner.val_loop.dataloader:
            batch = model.data_preprocessor(batch, False)
            inputs = batch['inputs']
            if isinstance(inputs, list):
                inputs = torch.stack(inputs)
            coarse = model.extract_feat(inputs).coarse
            samples = batch['data_samples']
            estimate = LiftingEstimate(coarse,
                                       coarse.new_ones(coarse.shape[:-1]))
            predictions = pack_predictions(estimate, samples)
            for sample, prediction in zip(samples, predictions):
                sample.pred_instances = prediction
            statistics.update(samples, 'keypoints')
        model.coarse_head.set_residual_std(statistics.std())
