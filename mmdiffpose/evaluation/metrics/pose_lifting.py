# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joint position errors of lifted poses."""

from typing import Any, Callable, Dict, Optional, Sequence, Tuple, Union

import numpy as np

from mmdiffpose.registry import METRICS
from ..functional.joint_order import pck_joints
from ..functional.mpjpe import joint_errors
from ..functional.pck import (AUC_THRESHOLDS_MM, correct_joints,
                              correct_joints_auc)
from ..functional.procrustes import align_scale, align_similarity
from .base import PoseMetric, Totals
from .samples import FrameBatch

_ALIGNMENTS: Dict[str, Callable[..., np.ndarray]] = {
    'MPJPE': lambda pred, gt, mask: pred,
    'P-MPJPE': align_similarity,
    'N-MPJPE': align_scale,
}
_METRICS = tuple(_ALIGNMENTS) + ('PCK', 'AUC')


@METRICS.register_module()
class PoseLiftingMetric(PoseMetric):
    """MPJPE, P-MPJPE, N-MPJPE (mm), 3D PCK and AUC (%).

    Each as the mean over frames, over actions and over sequences. Errors are
    averaged over all joints that count, the root's zero error included, as
    the literature does; PCK and AUC over the 14 joints of MPI-INF-3DHP.
    P-MPJPE and N-MPJPE fit their alignment to the joints that count.

    Where predictions hold ``coarse_keypoints``, the context encoder's own
    estimate, the same quantities follow for it as ``context/<name>``.

    Keys: ``MPJPE_mm``, ``P-MPJPE_mm``, ``N-MPJPE_mm``, ``PCK@150mm``,
    ``AUC``, each also with ``/action_mean``, ``/sequence_mean`` and
    ``/<action>``.

    Args:
        metrics: Which of ``'MPJPE'``, ``'P-MPJPE'``, ``'N-MPJPE'``,
            ``'PCK'`` and ``'AUC'``. Defaults to the first two.
        pck_threshold_mm: Threshold of PCK. Defaults to 150.
        pck_joint_indices: Joints of PCK and AUC. None takes the 14 of
            ``joint_order``; ``'all'`` takes every joint.
        log_actions: Whether the values per action go into MMEngine's log
            too, as MMPose's do. Defaults to True.
        **kwargs: See :class:`PoseMetric`.
    """

    extras = ('coarse_keypoints', )

    def __init__(self,
                 metrics: Sequence[str] = ('MPJPE', 'P-MPJPE'),
                 pck_threshold_mm: float = 150.,
                 pck_joint_indices: Union[None, str, Sequence[int]] = None,
                 log_actions: bool = True,
                 **kwargs: Any) -> None:
        super().__init__(log_actions=log_actions, **kwargs)
        self.metrics = (metrics, ) if isinstance(metrics, str) else metrics
        unknown = [name for name in self.metrics if name not in _METRICS]
        if unknown or not self.metrics:
            raise ValueError(f'Unknown metrics {unknown}: expected some of '
                             f'{_METRICS}, got {metrics!r}.')
        if pck_threshold_mm <= 0:
            raise ValueError('pck_threshold_mm must be positive, got '
                             f'{pck_threshold_mm}.')
        self.pck_threshold_mm = pck_threshold_mm
        if isinstance(pck_joint_indices, str) and pck_joint_indices != 'all':
            raise ValueError('pck_joint_indices must be joint indices or '
                             f"'all', got {pck_joint_indices!r}.")
        self._pck_given = pck_joint_indices

    def check_skeleton(self) -> None:
        """See :meth:`PoseMetric.check_skeleton`."""
        if {'PCK', 'AUC'} & set(self.metrics):
            self.pck_joints

    @property
    def pck_joints(self) -> Union[slice, Tuple[int, ...]]:
        """The joints that PCK and AUC count."""
        if self._pck_given is None:
            return pck_joints(self.skeleton)
        if isinstance(self._pck_given, str):
            return slice(None)
        return tuple(self._pck_given)

    def score(self, batch: FrameBatch) -> Totals:
        """Sums and weights of each quantity per window."""
        totals = self._score(batch, batch.pred, '')
        coarse: Optional[np.ndarray] = batch.extras.get('coarse_keypoints')
        if coarse is not None:
            totals.update(self._score(batch, coarse, 'context/'))
        return totals

    def _score(self, batch: FrameBatch, pred: np.ndarray,
               group: str) -> Totals:
        totals = {}
        for name in self.metrics:
            if name in _ALIGNMENTS:
                aligned = _ALIGNMENTS[name](pred, batch.gt, batch.mask)
                totals[f'{group}{name}_mm'] = batch.joint_totals(
                    joint_errors(aligned, batch.gt), batch.mask)
        if {'PCK', 'AUC'} & set(self.metrics):
            totals.update(self._score_pck(batch, pred, group))
        return totals

    def _score_pck(self, batch: FrameBatch, pred: np.ndarray,
                   group: str) -> Totals:
        num_joints = pred.shape[1]
        joints = self.pck_joints
        if not isinstance(joints, slice) and max(joints) >= num_joints:
            raise ValueError(f'PCK counts joint {max(joints)}, but poses have '
                             f'{num_joints} joints: set pck_joint_indices.')
        errors = joint_errors(pred, batch.gt)[:, joints]
        mask = batch.mask[:, joints]
        totals = {}
        if 'PCK' in self.metrics:
            correct = 100 * correct_joints(errors, self.pck_threshold_mm)
            name = f'{group}PCK@{self.pck_threshold_mm:g}mm'
            totals[name] = batch.joint_totals(correct, mask)
        if 'AUC' in self.metrics:
            correct = 100 * correct_joints_auc(errors, AUC_THRESHOLDS_MM)
            totals[f'{group}AUC'] = batch.joint_totals(correct, mask)
        return totals
