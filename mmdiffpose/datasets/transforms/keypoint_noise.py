# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A worse 2D detector, in training and at test."""

from typing import Any, Dict, Optional

import numpy as np
from mmcv.transforms import BaseTransform

from mmdiffpose.datasets.simulation.occlusion_patterns import OCCLUSION_MODES
from mmdiffpose.registry import TRANSFORMS
from mmdiffpose.skeletons.metainfo import SkeletonLike, as_skeleton
from .window_generator import window_generator

OFFICIAL_STD = 5.
"""In the released code; two and a half times as wide as the image."""


@TRANSFORMS.register_module()
class KeypointNoise(BaseTransform):
    """Moves 2D joints by Gaussian noise that no score tells.

    The ``noisy`` variant of DiffHPE's released code; the paper has none.
    Independent over frames, joints and axes. Mixtures move with their
    joints. Unlike
    :class:`~mmdiffpose.datasets.transforms.RedrawDetectorNoise` it comes on
    top of any detection and needs no ground truth.

    Args:
        std: In screen-normalised units, in which an image is 2 wide. By
            default 0.02, ten pixels of a thousand, or
            :data:`OFFICIAL_STD`.
        mode: ``'paper'`` or ``'official'``: which default ``std`` has.
        seed: As in :class:`~mmdiffpose.datasets.transforms.Occlusion`.
        skeleton: As there.

    Raises:
        ValueError: If ``std`` is negative or ``mode`` unknown.
    """

    def __init__(self,
                 std: Optional[float] = None,
                 mode: str = 'paper',
                 seed: Optional[int] = None,
                 skeleton: SkeletonLike = 'h36m') -> None:
        if mode not in OCCLUSION_MODES:
            raise ValueError(f'mode: expected one of {OCCLUSION_MODES}, found '
                             f'{mode!r}')
        if std is None:
            std = OFFICIAL_STD if mode == 'official' else .02
        if not std >= 0:
            raise ValueError(f'std: expected a value >= 0, found {std}')
        self.std = std
        self.seed = seed
        self._order = list(as_skeleton(skeleton).draw_order)

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Adds noise.

        Args:
            results: A sample with ``keypoints`` (T, J, 2) in px and
                ``camera_param`` with the image's ``w``.

        Returns:
            A shallow copy with new ``keypoints`` and, where it had any,
            ``keypoint_mixtures``.
        """
        results = dict(results)
        rng = window_generator(results, self.seed, 'keypoint noise')
        pixels = self.std * float(results['camera_param']['w']) / 2
        shift = pixels * rng.standard_normal(results['keypoints'].shape)
        if len(self._order) == shift.shape[1]:
            shift[:, self._order] = shift.copy()
        results['keypoints'] = (results['keypoints'] + shift).astype(
            np.float32)
        if 'keypoint_mixtures' in results:
            mixtures = results['keypoint_mixtures'].astype(np.float32)
            mixtures[..., 1:3] += shift[:, :, None]
            results['keypoint_mixtures'] = mixtures
        return results

    def __repr__(self) -> str:
        """Name and arguments."""
        return f'{type(self).__name__}(std={self.std}, seed={self.seed})'
