# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest

from mmdiffpose.datasets.mocap.asf_amc import read_motion
from mmdiffpose.datasets.mocap.h36m_mapping import (H36M_FROM_ACCLAIM,
                                                    map_joints)
from mmdiffpose.datasets.mocap.resample import resample
from mmdiffpose.datasets.mocap_mini_file import (DEFAULT_PATH, MocapClip,
                                                 load_mocap_mini,
                                                 save_mocap_mini)
from mmdiffpose.skeletons import H36M_17

BOUNDS = dict(  # metres
    right_hip=(.06, .16),
    right_knee=(.36, .50),
    right_foot=(.36, .50),
    spine=(.16, .34),
    thorax=(.16, .34),
    neck_base=(.08, .20),
    head=(.08, .20),
    right_shoulder=(.12, .26),
    right_elbow=(.24, .36),
    right_wrist=(.20, .32))
RIGID = ('knee', 'foot', 'elbow', 'wrist', 'hip')


@pytest.fixture(scope='module')
def clips():
    return load_mocap_mini()[0]


def test_file_is_small_and_attributed():
    assert DEFAULT_PATH.stat().st_size < 2e6
    text = (DEFAULT_PATH.parent / 'mocap_mini_ATTRIBUTION.md').read_text()
    assert 'mocap.cs.cmu.edu' in text and 'NSF EIA-0196217' in text
    assert 'Apache-2.0' in text
    for clip in load_mocap_mini()[0]:
        assert f'{len(clip.positions):,}' in text


def test_splits_share_no_clip(clips):
    assert load_mocap_mini()[1] == 50
    frames = dict(train=0, val=0, test=0)
    for clip in clips:
        frames[clip.split] += len(clip.positions)
    assert frames == dict(train=4832, val=1430, test=2106)
    names = [clip.clip for clip in clips]
    assert len(set(names)) == len(names)
    people = {
        split: {clip.subject
                for clip in clips if clip.split == split}
        for split in frames
    }
    assert people['test'] - people['train'] - people['val'] == {'S2'}


def test_no_test_pose_is_a_training_pose(clips):
    """The same frames under another name would be found here."""

    def poses(split):
        parts = [c.positions for c in clips if c.split == split]
        return np.concatenate(parts) - np.concatenate(parts)[:, :1]

    train, test = poses('train')[::2], poses('test')[::50]
    nearest = np.array([
        np.linalg.norm(train - pose, axis=-1).mean(axis=-1).min()
        for pose in test
    ])
    assert nearest.min() > .01


def test_bones_are_plausible_symmetric_and_constant(clips):
    for clip in clips:
        length = {
            H36M_17.joints[child]:
            np.linalg.norm(
                clip.positions[:, child] - clip.positions[:, parent], axis=-1)
            for parent, child in H36M_17.bones
        }
        for bone, (low, high) in BOUNDS.items():
            mirrored = length[bone.replace('right', 'left')]
            assert low < length[bone].min() and length[bone].max() < high
            assert abs(length[bone].mean() - mirrored.mean()) < .02
        for bone, values in length.items():
            if bone.endswith(RIGID):
                assert values.std() < 1e-3, (clip.clip, bone)


def test_people_stand_upright_on_the_floor(clips):
    joints = H36M_17.index
    for clip in clips:
        height = clip.positions[..., 1]
        assert -.05 < height.min() < .2
        assert height.max() < 3
        upright = height[:, joints['head']] - height[:, joints['root']]
        assert np.percentile(upright, 95) > .5


def test_people_have_left_and_right(clips):
    """Seen from behind, the left hip is on the left: a mirrored axis would
    turn people inside out (knees bend backwards only)."""
    joints = H36M_17.index
    for clip in clips:
        p = clip.positions
        across = p[:, joints['left_hip']] - p[:, joints['right_hip']]
        up = p[:, joints['thorax']] - p[:, joints['root']]
        forward = np.cross(across, up)
        thigh = p[:, joints['left_knee']] - p[:, joints['left_hip']]
        shin = p[:, joints['left_foot']] - p[:, joints['left_knee']]
        bend = ((thigh - shin) * forward).sum(axis=-1)
        assert (bend > 0).mean() > .8


def test_round_trip(tmp_path):
    positions = np.random.default_rng(0).uniform(-3, 3, (6, 17, 3))
    clips = [
        MocapClip('S1', 'Walking_1', 'train', positions[:4]),
        MocapClip('S2', 'Running_2', 'test', positions[4:])
    ]
    save_mocap_mini(tmp_path / 'x.npz', clips, 25)
    loaded, fps = load_mocap_mini(tmp_path / 'x.npz')
    assert fps == 25
    assert [clip.clip for clip in loaded] == ['Walking_1', 'Running_2']
    assert loaded[1].action == 'Running' and loaded[1].subject == 'S2'
    np.testing.assert_allclose(loaded[1].positions, positions[4:], atol=6e-5)


def test_bad_files(tmp_path):
    path = tmp_path / 'x.npz'
    with pytest.raises(FileNotFoundError, match='build_mocap_mini'):
        load_mocap_mini(path)
    far = MocapClip('S1', 'Walking_1', 'train', np.full((2, 17, 3), 5.))
    with pytest.raises(ValueError, match='within 3.28 m.*5.00 m'):
        save_mocap_mini(path, [far], 50)
    np.savez(path, positions=np.zeros((2, 17, 3), np.int16))
    with pytest.raises(ValueError, match="lacks.*'lengths'"):
        load_mocap_mini(path)
    np.savez(
        path,
        positions=np.zeros((2, 17, 3), np.int16),
        lengths=np.array([3]),
        subjects=np.array(['S1']),
        clips=np.array(['a_1']),
        splits=np.array(['train']),
        fps=50)
    with pytest.raises(ValueError, match=r'\(3, 17, 3\).*\(2, 17, 3\)'):
        load_mocap_mini(path)


def test_playground_clips_are_the_original_cmu_motions(shared_dir, clips):
    """The embedded clips come from a BVH conversion with three bones lost
    and restored; the database's own files say where the joints were."""
    folder = shared_dir / 'data' / 'cmu' / 'subjects' / '01'
    parts = dict(
        PlaygroundJumps_1=('01_01', slice(None)),
        PlaygroundClimb_3a=('01_03', slice(0, 1400)),
        PlaygroundClimb_3b=('01_03', slice(1450, None)))
    for clip in clips:
        if clip.clip not in parts:
            continue
        trial, span = parts[clip.clip]
        skeleton, motion = read_motion(folder / '01.asf',
                                       folder / f'{trial}.amc')
        original = map_joints(motion, skeleton.joints, H36M_FROM_ACCLAIM)
        original = resample(original, 120., 50.)[span]
        assert len(original) == len(clip.positions)
        # Up to the place on the floor and what the filter smooths away.
        shift = np.median(clip.positions - original, axis=(0, 1))
        assert abs(shift[1]) < 1e-4
        error = np.linalg.norm(clip.positions - original - shift, axis=-1)
        assert np.median(error) < 1e-3
        assert np.percentile(error, 99) < .01
