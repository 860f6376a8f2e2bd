# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Train and test rows, each once, in processes of their own."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from rows import SETUPS, Row, make_config

from mmdiffpose.atomic_files import replacing

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@dataclass(frozen=True)
class Cell:
    """A row of a setup with one seed; its folder holds all that it made.

    Attributes:
        setup: Name of the setup.
        name: Name of the row.
        row: The row.
        seed: Of training.
        root: Folder of the study.
    """
    setup: str
    name: str
    row: Row
    seed: int
    root: Path

    @property
    def folder(self) -> Path:
        """Where the cell's runs are."""
        return self.root / self.setup / self.name / f'seed{self.seed}'

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


def cells_of(setup: str, rows: Dict[str, Row], seeds: Sequence[int],
             root: Path) -> List[Cell]:
    """All cells of a setup, the encoders first."""
    return [
        Cell(setup, name, row, seed, root) for name, row in sorted(
            rows.items(), key=lambda item: not item[1].encoder)
        for seed in (seeds if row.every_seed else seeds[:1])
    ]


def run_all(cells: Sequence[Cell], jobs: int, options: Dict[str, Any]) -> None:
    """Train and test cells that are not done; encoders before the rest."""
    for encoder in (True, False):
        stage = [cell for cell in cells if cell.row.encoder is encoder]
        with ThreadPoolExecutor(jobs) as pool:
            # list() raises what a cell raised.
            list(pool.map(lambda cell: run_cell(cell, jobs, options), stage))


def run_cell(cell: Cell, jobs: int, options: Dict[str, Any]) -> None:
    """Train a cell, or go on with its training, and test it."""
    config = cell.folder / 'config.py'
    if not cell.trained.exists():
        cfg = make_config(SETUPS[cell.setup], cell.row)
        cfg.merge_from_dict(options)
        cfg.merge_from_dict({'randomness.seed': cell.seed})
        if not cell.row.encoder:
            encoder = Cell(cell.setup, 'encoder', cell.row, cell.seed,
                           cell.root)
            cfg.model.context_checkpoint = str(encoder.checkpoint().resolve())
        cell.folder.mkdir(parents=True, exist_ok=True)
        with replacing(config) as partial:
            partial.write_text(cfg.pretty_text)
        _run(cell, jobs, 'train.py', config, '--resume')
        cell.trained.touch()
    for variant, changes in cell.row.tests.items():
        out = cell.metrics_file(variant)
        if out.exists():
            continue
        arguments = ['--out', out]
        if changes:
            arguments += ['--cfg-options', *_as_options(changes)]
        _run(cell, jobs, 'test.py', config, cell.checkpoint(), *arguments)


def _as_options(changes: Dict[str, Any]) -> List[str]:
    options = []
    for key, value in changes.items():
        nested = value if isinstance(value, dict) else None
        if nested is None:
            options.append(f'{key}={value}')
        else:
            options += _as_options({
                f'{key}.{inner}': item
                for inner, item in nested.items()
            })
    return options


def _run(cell: Cell, jobs: int, tool: str, *arguments: object) -> None:
    """Run one of the tools; its output goes to the cell's log."""
    threads = max(1, (os.cpu_count() or 1) // jobs)
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    command = [
        sys.executable,
        str(TOOLS / tool), *map(str, arguments), '--work-dir',
        str(cell.folder)
    ]
    print(f'{cell.setup} {cell.name} seed {cell.seed}: {tool}', flush=True)
    log = cell.folder / 'output.log'
    with open(log, 'a') as file:
        done = subprocess.run(
            command, stdout=file, stderr=subprocess.STDOUT, env=environment)
    if done.returncode:
        tail = ''.join(log.read_text().splitlines(keepends=True)[-15:])
        raise RuntimeError(
            f'{" ".join(command)} ended with {done.returncode}; {log} ends '
            f'with:\n{tail}')
