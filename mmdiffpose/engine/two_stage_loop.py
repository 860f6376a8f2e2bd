# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Train the context encoder, freeze it, train the diffusion head."""

import os.path as osp
from glob import glob
from typing import Optional

import torch
from mmengine.config import Config
from mmengine.dist import barrier, is_main_process
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmengine.runner.checkpoint import CheckpointLoader, save_checkpoint
from mmengine.utils import ManagerMixin

from mmdiffpose.registry import LOOPS
from .calibration import ResidualStatistics, unwrap

CONTEXT_DIR = 'context'
CONTEXT_FILE = 'context.pth'


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
                 dataloader,
                 max_epochs: int,
                 context_config: str,
                 context_options: Optional[dict] = None,
                 **kwargs) -> None:
        super().__init__(runner, dataloader, max_epochs, **kwargs)
        if not osp.isfile(context_config):
            raise FileNotFoundError(
                'train_cfg.context_config should be the config of the first '
                f'stage, but there is no file {context_config}')
        self.context_config = context_config
        self.context_options = context_options or {}

    def run(self) -> torch.nn.Module:
        """Train both stages."""
        model = unwrap(self.runner.model)
        self._check_inputs()
        if not bool(model.context_loaded):
            path = self._train_context()
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
        inputs = self.dataloader.dataset[0]['inputs'][None]
        model.extract_feat(inputs.to(model.context_loaded.device))

    def _train_context(self) -> str:
        """Train, or reuse, the first stage; return its weights' path."""
        work_dir = osp.join(self.runner.work_dir, CONTEXT_DIR)
        path = osp.join(work_dir, CONTEXT_FILE)
        if osp.isfile(path):
            return path
        cfg = Config.fromfile(self.context_config)
        cfg.merge_from_dict(self.context_options)
        cfg.work_dir = work_dir
        cfg.launcher = self.runner._launcher
        cfg.resume = osp.isfile(osp.join(work_dir, 'last_checkpoint'))
        cfg.randomness = self.runner._randomness_cfg
        cfg.experiment_name = f'{self.runner.experiment_name}-context'
        for key in ('env_cfg', 'model_wrapper_cfg'):
            if key in self.runner.cfg:
                cfg[key] = self.runner.cfg[key]
        print_log(
            f'stage 1 of 2: training the context encoder in {work_dir}',
            logger='current')
        stage = Runner.from_cfg(cfg)
        stage.train()
        if is_main_process():
            _export_best(work_dir, path)
        barrier()
        self._take_back()
        print_log('stage 2 of 2: training the head', logger='current')
        return path

    def _take_back(self) -> None:
        """Make the outer runner's managers and seed current again."""
        runner = self.runner
        for manager in (runner.logger, runner.message_hub, runner.visualizer):
            if isinstance(manager, ManagerMixin):
                type(manager)._instance_dict.move_to_end(manager.instance_name)
        runner.set_randomness(**runner._randomness_cfg)

    @torch.no_grad()
    def _calibrate(self) -> None:
        """Measure the encoder's residual where its checkpoint lacks it."""
        runner = self.runner
        if runner.val_loop is None:
            raise ValueError(
                'the context checkpoint has no measured residual_std, and '
                'the config has no validation split to measure it on')
        print_log(
            "measuring the context encoder's residual on the validation "
            'split',
            logger='current')
        model = unwrap(runner.model)
        model.eval()
        statistics = ResidualStatistics()
        for batch in runner.val_loop.dataloader:
            batch = model.data_preprocessor(batch, False)
            inputs = batch['inputs']
            if isinstance(inputs, list):
                inputs = torch.stack(inputs)
            coarse = model.extract_feat(inputs).coarse
            samples = batch['data_samples']
            predictions = model.coarse_head.pack(
                coarse, coarse.new_ones(coarse.shape[:-1]), samples)
            for sample, prediction in zip(samples, predictions):
                sample.pred_instances = prediction
            statistics.update(samples, 'keypoints')
        model.coarse_head.set_residual_std(statistics.std())


def _export_best(work_dir: str, path: str) -> None:
    """Write the state of the best (else the last) checkpoint to ``path``."""
    best = sorted(glob(osp.join(work_dir, 'best_*.pth')), key=osp.getmtime)
    if best:
        source = best[-1]
    else:
        with open(osp.join(work_dir, 'last_checkpoint')) as file:
            source = file.read().strip()
    checkpoint = CheckpointLoader.load_checkpoint(source, map_location='cpu')
    save_checkpoint(
        dict(state_dict=checkpoint['state_dict'], meta=dict()),
        path,
        backend_args=dict(backend='atomic'))
