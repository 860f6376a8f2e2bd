# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What measured digits depend on."""

import platform
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Dict

import mmdiffpose

SEED = 0
THREADS = 1
"""Sums over threads round differently; with one they always round alike."""
PACKAGES = ('torch', 'numpy', 'mmengine', 'mmpose')


@lru_cache(maxsize=None)
def _environment() -> Dict[str, Any]:
    return dict(
        mmdiffpose=mmdiffpose.__version__,
        python=platform.python_version(),
        **{name: _version(name)
           for name in PACKAGES},
        cpu=cpu_name(),
        threads=THREADS,
        seed=SEED)


def environment() -> Dict[str, Any]:
    """Versions, processor, threads and seed."""
    return dict(_environment())


def describe(found: Dict[str, Any]) -> str:
    """An environment in words."""
    return (f'{found["cpu"]}, {found["threads"]} thread, torch '
            f'{found["torch"]}, NumPy {found["numpy"]}, seed {found["seed"]}')


def cpu_name(info: Path = Path('/proc/cpuinfo')) -> str:
    """The processor's model, as far as the system says."""
    if info.is_file():
        for line in info.read_text().splitlines():
            key, _, value = line.partition(':')
            if key.strip() == 'model name' and value.strip():
                return ' '.join(value.split())
    return platform.processor() or platform.machine() or 'unknown processor'


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return 'none'
