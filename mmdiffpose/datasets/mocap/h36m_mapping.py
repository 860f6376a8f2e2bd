# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Human3.6M-17 joints from motion capture skeletons.

A Human3.6M joint is the mean of one or two joints of the source. Where the
skeletons differ, the choice goes to the place that Human3.6M's own joint
has on the body, judged by its bone lengths (in metres: hip 0.13, thigh 0.45,
shin 0.45, pelvis to spine 0.24, spine to thorax 0.26, thorax to neck base
0.12, neck base to head 0.12, thorax to shoulder 0.15, upper arm 0.28,
forearm 0.25).
"""

from types import MappingProxyType
from typing import Dict, Mapping, Sequence, Tuple

import numpy as np

from mmdiffpose.skeletons import H36M_17

JointMapping = Mapping[str, Tuple[str, ...]]

H36M_FROM_ACCLAIM: JointMapping = {
    # The root of these skeletons lies some 10 cm above the hip joints;
    # Human3.6M's lies between them.
    'root': ('lhipjoint', 'rhipjoint'),
    'right_hip': ('rhipjoint', ),
    'right_knee': ('rfemur', ),
    'right_foot': ('rtibia', ),
    'left_hip': ('lhipjoint', ),
    'left_knee': ('lfemur', ),
    'left_foot': ('ltibia', ),
    'spine': ('lowerback', ),
    # The thorax bone ends 5 cm below the shoulder line, the next one 5 cm
    # above it; Human3.6M's thorax lies on it.
    'thorax': ('thorax', 'lowerneck'),
    'neck_base': ('upperneck', ),
    'head': ('head', ),
    'left_shoulder': ('lclavicle', ),
    'left_elbow': ('lhumerus', ),
    # The forearm is two bones here: the radius is two thirds of it.
    'left_wrist': ('lwrist', ),
    'right_shoulder': ('rclavicle', ),
    'right_elbow': ('rhumerus', ),
    'right_wrist': ('rwrist', ),
}
"""For the skeletons of CMU and HDM05; a joint is the far end of its bone."""


def _both_sides(**names: str) -> Dict[str, Tuple[str, ...]]:
    """A limb's joints on both sides, from names with ``{}`` for the side.

    ``{}`` is filled with ``Left`` and ``Right``, ``{0[0]}`` with the letter.
    """
    return {
        f'{side.lower()}_{joint}': (name.format(side), )
        for joint, name in names.items()
        for side in ('Left', 'Right')
    }


H36M_FROM_LAFAN1: JointMapping = MappingProxyType({
    'root': ('LeftUpLeg', 'RightUpLeg'),
    'spine': ('Spine1', 'Spine2'),
    'thorax': ('LeftArm', 'RightArm'),
    'neck_base': ('Neck', 'Head'),
    # The base of the skull; the files have no joint above it.
    'head': ('Head', ),
    **_both_sides(
        hip='{}UpLeg', knee='{}Leg', foot='{}Foot', shoulder='{}Arm',
        elbow='{}ForeArm', wrist='{}Hand')
})  # yapf: disable
"""For LAFAN1, and for skeletons with the names of Maya's HumanIK."""

H36M_FROM_XSENS: JointMapping = MappingProxyType({
    'root': ('LeftHip', 'RightHip'),
    # L3 and T12.
    'spine': ('Chest2', 'Chest3'),
    'thorax': ('LeftShoulder', 'RightShoulder'),
    'neck_base': ('Neck', 'Head'),
    # Between the base of the skull and its top.
    'head': ('Head', 'Head_end'),
    **_both_sides(
        hip='{}Hip', knee='{}Knee', foot='{}Ankle', shoulder='{}Shoulder',
        elbow='{}Elbow', wrist='{}Wrist')
})  # yapf: disable
"""For 100STYLE and other BVH files of Xsens."""

H36M_FROM_BANDAI_NAMCO: JointMapping = MappingProxyType({
    'root': ('UpperLeg_L', 'UpperLeg_R'),
    'spine': ('Spine', 'Chest'),
    'thorax': ('UpperArm_L', 'UpperArm_R'),
    'neck_base': ('Neck', 'Head'),
    # The base of the skull; the end site is at the same place.
    'head': ('Head', ),
    **_both_sides(
        hip='UpperLeg_{0[0]}', knee='LowerLeg_{0[0]}', foot='Foot_{0[0]}',
        shoulder='UpperArm_{0[0]}', elbow='LowerArm_{0[0]}',
        wrist='Hand_{0[0]}')
})  # yapf: disable
"""For Bandai Namco Research's two motion data sets."""


H36M_FROM_ASPSET: JointMapping = MappingProxyType({
    'root': ('pelvis', ),
    'spine': ('spine', ),
    # Its neck is at the height of the shoulders' line or little above it.
    'thorax': ('left_shoulder', 'right_shoulder'),
    'neck_base': ('neck', 'head'),
    'head': ('head', ),
    **{
        f'{side}_{joint}': (f'{side}_{name}', )
        for joint, name in dict(hip='hip', knee='knee', foot='ankle',
                                shoulder='shoulder', elbow='elbow',
                                wrist='wrist').items()
        for side in ('left', 'right')
    }
})  # yapf: disable
"""For ASPset-510."""


def map_joints(positions: np.ndarray, joints: Sequence[str],
               mapping: JointMapping) -> np.ndarray:
    """Human3.6M-17 joints of a motion.

    Args:
        positions: Joints of the source (F, J, 3), in any unit.
        joints: Their names, J.
        mapping: Human3.6M joint to the source joints whose mean it is.

    Returns:
        (F, 17, 3), in the unit of the input.

    Raises:
        ValueError: If the source lacks a joint that the mapping names, or
            the mapping a joint of Human3.6M.
    """
    index = {name: i for i, name in enumerate(joints)}
    missing = sorted({name
                      for names in mapping.values()
                      for name in names} - set(index))
    if missing:
        raise ValueError(
            f'the skeleton lacks the joints {missing}; it has {list(joints)}')
    unmapped = sorted(set(H36M_17.joints) - set(mapping))
    if unmapped:
        raise ValueError(f'the mapping lacks the joints {unmapped}')
    return np.stack([
        positions[:, [index[source] for source in mapping[name]]].mean(axis=1)
        for name in H36M_17.joints
    ],
                    axis=1)
