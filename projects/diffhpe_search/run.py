# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Search DiffHPE's learning rate and dropout at random, with Optuna.

    python -m projects.diffhpe_search.run --study hdm05 --method 2d

Each trial trains once and is scored on the validation subject, never on the
test split. An interrupted search goes on where it stopped; a larger --trials
adds to one that is done.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

# trials.py has made the projects' shared modules importable.
from ..common.arguments import add_study_arguments
from ..common.cells import run_cell
from ..common.reports import write_report
from .trials import KEYS, METHODS, STUDIES, TrialCell

try:
    from .search import (finished, folder_of, open_study, revive_interrupted,
                         search)
except ModuleNotFoundError as error:
    if error.name != 'optuna':
        raise
    sys.exit('The search needs Optuna: pip install "mmdiffpose[search]", or '
             'pip install optuna')


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--study', choices=STUDIES, default='hdm05')
    parser.add_argument('--method', choices=sorted(METHODS), default='2d')
    parser.add_argument(
        '--trials', type=int, default=20, help='in all, with earlier ones')
    parser.add_argument(
        '--lr',
        type=float,
        nargs=2,
        default=(1e-4, 3e-3),
        metavar=('LOW', 'HIGH'),
        help='range of the learning rate, log-uniform')
    parser.add_argument(
        '--dropout',
        type=float,
        nargs=2,
        default=(0., .5),
        metavar=('LOW', 'HIGH'),
        help='range of the dropout, uniform')
    parser.add_argument(
        '--seed', type=int, default=0, help='of the draws and the trainings')
    parser.add_argument(
        '--context-checkpoint',
        type=Path,
        help="the wrapper's encoder; without one it is trained first")
    add_study_arguments(parser, 'diffhpe_search')
    args = parser.parse_args(argv)
    for name in ('lr', 'dropout'):
        low, high = getattr(args, name)
        if not 0 <= low <= high or (name == 'lr' and low == 0):
            parser.error(f'--{name}: expected 0 <= LOW <= HIGH (and a '
                         f'learning rate above 0), found {low} {high}')
    if args.context_checkpoint and not args.context_checkpoint.is_file():
        parser.error('--context-checkpoint: there is no file '
                     f'{args.context_checkpoint}')
    return args


def rows_of(study: Any) -> List[Dict[str, Any]]:
    """Trials as numbers, the best first; a failed one has no error."""
    return [
        dict(trial=folder_of(trial), MPJPE_mm=trial.value, **trial.params)
        for trial in finished(study)
    ]


def as_markdown(rows: Sequence[Dict[str, Any]], title: str) -> str:
    """The trials, and the best one's settings to paste."""
    text = (f'## {title}\n\n| trial | learning rate | dropout | MPJPE on the '
            'validation subject [mm] |\n|---|---|---|---|\n')
    for row in rows:
        error = row['MPJPE_mm']
        text += (f'| {row["trial"]} | {row["lr"]:.3g} | {row["dropout"]:.3f} '
                 f'| {"failed" if error is None else f"{error:.1f}"} |\n')
    if rows and rows[0]['MPJPE_mm'] is not None:
        options = ' '.join(f'{key}={rows[0][name]:.4g}'
                           for name, key in KEYS.items())
        text += f'\nThe best: `--cfg-options {options}`\n'
    return text


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Search, and write what was found."""
    args = parse_args(argv)
    name = f'{args.study}_{args.method}'
    folder = args.work_dir / name
    study = open_study(folder / 'search.db', name, args.seed)

    def objective(trial_name: str, parameters: Dict[str, float]) -> float:
        cell = TrialCell(args.study, args.method, trial_name, parameters,
                         folder, args.context_checkpoint, args.seed)
        run_cell(cell, args.jobs, args.cfg_options)
        return cell.score()

    if not args.report_only:
        again = revive_interrupted(study)
        if again:
            print(f'{again} interrupted trials go on')
        first = TrialCell(args.study, args.method, '', {}, folder,
                          args.context_checkpoint, args.seed)
        if first.encoder is not None:
            run_cell(first.encoder, 1, args.cfg_options)
        search(study, args.trials, args.jobs,
               dict(lr=args.lr, dropout=args.dropout), objective)
    rows = rows_of(study)
    write_report(args.work_dir / name, as_markdown(rows, name),
                 dict(trials=rows, best=rows[0] if rows else None))


if __name__ == '__main__':
    main()
