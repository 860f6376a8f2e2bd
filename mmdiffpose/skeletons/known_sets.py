# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The joint sets that are known by a name."""

from typing import Dict

from .detector_sets import (AIC_14, COCO_17, CROWDPOSE_14, HALPE_26, MPII_16,
                            POSETRACK18_17)
from .foreign_sets import (BODY_25, BODY_25B, COCO_18, LSP_14, MEDIAPIPE_33,
                           OPENPOSE_MPI_15)
from .mocap_sets import H36M_17, MPI_INF_3DHP_17
from .skeleton import Skeleton
from .wholebody import COCO_WHOLEBODY_133, HALPE_136

SKELETONS: Dict[str, Skeleton] = {
    skeleton.name: skeleton
    for skeleton in (H36M_17, COCO_17, HALPE_26, BODY_25, COCO_WHOLEBODY_133,
                     MPII_16, AIC_14, CROWDPOSE_14, POSETRACK18_17,
                     MPI_INF_3DHP_17, BODY_25B, COCO_18, OPENPOSE_MPI_15,
                     LSP_14, HALPE_136, MEDIAPIPE_33)
}
"""Joint sets of 2D detections, by name."""


def get_skeleton(name: str) -> Skeleton:
    """Joint set by name.

    Raises:
        ValueError: If there is no such joint set; names those that there are.
    """
    if name not in SKELETONS:
        raise ValueError(f'unknown skeleton {name!r}, expected one of '
                         f'{sorted(SKELETONS)}')
    return SKELETONS[name]
