# Copyright (c) mmdiffpose contributors. All rights reserved.
import json

import numpy as np
import pytest

from mmdiffpose.datasets.world_motions import read_motions
from mmdiffpose.skeletons import H36M_17

J = H36M_17.index
# Metres, y up, left is +x, the person faces +z; ankles at 0.1 m.
PERSON = dict(
    right_ankle=(-.1, .1, 0), right_knee=(-.1, .5, 0), right_hip=(-.1, .9, 0),
    right_wrist=(-.7, 1.4, 0), right_elbow=(-.45, 1.4, 0),
    right_shoulder=(-.2, 1.4, 0), left_ankle=(.1, .1, 0),
    left_knee=(.1, .5, 0), left_hip=(.1, .9, 0), left_wrist=(.7, 1.4, 0),
    left_elbow=(.45, 1.4, 0), left_shoulder=(.2, 1.4, 0),
    head_top=(0, 1.75, 0), head=(0, 1.6, .06), neck=(0, 1.48, 0),
    spine=(0, 1.15, 0), pelvis=(0, .9, 0))  # yapf: disable
EXPECTED = dict(
    root=(0, .9, 0), right_hip=(-.1, .9, 0), left_knee=(.1, .5, 0),
    right_foot=(-.1, .1, 0), spine=(0, 1.15, 0), thorax=(0, 1.4, 0),
    neck_base=(0, 1.54, .03), head=(0, 1.6, .06), left_wrist=(.7, 1.4, 0),
    right_elbow=(-.45, 1.4, 0))  # yapf: disable


@pytest.fixture()
def tool(load_tool):
    return load_tool('dataset_converters/point_motions')


def walk(frames, turn=np.eye(3), away=(0, 0, 0)):
    """The person moving by 1 cm a frame along x, (F, 17, 3), other axes."""
    still = np.array(list(PERSON.values()))
    moving = still + np.arange(frames)[:, None, None] * [.01, 0, 0]
    return moving @ np.transpose(turn) + away


