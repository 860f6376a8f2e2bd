#!/usr/bin/env bash
# Copyright (c) mmdiffpose contributors. All rights reserved.
#
# C3D: a gap becomes a valid point, and the end of a long take is lost.
#
# Versions   ezc3d 1.7.2 (writer and reader), c3d 0.6.0 (py-c3d, reader),
#            NumPy 2.2.6
# Steps      1. Write three frames, one of them with NaN, by ezc3d.
#            2. Write 65,535 and 70,000 frames, read each with both.
# Seen       1. ezc3d stores NaN with residual 0, which means "measured" (a
#               point that is not there has -1). ezc3d reads NaN back, py-c3d
#               a missing point at 0 0 0.
#            2. ezc3d: 65,535 frames of either, no warning; 4,465 frames are
#               in the file and cannot be reached.
#               py-c3d: no frame of either, no error.
# Guess      NaN is the usual gap of Python's tools, so the writer marks it;
#            what does not fit in a 16-bit frame count is refused, or lies in
#            the long count that newer files have.
# Why care   36 minutes at 30 frames a second are 65,535 frames. What filters,
#            resamples or averages by the residual takes NaN for a measurement,
#            and one NaN spreads over a trial.
set -euo pipefail

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check \
    ezc3d==1.7.2 c3d==0.6.0 numpy==2.2.6

cat >trials.py <<'PY'
import sys
import warnings

import c3d
import ezc3d
import numpy as np

warnings.simplefilter('ignore')


def write(path, points):
    """Write points of shape (3, markers, frames)."""
    trial = ezc3d.c3d()
    trial['parameters']['POINT']['RATE']['value'] = [30.]
    trial['parameters']['POINT']['LABELS']['value'] = ['A', 'B']
    trial['data']['points'] = np.concatenate([points, 0 * points[:1] + 1])
    trial.write(path)


def frames_of_c3d(path):
    with open(path, 'rb') as file:
        return [frame[1] for frame in c3d.Reader(file).read_frames()]


points = np.ones((3, 2, 3))
points[:, 0, 1] = np.nan
write('gap.c3d', points)
data = ezc3d.c3d('gap.c3d')['data']
gap = frames_of_c3d('gap.c3d')[1][0]
found = {
    'ezc3d reads NaN': bool(np.isnan(data['points'][:3, 0, 1]).all()),
    'residual': float(data['meta_points']['residuals'][0, 0, 1]),
    'py-c3d reads': gap[:4].tolist(),
}
for length in (65535, 70000):
    write('long.c3d', np.ones((3, 2, length)))
    read = ezc3d.c3d('long.c3d')['data']['points'].shape[-1]
    found[f'{length} frames'] = read, len(frames_of_c3d('long.c3d'))
for item in found.items():
    print(*item)
sys.exit(
    found != {
        'ezc3d reads NaN': True,
        'residual': 0.,
        'py-c3d reads': [0., 0., 0., -1.],
        '65535 frames': (65535, 0),
        '70000 frames': (65535, 0),
    })
PY
venv/bin/python trials.py
