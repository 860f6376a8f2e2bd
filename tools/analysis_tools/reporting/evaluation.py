# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Test zoo models, each test once, in a process of its own."""

import hashlib
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional

from mmengine.config import Config

import mmdiffpose
from mmdiffpose.atomic_files import replace_text
from mmdiffpose.checkpoints.model_zoo import ZooModel, sha256_of
from mmdiffpose.cli.logged_process import run_logged
from .environment import SEED, THREADS, environment
from .test_sets import as_python, config_of_test, data_files

TOOLS = Path(__file__).resolve().parents[2]

RECORD = 'inputs.json'
"""Written when a test is complete: what it depends on."""


@dataclass(frozen=True)
class Cell:
    """One test of one model.

    Attributes:
        model: The model.
        test_set: See ``test_sets.py``.
        flip: Whether poses are averaged with those of the mirrored window.
    """
    model: ZooModel
    test_set: str
    flip: bool = False

    @property
    def name(self) -> str:
        """Of the test among those of its model."""
        return f'{self.test_set}{"+flip" if self.flip else ""}'

    @property
    def title(self) -> str:
        """For the terminal."""
        return f'{self.model.name} on {self.name}'

    def config(self, max_sequences: Optional[int] = None) -> Config:
        """The config of the test."""
        return config_of_test(
            Config.fromfile(str(self.model.config)), self.test_set, self.flip,
            max_sequences)


def missing_data(cfg: Config) -> List[Path]:
    """Files of a test that are not there."""
    return [path for path in data_files(cfg) if not path.is_file()]


def evaluate(cell: Cell,
             weights: Path,
             work_dir: Path,
             fresh: bool = False,
             max_sequences: Optional[int] = None) -> Dict[str, Any]:
    """Test a model, unless that is done with the same inputs.

    Args:
        cell (Cell): The test; its data are there.
        weights (Path): Checked weights.
        work_dir (Path): Holds a folder for each model and test.
        fresh (bool): Whether to test again in any case.
        max_sequences (int, optional): Use only that many sequences.

    Returns:
        dict: ``environment``, ``data`` (file name to SHA-256) and
        ``metrics``, without those of single actions and sequences.

    Raises:
        RuntimeError: Where the test fails; with the end of its log.
        KeyboardInterrupt: Where it is stopped from outside.
    """
    folder = work_dir / cell.model.name / cell.name
    cfg = cell.config(max_sequences)
    inputs = dict(
        weights=sha256_of(weights),
        config=hashlib.sha256(as_python(cfg).encode()).hexdigest(),
        data={path.name: sha256_of(path)
              for path in data_files(cfg)},
        environment=environment())
    record, metrics = folder / RECORD, folder / 'metrics.json'
    done = record.is_file() and json.loads(record.read_text()) == inputs
    if fresh or not done or not metrics.is_file():
        if folder.is_dir():
            shutil.rmtree(folder)
        _run_test(cell, cfg, weights, folder, metrics)
        # Last: without it the folder counts as unfinished.
        replace_text(record, json.dumps(inputs, indent=2) + '\n')
    return dict(
        environment=inputs['environment'],
        data=inputs['data'],
        metrics=overall(json.loads(metrics.read_text())))


def overall(metrics: Dict[str, Any]) -> Dict[str, Any]:
    """Metrics over a whole test set: no single action, no sequence mean."""
    return {
        name: value
        for name, value in metrics.items() if
        name.rpartition('/')[0] not in metrics or name.endswith('/action_mean')
    }


def _run_test(cell: Cell, cfg: Config, weights: Path, folder: Path,
              metrics: Path) -> None:
    folder.mkdir(parents=True)
    config, log = folder / 'config.py', folder / 'output.log'
    config.write_text(as_python(cfg), encoding='utf-8')
    command = [
        sys.executable,
        str(TOOLS / 'test.py'),
        str(config),
        str(weights), '--work-dir',
        str(folder / 'run'), '--out',
        str(metrics), '--seed',
        str(SEED)
    ]
    print(f'{cell.title}: testing, log in {log}', flush=True)
    start = time.perf_counter()
    run_logged(cell.title, command, log, _reproducible_environment())
    print(
        f'{cell.title}: done in {time.perf_counter() - start:.0f} s',
        flush=True)


def _reproducible_environment() -> Dict[str, str]:
    """One thread, no GPU, and this copy of the package."""
    paths = [str(Path(mmdiffpose.__file__).parents[1])]
    if os.environ.get('PYTHONPATH'):
        paths.append(os.environ['PYTHONPATH'])
    return dict(
        os.environ,
        OMP_NUM_THREADS=str(THREADS),
        MKL_NUM_THREADS=str(THREADS),
        OPENBLAS_NUM_THREADS=str(THREADS),
        CUDA_VISIBLE_DEVICES='',
        PYTHONPATH=os.pathsep.join(paths))
