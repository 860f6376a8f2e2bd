# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Trainings of seconds that are interrupted and go on."""

import hashlib
from pathlib import Path
from typing import Any, List, Mapping, Optional, Tuple
from unittest import mock

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

import mmdiffpose  # noqa: F401
from mmdiffpose.engine.resumable import make_resumable

CONFIGS = Path(__file__).parents[2] / 'configs'
WINDOWS, BATCH, ITERATIONS = 12, 4, 3

SMALL = {
    'train_dataloader.dataset.indices': WINDOWS,
    'train_dataloader.batch_size': BATCH,
    'train_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False,
    'train_dataloader.dataset.headings': (0., ),
    'val_dataloader.dataset.indices': 3,
    'default_hooks.logger.interval': 1,
}
ENCODER = {
    **SMALL,
    'model.backbone.embed_dims': 16,
    'model.backbone.depth': 1,
    # Draws of both kinds: in the model, and (noise, flips) in the data.
    'model.backbone.drop_path_rate': .5,
    'model.backbone.drop_rate': .2,
    'model.head.in_channels': 16,
    'train_cfg.max_epochs': 3,
    'train_cfg.val_interval': 1,
}


class Interrupted(Exception):
    """In the place of SIGKILL: nothing is done any more."""


class Watch(Hook):
    """Notes what is trained on, and ends a training.

    Args:
        stop_at: Iteration, from 0, that is not trained any more.
        stop_in: Epoch whose validation is not finished.
        stop_after: Iterations, of earlier stages too, that are trained.
    """

    priority = 'LOWEST'

    def __init__(self,
                 stop_at: Optional[int] = None,
                 stop_in: Optional[int] = None,
                 stop_after: Optional[int] = None) -> None:
        self.stop_at, self.stop_in = stop_at, stop_in
        self.stop_after = stop_after
        self.seen: List[Tuple[int, Any, str]] = []

    def before_train_iter(self,
                          runner: Runner,
                          batch_idx: int,
                          data_batch: Any = None) -> None:
        """Note a batch: iteration, samples, a digest of the inputs."""
        if runner.iter == self.stop_at:
            raise Interrupted
        inputs = data_batch.get('inputs', data_batch.get('x'))
        if isinstance(inputs, list):
            inputs = torch.stack(inputs)
        samples = data_batch.get('data_samples', ())
        ids = [sample.metainfo['id'] for sample in samples]
        digest = hashlib.sha256(inputs.numpy().tobytes()).hexdigest()
        self.seen.append((runner.iter, ids, digest))

    def after_val_iter(self, *args: Any, **kwargs: Any) -> None:
        """End within a validation."""
        if args[0].epoch == self.stop_in:
            raise Interrupted


def small_config(name: str,
                 work_dir: Path,
                 options: Optional[Mapping[str, Any]] = None) -> Config:
    """A preset's config, made small.

    Args:
        name: Of the config.
        work_dir: Folder of the run.
        options: Further overrides.
    """
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    cfg.merge_from_dict(dict(options or {}))
    cfg.custom_hooks = [
        hook for hook in cfg.custom_hooks
        if hook['type'] != 'mmdiffpose.ProgressBarHook'
    ]
    cfg.work_dir = str(work_dir)
    cfg.log_level = 'ERROR'
    return cfg


def run(cfg: Config,
        resume: bool = False,
        watch: Optional[Watch] = None) -> Watch:
    """Train by a config, as the command does.

    Returns:
        Watch: What was trained on.
    """
    cfg = cfg.copy()
    cfg.resume = resume
    run.count += 1  # type: ignore[attr-defined]
    # Message hubs are found by the experiment's name.
    number = run.count  # type: ignore[attr-defined]
    cfg.experiment_name = f'{Path(cfg.work_dir).name}-{number}'
    make_resumable(cfg)
    watch = watch or Watch()
    run_iter, done = EpochBasedTrainLoop.run_iter, []

    def counted(*args: Any) -> None:
        if len(done) == watch.stop_after:
            raise Interrupted
        done.append(None)
        run_iter(*args)

    # Its text costs more than all the rest, at each checkpoint.
    with mock.patch.object(Config, 'pretty_text', ''):
        runner = Runner.from_cfg(cfg)
        runner.register_hook(watch)
        try:
            with mock.patch.object(EpochBasedTrainLoop, 'run_iter', counted):
                runner.train()
        except Interrupted:
            pass
    # As the end of a process does.
    for hook in runner.hooks:
        lock = getattr(hook, '_lock', None)
        if lock is not None:
            lock.close()
    return watch


run.count = 0  # type: ignore[attr-defined]


def diffpose_config(work_dir: Path, epochs: int = 2) -> Config:
    """Both stages of DiffPose, so many epochs each."""
    first = {
        key: value
        for key, value in ENCODER.items() if not key.startswith('default_')
    }
    first['train_cfg.max_epochs'] = epochs
    backbone = {
        key: value
        for key, value in first.items() if key.startswith('model.backbone.')
    }
    return small_config(
        'diffpose_mixste_mini-27', work_dir, {
            **SMALL,
            **backbone,
            'model.coarse_head.in_channels': 16,
            'model.head.in_channels': 16,
            'model.head.num_gmm_samples': 16,
            'train_cfg.max_epochs': epochs,
            'train_cfg.val_interval': 1,
            'train_cfg.context_options': first,
        })
