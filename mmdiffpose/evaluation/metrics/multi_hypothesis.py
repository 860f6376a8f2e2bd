# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Errors and spread of a diffusion head's hypotheses."""

from typing import Any, Sequence

import numpy as np

from mmdiffpose.registry import METRICS
from ..functional.mpjpe import joint_errors
from ..functional.multi_hypothesis import (hypothesis_spread, joint_best,
                                           mean_of_first, pose_best)
from ..functional.procrustes import align_similarity
from .base import PoseMetric, Totals
from .samples import FrameBatch


@METRICS.register_module()
class MultiHypothesisMetric(PoseMetric):
    """Spread of N hypotheses, error against N, and oracle errors.

    Keys, each also with ``/action_mean``, ``/sequence_mean`` and
    ``/<action>``:

    - ``hypotheses/MPJPE_mm``: mean error of a single hypothesis;
    - ``hypotheses/MPJPE_mm@n``: error of the mean of the first n;
    - ``hypotheses/spread_mm``: mean distance of two hypotheses' joints;
    - ``oracle/P-Best_mm``, ``oracle/P-Best_mm@n``: error of the pose-wise
      best of all, of the first n, chosen in each frame;
    - ``oracle/J-Best_mm``, ``oracle/J-Best_mm@n``: the same, chosen for each
      joint;
    - ``oracle/P-Best_P-MPJPE_mm``: the best of each frame after Procrustes
      alignment;
    - ``oracle/P-Best_window_mm``: the best hypothesis of a whole window.

    ``oracle/`` marks what ground truth chose.

    Args:
        numbers: The n, ascending; those above N are left out. Defaults to
            (1, 5, 20).
        required: Whether predictions without ``hypotheses`` are an error.
            With False they give no keys, for an evaluator shared with a
            stage that has none. Defaults to True.
        **kwargs: See :class:`PoseMetric`.
    """

    extras = ('hypotheses', )

    def __init__(self,
                 numbers: Sequence[int] = (1, 5, 20),
                 required: bool = True,
                 **kwargs: Any) -> None:
        super().__init__(required=required, **kwargs)
        self.numbers = tuple(numbers)
        if any(int(n) != n or n < 1 for n in self.numbers) or list(
                self.numbers) != sorted(set(self.numbers)):
            raise ValueError('numbers must be ascending positive integers, '
                             f'got {numbers!r}.')

    def score(self, batch: FrameBatch) -> Totals:
        """Sums and weights of each quantity per window."""
        if not self.has_field(batch, 'hypotheses'):
            return {}
        hypotheses = batch.extras['hypotheses']
        errors = joint_errors(hypotheses, batch.gt[:, None])
        totals = {
            'hypotheses/MPJPE_mm':
            batch.joint_totals(errors.mean(axis=1), batch.mask),
            'hypotheses/spread_mm':
            batch.joint_totals(hypothesis_spread(hypotheses), batch.mask),
            'oracle/P-Best_window_mm':
            self._best_of_window(batch, errors),
        }
        totals.update(self._oracles(batch, errors, ''))
        totals['oracle/P-Best_P-MPJPE_mm'] = self._best_of_pose(
            batch, self._aligned_errors(batch, hypotheses))
        for number in self.numbers:
            if number > hypotheses.shape[1]:
                break
            mean = mean_of_first(hypotheses, number)
            totals[f'hypotheses/MPJPE_mm@{number}'] = batch.joint_totals(
                joint_errors(mean, batch.gt), batch.mask)
            totals.update(
                self._oracles(batch, errors[:, :number], f'@{number}'))
        return totals

    @classmethod
    def _oracles(cls, batch: FrameBatch, errors: np.ndarray,
                 suffix: str) -> Totals:
        return {
            f'oracle/P-Best_mm{suffix}':
            cls._best_of_pose(batch, errors),
            f'oracle/J-Best_mm{suffix}':
            batch.joint_totals(joint_best(errors), batch.mask)
        }

    @staticmethod
    def _best_of_pose(batch: FrameBatch, errors: np.ndarray) -> np.ndarray:
        # Weighted by its joints, a pose counts here as in MPJPE.
        weight = batch.mask.sum(axis=-1)
        best = np.where(weight > 0, pose_best(errors, batch.mask), 0)
        return batch.sum_by_window(np.stack([best * weight, weight], axis=1))

    @staticmethod
    def _aligned_errors(batch: FrameBatch,
                        hypotheses: np.ndarray) -> np.ndarray:
        gt = np.broadcast_to(batch.gt[:, None], hypotheses.shape)
        mask = np.broadcast_to(batch.mask[:, None], hypotheses.shape[:-1])
        return joint_errors(align_similarity(hypotheses, gt, mask), gt)

    @staticmethod
    def _best_of_window(batch: FrameBatch, errors: np.ndarray) -> np.ndarray:
        counted = np.broadcast_to(batch.mask[:, None], errors.shape)
        sums = batch.sum_by_window(np.where(counted, errors, 0).sum(axis=-1))
        weights = batch.sum_by_window(batch.mask.sum(axis=-1))
        return np.stack([sums.min(axis=1), weights], axis=1)
