# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Recorded windows as lifters of drawn views see them."""

from typing import Any, Dict

import numpy as np
from mmcv.transforms import BaseTransform

from mmdiffpose.registry import TRANSFORMS
from mmdiffpose.structures.canonical_view import (canonical_view, turn_poses,
                                                  turn_rays)


@TRANSFORMS.register_module()
class TurnToPerson(BaseTransform):
    """Replaces a window's camera by its canonical one.

    The camera turns towards the person and brings them to one size, see
    :mod:`mmdiffpose.structures.canonical_view`; keypoints become pixels of
    that camera's picture, targets turn into its axes. Root-relative errors
    are what they were, as a turn changes no distance; whoever wants poses in
    the true camera's axes finds the turn as ``camera_param['rotation']``.

    Stands behind whatever takes joints away and before ``GenerateTarget``,
    whose codec then gives the inputs that
    :class:`~mmdiffpose.datasets.MocapViewDataset` trains on.
    """

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Turns a sample.

        Args:
            results: A sample with ``keypoints`` (T, J, 2) in pixels,
                ``keypoints_visible`` (T, J), above 0 where seen, and
                ``camera_param`` with ``f`` and ``c`` in pixels.

        Returns:
            A shallow copy with new ``keypoints``, ``keypoints_visible``,
            ``camera_param`` and, where it had them, ``lifting_target`` and
            ``keypoint_mixtures``.

        Raises:
            ValueError: If the camera's focal length or centre is missing.
        """
        results = dict(results)
        camera = dict(results['camera_param'])
        if 'f' not in camera or 'c' not in camera:
            raise ValueError("TurnToPerson: camera_param needs 'f' and 'c', "
                             f'the focal length and the principal point in '
                             f'pixels, found {sorted(camera)}')
        focal, center = (
            np.broadcast_to(np.asarray(camera[key], np.float32).ravel(), 2)
            for key in 'fc')
        scores = np.asarray(results['keypoints_visible'], np.float32)
        view = canonical_view(results['keypoints'], scores > 0, focal, center)
        if 'R' in camera:
            camera['R'] = np.asarray(camera['R']) @ view.rotation.T
        camera.update(view.camera(), rotation=view.rotation)
        results['keypoints'] = view.pixels()
        results['camera_param'] = camera
        if 'lifting_target' in results:
            results['lifting_target'] = turn_poses(results['lifting_target'],
                                                   view.rotation)
        if 'keypoint_mixtures' in results:
            mixtures = np.array(results['keypoint_mixtures'], np.float32)
            rays = (mixtures[..., 1:3] - center) / focal
            turned = turn_rays(rays[..., 0].ravel(), rays[..., 1].ravel(),
                               view.rotation)
            means = np.stack(turned, axis=-1).reshape(rays.shape)
            mixtures[..., 1:3] = means * camera['f'] + camera['c']
            # Exact on the line of sight; the turn stretches a little beside.
            mixtures[..., 3:] *= camera['f'] / focal
            results['keypoint_mixtures'] = mixtures
        return results

    def __repr__(self) -> str:
        """Name and arguments."""
        return f'{type(self).__name__}()'
