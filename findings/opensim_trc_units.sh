#!/usr/bin/env bash
# Copyright (c) mmdiffpose contributors. All rights reserved.
#
# OpenSim: whether a TRC file's Units count depends on the class that reads.
#
# Versions   opensim 4.6
# Steps      Write one marker at 1 m above the origin twice, as a TRC file in
#            metres and as one in millimetres (Units m and mm), read both.
# Seen       y of the marker           metres  millimetres
#            TimeSeriesTableVec3            1         1000
#            MarkersReference               1            1
#            TimeSeriesTableVec3 keeps Units as metadata and does not use it.
#            A table made into a MarkersReference has 1 again only while that
#            metadata is there: without it, 1000 metres.
# Guess      One library reads one format in one way, and the header's Units
#            are there for that.
# Why care   The inverse kinematics tool gets metres; a script that reads the
#            same file as a table, to scale a model, say, gets a person of
#            1.7 kilometres, and angles come out all the same.
set -euo pipefail

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    opensim==4.6 numpy==2.2.6

cat >units.py <<'PY'
import sys
from pathlib import Path

import opensim

opensim.Logger.setLevelString('Error')


def write_trc(path, unit, metre):
    header = {
        'DataRate': 50, 'CameraRate': 50, 'NumFrames': 3, 'NumMarkers': 1,
        'Units': unit, 'OrigDataRate': 50, 'OrigDataStartFrame': 1,
        'OrigNumFrames': 3
    }
    lines = [
        ('PathFileType', 4, '(X/Y/Z)', path), header, header.values(),
        ('Frame#', 'Time', 'Hip', '', ''), ('', '', 'X1', 'Y1', 'Z1'), ()
    ]
    lines += [(i + 1, i / 50, 0, metre, 0) for i in range(3)]
    Path(path).write_text(
        ''.join('\t'.join(map(str, line)) + '\n' for line in lines))


def height(table):
    return float(table.getRowAtIndex(0).getElt(0, 0).get(1))


def by_reference(source):
    reference = opensim.MarkersReference(source, opensim.SetMarkerWeights())
    return height(reference.getMarkerTable())


found = {}
for unit, metre in (('m', 1), ('mm', 1000)):
    path = f'{unit}.trc'
    write_trc(path, unit, metre)
    table = opensim.TimeSeriesTableVec3(path)
    found[unit] = [height(table), by_reference(path), by_reference(table)]
    table.removeTableMetaDataKey('Units')
    found[unit].append(by_reference(table))
print('table, reference from file, from table, from table without Units')
for item in found.items():
    print(*item)
sys.exit(found != {'m': [1., 1., 1., 1.], 'mm': [1000., 1., 1., 1000.]})
PY
venv/bin/python units.py
