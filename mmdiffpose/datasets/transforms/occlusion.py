# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Missing 2D joints, in training and at test."""

from typing import Any, Dict, Mapping, Optional, Union

import numpy as np
from mmcv.transforms import BaseTransform

from mmdiffpose.datasets.simulation.occlusion_patterns import (NoOcclusion,
                                                               make_pattern)
from mmdiffpose.registry import TRANSFORMS
from mmdiffpose.skeletons.metainfo import SkeletonLike, as_skeleton
from .window_generator import window_generator


@TRANSFORMS.register_module()
class Occlusion(BaseTransform):
    """Takes 2D joints away (DiffHPE, Sec. 5.2), before the codec.

    A missing joint has score 0 and lies at the image's centre, which is 0
    after screen normalisation, the published value; nothing of where it was
    stays in the sample, its mixture included. The codec writes its own
    ``mask_value`` (0 by default) for joints of score 0, so another value is
    the codec's to set, as is a channel that tells which joints are missing
    (``mask_channel=True``, with ``in_channels=3`` of an encoder).

    The last transform before ``GenerateTarget``: a later flip would exchange
    the missing sides, and a later
    :class:`~mmdiffpose.datasets.transforms.RedrawDetectorNoise` would bring
    joints back. The ``occlusion`` argument of
    :class:`~mmdiffpose.datasets.LiftingDataset` puts it there.

    Args:
        pattern: A key of
            :data:`~mmdiffpose.datasets.simulation.occlusion_patterns.OCCLUSION_PATTERNS`.
            ``'none'`` changes and draws nothing.
        mode: ``'paper'``, or ``'official'`` for the released code's laws.
        seed: None, for training: another mask at each visit. A number, for
            tests: the same mask for a window each time, see
            :func:`~mmdiffpose.datasets.transforms.window_generator`.
        skeleton: The joints; a data set says its own. Defaults to
            Human3.6M's.
        **parameters: Of the pattern: ``probability``, ``share``, ``joints``
            (names) or ``patterns``.

    Raises:
        ValueError: For an unknown pattern or parameter.
    """

    def __init__(self,
                 pattern: str = 'none',
                 mode: str = 'paper',
                 seed: Optional[int] = None,
                 skeleton: SkeletonLike = 'h36m',
                 **parameters: Any) -> None:
        self.name = pattern
        self.pattern = make_pattern(pattern, mode, as_skeleton(skeleton),
                                    **parameters)
        self.seed = seed

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Masks joints.

        Args:
            results: A sample with ``keypoints`` (T, J, 2) in px and
                ``camera_param`` with the image's ``w`` and ``h``.

        Returns:
            A shallow copy with new ``keypoints``, ``keypoints_visible`` and,
            where it had any, ``keypoint_mixtures``.

        Raises:
            ValueError: If there are not as many joints as in the skeleton.
        """
        if isinstance(self.pattern, NoOcclusion):
            return results
        frames, joints = results['keypoints'].shape[:2]
        known = self.pattern.skeleton
        if joints != known.num_joints:
            raise ValueError(
                f'Occlusion was built for the {known.num_joints} joints '
                f'{list(known.joints)}, keypoints have {joints}')
        rng = window_generator(results, self.seed, 'occlusion', self.name)
        return mask_joints(results, self.pattern.draw(rng, frames))

    def __repr__(self) -> str:
        """Name and arguments."""
        return f'{type(self).__name__}({self.pattern}, seed={self.seed})'


def mask_joints(results: Dict[str, Any],
                missing: np.ndarray) -> Dict[str, Any]:
    """Takes joints out of a sample; see :class:`Occlusion`.

    Args:
        results: The sample.
        missing: (T, J) bool.

    Returns:
        A shallow copy.
    """
    results = dict(results)
    camera = results['camera_param']
    width, height = float(camera['w']), float(camera['h'])
    centre = (width / 2, height / 2)
    results['keypoints'] = np.where(missing[..., None], centre,
                                    results['keypoints']).astype(np.float32)
    scores = results.get('keypoints_visible', np.ones(missing.shape))
    results['keypoints_visible'] = np.where(missing, 0,
                                            scores).astype(np.float32)
    if 'keypoint_mixtures' in results:
        mixtures = results['keypoint_mixtures'].astype(np.float32)
        mixtures[missing] = [0, *centre, width / 2, width / 2]
        mixtures[missing, 0, 0] = 1
        results['keypoint_mixtures'] = mixtures
    return results


def occlusion_step(setting: Union[None, str, Mapping[str, Any]],
                   seed: Optional[int]) -> Optional[Dict[str, Any]]:
    """The config of the transform that a data set's ``occlusion`` asks for.

    Args:
        setting: A pattern's name, ``'noise'`` for
            :class:`~mmdiffpose.datasets.transforms.KeypointNoise`, a dict
            with ``pattern`` and further arguments of the transform, or None.
        seed: Where the setting has none.

    Returns:
        None where there is nothing to do.

    Raises:
        ValueError: If the setting is none of these.
    """
    if setting is None:
        return None
    step: Dict[str, Any] = (
        dict(pattern=setting) if isinstance(setting, str) else dict(setting))
    if 'pattern' not in step:
        raise ValueError("occlusion: expected a pattern's name or a dict with "
                         f"'pattern', found {setting!r}")
    pattern = step.pop('pattern')
    step.setdefault('seed', seed)
    if pattern in (None, 'none'):
        return None
    if pattern == 'noise':
        return dict(type='mmdiffpose.KeypointNoise', **step)
    return dict(type='mmdiffpose.Occlusion', pattern=pattern, **step)
