# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffPose's ablations: train, test, write tables and plots.

    python -m projects.diffpose_ablations.run --study table --seeds 0 1 2
    python -m projects.diffpose_ablations.run --study ablations
    python -m projects.diffpose_ablations.run --study mini   # no data needed

Each row is trained and tested once; what is done is kept, and an interrupted
study goes on where it stopped. The README says what the studies are.
"""

import argparse
from pathlib import Path
from typing import Any, Dict, List

# running.py has made the projects' shared modules importable.
from ..common.arguments import add_study_arguments
from ..common.cells import run_all
from ..common.reports import write_report
from ..common.speed import frames_per_second
from .plots import plot_speed, plot_sweeps
from .rows import HYPOTHESES, STUDIES, Row
from .running import Cell, cells_of
from .tables import main_rows, main_table, sweep


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--study', choices=sorted(STUDIES), default='table')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0])
    parser.add_argument(
        '--rows',
        nargs='+',
        help='only these (and what they need), for example encoder m5')
    parser.add_argument(
        '--setups', nargs='+', help='only these, for example hdm05-1')
    add_study_arguments(parser, 'diffpose_ablations')
    return parser.parse_args()


def select(rows: Dict[str, Row], wanted: List[str]) -> Dict[str, Row]:
    """The rows that were asked for, and the encoder that they need.

    Raises:
        ValueError: For a name that is no row.
    """
    unknown = sorted(set(wanted) - set(rows))
    if unknown:
        raise ValueError(f'--rows: expected some of {list(rows)}, found '
                         f'{unknown}')
    return {
        name: row
        for name, row in rows.items() if name in wanted or row.encoder
    }


def report_ablations(cells: List[Cell], folder: Path) -> Dict[str, Any]:
    """Sweeps over M, K and N, and the samplers; plots where all is done."""
    key = 'MPJPE_mm'
    m5 = next((c for c in cells if c.name == 'm5'), None)
    many = m5.metrics('n') if m5 else None
    report: Dict[str, Any] = dict(
        M=dict(zip((1, 5, 9), sweep(cells, ('m1', 'm5', 'm9'), key))),
        K=dict(
            zip((10, 25, 50, 100),
                sweep(cells, ('k10', 'k25', 'm5', 'k100'), key))),
        N={n: many and many[f'hypotheses/{key}@{n}']
           for n in HYPOTHESES})
    names = ('encoder', 'baseline-a-residual')
    labels = ('context encoder', 'Baseline A')
    lines = {
        label: value
        for label, value in zip(labels, sweep(cells, names, key))
        if value is not None
    }
    curves = {
        f'{name}': (list(values), list(values.values()))
        for name, values in report.items() if None not in values.values()
    }
    if len(curves) == 3:
        plot_sweeps(curves, lines, folder / 'sweeps.png')
    samplers = {
        name: changes
        for name, changes in (m5.row.tests if m5 else {}).items()
        if name.startswith('dd') and m5.metrics(name)
    }
    if samplers:
        speeds = frames_per_second(m5, samplers)
        report['samplers'] = {
            name: dict(MPJPE=m5.metrics(name)[key], fps=speeds[name])
            for name in samplers
        }
        plot_speed(
            {
                name: (row['fps'], row['MPJPE'])
                for name, row in report['samplers'].items()
            }, folder / 'samplers.png')
    return report


def sweeps_as_markdown(report: Dict[str, Any]) -> str:
    """The sweeps as small tables."""
    text = ''
    for name in ('M', 'K', 'N'):
        values = report[name]
        head = ' | '.join(f'{name} = {value}' for value in values)
        row = ' | '.join('–' if value is None else f'{value:.1f}'
                         for value in values.values())
        text += f'| | {head} |\n{"|---" * (len(values) + 1)}|\n'
        text += f'| MPJPE | {row} |\n\n'
    if 'samplers' in report:
        text += '| sampler | MPJPE | frames a second |\n|---|---|---|\n'
        for name, row in report['samplers'].items():
            text += f'| {name} | {row["MPJPE"]:.1f} | {row["fps"]:.0f} |\n'
    return text


def main() -> None:
    """Run a study and write what it found."""
    args = parse_args()
    parts = []
    for setup, rows in STUDIES[args.study]:
        if args.setups is None or setup in args.setups:
            rows = rows if args.rows is None else select(rows, args.rows)
            parts.append(
                (setup, cells_of(setup, rows, args.seeds, args.work_dir)))
    if not args.report_only:
        cells = [cell for _, part in parts for cell in part]
        run_all(cells, args.jobs, args.cfg_options)
    document: Dict[str, Any] = {}
    text = ''
    for setup, cells in parts:
        folder = args.work_dir / setup
        folder.mkdir(parents=True, exist_ok=True)
        entries = main_rows(cells)
        document[setup] = dict(rows=entries)
        text += f'## {setup}\n\n{main_table(entries)}\n'
        if any(cell.name == 'k10' for cell in cells):
            document[setup]['sweeps'] = report_ablations(cells, folder)
            text += sweeps_as_markdown(document[setup]['sweeps']) + '\n'
    write_report(args.work_dir / args.study, text, document)


if __name__ == '__main__':
    main()
