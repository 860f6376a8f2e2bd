# Copyright (c) mmdiffpose contributors. All rights reserved.
import json

import numpy as np
import pytest
from deepmimic_files import (HUMANOID, WIDTHS, frame, write_character,
                             write_motion)

from mmdiffpose.datasets.mocap.deepmimic import (H36M_FROM_DEEPMIMIC,
                                                 read_character, read_motion)
from mmdiffpose.datasets.mocap.h36m_mapping import map_joints
from mmdiffpose.skeletons import H36M_17

J = H36M_17.index
HALF = np.sqrt(.5)


@pytest.fixture()
def character(tmp_path):
    return read_character(write_character(tmp_path / 'character.txt'))


def _read(tmp_path, character, *frames, **options):
    path = write_motion(tmp_path / 'motion.txt', *frames)
    return read_motion(path, character, **options)


def test_rest_pose_by_hand(tmp_path, character):
    motion = _read(tmp_path, character, frame(.1), frame(0))
    assert character.width == 44
    assert motion['right_ankle'][0] == pytest.approx([0, .05, .1])
    assert motion['left_wrist'][0] == pytest.approx([0, .8, -.2])
    assert motion['head'][0] == pytest.approx([0, 1.45, 0])
    pose = map_joints(
        np.stack(list(motion.values()), 1), list(motion),
        H36M_FROM_DEEPMIMIC)[0]
    assert pose[J['root']] == pytest.approx([0, .85, 0])
    assert pose[J['thorax']] == pytest.approx([0, 1.35, 0])
    assert pose[J['neck_base']] == pytest.approx([0, 1.375, 0])
    assert pose[J['right_foot']] == pytest.approx([0, .05, .1])


def test_turns_by_hand(tmp_path, character):
    """Knees bend back at negative, elbows forward at positive angles."""
    # The left leg goes to the left by 90 degrees, about x.
    turned = frame(
        .1,
        right_knee=[-np.pi / 2],
        left_elbow=[np.pi / 2],
        left_hip=[HALF, HALF, 0, 0])
    motion = _read(tmp_path, character, turned, frame(0))
    assert motion['right_ankle'][0] == pytest.approx([-.4, .45, .1])
    assert motion['left_wrist'][0] == pytest.approx([.25, 1.05, -.2])
    assert motion['left_ankle'][0] == pytest.approx([0, .85, -.9])


def test_everything_turns_with_the_root(tmp_path, character):
    """A quarter about y takes forward (x) to -z."""
    turned = frame(
        .1, (1, .85, 2), root=[HALF, 0, HALF, 0], right_elbow=[np.pi / 2])
    motion = _read(tmp_path, character, turned, frame(0))
    assert motion['right_hip'][0] == pytest.approx([1.1, .85, 2])
    assert motion['right_wrist'][0] == pytest.approx([1.2, 1.05, 1.75])


def _matrix(q):
    w, x, y, z = q / np.linalg.norm(q)
    return np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - w * z),
                      2 * (x * z + w * y)],
                     [2 * (x * y + w * z), 1 - 2 * (x * x + z * z),
                      2 * (y * z - w * x)],
                     [2 * (x * z - w * y), 2 * (y * z + w * x),
                      1 - 2 * (x * x + y * y)]])  # yapf: disable


def _plain_kinematics(joints, head, row):
    """Homogeneous matrices, one joint after the other."""
    poses, places, column = [], {}, 4
    for name, parent, kind, offset in joints:
        local = np.eye(4)
        local[:3, 3] = offset if parent >= 0 else row[1:4]
        width = WIDTHS[kind]
        values = np.array(row[column:column + width])
        column += width
        if width == 4:
            local[:3, :3] = _matrix(values)
        elif width == 1:
            cos, sin = np.cos(values[0]), np.sin(values[0])
            local[:2, :2] = [[cos, -sin], [sin, cos]]
        poses.append(local if parent < 0 else poses[parent] @ local)
        places[name] = poses[-1][:3, 3]
        if name == 'neck':
            places['head'] = (poses[-1] @ [*head, 1])[:3]
    return places


def test_any_frame_is_that_of_plain_kinematics(tmp_path, character):
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(4):
        turns = {
            name: rng.normal(size=WIDTHS[kind])
            for name, _, kind, _ in HUMANOID
        }
        turns = {
            name: value / np.linalg.norm(value) if len(value) == 4 else value
            for name, value in turns.items()
        }
        rows.append(frame(.125, rng.normal(size=3), **turns))
    motion = _read(tmp_path, character, *rows, fps=8)
    for i, row in enumerate(rows):
        for name, place in _plain_kinematics(HUMANOID, (0, .15, 0),
                                             row).items():
            np.testing.assert_allclose(motion[name][i], place, atol=1e-9)


