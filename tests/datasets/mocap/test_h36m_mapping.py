# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest

from mmdiffpose.datasets.mocap.h36m_mapping import (H36M_FROM_ACCLAIM,
                                                    map_joints)
from mmdiffpose.skeletons import H36M_17

SOURCE = sorted(
    {name
     for names in H36M_FROM_ACCLAIM.values()
     for name in names})


def test_joints_are_means_of_their_sources():
    motion = np.random.default_rng(0).normal(size=(3, len(SOURCE), 3))
    pose = map_joints(motion, SOURCE, H36M_FROM_ACCLAIM)
    assert pose.shape == (3, 17, 3)
    at = SOURCE.index
    np.testing.assert_array_equal(pose[:, H36M_17.index['left_knee']],
                                  motion[:, at('lfemur')])
    np.testing.assert_allclose(
        pose[:,
             0], (motion[:, at('lhipjoint')] + motion[:, at('rhipjoint')]) / 2)


def test_mirrored_names_give_mirrored_joints():

    def other(name):
        return {'l': 'r', 'r': 'l'}.get(name[0], name[0]) + name[1:]

    for left, right in H36M_17.flip_pairs:
        left_sources = H36M_FROM_ACCLAIM[H36M_17.joints[left]]
        right_sources = H36M_FROM_ACCLAIM[H36M_17.joints[right]]
        assert right_sources == tuple(other(name) for name in left_sources)


def test_missing_source_joint_is_named():
    with pytest.raises(ValueError, match='lwrist'):
        map_joints(
            np.zeros((1, len(SOURCE) - 1, 3)),
            [name for name in SOURCE if name != 'lwrist'], H36M_FROM_ACCLAIM)
