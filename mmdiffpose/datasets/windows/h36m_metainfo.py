# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Human3.6M-17 as MMPose describes joint sets.

Inline rather than ``from_file``: MMPose looks such files up in its own wheel
only. Joints come from :data:`mmdiffpose.skeletons.H36M_17`, so that an index
is written down once.
"""

from typing import Any, Dict

from mmdiffpose.skeletons import H36M_17
from mmdiffpose.skeletons.metainfo import side_color

_LOWER = ('root', 'hip', 'knee', 'foot')


def _h36m_metainfo() -> Dict[str, Any]:
    joints = H36M_17.joints
    keypoints = {
        i:
        dict(
            name=name,
            id=i,
            color=side_color(name),
            type='lower' if name.split('_')[-1] in _LOWER else 'upper',
            swap=joints[H36M_17.flip_indices[i]]
            if H36M_17.flip_indices[i] != i else '')
        for i, name in enumerate(joints)
    }
    bones = {
        i:
        dict(
            link=(joints[parent], joints[child]),
            id=i,
            color=side_color(joints[child]))
        for i, (parent, child) in enumerate(H36M_17.bones)
    }
    return dict(
        dataset_name='h36m',
        paper_info=dict(
            author='Catalin Ionescu and Dragos Papava and Vlad Olaru and '
            'Cristian Sminchisescu',
            title='Human3.6M: Large Scale Datasets and Predictive Methods '
            'for 3D Human Sensing in Natural Environments',
            container='IEEE Transactions on Pattern Analysis and Machine '
            'Intelligence',
            year='2014',
            homepage='http://vision.imar.ro/human3.6m/description.php'),
        keypoint_info=keypoints,
        skeleton_info=bones,
        joint_weights=[1.] * len(joints),
        sigmas=[],
        stats_info=dict(bbox_center=(528., 427.), bbox_scale=400.))


H36M_METAINFO: Dict[str, Any] = _h36m_metainfo()
"""Joint set, skeleton and the person's place and size in Human3.6M's images,
which MMPose's inferencer normalises 2D keypoints with."""
