#!/usr/bin/env bash
# Copyright (c) mmdiffpose contributors. All rights reserved.
#
# C3D: two libraries keep a point's residual in different bytes.
#
# Versions   ezc3d 1.7.2, c3d 0.6.0 (py-c3d), NumPy 2.2.6
# Steps      1. Write points with a residual of 37 mm, seen by no camera, by
#               each library's writer, floating point, scale -1 in mm.
#            2. Read each file with both.
#            3. Write residuals of 255, 300 and 340 mm with ezc3d, and read
#               them with ezc3d.
# Seen       1., 2. Each finds 37 in its own file. ezc3d finds 0 in py-c3d's,
#               with its cameras 1, 3 and 6 (37 in binary) as if they had seen
#               the point; py-c3d finds 0 in ezc3d's, and a camera mask of 37.
#               No error, no warning.
#            3. 255 comes back as 255, 300 as 44, 340 as 84.
# Guess      The fourth number of a point is its residual; whoever reads it
#            reads what was written.
# Why care   0 means "modelled, not measured" in C3D, so that every point
#            looks interpolated to the other tool. Whoever writes an
#            uncertainty there has to write it into both bytes, in steps so
#            large that none exceeds 127.
set -euo pipefail

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check \
    ezc3d==1.7.2 c3d==0.6.0 numpy==2.2.6

cat >residuals.py <<'PY'
import sys
import warnings

import c3d
import ezc3d
import numpy as np

warnings.simplefilter('ignore')


def by_ezc3d(path, residuals):
    trial = ezc3d.c3d()
    trial['parameters']['POINT']['RATE']['value'] = [30.]
    trial['parameters']['POINT']['UNITS']['value'] = ['mm']
    trial['parameters']['POINT']['LABELS']['value'] = [
        f'M{i}' for i in range(len(residuals))
    ]
    shape = (len(residuals), 2)
    trial['data']['points'] = np.ones((4, *shape))
    trial['data']['meta_points'] = dict(
        residuals=np.broadcast_to(
            np.array(residuals, float)[None, :, None], (1, *shape)).copy(),
        camera_masks=np.zeros((7, *shape), bool))
    trial.write(path)


def by_c3d(path, residuals):
    writer = c3d.Writer(point_rate=30., analog_rate=0, point_scale=-1.)
    points = np.ones((len(residuals), 5), np.float32)
    points[:, 3], points[:, 4] = residuals, 0
    writer.add_frames([(points, np.zeros((0, 0)))] * 2)
    writer.set_point_labels([f'M{i}' for i in range(len(residuals))])
    with open(path, 'wb') as file:
        writer.write(file)


def read(path):
    """What ezc3d and py-c3d say: residuals, cameras, of the first frame."""
    data = ezc3d.c3d(path)['data']['meta_points']
    with open(path, 'rb') as file:
        points = next(iter(c3d.Reader(file).read_frames(camera_sum=False)))[1]
    masks = np.flatnonzero(data['camera_masks'][:, 0, 0]) + 1
    return dict(
        ezc3d=(float(data['residuals'][0, 0, 0]), masks.tolist()),
        c3d=(float(points[0, 3]), int(points[0, 4])))


found = {}
for name, write in (('ezc3d', by_ezc3d), ('py-c3d', by_c3d)):
    write(f'{name}.c3d', [37.])
    found[f'written by {name}'] = read(f'{name}.c3d')
by_ezc3d('large.c3d', [255., 300., 340.])
large = ezc3d.c3d('large.c3d')['data']['meta_points']['residuals']
found['255, 300, 340'] = large[0, :, 0].tolist()
for item in found.items():
    print(*item)
sys.exit(
    found != {
        'written by ezc3d': dict(ezc3d=(37., []), c3d=(0., 37)),
        'written by py-c3d': dict(ezc3d=(0., [1, 3, 6]), c3d=(37., 0)),
        '255, 300, 340': [255., 44., 84.],
    })
PY
venv/bin/python residuals.py
