# Copyright (c) mmdiffpose contributors. All rights reserved.
"""All benchmarks in one table, in short runs.

Each runs in a process of its own; one that fails has a row that says why, and
does not stop the others. With ``--against REV`` rows that have a reference of
their own keep it (of scikit-learn, say, or of a context encoder) and are not
measured there; the others are compared with that revision.
"""
import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ContextManager, Dict, List, Optional, Sequence

from revisions import BenchmarkError, checkout, run_there, where_needed

QUICK: Dict[str, str] = dict(
    train='--steps 8 --amp',
    infer='--frames 230 --repeats 1',
    zoo='--only diffpose mixste243 --frames 500 --repeats 3',
    costs='--axes hypotheses steps --frames 54 --repeats 1',
    gmm='--threads 1 --repeats 2',
    sampling='--threads 1 --windows 2 --repeats 1',
    loading='--repeats 2 --batches 2',
    dataset='--frames 20000 --samples 500 --repeats 1',
    video='--frames 200 --repeats 1')
"""Arguments of the short runs."""

SCRIPT = Path(__file__).resolve().parents[1] / 'benchmark.py'
ROOT = SCRIPT.parents[2]

COMPARES = True
"""``--against`` is not the front's to do, but for each benchmark its own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    parser.add_argument(
        '--only', nargs='+', choices=list(QUICK), default=list(QUICK))
    parser.add_argument(
        '--full', action='store_true', help="with each one's own defaults")


def run(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Measure; returns the rows of all."""
    other: ContextManager[Optional[Path]] = nullcontext()
    if args.against is not None:
        other = checkout(ROOT, args.against)
    rows: List[Dict[str, Any]] = []
    with other as folder:
        for name in args.only:
            options = [] if args.full else QUICK[name].split()
            try:
                rows += run_one([name, *options], folder, args)
            except BenchmarkError as error:
                rows.append(
                    dict(
                        name=name,
                        ours=None,
                        reference=None,
                        ratio=None,
                        unit='',
                        note=f'not measured: {error.reason}'))
    return rows


def run_one(arguments: Sequence[str], other: Optional[Path],
            args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Rows of one benchmark with these arguments."""
    if other is None:
        return run_there(SCRIPT, ROOT, arguments)
    return where_needed(SCRIPT, ROOT, other, args.against, args.rounds,
                        arguments)
