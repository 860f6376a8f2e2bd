# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pre-train the backbone, load what it learned, train."""

from typing import Any, Optional, Union

import torch
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from mmdiffpose.registry import LOOPS
from .earlier_stage import check_config, train_earlier_stage
from .residual_calibration_hook import unwrap

PRETRAINING = 'pretraining'
"""Folder of the pre-training below the work folder, and its file's stem."""


@LOOPS.register_module()
class PretrainedTrainLoop(EpochBasedTrainLoop):
    """Epoch-based training of a model whose backbone is pre-trained first.

    Where the backbone has no pre-trained weights yet (no ``pretrained``,
    nothing loaded or resumed), the pre-training's config is trained in
    ``<work_dir>/pretraining`` by a runner of its own and its weights are
    loaded. An interrupted pre-training is resumed, a finished one reused.

    As the first stage of :class:`TwoStageTrainLoop` it makes three stages of
    one command.

    Args:
        runner (Runner): The runner.
        dataloader (dict | DataLoader): As in ``EpochBasedTrainLoop``.
        max_epochs (int): As in ``EpochBasedTrainLoop``.
        pretrain_config (str): Path of the pre-training's config.
        pretrain_options (dict, optional): Overrides of it, keys with dots as
            in ``--cfg-options``.
        **kwargs: As in ``EpochBasedTrainLoop``.
    """

    def __init__(self,
                 runner: Runner,
                 dataloader: Union[dict, DataLoader],
                 max_epochs: int,
                 pretrain_config: str,
                 pretrain_options: Optional[dict] = None,
                 **kwargs: Any) -> None:
        super().__init__(runner, dataloader, max_epochs, **kwargs)
        check_config('pretrain_config', pretrain_config, 'the pre-training')
        self.pretrain_config = pretrain_config
        self.pretrain_options = pretrain_options or {}

    def run(self) -> torch.nn.Module:
        """Pre-train, unless that is done, and train."""
        backbone = unwrap(self.runner.model).backbone
        if not bool(backbone.pretraining_loaded):
            path = train_earlier_stage(
                self.runner, self.pretrain_config, self.pretrain_options,
                PRETRAINING,
                ('pre-training the backbone', 'pre-training is done'))
            print_log(f'pre-trained backbone: {path}', logger='current')
            backbone.load_pretrained(path)
        return super().run()
