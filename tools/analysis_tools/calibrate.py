# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Calibrate the std that a trained checkpoint reports.

    python tools/analysis_tools/calibrate.py CONFIG CHECKPOINT --out FILE.pth

Runs the config's validation split (never its test split), fits
``keypoint_std`` to the errors there, and writes the checkpoint again with
the result; ``meta['std_calibration']`` in it says how it came about. The
weights stay as they are. Training with ``StdCalibrationHook`` does the same
by itself. A calibration belongs to its sampling options: give those of the
test (``--cfg-options model.test_cfg.num_hypotheses=20``) here, too.
"""

import argparse
import sys
from typing import Optional, Sequence

from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.runner.checkpoint import CheckpointLoader

from mmdiffpose.checkpoints.config_skeleton import prepare_skeleton
from mmdiffpose.cli.launching import (add_common_arguments, check_checkpoint,
                                      choose_backend, load_config,
                                      require_mmpose)
from mmdiffpose.engine.std_calibration_hook import (StdCalibrationHook,
                                                    calibrate_file,
                                                    check_split,
                                                    find_calibration)

HOOK = 'mmdiffpose.StdCalibrationHook'


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='path or name of the config')
    parser.add_argument('checkpoint', help='path of the trained weights')
    parser.add_argument(
        '--out', required=True, metavar='FILE.pth', help='file to write')
    parser.add_argument(
        '--level',
        type=float,
        help='nominal level whose coverage is made exact (0.9, or what the '
        "config's hook says)")
    add_common_arguments(parser)
    return parser.parse_args(argv)


def configure(args: argparse.Namespace) -> Config:
    """Read the config, and see to it that its validation has the hook.

    Raises:
        FileNotFoundError: When the config or the checkpoint is missing.
        ValueError: When an argument doesn't fit, or the config validates on
            its test split.
    """
    check_checkpoint(args.checkpoint, 'checkpoint')
    if not args.out.endswith('.pth'):
        raise ValueError(f'--out writes a .pth file, found {args.out}')
    cfg = load_config(args)
    check_split(cfg)
    cfg.load_from = args.checkpoint
    cfg.resume = False
    # Training's other hooks have nothing to do here.
    hooks = [h for h in cfg.get('custom_hooks') or [] if h['type'] == HOOK]
    hook = dict(hooks[0]) if hooks else dict(type=HOOK)
    if args.level is not None:
        hook['level'] = args.level
    cfg.custom_hooks = [hook]
    cfg.setdefault('default_hooks', {})['checkpoint'] = None
    return cfg


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Calibrate."""
    args = parse_args(argv)
    require_mmpose()
    cfg = configure(args)
    prepare_skeleton(cfg)
    notes = choose_backend(cfg)
    runner = Runner.from_cfg(cfg)
    for note in notes:
        runner.logger.info(note)
    calibration = find_calibration(runner.model)
    hook = next(h for h in runner.hooks if isinstance(h, StdCalibrationHook))
    runner.val()
    if not bool(calibration.fitted) or hook.record is None:
        sys.exit('nothing was fitted: model.test_cfg.num_hypotheses should be '
                 'at least 2')
    meta = CheckpointLoader.load_checkpoint(args.checkpoint, 'cpu').get('meta')
    record = dict(hook.record, epoch=(meta or {}).get('epoch'))
    calibrate_file(args.checkpoint, args.out, calibration, record)
    runner.logger.info(f'written to {args.out}')


if __name__ == '__main__':
    main()
