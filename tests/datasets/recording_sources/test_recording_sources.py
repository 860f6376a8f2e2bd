# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Motion capture with calibrated cameras becomes recordings."""
import json
import pickle

import cv2
import numpy as np
import pytest
from walking_person import walking

from mmdiffpose.cli.record import main
from mmdiffpose.datasets import RecordingDataset
from mmdiffpose.datasets.recording_sources.calibrations import read_calibration
from mmdiffpose.datasets.recording_sources.markers import read_markers
from mmdiffpose.datasets.recording_sources.published_forms import (
    read_aist, read_h36m_form)
from mmdiffpose.datasets.recording_sources.world_recording import (
    find_axes, joints_of, read_joint_plan, recording_of, rigid_links)
from mmdiffpose.datasets.recordings.recording_file import write_recording
from mmdiffpose.files.keypoint_files import read_keypoint_file
from mmdiffpose.skeletons import COCO_17, H36M_17

FPS = 50
# World: x right, y into the picture of the first camera, z up; the first
# camera looks along y, the second along -x.
TURNS = dict(
    front=np.array([[1., 0, 0], [0, 0, -1], [0, 1, 0]]),
    side=np.array([[0., 1, 0], [0, 0, -1], [-1, 0, 0]]))
SHIFTS = dict(front=np.array([0., 1, 2]), side=np.array([-4., 1, 3]))
MATRIX = np.array([[900., 0, 640], [0, 910, 350], [0, 0, 1]])


def world(frames=60):
    """A person in world axes, metres, on the ground z = 0."""
    camera = walking(frames)[:, :, :] - [0, .3, 2]
    return np.stack([camera[..., 0], camera[..., 2], -camera[..., 1]], -1)


def seen_by(name, points):
    """By hand, x_camera = R x_world + t, and its picture."""
    poses = points @ TURNS[name].T + SHIFTS[name]
    pixels = poses @ MATRIX.T
    return poses, pixels[..., :2] / pixels[..., 2:]


@pytest.fixture
def calibration(tmp_path):
    """As Pose2Sim writes it."""
    text = []
    for name, turn in TURNS.items():
        rotation = cv2.Rodrigues(turn)[0].ravel().tolist()
        text.append(f'''[{name}]
name = "{name}"
size = [ 1280.0, 720.0]
matrix = {MATRIX.tolist()}
distortions = [ 0.0, 0.0, 0.0, 0.0]
rotation = {rotation}
translation = {SHIFTS[name].tolist()}
fisheye = false
''')
    path = tmp_path / 'Calib.toml'
    path.write_text('\n'.join(text + ['[metadata]', 'adjusted = false']))
    return path


def write_trc(path, names, points, unit='m'):
    head = [
        'PathFileType\t4\t(X/Y/Z)\t' + path.name,
        'DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\t'
        'OrigDataStartFrame\tOrigNumFrames',
        f'{FPS}\t{FPS}\t{len(points)}\t{len(names)}\t{unit}\t{FPS}\t0\t1',
        'Frame#\tTime\t' + '\t\t\t'.join(names) + '\t\t', '\t\tX1\tY1\tZ1'
    ]
    rows = [
        '\t'.join([str(i), f'{i / FPS:.4f}'] +
                  ['' if np.isnan(v) else f'{v:.6f}' for v in frame.ravel()])
        for i, frame in enumerate(points)
    ]
    path.write_text('\n'.join(head + rows) + '\n')
    return path


def write_csv(path, names, points):
    head = 'time,' + ','.join(f'{n}_{a}' for n in names for a in 'xyz')
    rows = [
        ','.join([f'{i / FPS:.4f}'] +
                 ['' if np.isnan(v) else f'{v:.6f}' for v in frame.ravel()])
        for i, frame in enumerate(points)
    ]
    path.write_text('\n'.join([head] + rows) + '\n')
    return path


def write_c3d(path, names, points):
    ezc3d = pytest.importorskip('ezc3d')
    file = ezc3d.c3d()
    file['parameters']['POINT']['RATE']['value'] = [float(FPS)]
    file['parameters']['POINT']['UNITS']['value'] = ['mm']
    file['parameters']['POINT']['LABELS']['value'] = list(names)
    data = np.ones((4, len(names), len(points)))
    data[:3] = 1000 * points.transpose(2, 1, 0)
    file['data']['points'] = data
    file.write(str(path))
    return path


WRITERS = {'trc': write_trc, 'csv': write_csv, 'c3d': write_c3d}


