# Copyright (c) mmdiffpose contributors. All rights reserved.
import importlib
import zipfile

import numpy as np
import pytest

from mmdiffpose.datasets.mocap_mini_file import load_mocap_mini
from mmdiffpose.skeletons import H36M_17


@pytest.fixture(scope='module')
def builder():
    return importlib.import_module('build_mocap_mini')


def test_resampling_keeps_motion_and_drops_jitter(builder):
    times = np.arange(603) / 120  # 5.02 seconds
    slow = np.sin(2 * np.pi * 1.5 * times)  # a motion
    fast = .05 * np.sin(2 * np.pi * 45 * times)  # above half of 50 Hz
    found = builder.resample((slow + fast)[:, None, None], 120)[:, 0, 0]
    assert len(found) == 251  # the next one would lie behind the last frame
    expected = np.sin(2 * np.pi * 1.5 * np.arange(251) / 50)
    assert np.abs(found - expected)[10:-10].max() < .005


def test_climbing_joints_in_right_handed_y_up_axes(builder):
    names = sorted(
        {name
         for names in builder.CLIMB_JOINTS.values()
         for name in names} - {'MidHead'} | {'Neck'})
    index = {name: i for i, name in enumerate(names)}
    pose = np.random.default_rng(0).normal(size=(2, len(names), 3))
    pose[:, index['Head']] = pose[:, index['Neck']] + [0, 0, .15]  # z up
    found = builder.climb_to_h36m(pose, index)
    joints = H36M_17.index

    def turned(points):  # z up to y up by a quarter turn about x
        x, y, z = np.moveaxis(points, -1, 0)
        return np.stack([x, z, -y], axis=-1)

    np.testing.assert_allclose(found[:, joints['root']],
                               turned(pose[:, index['Hips']]))
    np.testing.assert_allclose(found[:, joints['left_wrist']],
                               turned(pose[:, index['LeftHand']]))
    np.testing.assert_allclose(
        found[:, joints['thorax']],
        turned(pose[:, [index['LeftShoulder'], index['RightShoulder']]].mean(
            axis=1)))
    np.testing.assert_allclose(
        found[:, joints['head']] - found[:, joints['neck_base']],
        np.tile([0, .05 + builder.SKULL_TO_HEAD, 0], (2, 1)),
        atol=1e-12)


def test_bone_check_names_the_bone(builder):
    positions = load_mocap_mini()[0][0].positions.copy()
    assert len(builder.check_bones('x', positions)) == 10
    knee = positions.copy()
    knee[40, H36M_17.index['left_knee']] += .2
    with pytest.raises(ValueError, match=r'thigh \(right_knee\).*IMPLAUS'):
        builder.check_bones('x', knee)
    with pytest.raises(ValueError, match='IMPLAUSIBLE'):
        builder.check_bones('x', positions * 1000)
    uneven = positions.copy()
    uneven[:, [11, 12, 13]] += .04 * np.array([1, 0, 0])
    with pytest.raises(ValueError, match='clavicle'):
        builder.check_bones('x', uneven)


def test_clips_are_centered_on_the_floor(builder):
    positions = np.random.default_rng(0).uniform(1, 2, (9, 17, 3))
    found = builder.center_on_floor(positions)
    pelvis = found[:, 0]
    np.testing.assert_allclose(
        (pelvis.min(axis=0) + pelvis.max(axis=0))[[0, 2]], 0, atol=1e-12)
    np.testing.assert_array_equal(found[..., 1], positions[..., 1])


def test_packages_are_opened(builder, tmp_path):
    wheel = tmp_path / 'some-0.1-py3-none-any.whl'
    with zipfile.ZipFile(wheel, 'w') as archive:
        archive.writestr('some/config_types/data_type.py', 'A = 1')
        archive.writestr('some/large.bin', 'x')
    with builder.opened_package(wheel) as folder:
        assert builder.find_one(folder, 'data_type.py').read_text() == 'A = 1'
        with pytest.raises(FileNotFoundError, match='large.bin.*found 0'):
            builder.find_one(folder, 'large.bin')
    with pytest.raises(FileNotFoundError, match='does not exist; see --help'):
        with builder.opened_package(tmp_path / 'missing.deb'):
            pass


def test_splits_of_the_sources(builder):
    """What the script would build is what is embedded."""
    embedded = [(c.subject, c.clip, c.split) for c in load_mocap_mini()[0]]
    assert embedded == [(s.subject, s.clip, s.split) for s in builder.SOURCES]
