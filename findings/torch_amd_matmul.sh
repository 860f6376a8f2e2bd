#!/usr/bin/env bash
# Copyright (c) mmdiffpose contributors. All rights reserved.
#
# PyTorch: float32 matrix products run at half speed on AMD processors with
# AVX-512; the other library in the same wheel does not.
#
# Versions   torch 2.13.0 (the Linux wheel of PyPI, MKL 2024.2, oneDNN 3.12)
# Steps      One nn.Linear on 640 rows, one thread, float32: as it is, which is
#            MKL, and by torch.utils.mkldnn, which is oneDNN. Processor
#            seconds, median of 30; errors against float64.
# Seen       AMD EPYC with AVX-512: MKL 102 GFLOP/s, oneDNN 214 (128 to 256
#            channels), 101 and 214 (256 to 768). Largest errors alike.
#            torch.backends.cpu.get_cpu_capability() says AVX512, and PyTorch's
#            own kernels use it; MKL asks the processor for its maker and keeps
#            to AVX2 on others than Intel's.
# Guess      A wheel that says AVX512 multiplies with AVX-512; MKL's slow path
#            for AMD was mended in 2020.
# Why care   Training and inference of transformers on CPU servers, half of
#            which are AMD's, spend most of their time in these products.
# Elsewhere  On processors of Intel, or without AVX-512, there is nothing to
#            see: it says so and exits 0.
set -euo pipefail

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
"${PYTHON:-python3}" -m venv venv
# What torch imports on a CPU, no more.
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    --no-compile torch==2.13.0 numpy==1.26.4 filelock==3.19.1 \
    fsspec==2025.9.0 Jinja2==3.1.6 MarkupSafe==3.0.2 mpmath==1.3.0 \
    networkx==3.4.2 sympy==1.14.0 typing_extensions==4.15.0

cat >products.py <<'PY'
import statistics
import sys
import time

import torch
from torch import nn
from torch.utils import mkldnn

torch.set_num_threads(1)
with open('/proc/cpuinfo') as file:
    intel = 'GenuineIntel' in file.read()
capability = torch.backends.cpu.get_cpu_capability()
print(f'{capability}, {"" if intel else "not "}of Intel')
if intel or capability != 'AVX512':
    print('nothing to see on this processor')
    sys.exit()


def seconds(function):
    times = []
    for _ in range(33):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return statistics.median(times[3:])


slower = []
with torch.no_grad():
    for rows, channels, outputs in ((640, 128, 256), (640, 256, 768)):
        torch.manual_seed(0)
        layer = nn.Linear(channels, outputs, bias=False)
        x = torch.randn(rows, channels)
        expected = x.double() @ layer.weight.double().T
        other, packed = mkldnn.to_mkldnn(layer), x.to_mkldnn()
        errors = [(found - expected).abs().max().item()
                  for found in (layer(x), other(packed).to_dense())]
        work = 2e-9 * rows * channels * outputs
        mkl, onednn = (
            work / seconds(function)
            for function in (lambda: layer(x), lambda: other(packed)))
        print(f'{channels} to {outputs} channels: MKL {mkl:.0f} GFLOP/s, '
              f'error {errors[0]:.0e}; oneDNN {onednn:.0f}, {errors[1]:.0e}')
        slower.append(onednn / mkl)
        assert errors[1] < 3 * errors[0], 'oneDNN is less exact'
assert min(slower) > 1.5, f'oneDNN is but {min(slower):.2f} times as fast'
PY
venv/bin/python products.py
