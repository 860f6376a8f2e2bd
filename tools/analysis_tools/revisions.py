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


class RevisionError(ValueError):
    """There is no such revision, or nothing in it to compare with."""


class BenchmarkError(RevisionError):
    """A benchmark failed in a revision.

    Attributes:
        reason: The last line of what it said.
    """

    def __init__(self, root: Path, said: str) -> None:
        super().__init__(f'the benchmark fails in {root}: {said[-2000:]}')
        self.reason = (said.splitlines() or ['without a word'])[-1]


@contextmanager
def checkout(root: Path, revision: str) -> Iterator[Path]:
    """A folder with the files of a revision, for as long as the block lasts.

    Args:
        root (Path): Of the repository.
        revision (str): What git takes for one.

    Raises:
        RevisionError: If git knows no such revision.
    """
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / 'revision'
        done = _git(root, 'worktree', 'add', '--detach', str(folder), revision)
        if done.returncode:
            raise RevisionError(f'--against {revision}: git says: '
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
        BenchmarkError: If it fails there; says what it said.
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
            raise BenchmarkError(root, done.stderr.strip())
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


def against(script: Path, root: Path, revision: str, rounds: int,
            arguments: Sequence[str]) -> List[Row]:
    """Figures of this revision and of another one, side by side.

    Both run in turn, so that what else a machine does falls on both.

    Args:
        script (Path): The benchmark's script.
        root (Path): Of this repository.
        revision (str): The other one.
        rounds (int): Runs of each.
        arguments (Sequence[str]): Of the script, without ``--against``.

    Returns:
        list[dict]: A row for each that both have: ``ours`` is this
        revision's median, ``reference`` the other one's.

    Raises:
        RevisionError: If there is no such revision, or the benchmark fails in
            one, or no row is in both.
    """
    new: List[List[Row]] = []
    old: List[List[Row]] = []
    with checkout(root, revision) as other:
        for _ in range(rounds):
            new.append(run_there(script, root, arguments))
            old.append(run_there(script, other, arguments))
    rows = _side_by_side(revision, new, old)
    if not rows:
        raise RevisionError(
            f'--against {revision}: no row is in both revisions')
    return rows


def where_needed(script: Path, root: Path, other: Path, revision: str,
                 rounds: int, arguments: Sequence[str]) -> List[Row]:
    """The same for what lacks a reference, and no row is lost.

    Rows that have a reference of their own keep it. Where all have, nothing
    runs in the other revision; where the benchmark fails there, the rows say
    so.

    Args:
        script (Path): The benchmark's script.
        root (Path): Of this repository.
        other (Path): The other revision's files, from :func:`checkout`.
        revision (str): Its name.
        rounds (int): Runs of each, where there is anything to compare.
        arguments (Sequence[str]): Of the script, without ``--against``.

    Returns:
        list[dict]: The rows of this revision.

    Raises:
        BenchmarkError: If the benchmark fails in this revision.
    """
    new = [run_there(script, root, arguments)]
    if all(row['reference'] is not None for row in new[0]):
        return new[0]
    old, why = [], 'no such row'
    try:
        old.append(run_there(script, other, arguments))
    except BenchmarkError as error:
        why = error.reason
    for _ in range(rounds - 1 if old else 0):
        new.append(run_there(script, root, arguments))
        old.append(run_there(script, other, arguments))
    found = {row['name']: row for row in _side_by_side(revision, new, old)}
    rows = []
    for row in new[0]:
        if row['reference'] is not None:
            rows.append(_middle(_runs_of(row['name'], new)))
        else:
            rows.append(
                found.get(
                    row['name'],
                    dict(
                        row,
                        note=f'not in {revision}: {why}; '
                        f'{row["note"]}')))
    return rows


def _side_by_side(revision: str, new: Sequence[Sequence[Row]],
                  old: Sequence[Sequence[Row]]) -> List[Row]:
    """Rows that runs of both revisions have."""
    before = {row['name'] for rows in old for row in rows}
    return [
        _compare(revision, _runs_of(row['name'], new),
                 _runs_of(row['name'], old)) for row in new[0]
        if row['name'] in before
    ]


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
        note=f'against {revision}, {len(ours)} runs each in turn: {spread}; ' +
        ', there: '.join(dict.fromkeys([new[0]['note'], old[0]['note']])))
