# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Run code in a process of its own, whose modules can be blocked."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

REPO_ROOT = Path(__file__).parents[2]


@pytest.fixture
def run_python() -> Callable[[str], Any]:
    """Run a script in a new process; its last line is read as JSON."""

    def run(script: str) -> Any:
        paths = [str(REPO_ROOT), str(Path(__file__).parent)]
        if os.environ.get('PYTHONPATH'):
            paths.append(os.environ['PYTHONPATH'])
        result = subprocess.run([sys.executable, '-W', 'ignore', '-c', script],
                                capture_output=True,
                                text=True,
                                timeout=300,
                                env=dict(
                                    os.environ,
                                    PYTHONPATH=os.pathsep.join(paths),
                                    MPLBACKEND='agg',
                                    OMP_NUM_THREADS='1'))
        assert result.returncode == 0, result.stdout + result.stderr
        return json.loads(result.stdout.strip().splitlines()[-1])

    return run
