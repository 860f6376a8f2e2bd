# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lift many inputs, each in a process that may fail without the others."""

import hashlib
import json
import multiprocessing
import os
import re
import sys
import time
from argparse import Namespace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import (Any, Callable, Dict, Iterator, List, NamedTuple, Optional,
                    Sequence)

from mmdiffpose.input_files import CONTROL, parse_json, printable, read_text

LEDGER = 'inputs.jsonl'
"""File of the results' folder with a line for each input that is done or has
failed; it tells a later run what is left to do."""
_HOW = ('inputs', 'list', 'jobs', 'device', 'show', 'again')
"""Arguments that say how a list is worked through, not what comes out."""

Prepare = Callable[[Namespace], Callable[['Task'], List[str]]]
"""Makes, in its process, what lifts an input and returns the paths of its
results."""


class Task(NamedTuple):
    """One input of a list.

    Attributes:
        name: The input, as it was given.
        suffix: What its results' names have after its own, so that no two
            inputs' are the same.
    """
    name: str
    suffix: str


class Outcome(NamedTuple):
    """What became of an input.

    Attributes:
        task: The input.
        files: Its results.
        error: Why there are none; None where all went well.
        seconds: How long it took.
    """
    task: Task
    files: List[str]
    error: Optional[str]
    seconds: float


def read_list(path: Path) -> List[str]:
    """Inputs from a text file, one a line; ``#`` begins a comment.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it names none, or names hold control characters.
    """
    lines = (
        line.strip()
        for line in read_text(path, 'a list of inputs').splitlines())
    names = [line for line in lines if line and not line.startswith('#')]
    odd = next((name for name in names if CONTROL.search(name)), None)
    if odd is not None:
        raise ValueError(f'{path}: expected an input a line, found control '
                         f'characters in {printable(odd)[:80]!r}')
    if not names:
        raise ValueError(f'{path}: expected an input a line, found none')
    return names


def name_tasks(names: Sequence[str], suffix: str) -> List[Task]:
    """Give each input names of results that no other has.

    Args:
        names (sequence[str]): Inputs; what is there twice is lifted once.
        suffix (str): Of all results. Inputs that are called like one before
            them get ``_2``, ``_3``, ... in front of it.

    Raises:
        ValueError: If one has no end, such as a webcam.
    """
    tasks: List[Task] = []
    taken = {Path(name).stem.lower() for name in names}
    used = set()
    for name in dict.fromkeys(names):
        stem = Path(name).stem.lower()
        added, number = '', 1
        while f'{stem}{added}' in used or (added
                                           and f'{stem}{added}' in taken):
            number += 1
            added = f'_{number}'
        used.add(f'{stem}{added}')
        tasks.append(Task(name, added + suffix))
    return tasks


class Ledger:
    """Which inputs were lifted already, in the folder of their results.

    Args:
        folder (Path): The folder; made when the first line is written.
        args (Namespace): Of the command: inputs that were lifted with other
            ones count as not lifted.
    """

    def __init__(self, folder: Path, args: Namespace) -> None:
        self.folder, self.path = folder, folder / LEDGER
        told = {
            name: str(value)
            for name, value in sorted(vars(args).items()) if name not in _HOW
        }
        self._key = _digest(json.dumps(told))
        self._lines: Dict[str, Dict[str, Any]] = {}
        if self.path.is_file():
            for line in read_text(self.path).splitlines():
                try:
                    entry = parse_json(line)
                    files = [str(name) for name in entry.get('files') or []]
                    self._lines[entry['input']] = dict(entry, files=files)
                except (ValueError, KeyError, TypeError, AttributeError):
                    # A line that a power cut left unfinished.
                    continue

    def done(self, task: Task) -> bool:
        """Whether an input's results are there, of it as it is now."""
        entry = self._lines.get(_place(task.name), {})
        files = entry.get('files') or []
        return (entry.get('options') == self._key
                and entry.get('state') == _state(task.name) and bool(files)
                and all((self.folder / name).is_file() for name in files))

    def add(self, outcome: Outcome) -> None:
        """Write down what became of an input."""
        task = outcome.task
        entry: Dict[str, Any] = dict(
            input=_place(task.name),
            state=_state(task.name),
            options=self._key,
            seconds=round(outcome.seconds, 1))
        if outcome.error is None:
            entry['files'] = [Path(name).name for name in outcome.files]
        else:
            entry['error'] = outcome.error
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.path.open('a', encoding='utf-8') as file:
            file.write(json.dumps(entry) + '\n')


