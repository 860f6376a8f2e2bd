#!/usr/bin/env bash
# Copyright (c) mmdiffpose contributors. All rights reserved.
#
# Pose2Sim: with COCO_17 a person who stands straight has a tilted pelvis.
#
# Versions   pose2sim 0.10.49 (models, marker sets and settings of its OpenSim
#            step), opensim 4.6
# Steps      Take Pose2Sim's own model in its default posture, legs straight,
#            and write where its markers are, the right hip mirrored from the
#            left one, as a TRC file in metres. Run OpenSim's inverse
#            kinematics as Pose2Sim sets it up on this perfect track.
# Seen       degrees        pelvis_list  hip_rotation_r  knee_angle_r
#            HALPE_26                 0               0             0
#            COCO_17                -39             -70            10
#            The marker RHip of Markers_Coco17.xml is in the pelvis' frame at
#            -0.005 -0.398 -0.001, the numbers that LKnee has in the femur's:
#            32 cm below its place, between the legs.
# Guess      COCO_17 is the set for a skeleton of 17 joints, and as right as
#            the default.
# Why care   No error and no warning, and the fault is looked for in the poses.
set -euo pipefail

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
"${PYTHON:-python3}" -m venv venv
# The folder of OpenSim files alone: Pose2Sim's code is not run.
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    pose2sim==0.10.49 opensim==4.6 numpy==2.2.6

cat >standing.py <<'PY'
import sys
import xml.etree.ElementTree as ElementTree
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import opensim

FOLDER = Path(str(distribution('pose2sim').locate_file('Pose2Sim')))
FOLDER /= 'OpenSim_Setup'
ANGLES = ('pelvis_list', 'hip_rotation_r', 'knee_angle_r')
opensim.Logger.setLevelString('Error')


def write_trc(path, markers):
    """Write a person who does not move, in metres."""
    names = list(markers)
    points = np.concatenate([*markers.values()])
    numbers = '\t'.join(f'{x:.6f}' for x in points)
    axes = [f'{axis}{i + 1}' for i in range(len(names)) for axis in 'XYZ']
    Path(path).write_text('\n'.join([
        f'PathFileType\t4\t(X/Y/Z)\t{path}',
        'DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\t'
        'OrigDataStartFrame\tOrigNumFrames',
        f'50\t50\t5\t{len(names)}\tm\t50\t1\t5',
        'Frame#\tTime\t' + '\t\t\t'.join(names) + '\t\t',
        '\t\t' + '\t'.join(axes), '',
        *(f'{i + 1}\t{i / 50:.2f}\t{numbers}' for i in range(5)), '']))


def angles_of(kind):
    """Angles of a perfect track in degrees, with one of the marker sets."""
    model = opensim.Model(str(FOLDER / 'Model_Pose2Sim_simple.osim'))
    model.set_MarkerSet(opensim.MarkerSet(str(FOLDER / f'Markers_{kind}.xml')))
    model.finalizeConnections()
    state = model.initSystem()
    model.realizePosition(state)
    markers = {
        marker.getName(): marker.getLocationInGround(state).to_numpy()
        for marker in map(model.getMarkerSet().get,
                          range(model.getMarkerSet().getSize()))
    }
    markers['RHip'] = markers['LHip'] * [1, 1, -1]
    write_trc('standing.trc', markers)
    model.printToXML('model.osim')

    setup = ElementTree.parse(FOLDER / f'IK_Setup_Pose2Sim_{kind}.xml')
    for key, value in (('model_file', 'model.osim'), ('time_range', '0 0.08'),
                       ('marker_file', 'standing.trc'),
                       ('output_motion_file', 'angles.mot')):
        setup.find(f'.//{key}').text = value
    setup.find('.//InverseKinematicsTool').set('name', 'standing')
    setup.write('setup.xml')
    opensim.InverseKinematicsTool('setup.xml').run()
    angles = opensim.TimeSeriesTable('angles.mot')
    return [
        round(float(angles.getDependentColumn(name)[2])) for name in ANGLES
    ]


found = {kind: angles_of(kind) for kind in ('Halpe26', 'Coco17')}
for item in (('degrees', ANGLES), *found.items()):
    print(*item)
straight, bent = found.values()
# Optimisers of other processors may stop a degree away.
sys.exit(
    any(straight)
    or any(abs(a - b) > 3 for a, b in zip(bent, (-39, -70, 10))))
PY
venv/bin/python standing.py
