# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Command line of a study."""

import argparse
from pathlib import Path

from mmengine.config import DictAction


def add_study_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """Add what all studies take.

    Args:
        parser (ArgumentParser): Changed in place.
        name (str): Of the project.
    """
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs') / name)
    parser.add_argument(
        '--jobs',
        type=int,
        default=1,
        help='trainings at the same time; the cores are divided among them')
    parser.add_argument(
        '--report-only',
        action='store_true',
        help='train nothing, write the tables of what is done')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='override settings of every training, for example '
        'train_cfg.max_epochs=1')
