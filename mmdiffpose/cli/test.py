# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Test a trained model: the metrics of its config, on its test split."""

import argparse
import json
import math
from typing import Any, Dict, Optional, Sequence

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner

from mmdiffpose.atomic_files import replace_text
from mmdiffpose.checkpoints.config_skeleton import prepare_skeleton
from mmdiffpose.engine.strict_loading_hook import StrictLoadingHook
from mmdiffpose.engine.training_checks import (check_aligned_metrics,
                                               check_parts)
from .launching import (add_common_arguments, check_checkpoint, choose_backend,
                        leave_process_group, load_config, published_weights,
                        require_mmpose)


def make_parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument(
        'config', help='path or name of the config, or an alias of the zoo')
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help="path of the trained weights (default: the zoo's)")
    parser.add_argument(
        '--out', metavar='FILE.json', help='write the metrics to this file')
    parser.add_argument(
        '--dump',
        metavar='FILE.pkl',
        help='write every prediction to this file, for offline evaluation')
    add_common_arguments(parser)
    return parser


def configure(args: argparse.Namespace) -> Config:
    """Read the config and apply the arguments.

    Raises:
        FileNotFoundError: When the config or the checkpoint is missing.
        ValueError: When an argument doesn't fit.
    """
    for argument, suffixes in (('out', ('.json', )), ('dump', ('.pkl',
                                                               '.pickle'))):
        value = getattr(args, argument)
        if value is not None and not value.endswith(suffixes):
            raise ValueError(f'--{argument} writes a {suffixes[0]} file, '
                             f'found {value}')
    checkpoint = args.checkpoint
    if checkpoint is None:
        checkpoint = published_weights(args.config)
    check_checkpoint(checkpoint, 'checkpoint')
    cfg = load_config(args)
    cfg.load_from = checkpoint
    cfg.resume = False
    if args.dump is not None:
        evaluators = cfg.test_evaluator
        if isinstance(evaluators, dict):
            evaluators = [evaluators]
        cfg.test_evaluator = [
            *evaluators,
            dict(type='DumpResults', out_file_path=args.dump)
        ]
    return cfg


def write_metrics(metrics: Dict[str, Any], path: str) -> None:
    """Write metrics as JSON; the file is complete or not there.

    Args:
        metrics (dict): Metric name to value. Values that JSON has no number
            for (nan, inf) become null.
        path (str): The file to write.
    """
    numbers = {name: _json_number(value) for name, value in metrics.items()}
    text = json.dumps(numbers, indent=2, default=float)
    replace_text(path, text + '\n')


def _json_number(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def main(argv: Optional[Sequence[str]] = None,
         prog: Optional[str] = None) -> None:
    """Test."""
    args = make_parser(prog).parse_args(argv)
    require_mmpose()
    cfg = configure(args)
    prepare_skeleton(cfg)
    check_parts(cfg)
    notes = choose_backend(cfg)
    runner = Runner.from_cfg(cfg)
    for note in notes:
        runner.logger.info(note)
    # MMEngine tests whatever weights are left random, with a warning.
    runner.register_hook(StrictLoadingHook(), priority='LOWEST')
    check_aligned_metrics(runner.test_loop)
    metrics = runner.test()
    if args.out is not None and is_main_process():
        write_metrics(metrics, args.out)
        runner.logger.info(f'metrics written to {args.out}')
    leave_process_group()


if __name__ == '__main__':
    main()
