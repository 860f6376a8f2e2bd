# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Measure parts of mmdiffpose against what users would take instead.

    python tools/analysis_tools/benchmark.py gmm --json gmm.json
    python tools/analysis_tools/benchmark.py infer --against v0.1.0

A subcommand is a module in ``benchmarks/`` beside this file, with a first
docstring line that says what it measures and two functions:
``add_arguments(parser)`` and ``run(args)``, which returns rows of ``name``,
``ours``, ``reference``, ``ratio`` (above 1: ours is better), ``unit`` and
``note``; figures are medians of several runs. With ``--against REV`` the same
script also runs on the package of that revision of the repository, in turn,
and ``reference`` is what it finds there, unless the module has ``COMPARES``
and does so itself, as ``all`` does, which runs them all, shortly.
"""
import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from revisions import RevisionError, against

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
    argv = sys.argv[1:] if argv is None else argv
    # Another revision may lack what other benchmarks import.
    names = subcommands()
    for name in argv[:1] if argv and argv[0] in names else names:
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
        command.add_argument(
            '--against',
            metavar='REV',
            help='compare with this revision of the repository')
        command.add_argument(
            '--rounds',
            type=int,
            default=3,
            help='with --against: runs of each revision')
        module.add_arguments(command)
        command.set_defaults(
            run=module.run, compares=getattr(module, 'COMPARES', False))
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


def _own_arguments(argv: Sequence[str]) -> List[str]:
    """Those that a run of one revision gets."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ('--against', '--rounds', '--json'):
        parser.add_argument(name)
    return parser.parse_known_args(argv)[1]


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Runs one subcommand."""
    argv = sys.argv[1:] if argv is None else argv
    args = parse_args(argv)
    try:
        if args.against is None or args.compares:
            rows = args.run(args)
        else:
            rows = against(
                Path(__file__).resolve(), HERE.parents[1], args.against,
                args.rounds, _own_arguments(argv))
    except RevisionError as error:
        sys.exit(f'error: {error}')
    for row in rows:
        if set(row) != set(COLUMNS):
            raise ValueError(f'rows have {", ".join(COLUMNS)}; '
                             f'{args.command} made {", ".join(row)}')
    if args.json:
        write_rows(rows, args.json)
    print(format_table(rows))


if __name__ == '__main__':
    main()