def write_csv(path, points, fps=50.):
    names = list(PERSON)
    head = ['time', *(f'{n}_{a}' for n in names for a in 'xyz')]
    lines = [','.join(head)]
    for number, frame in enumerate(points):
        cells = [
            '' if np.isnan(value) else f'{value:.6f}'
            for value in frame.ravel()
        ]
        lines.append(','.join([f'{number / fps:.4f}', *cells]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(lines) + '\n')


def convert(tool, tmp_path, *arguments):
    out = tmp_path / 'out.npz'
    tool.main([
        '--skeleton', 'aspset', '--data-root',
        str(tmp_path), '--out',
        str(out), *arguments
    ])
    return read_motions(out)


def test_aspset_by_hand(tool, tmp_path):
    """C3D in millimetres, in the axes of a camera that is pitched by 20 and
    rolled by 5 degrees."""
    ezc3d = pytest.importorskip('ezc3d')
    pytest.importorskip('c3d')
    pitch, roll = np.radians([20, 5])
    down = np.diag([1., -1, -1])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)],
                        [0, np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0],
                        [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    points = 1000 * walk(30, about_z @ about_x @ down, (.4, 1.2, 6))
    file = ezc3d.c3d()
    file['parameters']['POINT']['UNITS']['value'] = ['mm']
    file['parameters']['POINT']['RATE']['value'] = [50.]
    file['parameters']['POINT']['LABELS']['value'] = list(PERSON)
    file['data']['points'] = np.concatenate(
        [points.transpose(2, 1, 0),
         np.ones((1, 17, 30))])
    folder = tmp_path / 'trainval/joints_3d/04ac'
    folder.mkdir(parents=True)
    file.write(str(folder / '04ac-0026.c3d'))
    motions = convert(tool, tmp_path, '--up', 'body')
    assert (len(motions), motions.fps[0]) == (1, 50)
    assert (motions.subjects[0], motions.actions[0]) == ('04ac', '0026')
    assert (motions.clips[0], motions.sources[0]) == ('04ac-0026', 'aspset')
    pose = motions.positions[0]
    for joint, place in EXPECTED.items():
        # Ankles are put 8 cm above the floor.
        assert pose[J[joint], 1] == pytest.approx(place[1] - .02, abs=1e-4)
        for other, there in EXPECTED.items():
            assert np.linalg.norm(pose[J[joint]] - pose[J[other]]) == (
                pytest.approx(
                    np.linalg.norm(np.subtract(place, there)), abs=1e-4))
    # Left stays left: the head is in front.
    left = pose[J['left_hip']] - pose[J['right_hip']]
    front = np.cross(left, [0, 1, 0]) / .2
    assert (pose[J['head']] - pose[J['thorax']]) @ front == pytest.approx(
        .06, abs=1e-4)
    step = (motions.positions[-1] - pose).mean(0)
    np.testing.assert_allclose(step, 1.45 * left, atol=1e-4)
    assert step[1] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize('up, places', [
    ('y', (0, 1, 2)),
    ('z', (2, 0, 1)),
    ('x', (1, 2, 0)),
])
def test_named_axes(tool, tmp_path, up, places):
    """Cyclic changes of axes: y goes to the one that is named."""
    write_csv(tmp_path / 'a1/a1-1.csv', walk(3)[..., list(places)])
    pose = convert(tool, tmp_path, '--up', up).positions[0]
    for joint, place in EXPECTED.items():
        assert pose[J[joint], 1] == pytest.approx(place[1] - .02, abs=1e-5)


def test_downward_axes(tool):
    person = np.array([[.1, 1.6, .2]])
    for up, axis in (('-x', 0), ('-y', 1), ('-z', 2), ('x', 0), ('z', 2)):
        turn = np.array(tool.ROTATIONS[up])
        assert np.linalg.det(turn) == pytest.approx(1)
        sign = -1 if up[0] == '-' else 1
        assert (person @ turn.T)[0, 1] == sign * person[0, axis]


def test_short_gaps_are_bridged_and_long_ones_cut(tool, tmp_path):
    points = walk(100)
    points[10:30, 3] = np.nan  # 20 frames: .4 s
    points[50:80] = np.nan  # 30 frames: .6 s
    write_csv(tmp_path / 'a1/a1-7.csv', points)
    motions = convert(tool, tmp_path)
    assert np.diff(motions.starts).tolist() == [50, 20]
    assert motions.clips.tolist() == ['a1-7', 'a1-7_part1']
    steps = np.diff(motions.clip(0)[:, J['right_wrist'], 0])
    np.testing.assert_allclose(steps, .01, atol=1e-5)


def test_what_is_refused(tool, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no .trc, .c3d, .csv below'):
        convert(tool, tmp_path)
    write_csv(tmp_path / 'a1/a1-1.csv', walk(3)[..., [0, 2, 1]])
    with pytest.raises(ValueError, match='up is z, expected y; see --up'):
        convert(tool, tmp_path)
    write_csv(tmp_path / 'a1/a1-1.csv', np.full((3, 17, 3), np.nan))
    with pytest.raises(ValueError, match='expected frames with all joints'):
        convert(tool, tmp_path)
    (tmp_path / 'a1/a1-1.csv').unlink()
    write_csv(tmp_path / 'a1/other.csv', walk(3))
    with pytest.raises(ValueError, match='other.csv does not begin with'):
        convert(tool, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"one of \['aspset'\] or a"):
        tool.main([
            '--skeleton', 'lafan1', '--data-root',
            str(tmp_path), '--out', 'out.npz'
        ])


def test_joints_of_a_json_file(tool, tmp_path):
    write_csv(tmp_path / 'a1/jump.csv', walk(3))
    joints = {
        name: list(found)
        for name, found in tool.PRESETS['aspset'].joints.items()
    }
    path = tmp_path / 'mine.json'
    path.write_text(json.dumps(dict(joints=joints)))
    motions = convert(tool, tmp_path, '--skeleton', str(path))
    assert motions.sources[0] == 'mine'
    assert (motions.subjects[0], motions.actions[0]) == ('a1', 'jump')
    path.write_text(json.dumps(dict(joints=joints, metres_per_unit=2)))
    with pytest.raises(ValueError):  # Somebody of more than seven metres.
        convert(tool, tmp_path, '--skeleton', str(path))
