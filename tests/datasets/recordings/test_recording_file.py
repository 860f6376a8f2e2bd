# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Recording files are read as they are described."""
import numpy as np
import pytest
from walking_person import CAMERA, walking

from mmdiffpose.datasets import RecordingDataset
from mmdiffpose.datasets.recordings.data_report import (_longest, histogram,
                                                        report_data)
from mmdiffpose.datasets.recordings.recording_file import (Recording,
                                                           mirror_images,
                                                           read_recording,
                                                           write_recording)
from mmdiffpose.skeletons import H36M_17

NUMBERS = [1000, 800, *CAMERA['f'], *CAMERA['c']]


def arrays(swing=.4, **changes):
    poses = walking(120, swing)
    pixels = poses[..., :2] / poses[..., 2:] * CAMERA['f'] + CAMERA['c']
    pixels += np.random.default_rng(0).normal(0, 3, pixels.shape)
    made = dict(
        joints=list(H36M_17.joints),
        links=list(H36M_17.bones),
        root='root',
        fps=50.)
    for person in ('Ann', 'Bo'):
        made[f'{person}/Walk_1/front/3d'] = poses
        made[f'{person}/Walk_1/front/2d'] = pixels
        made[f'{person}/Walk_1/front/camera'] = NUMBERS
    made.update(changes)
    return {key: value for key, value in made.items() if value is not None}


@pytest.fixture
def write(tmp_path):

    def run(**changes):
        np.savez(tmp_path / 'own.npz', **arrays(**changes))
        return str(tmp_path / 'own.npz')

    return run


def test_arrays_become_windows(write):
    poses = walking(120)
    poses[10:20, 5] = np.nan
    flat = np.concatenate(
        [arrays()['Ann/Walk_1/front/2d'],
         np.full((120, 17, 1), .7)], -1)
    flat[30, 2] = np.nan
    path = write(**{'Ann/Walk_1/front/3d': poses, 'Ann/Walk_1/front/2d': flat})
    dataset = RecordingDataset(path, 9, 9, subjects=['Ann'], test_mode=True)
    assert {sample['subject'] for sample in dataset} == {'Ann'}
    sequence, = dataset.sequences
    assert sequence.action == 'Walk' and sequence.clip == 'Walk_1'
    np.testing.assert_array_equal(sequence.known, np.isfinite(poses).all(-1))
    assert sequence.scores[30, 2] == 0
    assert sequence.scores[31, 2] == np.float32(.7)
    assert dataset.metainfo['flip_indices'] == list(H36M_17.flip_indices)
    assert dataset.metainfo['root_joint'] == 'root'


def test_what_is_written_is_read_again(write, tmp_path):
    first = read_recording(write())
    write_recording(tmp_path / 'again.npz', first)
    again = read_recording(tmp_path / 'again.npz')
    assert again.skeleton.same_joints(first.skeleton)
    assert again.fps == first.fps == 50
    for one, other in zip(first.sequences, again.sequences):
        np.testing.assert_array_equal(one.keypoints_3d, other.keypoints_3d)
        np.testing.assert_array_equal(one.keypoints_2d, other.keypoints_2d)
        np.testing.assert_array_equal(one.camera_param['f'],
                                      other.camera_param['f'])
    twice = Recording(first.skeleton, 50., first.sequences[:1] * 2)
    with pytest.raises(ValueError, match='there twice'):
        write_recording(tmp_path / 'twice.npz', twice)


def test_poses_without_2d_are_projected(write):
    path = write(**{'Ann/Walk_1/front/2d': None, 'Bo/Walk_1/front/2d': None})
    poses = walking(120)
    for sequence in read_recording(path).sequences:
        np.testing.assert_allclose(
            sequence.keypoints_2d,
            poses[..., :2] / poses[..., 2:] * CAMERA['f'] + CAMERA['c'],
            rtol=1e-4)


