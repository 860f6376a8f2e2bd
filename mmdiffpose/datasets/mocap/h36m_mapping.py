# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Human3.6M-17 joints from motion capture skeletons.

A Human3.6M joint is the mean of one or two joints of the source. Where the
skeletons differ, the choice goes to the place that Human3.6M's own joint
has on the body, judged by its bone lengths (in metres: hip 0.13, thigh 0.45,
shin 0.45, pelvis to spine 0.24, spine to thorax 0.26, thorax to neck base
0.12, neck base to head 0.12, thorax to shoulder 0.15, upper arm 0.28,
forearm 0.25).
"""

from typing import Mapping, Sequence, Tuple

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