def test_published_files_are_those_of_plain_kinematics(shared_dir):
    root = shared_dir / 'data/deepmimic'
    if not root.is_dir():
        pytest.skip(f'{root} does not exist')
    path = root / 'characters/humanoid3d.txt'
    character = read_character(path)
    content = json.loads(path.read_text())
    joints = [(entry['Name'], entry['Parent'], entry['Type'],
               [entry['Attach' + axis] for axis in 'XYZ'])
              for entry in content['Skeleton']['Joints']]
    for name in ('crawl', 'kick', 'spinkick'):
        file = root / f'motions/humanoid3d_{name}.txt'
        rows = json.loads(file.read_text())['Frames']
        fps = round(1 / rows[0][0])
        motion = read_motion(file, character, fps=fps)
        for i in (0, 7):
            expected = _plain_kinematics(joints, character.head, rows[i])
            for joint, place in expected.items():
                np.testing.assert_allclose(
                    motion[joint][i], place, atol=2e-3, err_msg=joint)
        pose = map_joints(
            np.stack(list(motion.values()), 1), list(motion),
            H36M_FROM_DEEPMIMIC)
        thigh = pose[:, J['left_knee']] - pose[:, J['left_hip']]
        np.testing.assert_allclose(np.linalg.norm(thigh, axis=1), .421546)
        assert -.1 < pose[..., 1].min() < .1
        # Knees bend forward as left, right and up define it.
        hips = pose[:, J['left_hip']] - pose[:, J['right_hip']]
        front = np.cross(hips, pose[:, J['thorax']] - pose[:, 0])
        middle = (pose[:, J['left_hip']] + pose[:, J['left_foot']]) / 2
        assert ((pose[:, J['left_knee']] - middle) * front).sum(1).mean() > 0


def test_between_frames_rotations_take_the_shortest_arc(tmp_path, character):
    """A quaternion and its negative are one rotation."""
    angle = np.pi / 4
    rows = [
        frame(.1, left_hip=[1, 0, 0, 0]),
        frame(.1, left_hip=-np.array([np.cos(angle),
                                      np.sin(angle), 0, 0])),
        frame(.5)
    ]
    motion = _read(tmp_path, character, *rows, fps=20)
    # .2 s in steps of .05 s, both ends included; the last time is not read.
    assert len(motion['root']) == 5
    half = .8 * np.array([0, -np.cos(angle), -np.sin(angle)])
    np.testing.assert_allclose(
        motion['left_ankle'][1] - motion['left_hip'][1], half, atol=1e-9)


def test_quaternions_are_scaled_to_one(tmp_path, character):
    turn = np.array([HALF, HALF, 0, 0])
    motion = _read(tmp_path, character, frame(.1, left_hip=.6 * turn),
                   frame(0, left_hip=1.1 * turn))
    np.testing.assert_allclose(
        motion['left_ankle'], [[0, .85, -.9]] * 7, atol=1e-12)


def test_uneven_frames(tmp_path, character):
    rows = [frame(.1, (0, 1, 0)), frame(.3, (1, 1, 0)), frame(0, (4, 1, 0))]
    motion = _read(tmp_path, character, *rows, fps=10)
    np.testing.assert_allclose(motion['root'][:, 0], [0, 1, 2, 3, 4])


@pytest.mark.parametrize('rows, message', [
    ([frame(.1)[:-1]] * 2, r'expected frames of 44 numbers.*found \[43\]'),
    ([frame(.1)], 'two and more frames'),
    ([frame(0), frame(.1)], 'positive number of seconds'),
    ([frame(.1, (np.nan, 0, 0))] * 2, 'frame 0 is NaN or infinite'),
    ([frame(.1), frame(0, neck=[0, .1, 0, 0])
      ], 'quaternion of "neck" in frame 1 has the length 0.1'),
    ([], 'it has no "Frames"'),
])
def test_bad_motions(tmp_path, character, rows, message):
    with pytest.raises(ValueError, match=message):
        _read(tmp_path, character, *rows)


def test_bad_files_and_options(tmp_path, character):
    with pytest.raises(FileNotFoundError, match='does not exist'):
        read_motion(tmp_path / 'none.txt', character)
    (tmp_path / 'a.txt').write_text('{"Frames": [')
    with pytest.raises(ValueError, match='not a JSON file'):
        read_motion(tmp_path / 'a.txt', character)
    with pytest.raises(ValueError, match='fps must be positive, got 0'):
        _read(tmp_path, character, frame(.1), frame(0), fps=0)


@pytest.mark.parametrize('number, joint, message', [
    (4, ('knee', 3, 'prismatic', (0, 0, 0)), 'the type "prismatic"; known'),
    (4, ('knee', 9, 'revolute', (0, 0, 0)), 'joint 4 has the ID 4 and the'),
    (4, ('knee', -1, 'none', (0, 0, 0)), 'joint 4 has the ID 4 and the'),
    (0, ('root', -1, 'none', (0, .1, 0)), 'the root stands beside'),
    (8, HUMANOID[8], 'joint "right_wrist" is turned against its parent'),
    (2, ('throat', 1, 'spherical', (0, .2, 0)), None),
])
def test_bad_characters(tmp_path, number, joint, message):
    joints = list(HUMANOID)
    joints[number] = joint
    path = write_character(
        tmp_path / 'c.txt', joints, turned=8 if number == 8 else None)
    if message is None:
        content = json.loads(path.read_text())
        content['BodyDefs'] = []
        path.write_text(json.dumps(content))
        message = 'cannot be read as a DeepMimic character: StopIteration'
    with pytest.raises(ValueError, match=message):
        read_character(path)
