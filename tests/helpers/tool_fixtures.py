# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A tiny training project, and the commands and tools to run on it.

A plugin of the whole suite (``tests/conftest.py`` names it).
"""

import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Callable

import pytest

HERE = Path(__file__).parent
TOOLS = HERE.parents[1] / 'tools'

TINY_CONFIG = """
custom_imports = dict(imports=['tiny_project'], allow_failed_imports=False)
default_scope = 'mmengine'
model = dict(type='TinyModel')
batch_size = 4
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='TinyDataset'))
test_dataloader = val_dataloader = dict(
    batch_size=batch_size,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='TinyDataset', test_mode=True))
test_evaluator = val_evaluator = dict(type='TinyMetric')
train_cfg = dict(by_epoch=True, max_epochs=3, val_interval=3)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=0.05))
param_scheduler = dict(type='ExponentialLR', gamma=0.9)
randomness = dict(seed=1, deterministic=True)
"""


@pytest.fixture
def tiny_config(tmp_path: Path) -> Path:
    """A config that trains in a second; in a folder with a space."""
    folder = tmp_path / 'my configs'
    folder.mkdir()
    path = folder / 'tiny.py'
    path.write_text(TINY_CONFIG)
    return path


@pytest.fixture
def plain_dumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """MMEngine formats a run's config seven times, a second each."""
    monkeypatch.setattr('mmengine.config.config.FormatCode', lambda text, **_:
                        (text, True))


@pytest.fixture
def load_command(
        monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Import the module of a command, which sets LOCAL_RANK as it runs."""
    monkeypatch.setenv('LOCAL_RANK', '0')
    return lambda name: importlib.import_module(f'mmdiffpose.cli.{name}')


@pytest.fixture
def load_tool() -> Callable[[str], ModuleType]:
    """Import one of the tools without running it."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(
            f'mmdiffpose_tool_{name}', TOOLS / f'{name}.py')
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def run_tool(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Run a tool in a process of its own, from a foreign folder."""

    def run(tool: str, *arguments: object) -> subprocess.CompletedProcess:
        starter = ['bash'] if tool.endswith('.sh') else [sys.executable]
        paths = [str(TOOLS.parent), str(HERE)]
        environment = dict(
            os.environ,
            PYTHON=sys.executable,
            PYTHONPATH=os.pathsep.join(paths),
            OMP_NUM_THREADS='1')
        environment.pop('LOCAL_RANK', None)
        return subprocess.run(
            [*starter, str(TOOLS / tool), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=300,
            cwd=tmp_path,
            env=environment)

    return run