@pytest.mark.parametrize('changes, message', [
    (dict(root='hip'), "root: expected one of.*found 'hip'"),
    (dict(fps=0.), 'fps'),
    (dict(links=[(0, 99)]), 'indices of 17 joints'),
    ({
        'Ann/Walk_1/front/3d': None
    }, r"Ann/Walk_1/front lacks \['3d'\]"),
    ({
        'Ann/Walk_1/front/camera': [1, 2, 3]
    }, 'camera: expected w, h'),
    ({
        'Ann/Walk_1/front/speed': [1]
    }, 'front/speed'),
    ({
        'A_b/Walk_1/front/3d': [1],
        'A_b/Walk_1/front/camera': NUMBERS
    }, 'names of people'),
])
def test_broken_files_are_named(write, changes, message):
    path = write(**changes)
    with pytest.raises(ValueError, match=message) as error:
        RecordingDataset(path, 9)
    assert 'own.npz' in str(error.value)


def test_mirror_images_are_told_by_names():
    names = ['hip', 'LKnee', 'RKnee', 'wrist_right', 'wrist_left']
    assert sorted(mirror_images(names)) == [(1, 2), (4, 3)]
    markers = ['LASI', 'RASI', 'SACR', 'LTHI', 'RTHI', 'LKNE', 'RKNE', 'LUMB']
    assert sorted(mirror_images(markers)) == [(0, 1), (3, 4), (5, 6)]
    french = ['genou_droit', 'hanche_gauche', 'genou_gauche', 'hanche_droite']
    assert sorted(mirror_images(french)) == [(1, 3), (2, 0)]
    assert mirror_images(['tail', 'spine', 'neck', 'heel', 'leg']) == []


def test_a_file_without_left_and_right_says_so(write):
    names = [f'P{i}' for i in range(17)]
    changes = dict(joints=names, root='P0')
    with pytest.raises(ValueError, match="P16'.* are left and right: name"):
        RecordingDataset(write(**changes), 9)
    dataset = RecordingDataset(write(**changes, swaps=[(1, 4)]), 9)
    assert dataset.metainfo['flip_indices'][:6] == [0, 4, 2, 3, 1, 5]
    RecordingDataset(write(**changes, swaps=np.zeros((0, 2), int)), 9)


def test_the_report_finds_what_is_wrong(write):
    dataset = RecordingDataset(write(swing=0.), 9)
    dataset.full_init()
    good = report_data(dataset.sequences, H36M_17, 50.)
    # Its left and right differ a little, as drawn by hand.
    assert all('differ by' in warning for warning in good.warnings)
    assert good.values['people'] == dict(Ann=120, Bo=120)
    # 3 px of noise along each axis: 3.5 px is the median of their length.
    assert good.values['projection_px'] == pytest.approx(3.53, abs=.15)
    # From (-0.13, 0.02, 0) to (-0.14, 0.47, -0.05).
    thigh = good.values['bone_lengths_mm']['right_hip - right_knee']
    assert thigh == pytest.approx(452.9, abs=.1)
    swapped = dataset.sequences
    for sequence in swapped:
        order = list(H36M_17.flip_indices)
        sequence.keypoints_3d = sequence.keypoints_3d[:, order]
        sequence.visible = np.ones((120, 17), np.float32)
        sequence.visible[30:90, 0] = sequence.visible[:, 3] = 0
    found = '\n'.join(report_data(swapped, H36M_17, 5000.).warnings)
    for text in ('never known in 3D: right_foot', 'root root is not known in '
                 '50.0 %', 'the frame rate of 5000 may be too high'):
        assert text in found


def test_numbers_of_the_report():
    assert _longest(np.array([1, 1, 0, 1, 1, 1, 0], bool)) == 3
    assert _longest(np.zeros(4, bool)) == 0
    lines = histogram(np.array([0., 1, 1, 1, 2, 9]), 'px', 3)
    shares = [line.split('px')[1].split('%')[0].strip() for line in lines]
    assert shares == ['83.3', '0.0', '16.7']