@pytest.mark.parametrize('kind', WRITERS)
def test_points_of_all_files_become_the_views_of_each_camera(
        kind, tmp_path, calibration):
    points = world()
    points[5:9, 6] = np.nan
    path = WRITERS[kind](tmp_path / f'walk_1.{kind}', H36M_17.joints, points)
    markers = read_markers(path)
    assert markers.fps == pytest.approx(FPS)
    recording = recording_of(markers, read_calibration(calibration),
                             read_joint_plan(None, markers), 'Ann', 'walk_1')
    write_recording(tmp_path / 'own.npz', recording)
    dataset = RecordingDataset(str(tmp_path / 'own.npz'), 9, 9)
    assert dataset.metainfo['root_joint'] == 'root'
    assert [s.camera for s in dataset.sequences] == ['front', 'side']
    for sequence in dataset.sequences:
        poses, pixels = seen_by(sequence.camera, points)
        known = np.isfinite(points).all(-1)
        np.testing.assert_array_equal(sequence.known, known)
        np.testing.assert_allclose(
            sequence.keypoints_3d[known], poses[known], atol=2e-5)
        np.testing.assert_allclose(
            sequence.keypoints_2d[known], pixels[known], atol=.02)


def test_axes_are_those_in_which_cameras_see_the_points(calibration):
    cameras, points = read_calibration(calibration), world()
    assert find_axes(points, cameras) == 'same'
    # Pose2Sim's TRC: z-up to y-up as its code has it, [[1, 2, 0]].
    assert find_axes(points[..., [1, 2, 0]], cameras) == 'pose2sim'
    with pytest.raises(ValueError, match='unit or their axes'):
        find_axes(1000 * points, cameras)


def test_joints_are_means_of_markers_and_bones_are_rigid(tmp_path):
    rng = np.random.default_rng(0)
    turn = rng.uniform(0, 6, 200)
    hip = rng.normal(0, 1, (200, 1, 3))
    knee = hip + .4 * np.stack(
        [np.sin(turn), np.cos(turn), 0 * turn], -1)[:, None]
    foot = knee + .45 * np.stack(
        [np.cos(turn), 0 * turn, np.sin(turn)], -1)[:, None]
    points = np.concatenate([hip, foot, knee], axis=1)
    assert sorted(map(sorted, rigid_links(points))) == [[0, 2], [1, 2]]
    path = write_csv(tmp_path / 'a.csv', ['LA', 'LB', 'C'], points)
    plan = tmp_path / 'plan.json'
    plan.write_text(
        json.dumps(
            dict(joints=dict(pelvis=['LA', 'LB'], knee='C'), root='pelvis')))
    markers = read_markers(path)
    found = read_joint_plan(plan, markers)
    joints = joints_of(markers, found)
    np.testing.assert_allclose(
        joints[:, 0], (points[:, 0] + points[:, 1]) / 2, atol=1e-5)
    plan.write_text(json.dumps(dict(joints=dict(pelvis='LX'))))
    with pytest.raises(ValueError, match=r"found \['LX'\]"):
        read_joint_plan(plan, markers)


def test_two_d_of_a_detector_takes_the_place_of_projections(
        tmp_path, calibration):
    points = world()
    path = write_trc(tmp_path / 'walk.trc', H36M_17.joints, points)
    pixels = seen_by('front', points)[1] + 3
    np.savez(
        tmp_path / 'front.npz',
        keypoints=pixels.astype(np.float32),
        scores=np.full(pixels.shape[:2], .8, np.float32))
    markers = read_markers(path)
    track = read_keypoint_file(tmp_path / 'front.npz', (1280, 720), 'h36m')
    recording = recording_of(
        markers,
        read_calibration(calibration),
        read_joint_plan(None, markers),
        'Ann',
        'walk',
        keypoints=dict(front=track))
    front = next(s for s in recording.sequences if s.camera == 'front')
    np.testing.assert_allclose(front.keypoints_2d, pixels, atol=1e-3)
    assert (front.scores == np.float32(.8)).all()
    with pytest.raises(ValueError, match='40 frames, the points have 60'):
        track.keypoints = track.keypoints[:40]
        recording_of(
            markers,
            read_calibration(calibration),
            read_joint_plan(None, markers),
            'Ann',
            'walk',
            keypoints=dict(front=track))


