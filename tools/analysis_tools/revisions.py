# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Run one benchmark on two revisions of this repository, in turn."""
import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence

Row = Dict[str, Any]


@contextmanager
def checkout(root: Path, revision: str) -> Iterator[Path]:
    """A folder with the files of a revision, for as long as the block lasts.

    Args:
        root (Path): Of the repository.
        revision (str): What git takes for one.

    Raises:
        ValueError: If git knows no such revision.
    """
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / 'revision'
        done = _git(root, 'worktree', 'add', '--detach', str(folder), revision)
        if done.returncode:
            raise ValueError(f'--against {revision}: git says: '
                             f'{done.stderr.strip()}')
        try:
            yield folder
        finally:
            _git(root, 'worktree', 'remove', '--force', str(folder))


def _git(root: Path, *arguments: str) -> 'subprocess.CompletedProcess[str]':
    return subprocess.run(['git', '-C', str(root), *arguments],
                          capture_output=True,
                          text=True)


def run_there(script: Path, root: Path, arguments: Sequence[str]) -> List[Row]:
    """Rows of a benchmark that imports the package from another folder.

    Args:
        script (Path): The benchmark's script, the same for all.
        root (Path): Has the package.
        arguments (Sequence[str]): Of the script.

    Raises:
        ValueError: If it fails there; says what it said.
    """
    path = [str(root), os.environ.get('PYTHONPATH', '')]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / 'rows.json'
        done = subprocess.run(
            [sys.executable,
             str(script), *arguments, '--json',
             str(file)],
            cwd=root,
            env=dict(
                os.environ, PYTHONPATH=os.pathsep.join(filter(None, path))),
            capture_output=True,
            text=True)
        if done.returncode:
            raise ValueError(f'the benchmark fails in {root}: '
                             f'{done.stderr.strip()[-2000:]}')
        rows: List[Row] = json.loads(file.read_text())
    return rows


def more_is_better(row: Row) -> bool:
    """Whether a row's figures are the better the larger they are.

    As its ratio says, which is above 1 where ours is better; else by its
    unit: so much a second.
    """
    ours, reference, ratio = (
        row[key] for key in ('ours', 'reference', 'ratio'))
    if ours and reference and ratio:
        return abs(ratio - ours / reference) < abs(ratio - reference / ours)
    return '/s' in row['unit'].replace(' ', '')


def against(script: Path,
            root: Path,
            revision: str,
            rounds: int,
            arguments: Sequence[str],
            keep: bool = False) -> List[Row]:
    """Figures of this revision and of another one, side by side.

    Both run in turn, so that what else a machine does falls on both.

    Args:
        script (Path): The benchmark's script.
        root (Path): Of this repository.
        revision (str): The other one.
        rounds (int): Runs of each.
        arguments (Sequence[str]): Of the script, without ``--against``.
        keep (bool): Whether rows that have a reference of their own keep it,
            as medians of this revision's runs. Defaults to False.

    Returns:
        list[dict]: A row for each that both have: ``ours`` is this
        revision's median, ``reference`` the other one's.

    Raises:
        ValueError: If there is no such revision, or the benchmark fails in
            one, or no row is in both.
    """
    new: List[List[Row]] = []
    old: List[List[Row]] = []
    with checkout(root, revision) as other:
        for _ in range(rounds):
            new.append(run_there(script, root, arguments))
            old.append(run_there(script, other, arguments))
    before = {row['name'] for rows in old for row in rows}
    rows = []
    for row in new[0]:
        runs = _runs_of(row['name'], new)
        if keep and row['reference'] is not None:
            rows.append(_middle(runs))
        elif row['name'] in before:
            rows.append(_compare(revision, runs, _runs_of(row['name'], old)))
    if not rows:
        raise ValueError(f'--against {revision}: no row is in both revisions')
    return rows


def _runs_of(name: str, runs: Sequence[Sequence[Row]]) -> List[Row]:
    return [row for rows in runs for row in rows if row['name'] == name]


def _middle(runs: Sequence[Row]) -> Row:
    """The run with the median ratio, and all runs' ratios."""
    ordered = sorted(runs, key=lambda row: row['ratio'])
    ratios = [row['ratio'] for row in ordered]
    row = ordered[len(ordered) // 2]
    return dict(
        row,
        note=f'{len(runs)} runs: ratio {ratios[0]:.4g} to {ratios[-1]:.4g}; '
        f'{row["note"]}')


def _compare(revision: str, new: Sequence[Row], old: Sequence[Row]) -> Row:
    ours, theirs = ([row['ours'] for row in rows] for rows in (new, old))
    mine, other = statistics.median(ours), statistics.median(theirs)
    ratio = mine / other if more_is_better(new[0]) else other / mine
    spread = ', '.join(f'{name} {min(values):.4g} to {max(values):.4g}'
                       for name, values in (('now', ours), (revision, theirs)))
    return dict(
        name=new[0]['name'],
        ours=mine,
        reference=other,
        ratio=ratio,
        unit=new[0]['unit'],
        note=f'against {revision}, {len(ours)} runs each in turn: {spread}')
