# Copyright (c) mmdiffpose contributors. All rights reserved.
"""All benchmarks in one table, in short runs.

With ``--against REV`` rows that have a reference of their own keep it (of
scikit-learn, say, or of a context encoder); the others are compared with that
revision. A benchmark that a revision has no package for is left out there.
"""
import argparse
import importlib
import sys
from typing import Any, Dict, List, Sequence

QUICK: Dict[str, str] = dict(
    train='--steps 8 --amp',
    infer='--frames 60 --repeats 1',
    zoo='--only diffpose mixste243 --frames 500 --repeats 3',
    costs='--axes hypotheses steps --repeats 1',
    gmm='--threads 1 --repeats 2',
    sampling='--threads 1 --windows 2 --repeats 1',
    loading='--repeats 2 --batches 2',
    dataset='--frames 20000 --samples 500 --repeats 1',
    video='--frames 200 --repeats 1')
"""Arguments of the short runs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    parser.add_argument(
        '--only', nargs='+', choices=list(QUICK), default=list(QUICK))
    parser.add_argument(
        '--full', action='store_true', help="with each one's own defaults")


def run(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Measure; returns the rows of all that can be measured here."""
    rows: List[Dict[str, Any]] = []
    for name in args.only:
        options = [] if args.full else QUICK[name].split()
        try:
            found = run_one(name, options)
        except Exception as error:
            # Another revision may lack anything; its absence shows in the
            # table.
            print(
                f'{name}: not measured: {type(error).__name__}: {error}',
                file=sys.stderr)
            continue
        rows += found
    if not rows:
        raise ValueError('nothing could be measured')
    return rows


def run_one(name: str, options: Sequence[str]) -> List[Dict[str, Any]]:
    """Rows of one benchmark with these arguments."""
    module = importlib.import_module(f'{__package__}.{name}')
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    found: List[Dict[str, Any]] = module.run(parser.parse_args(options))
    return found
