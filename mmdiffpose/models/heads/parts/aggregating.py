# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From a head's hypotheses to its pose, as ``test_cfg`` says."""

from typing import Mapping, NamedTuple, Optional, Sequence

import torch
from torch import Tensor

from mmdiffpose.diffusion.aggregation import (geometric_median, mean_pose,
                                              medoid)
from mmdiffpose.diffusion.reprojection import joint_wise_by_reprojection
from .base import stack_labels

AGGREGATIONS = ('mean', 'geometric_median', 'medoid', 'jpma')
"""``'mean'``, the joints' geometric medians, the window's hypothesis that is
nearest to all others, or joint-wise by reprojection with roots solved from
2D."""
_OF_POSES = {
    'mean': mean_pose,
    'geometric_median': geometric_median,
    'medoid': medoid
}


class Sightings(NamedTuple):
    """Where a camera saw the joints of B windows.

    Attributes:
        keypoints: (B, T, J, 2), pixels.
        weights: Scores (B, T, J).
        focal: (B, 2), pixels.
        centre: Principal points (B, 2), pixels.
    """
    keypoints: Tensor
    weights: Tensor
    focal: Tensor
    centre: Tensor


def camera_vector(camera: Mapping, key: str) -> Tensor:
    """Two numbers (2, ) of ``camera_param``.

    Raises:
        ValueError: Where they are missing or not two finite numbers.
    """
    if key not in camera:
        raise ValueError(
            "aggregation='jpma' projects poses and needs the camera: "
            f'camera_param[{key!r}], two numbers in pixels, is missing; it '
            f'has {sorted(camera)}. Where the camera is not known, '
            "aggregation='mean' needs none")
    value = torch.as_tensor(camera[key], dtype=torch.float32).flatten()
    if value.numel() != 2 or not bool(value.isfinite().all()):
        raise ValueError(f'camera_param[{key!r}] should be two finite numbers'
                         f' in pixels, got {camera[key]!r}')
    return value


def read_sightings(data_samples: Sequence, like: Tensor) -> Sightings:
    """The 2D keypoints of B windows in pixels, and their cameras.

    Args:
        data_samples (Sequence): PoseDataSamples with the codec's labels and
            ``camera_param`` (w, h, f, c) in their metainfo.
        like (Tensor): Of the device.

    Raises:
        ValueError: Where the camera is not known.
    """
    normalized = stack_labels(data_samples, 'keypoint_labels', like)
    weights = stack_labels(data_samples, 'keypoint_labels_visible', like)
    cameras = [
        sample.metainfo.get('camera_param') or {} for sample in data_samples
    ]
    focal, centre = (
        torch.stack([camera_vector(camera, key) for camera in cameras])
        for key in ('f', 'c'))
    size = torch.tensor([[float(camera['w']),
                          float(camera['h'])] for camera in cameras])
    size, focal, centre = (value.to(like) for value in (size, focal, centre))
    width, height = size[:, None, None, 0], size[:, None, None, 1]
    offset = torch.stack([torch.ones_like(width), height / width], dim=-1)
    # A third channel would be the mask.
    keypoints = (normalized[..., :2] + offset) * (width / 2)[..., None]
    return Sightings(keypoints, weights, focal, centre)


def aggregate(hypotheses: Tensor, data_samples: Optional[Sequence],
              aggregation: str) -> Tensor:
    """One pose per frame.

    Args:
        hypotheses (Tensor): (B, N, T, J, 3), root-relative metres.
        data_samples (Sequence, optional): PoseDataSamples of B windows, for
            ``'jpma'``.
        aggregation (str): One of :data:`AGGREGATIONS`.

    Returns:
        Tensor: (B, T, J, 3), root-relative metres.

    Raises:
        ValueError: For an unknown name, or ``'jpma'`` without a camera.
    """
    if aggregation in _OF_POSES:
        return _OF_POSES[aggregation](hypotheses)
    if aggregation == 'jpma':
        if data_samples is None:
            raise ValueError(
                "aggregation='jpma' needs data samples: they have "
                'the 2D keypoints and the camera')
        return joint_wise_by_reprojection(
            hypotheses, *read_sightings(data_samples, hypotheses))
    raise ValueError(f'aggregation should be one of {AGGREGATIONS}, got '
                     f'{aggregation!r}')
