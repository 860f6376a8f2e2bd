# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Left/right mirror of a lifting sample."""

from typing import Any, Dict

import numpy as np
from mmcv.transforms import BaseTransform

from mmdiffpose.registry import TRANSFORMS

_PER_JOINT = ('keypoints', 'keypoints_visible', 'keypoint_mixtures',
              'lifting_target', 'lifting_target_visible')


@TRANSFORMS.register_module()
class LiftingFlip(BaseTransform):
    """Mirrors a sample left to right, consistently.

    Runs on pixels and metres, before the codec. A pixel column u goes to
    ``w - u``, so that the screen coordinate ``u / w * 2 - 1`` goes to its
    exact negative, and a camera-space point (x, y, z) to (-x, y, z). The
    mirrored point projects to the mirrored pixel because the principal point
    is mirrored too: ``c_x`` goes to ``w - c_x``. Left and right joints change
    places everywhere: keypoints, scores, mixtures, targets. The extrinsics
    are made to match the mirrored camera space (``R`` becomes improper,
    ``x_camera = R.T @ (x_world - T)`` stays true).

    A flip after encoding would give the same: mirroring the pixels with the
    image's true width and encoding them is encoding them and negating the
    screen coordinate (``tests/codecs/test_gmm_diffusion_pose.py``,
    ``test_encoding_commutes_with_the_mirror``). Before the codec the sample
    stays in pixels and metres, so that it can be drawn, projected and have
    its detections redrawn, and one flip serves every codec.

    MMPose's ``RandomFlipAroundRoot`` flips pixels around 0.5 px by default,
    which moves the person out of the image; use this one instead.

    Args:
        prob: Probability of a flip; drawn from NumPy's global generator,
            which MMEngine seeds per worker.

    Raises:
        ValueError: If ``prob`` isn't a probability.
    """

    def __init__(self, prob: float = .5) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'prob: expected a value in [0, 1], found {prob}')
        self.prob = prob

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Flips with probability ``prob``.

        Args:
            results: A sample of a lifting data set.

        Returns:
            The sample; arrays are replaced, not changed in place.
        """
        flip = bool(np.random.rand() < self.prob)
        results['flip'] = flip
        return flip_sample(results) if flip else results

    def __repr__(self) -> str:
        """Name and arguments."""
        return f'{type(self).__name__}(prob={self.prob})'


def flip_sample(results: Dict[str, Any]) -> Dict[str, Any]:
    """Mirrors a sample; see :class:`LiftingFlip`.

    Args:
        results: A sample with ``camera_param`` and ``flip_indices``; further
            keys are mirrored where present.

    Returns:
        A shallow copy with the mirrored arrays.
    """
    results = dict(results)
    order = list(results['flip_indices'])
    for key in _PER_JOINT:
        if key in results:
            results[key] = results[key][:, order]
    camera = dict(results['camera_param'])
    width = camera['w']
    if 'keypoints' in results:
        results['keypoints'][..., 0] = width - results['keypoints'][..., 0]
    if 'keypoint_mixtures' in results:
        mean_u = results['keypoint_mixtures'][..., 1]
        results['keypoint_mixtures'][..., 1] = width - mean_u
    if 'lifting_target' in results:
        results['lifting_target'][..., 0] *= -1
    results['camera_param'] = _flip_camera(camera)
    return results


def _flip_camera(camera: Dict[str, Any]) -> Dict[str, Any]:
    if 'c' in camera:  # else nothing but the picture's size is known
        center = np.array(camera['c'])
        center[0] = camera['w'] - center[0]
        camera['c'] = center
    if 'R' in camera:
        camera['R'] = np.array(camera['R']) * np.array([-1, 1, 1], np.float32)
    if 'p' in camera:  # the tangential coefficient along x
        tangential = np.array(camera['p'])
        tangential[1] *= -1
        camera['p'] = tangential
    return camera
