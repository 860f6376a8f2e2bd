# Copyright (c) mmdiffpose contributors. All rights reserved.
"""mocap-mini with the 14 joints of Leeds Sports Pose; the neck is the root.

A skeleton as somebody brings it: other names and another order than
Human3.6M's, no pelvis.
"""

import dataclasses
from typing import Any, Dict, List

from mmpose.registry import DATASETS

from mmdiffpose.datasets import MocapMiniDataset, PoseSequence
from mmdiffpose.skeletons import H36M_17

H36M_NAMES = dict(
    right_ankle='right_foot',
    right_knee='right_knee',
    right_hip='right_hip',
    left_hip='left_hip',
    left_knee='left_knee',
    left_ankle='left_foot',
    right_wrist='right_wrist',
    right_elbow='right_elbow',
    right_shoulder='right_shoulder',
    left_shoulder='left_shoulder',
    left_elbow='left_elbow',
    left_wrist='left_wrist',
    neck='thorax',
    head_top='head')
"""The joints in their order, and what mocap-mini calls them."""

BONES = (('neck', 'head_top'), ('neck', 'left_shoulder'),
         ('left_shoulder', 'left_elbow'), ('left_elbow', 'left_wrist'),
         ('neck', 'right_shoulder'), ('right_shoulder', 'right_elbow'),
         ('right_elbow', 'right_wrist'), ('neck', 'left_hip'),
         ('left_hip', 'left_knee'), ('left_knee', 'left_ankle'),
         ('neck', 'right_hip'), ('right_hip', 'right_knee'), ('right_knee',
                                                              'right_ankle'))


def _swap(name: str) -> str:
    side, _, part = name.partition('_')
    other = dict(left='right', right='left').get(side)
    return f'{other}_{part}' if other else ''


METAINFO: Dict[str, Any] = dict(
    dataset_name='mocap_mini_14',
    root_joint='neck',
    keypoint_info={
        number: dict(name=name, id=number, swap=_swap(name))
        for number, name in enumerate(H36M_NAMES)
    },
    skeleton_info={
        number: dict(link=bone, id=number)
        for number, bone in enumerate(BONES)
    },
    joint_weights=[1.] * len(H36M_NAMES),
    sigmas=[])


@DATASETS.register_module()
class FourteenJoints(MocapMiniDataset):
    """mocap-mini with other joints; arguments as there."""

    METAINFO = METAINFO

    def load_sequences(self) -> List[PoseSequence]:
        """All arrays with these joints only."""
        order = [H36M_17.index[name] for name in H36M_NAMES.values()]
        return [
            dataclasses.replace(
                sequence, **{
                    name: value[:, order]
                    for name in ('keypoints_2d', 'scores', 'keypoints_3d',
                                 'mixtures')
                    if (value := getattr(sequence, name)) is not None
                }) for sequence in super().load_sequences()
        ]
