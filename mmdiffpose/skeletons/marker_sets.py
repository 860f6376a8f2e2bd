# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What other tools call the joints that a lifter predicts."""

from typing import Dict, List, Mapping, Tuple

from .detector_sets import COCO_17, HALPE_26
from .mocap_sets import H36M_17
from .skeleton import Skeleton

_LIMBS = tuple(
    joint for joint in H36M_17.joints if joint.startswith(('left_', 'right_')))

_LIMB_MARKERS = {joint: joint.replace('foot', 'ankle') for joint in _LIMBS}
"""Human3.6M's foot is where the shin ends: others call it the ankle."""


def _short(joint: str) -> str:
    """``left_ankle`` in Pose2Sim's spelling, ``LAnkle``."""
    side, name = joint.split('_')
    return side[0].upper() + name.capitalize()


MARKER_SETS: Dict[str, Mapping[str, str]] = dict(
    h36m={joint: joint
          for joint in H36M_17.joints},
    coco=dict(_LIMB_MARKERS),
    halpe26=dict(_LIMB_MARKERS, root='hip', thorax='neck', head='head'),
    pose2sim={
        joint: _short(marker)
        for joint, marker in _LIMB_MARKERS.items()
    })
"""Human3.6M's joints that are also joints of another set, and their names
there. ``coco`` and ``halpe26`` are the spelling of
:data:`~mmdiffpose.skeletons.detector_sets.COCO_17` and
:data:`~mmdiffpose.skeletons.detector_sets.HALPE_26`, ``pose2sim`` that of
Pose2Sim's marker files. What has no counterpart, such as the nose, which
nobody lifted, is left out."""

assert set(MARKER_SETS['coco'].values()) <= set(COCO_17.joints)
assert set(MARKER_SETS['halpe26'].values()) <= set(HALPE_26.joints)


def check_markers(name: str) -> str:
    """Check a marker set's name and return it.

    Raises:
        ValueError: If there is no such set; names those that there are.
    """
    if name not in MARKER_SETS:
        raise ValueError(f'markers: expected one of {sorted(MARKER_SETS)}, '
                         f'found {name!r}')
    return name


def marker_names(skeleton: Skeleton,
                 markers: str) -> Tuple[List[int], List[str]]:
    """The joints of a skeleton that are markers, and what they are called.

    Args:
        skeleton (Skeleton): Of the poses. A set that is not Human3.6M's has
            all its joints in ``'h36m'``, under their own names.
        markers (str): One of :data:`MARKER_SETS`.

    Returns:
        tuple[list[int], list[str]]: Indices of joints, in the skeleton's
        order, and the names of the markers.

    Raises:
        ValueError: If there is no such set, or no joint in it.
    """
    names = MARKER_SETS[check_markers(markers)]
    if markers == 'h36m':
        return list(range(skeleton.num_joints)), list(skeleton.joints)
    found = [(index, names[joint]) for joint, index in skeleton.index.items()
             if joint in names]
    if not found:
        raise ValueError(
            f'markers {markers!r}: expected some of the joints {list(names)}, '
            f'found {list(skeleton.joints)} in skeleton {skeleton.name}')
    return [index for index, _ in found], [name for _, name in found]
