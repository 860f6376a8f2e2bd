# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joint angles: three points, and OpenSim's, in an environment of its own."""

import csv
import os
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from stiff_people import as_lifted, stiff_points

from mmdiffpose.files import opensim_script
from mmdiffpose.files.result_files import write_results
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.skeletons.joint_angles import joint_angles

INDEX = H36M_17.index
OPENSIM_PYTHON = os.environ.get('MMDIFFPOSE_OPENSIM_PYTHON', '')


def read_angles(path):
    with open(path, newline='') as file:
        return list(csv.DictReader(file))


def test_a_row_for_each_angle(tmp_path):
    lifted = as_lifted(
        stiff_points(frames=3), frame_ids=np.array([5, 6, 7]), track_id=4)
    foot = INDEX['left_foot']
    lifted.scores[1, foot] = 0
    other = replace(lifted, track_id=9, fps=50.)
    path, = write_results([lifted, other], tmp_path / 'a', ('angles', ))
    assert path.name == 'a_angles.csv'
    rows = read_angles(path)
    assert len(rows) == 2 * 3 * 10
    knees = [row for row in rows if row['angle'] == 'left_knee']
    assert [(row['frame'], row['track']) for row in knees
            ] == [(frame, track) for track in '49' for frame in '567']
    assert [row['time'] for row in knees[:3]] == ['0.1000', '0.1200', '0.1400']
    hip, knee, ankle = (
        lifted.keypoints_3d[0, INDEX[f'left_{joint}']]
        for joint in ('hip', 'knee', 'foot'))
    thigh, shin = hip - knee, ankle - knee
    cosine = thigh @ shin / np.linalg.norm(thigh) / np.linalg.norm(shin)
    assert float(knees[0]['degrees']) == pytest.approx(
        180 - np.degrees(np.arccos(cosine)), abs=0.01)
    assert knees[1]['degrees'] == '' and knees[0]['std'] == ''
    # Nobody saw the foot: only the knee hangs on it.
    assert [row['angle'] for row in rows
            if not row['degrees']] == ['left_knee'] * 2


def test_the_spread_of_an_angle(tmp_path):
    """Two hypotheses: a straight knee, and one bent by 20 degrees."""
    lifted = as_lifted(stiff_points(frames=1))
    knee, hip, foot = (
        INDEX[f'left_{joint}'] for joint in ('knee', 'hip', 'foot'))
    pose = lifted.keypoints_3d[0]
    pose[hip], pose[knee] = [0, 0, 0], [0, 0.5, 0]
    straight, bent = pose.copy(), pose.copy()
    straight[foot] = [0, 1, 0]
    angle = np.radians(20)
    bent[foot] = [0, 0.5 + 0.5 * np.cos(angle), 0.5 * np.sin(angle)]
    lifted.keypoints_3d[0] = straight
    lifted.hypotheses = np.stack([straight, bent])[None]
    path, = write_results(lifted, tmp_path / 'a', ('angles', ))
    row, = (row for row in read_angles(path) if row['angle'] == 'left_knee')
    assert (row['degrees'], row['std']) == ('0.00', '10.00')


def test_the_folder_has_what_opensim_needs(tmp_path):
    lifted = as_lifted(stiff_points(frames=5))
    paths = write_results([lifted, replace(lifted, track_id=2)],
                          tmp_path / 'a', ('opensim', ))
    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        f'a_opensim/{name}'
        for name in ('person1.trc', 'person2.trc', 'inverse_kinematics.py')
    ]
    times, points = opensim_script.read_trc(paths[0])
    np.testing.assert_allclose(times, np.arange(5) / 50)
    assert sorted(points) == sorted(side + name for side in 'LR'
                                    for name in opensim_script.CENTRES)
    # The script's idea of a limb is the body's.
    sizes = opensim_script.lengths(points)
    true = stiff_points(frames=5)[0]
    thighs = [
        np.linalg.norm(true[INDEX[f'{side}_hip']] -
                       true[INDEX[f'{side}_knee']])
        for side in ('left', 'right')
    ]
    assert min(thighs) - 1e-4 < sizes['femur'] < max(thighs) + 1e-4


def test_motions_come_back(tmp_path):
    header = ['Coordinates', 'nRows=2', 'nColumns=3', 'inDegrees=yes']
    rows = np.array([[0, 1.5, -2], [0.02, 1.25, 3]])
    path = tmp_path / 'a.mot'
    opensim_script.write_mot(path, header, ['time', 'a', 'b'], rows)
    found = opensim_script.read_mot(path)
    assert found[:2] == (header, ['time', 'a', 'b'])
    np.testing.assert_allclose(found[2], rows)
    opensim_script.write_mot(path, header, ['time', 'b'], rows[:, [0, 2]])
    assert 'nColumns=2' in opensim_script.read_mot(path)[0]


@pytest.mark.parametrize('clip, start', [(0, 0), (5, 300)])
def test_angles_of_a_perfect_motion(tmp_path, clip, start):
    if not OPENSIM_PYTHON:
        pytest.skip('needs opensim and pose2sim: MMDIFFPOSE_OPENSIM_PYTHON '
                    'names a Python with both')
    truth = stiff_points(60, clip, start)
    lifted = as_lifted(truth)
    lifted.scores[10:15, INDEX['right_wrist']] = 0
    lifted.scores[30] = 0
    *_, script = write_results(lifted, tmp_path / 'a', ('opensim', ))
    done = subprocess.run([OPENSIM_PYTHON, script],
                          capture_output=True,
                          text=True,
                          timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    rms = float(done.stdout.split('markers ')[-1].split(' mm')[0])
    assert rms < 8
    _, columns, rows = opensim_script.read_mot(script.parent / 'person1.mot')
    # The frame in which nothing was seen has no row.
    assert len(rows) == 59
    for column in ('ankle_angle_r', 'mtp_angle_l', 'pro_sup_r', 'wrist_dev_l',
                   'neck_rotation'):
        assert column not in columns
    names, angles = joint_angles(truth, H36M_17)
    frames = np.rint(rows[:, 0] * 50).astype(int)
    assert 30 not in frames
    for side in ('left', 'right'):
        solved = rows[:, columns.index(f'knee_angle_{side[0]}')]
        three_points = angles[frames, names.index(f'{side}_knee')]
        assert np.sqrt(np.mean((solved - three_points)**2)) < 3
