# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Errors of other aggregations of the hypotheses than the head's own."""

from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import numpy as np
import torch

from mmdiffpose.diffusion.aggregation import (geometric_median, medoid,
                                              oracle_best, oracle_worst)
from mmdiffpose.diffusion.reprojection import joint_wise_by_reprojection
from mmdiffpose.registry import METRICS
from ..functional.mpjpe import joint_errors
from .base import PoseMetric, Totals
from .samples import FrameBatch, to_numpy

_MM = 1000.


@METRICS.register_module()
class AggregationMetric(PoseMetric):
    """The mean beside other aggregations, and the best and the worst.

    Keys, each also with ``/action_mean``, ``/sequence_mean`` and
    ``/<action>``:

    - ``aggregation/mean_mm``: error of the hypotheses' mean;
    - ``aggregation/geometric_median_mm``: of each joint's geometric median;
    - ``aggregation/medoid_mm``: of the hypothesis of each window that is
      nearest to all others;
    - ``aggregation/JPMA_mm``: joint-wise by reprojection with roots solved
      from the 2D keypoints and the focal length: deployable;
    - ``oracle/JPMA_mm``: the same with the ground truth's root, as D3DP's
      published code has it;
    - ``oracle/best_mm``, ``oracle/worst_mm``: the hypothesis of each window
      that is nearest to the ground truth, and the farthest (DiffHPE's
      released code).

    ``oracle/`` marks what ground truth enters. JPMA is left out for samples
    without ``camera_param`` (f, c) or 2D keypoints.

    Args:
        **kwargs: See :class:`PoseMetric`.
    """

    extras = ('hypotheses', )

    def process(self, data_batch: Any,
                data_samples: Sequence[Dict[str, Any]]) -> None:
        """Score a batch; see :meth:`PoseMetric.process`."""
        self._samples = data_samples
        super().process(data_batch, data_samples)
        self._samples = ()

    def score(self, batch: FrameBatch) -> Totals:
        """Sums and weights of each quantity per window."""
        if not self.has_field(batch, 'hypotheses'):
            return {}
        aggregated = {
            'aggregation/mean_mm': batch.extras['hypotheses'].mean(axis=1)
        }
        parts = [self._window(sample) for sample in self._samples]
        for name in parts[0]:
            if all(name in part for part in parts):
                aggregated[name] = np.concatenate(
                    [part[name] for part in parts]) * _MM
        return {
            name:
            batch.joint_totals(
                joint_errors(self._aligned(poses), batch.gt), batch.mask)
            for name, poses in aggregated.items()
        }

    def _aligned(self, poses: np.ndarray) -> np.ndarray:
        if self.root_index is None:
            return poses
        return poses - poses[:, self.root_index, None]

    def _window(self, sample: Mapping[str, Any]) -> Dict[str, np.ndarray]:
        """Aggregated poses of a window, frames to score (F, J, 3), metres."""
        pred, truth = sample['pred_instances'], sample['gt_instances']
        hypotheses = _tensor(pred['hypotheses']).transpose(0, 1)[None]
        target = _tensor(truth['lifting_target'])[None]
        if self.root_index is not None:
            target = target - target[:, :, self.root_index, None]
        joints = self.reader.known_joints(truth, target.shape[1:3])
        valid = self.reader.valid_frames(truth, target.shape[1])
        valid &= joints.any(axis=1)
        known = torch.from_numpy(joints)[None]
        target = torch.where(known[..., None], target, 0.)
        seen = hypotheses[:, :, valid], target[:, valid], known[:, valid]
        poses = {
            'aggregation/geometric_median_mm': geometric_median(seen[0])[0],
            'aggregation/medoid_mm': medoid(seen[0])[0],
            'oracle/best_mm': oracle_best(*seen)[0],
            'oracle/worst_mm': oracle_worst(*seen)[0],
        } if valid.any() else {
            name: target.new_zeros(0, *target.shape[2:])
            for name in ('aggregation/geometric_median_mm',
                         'aggregation/medoid_mm', 'oracle/best_mm',
                         'oracle/worst_mm')
        }
        view = _view(sample)
        if view is not None:
            roots: Dict[str, Optional[torch.Tensor]] = {
                'aggregation/JPMA_mm': None
            }
            if self.root_index is not None:
                roots['oracle/JPMA_mm'] = self._true_root(truth)
            for name, root in roots.items():
                chosen = joint_wise_by_reprojection(hypotheses, *view, root)
                poses[name] = chosen[0, valid]
        return {name: value.numpy() for name, value in poses.items()}

    def _true_root(self, truth: Mapping[str, Any]) -> torch.Tensor:
        """Where the root stands before the camera, (1, T, 3) metres."""
        name = 'lifting_target_camera'
        target = truth[name if name in truth else 'lifting_target']
        return _tensor(target)[None, :, self.root_index]


_View = Tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def _view(sample: Mapping[str, Any]) -> Optional[_View]:
    """2D keypoints (pixels), weights and camera of one window."""
    camera = sample.get('camera_param') or {}
    labels = sample.get('gt_instance_labels') or {}
    if 'keypoint_labels' not in labels or {'f', 'c', 'w', 'h'} - set(camera):
        return None
    normalized = _tensor(labels['keypoint_labels'])[..., :2]
    width, height = float(camera['w']), float(camera['h'])
    offset = torch.tensor([1., height / width])
    focal, centre = (_tensor(camera[key]).flatten() for key in 'fc')
    pixels = (normalized + offset) * width / 2
    visible = _tensor(labels['keypoint_labels_visible'])
    return pixels[None], visible[None], focal[None], centre[None]


def _tensor(value: Any) -> torch.Tensor:
    return torch.as_tensor(to_numpy(value), dtype=torch.float32)
