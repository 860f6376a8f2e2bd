# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joint sets: names, kinematic tree, left/right pairs.

Plain Python and NumPy: no torch, no mmpose. Mappings between detectors'
joints and the lifters' live here too, so that a joint index is written down
once.
"""

from .anatomy import layout_costs
from .detector_sets import (AIC_14, COCO_17, CROWDPOSE_14, HALPE_26, MPII_16,
                            POSETRACK18_17)
from .foreign_sets import (BODY_25, BODY_25B, COCO_18, LSP_14, MEDIAPIPE_33,
                           OPENPOSE_MPI_15)
from .joint_names import skeleton_from_names
from .joint_spelling import canonical_joint
from .known_sets import SKELETONS, get_skeleton
from .mapping import map_joints, mapping_matrix
from .metainfo import as_skeleton, skeleton_from_metainfo
from .mocap_sets import H36M_17, JOINT_ORDERS, MPI_INF_3DHP_17
from .skeleton import Skeleton
from .wholebody import COCO_WHOLEBODY_133, HALPE_136

__all__ = [
    'AIC_14', 'BODY_25', 'BODY_25B', 'COCO_17', 'COCO_18',
    'COCO_WHOLEBODY_133', 'CROWDPOSE_14', 'H36M_17', 'HALPE_136', 'HALPE_26',
    'JOINT_ORDERS', 'LSP_14', 'MEDIAPIPE_33', 'MPII_16', 'MPI_INF_3DHP_17',
    'OPENPOSE_MPI_15', 'POSETRACK18_17', 'SKELETONS', 'Skeleton',
    'as_skeleton', 'canonical_joint', 'get_skeleton', 'layout_costs',
    'map_joints', 'mapping_matrix', 'skeleton_from_metainfo',
    'skeleton_from_names'
]