def test_the_form_of_aist(tmp_path):
    points = world()
    coco = np.random.default_rng(1).normal(0, .2, (60, 17, 3)) + points[:, :1]
    cameras = [
        dict(
            name=name,
            size=[1280, 720],
            matrix=MATRIX.tolist(),
            rotation=cv2.Rodrigues(turn)[0].ravel().tolist(),
            translation=(100 * SHIFTS[name]).tolist(),
            distortions=[0, 0, 0, 0, 0]) for name, turn in TURNS.items()
    ]
    (tmp_path / 'setting1.json').write_text(json.dumps(cameras))
    np.savez(tmp_path / 'gBR.npz', keypoints3d_optim=100 * coco)
    recording = read_aist(tmp_path / 'gBR.npz', tmp_path / 'setting1.json',
                          'd04', 'gBR_ch01')
    assert recording.fps == 60 and recording.skeleton.num_joints == 18
    assert recording.skeleton.joints[recording.skeleton.root] == 'mid_hip'
    for sequence in recording.sequences:
        poses, pixels = seen_by(sequence.camera, coco)
        np.testing.assert_allclose(
            sequence.keypoints_3d[:, :17], poses, atol=1e-5)
        np.testing.assert_allclose(
            sequence.keypoints_2d[:, :17], pixels, atol=.02)
        hips = [COCO_17.index['left_hip'], COCO_17.index['right_hip']]
        np.testing.assert_allclose(
            sequence.keypoints_3d[:, 17], poses[:, hips].mean(1), atol=1e-5)


def test_the_form_of_human36m(tmp_path):
    points = world()
    np.savez(
        tmp_path / 'data_3d_own.npz',
        positions_3d=np.array({'S1': {
            'Walking 1': points
        }}, dtype=object))
    views = [seen_by(name, points)[1] + 2 for name in ('front', 'side')]
    np.savez(
        tmp_path / 'data_2d_own.npz',
        positions_2d=np.array({'S1': {
            'Walking 1': views
        }}, dtype=object))
    cameras = {
        ('S1', name):
        dict(
            w=1280,
            h=720,
            f=MATRIX[[0, 1], [0, 1]],
            c=MATRIX[:2, 2],
            R=turn.T,
            T=-turn.T @ SHIFTS[name])
        for name, turn in TURNS.items()
    }
    (tmp_path / 'cameras.pkl').write_bytes(pickle.dumps(cameras))
    recording = read_h36m_form(tmp_path / 'data_3d_own.npz',
                               tmp_path / 'cameras.pkl',
                               tmp_path / 'data_2d_own.npz')
    assert [s.clip for s in recording.sequences] == ['Walking_1'] * 2
    for sequence, view in zip(recording.sequences, views):
        poses, _ = seen_by(sequence.camera, points)
        np.testing.assert_allclose(sequence.keypoints_3d, poses, atol=1e-5)
        np.testing.assert_allclose(sequence.keypoints_2d, view, atol=1e-3)


@pytest.mark.parametrize('name, text, message', [
    ('a.trc', 'frame\n', 'expected a TRC file'),
    ('a.csv', 'time,a_x,a_y\n0,1,2\n', 'without.*a_z'),
    ('a.csv', 'time,a_x,a_y,a_z\n0,1,2,3\n0,1,2,3\n', 'equal steps'),
    ('a.c3d', 'nothing', 'no C3D file'),
    ('a.bvh', '', 'points in space in one of'),
])
def test_other_files_are_refused(name, text, message, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        read_markers(tmp_path / name)


def test_the_origin_stands_for_what_is_not_known(tmp_path):
    points = world()
    points[5:9, 6] = 0
    found = read_markers(
        write_trc(tmp_path / 'a.trc', H36M_17.joints, points)).points
    assert np.isnan(found[5:9, 6]).all()
    assert np.isfinite(np.delete(found, 6, axis=1)).all()


@pytest.mark.parametrize('old, new', [
    ('fisheye = false', 'fisheye = true'),
    ('0.0]\nrotation', '0.0, 0.0, 0.1]\nrotation'),
])
def test_lenses_of_another_kind_are_refused(calibration, old, new):
    text = calibration.read_text().replace('[ 0.0,', '[ 0.2,')
    calibration.write_text(text.replace(old, new))
    with pytest.raises(ValueError, match='camera front: expected.*undistort'):
        read_calibration(calibration)


@pytest.mark.parametrize('options', [
    ('--form', 'h36m', '--person', 'Ann'),
    ('--form', 'h36m', '--axes', 'y-up'),
    ('--form', 'aist', '--keypoints', 'a=b.json'),
])
def test_an_option_that_nothing_reads_is_refused(options, tmp_path):
    with pytest.raises(SystemExit, match=f'{options[2]}: nothing reads it'):
        main(['a.npz', '--calibration', 'c.pkl', '--out', 'o.npz', *options])


def test_a_calibration_says_what_it_lacks(tmp_path):
    path = tmp_path / 'c.toml'
    path.write_text('[a]\nsize = [3, 4]\n')
    with pytest.raises(ValueError, match="camera a lacks.*'matrix'"):
        read_calibration(path)
    path.write_text('no toml')
    with pytest.raises(ValueError, match='no TOML file'):
        read_calibration(path)
