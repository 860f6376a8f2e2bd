# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What a 2D detector found in one image."""

from typing import NamedTuple, Optional

import numpy as np


class Detections(NamedTuple):
    """Joints of the P people in an image; K are the detector's.

    Attributes:
        keypoints: (P, K, 2), image pixels (x right, y down).
        scores: (P, K) in [0, 1], 0 for a joint that was not seen.
        mixtures: (P, K, M, 5) weight, mean u, v, std u, v in image pixels,
            for detectors that know where else a joint may be; weights are
            all 0 for a joint that was not seen.
    """
    keypoints: np.ndarray
    scores: np.ndarray
    mixtures: Optional[np.ndarray] = None

    @classmethod
    def nobody(cls, num_joints: int) -> 'Detections':
        """An image without people."""
        return cls(
            np.zeros((0, num_joints, 2), np.float32),
            np.zeros((0, num_joints), np.float32))
