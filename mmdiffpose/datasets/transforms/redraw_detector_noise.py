# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Fresh simulated detections for every visit of a training window."""

from typing import Any, Dict, Optional

import numpy as np
from mmcv.transforms import BaseTransform

from mmdiffpose.datasets.cameras import project
from mmdiffpose.datasets.simulation.detector_noise import DetectorNoise
from mmdiffpose.registry import TRANSFORMS
from mmdiffpose.skeletons.metainfo import SkeletonLike, as_skeleton
from mmdiffpose.skeletons.mocap_sets import h36m_places


@TRANSFORMS.register_module()
class RedrawDetectorNoise(BaseTransform):
    """Replaces 2D keypoints, scores and mixtures by newly drawn detections.

    A training set whose noise is drawn once teaches a network that noise by
    heart; drawn anew in each epoch, the noise regularises. Uses the true
    projection of ``lifting_target``, so it is for training only, and may
    stand before or after :class:`~mmdiffpose.datasets.transforms.LiftingFlip`.

    Args:
        detector: Overrides of
            :class:`~mmdiffpose.datasets.simulation.detector_noise.DetectorNoise`.
        prob: Probability of a redraw; the sample's own detections stay
            otherwise. Drawn, like the noise's seed, from NumPy's global
            generator, which MMEngine seeds per worker.

    Raises:
        ValueError: If ``prob`` isn't a probability.
    """

    def __init__(self,
                 detector: Optional[Dict[str, Any]] = None,
                 prob: float = 1.,
                 skeleton: SkeletonLike = 'h36m') -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'prob: expected a value in [0, 1], found {prob}')
        self.detector = DetectorNoise(**(detector or {}))
        self.prob = prob
        places = h36m_places(as_skeleton(skeleton))
        if places is None:
            raise ValueError(
                "the simulated detector finds Human3.6M's joints, the data "
                f'have {list(as_skeleton(skeleton).joints)}: leave '
                'RedrawDetectorNoise out of the pipeline')
        self._places = list(places)

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Redraws with probability ``prob``.

        Args:
            results: A sample with ``lifting_target`` (T, 17, 3) in absolute
                camera metres and ``camera_param``.

        Returns:
            The sample with new ``keypoints``, ``keypoints_visible`` and,
            where it had any, ``keypoint_mixtures``.
        """
        if np.random.rand() >= self.prob:
            return results
        rng = np.random.default_rng(np.random.randint(2**31))
        camera, joints = results['camera_param'], results['lifting_target']
        if 'f' not in camera or 'c' not in camera:
            raise ValueError("RedrawDetectorNoise: camera_param needs 'f' and "
                             f"'c', in pixels, found {sorted(camera)}")
        truth = project(joints,
                        np.asarray(camera['f']).ravel(),
                        np.asarray(camera['c']).ravel())
        own = [self._places.index(i) for i in range(len(self._places))]
        found = self.detector.detect(truth[:, self._places], rng)
        results['keypoints'] = found.keypoints[:, own]
        scores = found.scores[:, own]
        if 'lifting_target_visible' in results:
            # Where a joint is not known, none can be seen.
            scores = np.where(results['lifting_target_visible'] > 0, scores,
                              0).astype(scores.dtype)
        results['keypoints_visible'] = scores
        if 'keypoint_mixtures' in results:
            results['keypoint_mixtures'] = found.mixtures[:, own]
        return results

    def __repr__(self) -> str:
        """Name and arguments."""
        return (f'{type(self).__name__}(detector={self.detector}, '
                f'prob={self.prob})')
