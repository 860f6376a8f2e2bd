# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Measure ours against a reference.

    python tools/analysis_tools/benchmark.py dataset --json dataset.json

Every module in ``benchmarks/`` is a subcommand: it has
``add_arguments(parser)`` and ``run(args)``, which returns rows of ``name``,
``ours``, ``reference``, ``ratio`` (more is better), ``unit`` and ``note``.
"""

import argparse
import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, List, Optional, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mmdiffpose.atomic_files import replacing

HERE = Path(__file__).resolve().parent
COLUMNS = ('name', 'ours', 'reference', 'ratio', 'unit', 'note')


def load_benchmarks() -> Dict[str, ModuleType]:
    """The modules of ``benchmarks/`` by name."""
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    modules = {
        path.stem: importlib.import_module(f'benchmarks.{path.stem}')
        for path in sorted((HERE / 'benchmarks').glob('*.py'))
    }
    return {
        name: module
        for name, module in modules.items()
        if hasattr(module, 'add_arguments') and hasattr(module, 'run')
    }


def parse_args(benchmarks: Dict[str, ModuleType],
               argv: Optional[Sequence[str]]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='benchmark', required=True)
    for name, module in benchmarks.items():
        summary = (module.__doc__ or name).strip()
        command = commands.add_parser(
            name, description=summary, help=summary.splitlines()[0])
        module.add_arguments(command)
        command.add_argument(
            '--json', type=Path, metavar='F', help='write the rows there')
    return parser.parse_args(argv)


def show(rows: List[Dict[str, Any]]) -> None:
    """Print the rows as a table."""
    table = Table()
    for column in COLUMNS:
        number = column in ('ours', 'reference', 'ratio')
        table.add_column(
            column,
            justify='right' if number else 'left',
            no_wrap=column != 'note')
    for row in rows:
        values = (row.get(column) for column in COLUMNS)
        table.add_row(
            *(f'{value:.4g}' if isinstance(value, float) else '' if value is
              None else escape(str(value)) for value in values))
    Console().print(table)


def main(argv: Optional[Sequence[str]] = None) -> List[Dict[str, Any]]:
    """Run a benchmark; returns its rows."""
    benchmarks = load_benchmarks()
    args = parse_args(benchmarks, argv)
    rows = benchmarks[args.benchmark].run(args)
    show(rows)
    if args.json:
        with replacing(args.json) as path:
            path.write_text(json.dumps(rows, indent=2) + '\n')
    return rows


if __name__ == '__main__':
    main()
