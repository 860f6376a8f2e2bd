# Copyright (c) mmdiffpose contributors. All rights reserved.
"""EM on other processors than this one: with what they lack turned off.

`bash tools/run_tests.sh --each-processor` runs all numeric tests so.
"""
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
FILES = ('test_gmm.py', 'test_gmm_odd_data.py')
# What rounding moves most.
CHOICE = 'one_by_one or threads or agrees or far_from or narrow or odd_data'


@pytest.mark.parametrize('capability, threads, library', [
    ('default', 1, 'COMPATIBLE'),
    ('avx2', 2, 'AVX2'),
])
def test_em_holds(capability: str, threads: int, library: str) -> None:
    """In a process of its own: PyTorch reads these when it is imported."""
    known = torch.backends.cpu.get_cpu_capability()
    if capability == 'avx2' and known not in ('AVX2', 'AVX512'):
        pytest.skip('this processor has no AVX2')
    done = subprocess.run(
        [
            sys.executable, '-m', 'pytest', '-q', '-c', ROOT / 'setup.cfg',
            '--rootdir', ROOT, '-p', 'no:cacheprovider', '-k', CHOICE,
            *(Path(__file__).with_name(name) for name in FILES)
        ],
        env=dict(
            os.environ,
            ATEN_CPU_CAPABILITY=capability,
            MKL_CBWR=library,
            OMP_NUM_THREADS=str(threads),
            MKL_NUM_THREADS=str(threads),
            # Threads that wait for each other leave the processor alone.
            OMP_WAIT_POLICY='PASSIVE'),
        capture_output=True,
        text=True,
        check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
