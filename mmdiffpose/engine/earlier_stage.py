# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A stage of training that another one builds on."""

import os.path as osp
from typing import Tuple

from mmengine.dist import barrier, is_main_process
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmengine.runner.checkpoint import save_checkpoint
from mmengine.utils import ManagerMixin

from mmdiffpose.checkpoints.config_skeleton import prepare_skeleton
from mmdiffpose.checkpoints.safe_classes import load_safely
from mmdiffpose.config_files import read_config_file
from .resumable import make_resumable
from .training_checks import check_parts, check_runner
from .work_dir import (META_KEY, check_work_dir, compare_training,
                       find_last_checkpoint)


def train_earlier_stage(runner: Runner, config: str, options: dict, name: str,
                        messages: Tuple[str, str]) -> str:
    """Train, resume or reuse an earlier stage, by a runner of its own.

    It is trained in ``<work_dir>/<name>``; its best checkpoint (best on the
    validation split; the last one where none was chosen) is written to
    ``<work_dir>/<name>/<name>.pth``. An interrupted stage is resumed, a
    finished one reused.

    Args:
        runner (Runner): That of the later stage.
        config (str): Path of the earlier stage's config.
        options (dict): Overrides of it, keys with dots as in
            ``--cfg-options``.
        name (str): Of the folder and the file.
        messages (tuple[str, str]): Logged before and after, if anything is
            trained.

    Returns:
        str: Path of the weights.
    """
    work_dir = osp.join(runner.work_dir, name)
    path = osp.join(work_dir, f'{name}.pth')
    cfg = read_config_file(config)
    cfg.merge_from_dict(options)
    cfg.work_dir = work_dir
    cfg.launcher = runner._launcher
    cfg.resume = find_last_checkpoint(work_dir) is not None
    if cfg.resume:
        cfg.load_from = None
    cfg.randomness = runner._randomness_cfg
    cfg.experiment_name = f'{runner.experiment_name}-{name}'
    for key in ('env_cfg', 'model_wrapper_cfg'):
        if key in runner.cfg:
            cfg[key] = runner.cfg[key]
    prepare_skeleton(cfg, transfer=True)
    if osp.isfile(path):
        compare_training(cfg, load_safely(path).get('meta') or {}, path)
        return path
    make_resumable(cfg)
    check_parts(cfg)
    check_work_dir(cfg)
    print_log(f'{messages[0]} in {work_dir}', logger='current')
    stage = Runner.from_cfg(cfg)
    stage.message_hub.update_info('stage', name)
    check_runner(stage)
    stage.train()
    if is_main_process():
        _export_best(work_dir, path)
    barrier()
    _take_back(runner)
    print_log(messages[1], logger='current')
    return path


def check_config(key: str, config: str, stage: str) -> None:
    """Raise FileNotFoundError where a stage's config does not exist."""
    if not osp.isfile(config):
        raise FileNotFoundError(f'train_cfg.{key} should be the config of '
                                f'{stage}, but there is no file {config}')


def _take_back(runner: Runner) -> None:
    """Make the later stage's managers and seed current again."""
    for manager in (runner.logger, runner.message_hub, runner.visualizer):
        if isinstance(manager, ManagerMixin):
            type(manager)._instance_dict.move_to_end(manager.instance_name)
    runner.set_randomness(**runner._randomness_cfg)


def _export_best(work_dir: str, path: str) -> None:
    """Write the state of the best (else the last) checkpoint to ``path``.

    Which one is the best is in the last one: a folder may have others, of a
    training before.
    """
    last = find_last_checkpoint(work_dir)
    assert last is not None
    checkpoint = load_safely(last)
    best = checkpoint['message_hub']['runtime_info'].get('best_ckpt')
    if best is not None:
        best = osp.join(work_dir, osp.basename(best))
        checkpoint = load_safely(best)
    meta = checkpoint.get('meta') or {}
    kept = ('dataset_meta', META_KEY)
    save_checkpoint(
        dict(
            state_dict=checkpoint['state_dict'],
            meta={key: meta[key]
                  for key in kept if key in meta}),
        path,
        backend_args=dict(backend='atomic'))
