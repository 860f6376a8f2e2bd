# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Train and test the cells of a study, each once, in their own processes."""

import json
import os
import sys
import threading
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import (Any, Callable, Dict, Iterable, List, Mapping, Optional,
                    Sequence)

from mmengine.config import Config

from mmdiffpose.atomic_files import replace_text
from mmdiffpose.cli.logged_process import run_logged

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


class StudyCell(ABC):
    """One training with its tests; its folder holds all that it made.

    Attributes:
        seed: Of training.
    """
    seed: int

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is, for the terminal."""

    @property
    @abstractmethod
    def folder(self) -> Path:
        """Where the cell's runs are."""

    @property
    @abstractmethod
    def tests(self) -> Mapping[str, Mapping[str, Any]]:
        """Variant name to changes of the config at test only."""

    @abstractmethod
    def config(self) -> Config:
        """The config of the training, complete but for the seed and the
        context encoder."""

    @property
    def encoder(self) -> Optional['StudyCell']:
        """The cell that trains the context encoder, if there is one."""
        return None

    @property
    def trained(self) -> Path:
        """Written when training is complete."""
        return self.folder / 'trained'

    def metrics_file(self, variant: str) -> Path:
        """Written when a test is complete."""
        return self.folder / f'metrics{"-" if variant else ""}{variant}.json'

    def checkpoint(self) -> Path:
        """The checkpoint chosen on the validation split.

        Raises:
            FileNotFoundError: Where there is none.
        """
        best = sorted(self.folder.glob('best_*.pth'), key=os.path.getmtime)
        if not best:
            raise FileNotFoundError(f'{self.folder} has no best_*.pth')
        return best[-1]

    def metrics(self, variant: str = '') -> Optional[Dict[str, Any]]:
        """Metrics of a finished test, else None."""
        path = self.metrics_file(variant)
        return json.loads(path.read_text()) if path.is_file() else None


def run_all(cells: Sequence[StudyCell], jobs: int, options: Dict[str,
                                                                 Any]) -> None:
    """Train and test cells that are not done; encoders before the rest.

    Args:
        cells: All of them, with the encoders that others need.
        jobs: How many at the same time; the cores are divided among them.
        options: Overrides of every training's config.
    """
    jobs = max(1, min(jobs, os.cpu_count() or 1))
    for first in (True, False):
        stage = [cell for cell in cells if (cell.encoder is None) is first]
        in_threads(lambda cell: run_cell(cell, jobs, options), stage, jobs)


def in_threads(function: Callable[[Any], None], items: Iterable[Any],
               jobs: int) -> None:
    """Call a function for each item; after an error no other call begins."""
    stop = threading.Event()

    def guarded(item: Any) -> None:
        if stop.is_set():
            return
        try:
            function(item)
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(jobs) as pool:
        try:
            # list() raises what a call raised.
            list(pool.map(guarded, items))
        finally:
            stop.set()


def run_cell(cell: StudyCell, jobs: int, options: Dict[str, Any]) -> None:
    """Train a cell, or go on with its training, and test it.

    Raises:
        RuntimeError: Where a training or a test fails.
        KeyboardInterrupt: Where it is stopped from outside.
    """
    config = cell.folder / 'config.py'
    if not cell.trained.exists():
        cfg = cell.config()
        cfg.merge_from_dict(options)
        cfg.merge_from_dict({'randomness.seed': cell.seed})
        if cell.encoder is not None:
            cfg.model.context_checkpoint = str(
                cell.encoder.checkpoint().resolve())
        cell.folder.mkdir(parents=True, exist_ok=True)
        replace_text(config, cfg.pretty_text)
        _run(cell, jobs, cell.folder, ['train.py', config, '--resume'])
        cell.trained.touch()
    for variant, changes in cell.tests.items():
        out = cell.metrics_file(variant)
        if out.exists():
            continue
        command = ['test.py', config, cell.checkpoint(), '--out', out]
        if changes:
            command += ['--cfg-options', *as_options(changes)]
        # A run writes its config to its folder: not over the training's.
        _run(cell, jobs, out.with_suffix(''), command)


def as_options(changes: Mapping[str, Any]) -> List[str]:
    """Changes of a config as arguments of ``--cfg-options``."""
    options = []
    for key, value in changes.items():
        nested = value if isinstance(value, dict) else None
        if nested is None:
            options.append(f'{key}={value}')
        else:
            options += as_options({
                f'{key}.{inner}': item
                for inner, item in nested.items()
            })
    return options


def _run(cell: StudyCell, jobs: int, work_dir: Path,
         command: Sequence[object]) -> None:
    """Run one of the tools; its output goes to the cell's log."""
    tool, *arguments = map(str, command)
    # Cells share the cores, unless somebody has said otherwise.
    threads = max(1, (os.cpu_count() or 1) // jobs)
    environment = {'OMP_NUM_THREADS': str(threads), **os.environ}
    complete = [
        sys.executable,
        str(TOOLS / tool), *arguments, '--work-dir',
        str(work_dir)
    ]
    print(f'{cell.title}: {tool}', flush=True)
    log = cell.folder / 'output.log'
    run_logged(f'{cell.title}: {tool}', complete, log, environment)