def run_list(args: Namespace, tasks: Sequence[Task],
             prepare: Prepare) -> Iterator[Outcome]:
    """Work through a list in several processes.

    A process that raises goes on with the next input; one that dies, of a
    broken decoder or for want of memory, is replaced.

    Args:
        args (Namespace): Of the command, with ``jobs``.
        tasks (sequence[Task]): The inputs.
        prepare (callable): Makes what lifts one; importable by name.

    Yields:
        Outcome: Of each input, as they are done.
    """
    waiting = list(reversed(tasks))
    workers: Dict[Connection, _Worker] = {}
    # What was imported, threads of torch included, does not survive a fork.
    context = multiprocessing.get_context('spawn')
    try:
        for number in range(min(args.jobs, len(waiting))):
            worker = _Worker(context, args, number, prepare)
            worker.give(waiting.pop())
            workers[worker.pipe] = worker
        while workers:
            for pipe in wait(list(workers)):
                assert isinstance(pipe, Connection)
                worker = workers.pop(pipe)
                outcome, alive = worker.outcome()
                yield outcome
                if not alive:
                    worker.end()
                if waiting:
                    if not alive:
                        worker = _Worker(context, args, worker.number, prepare)
                    worker.give(waiting.pop())
                    workers[worker.pipe] = worker
                else:
                    worker.end()
    finally:
        for worker in workers.values():
            worker.end(kill=True)


class _Worker:
    """A process that lifts one input after the other."""

    def __init__(self, context: Any, args: Namespace, number: int,
                 prepare: Prepare) -> None:
        self.number = number
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, args, number, prepare), daemon=True)
        self._process.start()
        theirs.close()
        self._task: Optional[Task] = None
        self._start = 0.

    def give(self, task: Task) -> None:
        """Hand over the next input."""
        self._task, self._start = task, time.monotonic()
        self.pipe.send(task)

    def outcome(self) -> Any:
        """What became of it, and whether the process is still there."""
        assert self._task is not None
        alive, files, error = True, [], None
        try:
            files, error = self.pipe.recv()
        except (EOFError, OSError):
            alive = False
            self._process.join(10)
            error = ('its process ended with exit code '
                     f'{self._process.exitcode}, without a word')
        seconds = time.monotonic() - self._start
        return Outcome(self._task, files, error, seconds), alive

    def end(self, kill: bool = False) -> None:
        """Let the process end."""
        if kill:
            self._process.terminate()
        self.pipe.close()
        self._process.join(10)


def _serve(pipe: Connection, args: Namespace, number: int,
           prepare: Prepare) -> None:
    """What a worker does: takes inputs until there are no more."""
    prepare_worker(args, number)
    lift: Optional[Callable[[Task], List[str]]] = None
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            lift = lift or prepare(args)
            pipe.send((lift(task), None))
        except KeyboardInterrupt:
            return
        except Exception as error:  # whatever it is, the next one gets a try
            pipe.send(([], f'{type(error).__name__}: {error}'))


def prepare_worker(args: Namespace, number: int) -> None:
    """Share cores and graphics cards among the workers.

    Args:
        args (Namespace): ``device`` becomes this worker's: of several cards
            each gets its own.
        number (int): Which worker it is, from 0 on.
    """
    if args.jobs > 1:
        threads = max(1, (os.cpu_count() or 1) // args.jobs)
        # Both are read when the packages are imported.
        os.environ['OMP_NUM_THREADS'] = str(threads)
        os.environ['OPENCV_FOR_THREADS_NUM'] = str(threads)
        if 'torch' in sys.modules:
            sys.modules['torch'].set_num_threads(threads)
        if 'cv2' in sys.modules:
            sys.modules['cv2'].setNumThreads(threads)
    if args.device == 'cuda':
        import torch
        cards = torch.cuda.device_count()
        if cards > 1:
            args.device = f'cuda:{number % cards}'


def _place(name: str) -> str:
    """An input by where it is, wherever the command is started."""
    return name if '://' in name else str(Path(name).resolve())


def _state(name: str) -> Optional[str]:
    """Changes when the input does; None for what is no file here."""
    path = Path(name)
    if '://' in name or not path.exists():
        return None
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob('*') if file.is_file())
    return _digest(
        json.dumps([[str(file),
                     file.stat().st_size,
                     file.stat().st_mtime_ns] for file in files]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]


def is_endless(name: str) -> bool:
    """Whether an input is a camera, which has no end."""
    if re.fullmatch(r'webcam(:\d+)?|\d+', name.lower()):
        return not Path(name).exists()
    return '://' in name and not re.match(r'(https?|ftp|file)://', name)


def report(outcome: Outcome, number: int, total: int) -> None:
    """Say what became of an input."""
    what = f'{len(outcome.files)} files'
    if outcome.error is not None:
        what = f'error: {outcome.error}'
    print(
        f'[{number}/{total}] {printable(outcome.task.name)}: '
        f'{printable(what)}, '
        f'{outcome.seconds:.0f} s',
        flush=True)
    if outcome.error is None:
        for path in outcome.files:
            print(f'written: {path}')
    sys.stdout.flush()
