# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Measure parts of mmdiffpose against what users would take instead.

    python tools/analysis_tools/benchmark.py gmm --json gmm.json

A subcommand is a module in ``benchmarks/`` beside this file, with a first
docstring line that says what it measures and two functions:
``add_arguments(parser)`` and ``run(args)``, which returns rows of ``name``,
``ours``, ``reference``, ``ratio`` (above 1: ours is better), ``unit`` and
``note``; figures are medians of several runs.
"""
import argparse
import importlib
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

HERE = Path(__file__).resolve().parent
COLUMNS = ('name', 'ours', 'reference', 'ratio', 'unit', 'note')

Row = Dict[str, Any]


def subcommands() -> List[str]:
    """The modules in ``benchmarks/``."""
    return sorted(path.stem for path in (HERE / 'benchmarks').glob('[!_]*.py'))


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Arguments of the command line; `run` is the subcommand's function."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    for name in subcommands():
        module = importlib.import_module(f'benchmarks.{name}')
        summary = module.__doc__.split('\n')[0]
        command = commands.add_parser(
            name,
            help=summary,
            description=summary,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        command.add_argument(
            '--json',
            type=Path,
            metavar='FILE',
            help='also write the rows to this file')
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser.parse_args(argv)


def format_table(rows: Sequence[Row]) -> str:
    """The rows as aligned columns; figures with four digits."""
    cells = [COLUMNS] + [
        tuple('-' if row[key] is None else
              row[key] if isinstance(row[key], str) else f'{row[key]:.4g}'
              for key in COLUMNS) for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells)]
    return '\n'.join('  '.join(
        cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in cells)


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Writes the rows; the file is whole or not there at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + '.partial')
    partial.write_text(json.dumps(list(rows), indent=2) + '\n')
    partial.replace(path)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Runs one subcommand."""
    args = parse_args(argv)
    rows = args.run(args)
    for row in rows:
        if set(row) != set(COLUMNS):
            raise ValueError(f'rows have {", ".join(COLUMNS)}; '
                             f'{args.command} made {", ".join(row)}')
    if args.json:
        write_rows(rows, args.json)
    print(format_table(rows))


if __name__ == '__main__':
    main()
