# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from synthetic_person import moving_person

from mmdiffpose.datasets.annotation_files import annotation_checks as checks
from mmdiffpose.skeletons import H36M_17

FLIP = list(H36M_17.flip_indices)
PERSON = moving_person(50)


def test_a_person_passes():
    checks.check_finite(PERSON, 'file', 'S')
    checks.check_units(PERSON, 'file')
    checks.check_sides(PERSON, 'file')


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6))
def test_sides_do_not_depend_on_the_view(seed):
    """Any rotation keeps knees bending forwards, any mirror turns them."""
    rotation = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    turned = PERSON @ rotation.T + [1., 2., 9.]
    bend = checks.knee_flexion(turned)
    assert bend == pytest.approx(checks.knee_flexion(PERSON))
    assert bend > .01
    assert checks.knee_flexion(turned[:, FLIP]) == pytest.approx(-bend)
    assert checks.knee_flexion(turned * [1, 1, -1]) == pytest.approx(-bend)


def test_straight_legs_pass():
    pose = PERSON.copy()
    for side in ('left', 'right'):
        hip, knee, foot = (
            H36M_17.index[f'{side}_{name}']
            for name in ('hip', 'knee', 'foot'))
        pose[:, knee] = (pose[:, hip] + pose[:, foot]) / 2
    checks.check_sides(pose, 'file')


def test_swapped_body_and_swapped_arms():
    with pytest.raises(ValueError, match='file.npz: left and right look swap'):
        checks.check_sides(PERSON[:, FLIP], 'file.npz')
    with pytest.raises(ValueError, match='mirrored'):
        checks.check_sides(PERSON * [1, -1, 1], 'file.npz')
    arms = list(range(17))
    arms[11:17] = FLIP[11:17]
    with pytest.raises(ValueError, match='shoulders look swapped'):
        checks.check_sides(PERSON[:, arms], 'file.npz')


@pytest.mark.parametrize('factor, hint', [(1000, 'divide by 1000'),
                                          (100, 'divide by 100'),
                                          (.01, 'unit of the source')])
def test_wrong_units(factor, hint):
    with pytest.raises(ValueError, match=f'file.npz.*{hint}'):
        checks.check_units(PERSON * factor, 'file.npz')


def test_nan_is_found_wherever_it_is():
    big = np.zeros((70000, 17, 3), np.float32)
    big[69000, 3, 1] = np.inf
    with pytest.raises(ValueError, match='f: part.*row 69000'):
        checks.check_finite(big, 'f', 'part')


def test_same_sides():
    points = PERSON[..., :2] * 200
    noise = np.random.default_rng(0).normal(size=points.shape) * 5
    checks.check_same_sides(points, points + noise, 'det.npy')
    with pytest.raises(ValueError, match='det.npy: left and right'):
        checks.check_same_sides(points, (points + noise)[:, FLIP], 'det.npy')


def test_real_people_have_their_sides(shared_dir):
    """On real motion the sign is clear: knees never average backwards."""
    from mmdiffpose.datasets.mocap.asf_amc import read_motion
    from mmdiffpose.datasets.mocap.h36m_mapping import (H36M_FROM_ACCLAIM,
                                                        map_joints)
    bends = {}
    folder = shared_dir / 'data' / 'hdm05'
    for path in sorted(folder.glob('HDM_*_001_120.amc'))[:8] + sorted(
            folder.glob('HDM_tr_lie*.amc')):
        actor = path.name.split('_')[1]
        skeleton, motion = read_motion(folder / f'HDM_{actor}.asf', path)
        pose = map_joints(motion, skeleton.joints, H36M_FROM_ACCLAIM)
        bends[path.name] = checks.knee_flexion(pose)
        checks.check_sides(pose, path.name)
        with pytest.raises(ValueError):
            checks.check_sides(pose[:, FLIP], path.name)
    print({name: round(1000 * bend) for name, bend in bends.items()})
    assert min(bends.values()) > .01
