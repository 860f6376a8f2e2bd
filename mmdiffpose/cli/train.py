# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Train a model from its config.

A config that trains in two stages trains its context encoder first, unless
it names a checkpoint of one.
"""

import argparse
from typing import Optional, Sequence

from mmengine.config import Config
from mmengine.runner import Runner

from mmdiffpose.checkpoints.config_skeleton import prepare_skeleton
from mmdiffpose.engine.resumable import make_resumable
from mmdiffpose.engine.training_checks import check_parts, check_runner
from mmdiffpose.engine.work_dir import check_work_dir, find_last_checkpoint
from .launching import (add_common_arguments, check_checkpoint, choose_backend,
                        leave_process_group, load_config, require_mmpose,
                        set_in_all_stages)


def make_parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument('config', help='path or name of the config')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on with an interrupted training: from its newest checkpoint '
        'in the work folder, or from the one named')
    parser.add_argument(
        '--amp',
        action='store_true',
        help='train with automatic mixed precision; without a GPU in '
        'bfloat16, where the processor is made for it')
    parser.add_argument(
        '--no-validate',
        action='store_true',
        help="don't evaluate during training, in an earlier stage either")
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by the ratio of the batch size in use '
        'to the one that the config was made for')
    add_common_arguments(parser)
    return parser


def configure(args: argparse.Namespace) -> Config:
    """Read the config and apply the arguments.

    Raises:
        FileNotFoundError: When the config or the checkpoint is missing.
        ValueError: When an argument doesn't fit the config or the machine.
    """
    cfg = load_config(args)
    if args.no_validate:
        set_in_all_stages(
            cfg, dict(val_cfg=None, val_dataloader=None, val_evaluator=None))
    if args.amp:
        _enable_amp(cfg)
    if args.resume == 'auto':
        _resume_last(cfg)
    elif args.resume is not None:
        check_checkpoint(args.resume, '--resume')
        cfg.resume, cfg.load_from = True, args.resume
    if args.auto_scale_lr:
        if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
            raise ValueError(
                '--auto-scale-lr: the config does not say which batch size '
                'its learning rate is for; it needs auto_scale_lr = '
                'dict(base_batch_size=...)')
        cfg.auto_scale_lr.enable = True
    return cfg


def _resume_last(cfg: Config) -> None:
    """Resume from the work folder's newest checkpoint.

    Where there is none yet, what the config starts from (``load_from``) is
    still to be loaded: the same command starts a run and goes on with it.
    """
    last = find_last_checkpoint(cfg.work_dir)
    if last is None and cfg.get('load_from'):
        cfg.resume = False
    else:
        cfg.resume, cfg.load_from = True, last


def _enable_amp(cfg: Config) -> None:
    import torch
    wrapper = cfg.optim_wrapper.get('type', 'OptimWrapper')
    if wrapper not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise ValueError('--amp replaces OptimWrapper, but the config has '
                         f'optim_wrapper.type={wrapper!r}')
    if not torch.cuda.is_available():
        cfg.optim_wrapper.type = 'mmdiffpose.CpuAmpOptimWrapper'
        return
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')


def main(argv: Optional[Sequence[str]] = None,
         prog: Optional[str] = None) -> None:
    """Train."""
    args = make_parser(prog).parse_args(argv)
    require_mmpose()
    cfg = configure(args)
    prepare_skeleton(cfg, transfer=True)
    make_resumable(cfg)
    check_parts(cfg)
    check_work_dir(cfg)
    notes = choose_backend(cfg)
    runner = Runner.from_cfg(cfg)
    for note in notes:
        runner.logger.info(note)
    check_runner(runner)
    runner.train()
    leave_process_group()


if __name__ == '__main__':
    main()
