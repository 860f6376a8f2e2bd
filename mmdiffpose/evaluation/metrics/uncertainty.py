# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Honesty of the predicted uncertainty."""

from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from mmdiffpose.registry import METRICS
from ..functional.coverage import (CALIBRATION_LEVELS, cgnf_calibration_error,
                                   covered_share, expected_calibration_error,
                                   region_sizes, samples_nearer)
from ..functional.scoring_rules import (crps_ensemble, crps_gaussian,
                                        energy_score)
from ..functional.sparsification import (SPARSIFICATION_FRACTIONS,
                                         area_under_sparsification_error,
                                         sparsification_curve)
from .base import PoseMetric, Totals
from .samples import FrameBatch
from .summary import Summary


@METRICS.register_module()
class UncertaintyMetric(PoseMetric):
    """Calibration of ``keypoint_std``, scores of the hypotheses.

    The root is left out where poses are made relative to it: its error is 0
    by construction. ``keypoint_std`` is the root mean square of the standard
    deviations of x, y and z (metres); each coordinate's residual over it is
    held against N(0, 1).

    Keys, those of ECE, cGNF_ECE and AUSE excepted also with ``/action_mean``,
    ``/sequence_mean`` and ``/<action>``:

    - ``uncertainty/std_mm``: mean predicted standard deviation;
    - ``uncertainty/coverage@p``: share of the truth within the central
      region of nominal probability p, best p;
    - ``uncertainty/CRPS_gaussian_mm``: CRPS of each coordinate's normal;
    - ``uncertainty/CRPS_mm``: CRPS of each coordinate's hypotheses;
    - ``uncertainty/energy_score_mm``: energy score of each joint's
      hypotheses, comparable with MPJPE;
    - ``uncertainty/energy_score_pose_mm``: that of whole poses, which sees
      how joints go together; comparable with the norm of all joints' errors;
    - ``uncertainty/spread_mm``, ``uncertainty/spread_coverage@p``,
      ``uncertainty/spread_ECE``: what ``std_mm``, ``coverage@p`` and ``ECE``
      would be with the standard deviation of the hypotheses; that is, before
      a calibration;
    - ``uncertainty/ECE``: mean ``|coverage - level|`` over 0.05, ..., 0.95;
    - ``uncertainty/cGNF_ECE``: cGNF's calibration error of the hypotheses,
      :func:`~mmdiffpose.evaluation.functional.cgnf_calibration_error`; its
      authors draw 200;
    - ``uncertainty/AUSE_mm``: excess error while the most uncertain joints
      are removed, over removing the truly worst.

    The scores of hypotheses are there where predictions hold any, those of
    their spread where they hold two or more. The file has the reliability and
    sparsification curves too.

    Args:
        coverage_levels: The p. Defaults to (0.5, 0.9, 0.95).
        region: ``'axis'`` for intervals of each coordinate, ``'ball'`` for
            balls around joints; of coverage and ECE. Defaults to ``'axis'``.
        fair: Whether CRPS and energy score correct for a small number of
            hypotheses. Defaults to False.
        required: Whether predictions without ``keypoint_std`` are an error.
            With False they give no keys. Defaults to True.
        **kwargs: See :class:`PoseMetric`.
    """

    extras = ('hypotheses', 'keypoint_std')

    def __init__(self,
                 coverage_levels: Sequence[float] = (0.5, 0.9, 0.95),
                 region: str = 'axis',
                 fair: bool = False,
                 required: bool = True,
                 **kwargs: Any) -> None:
        super().__init__(required=required, **kwargs)
        region_sizes(coverage_levels, region)
        self.coverage_levels = tuple(coverage_levels)
        self.region = region
        self.fair = fair

    def score(self, batch: FrameBatch) -> Totals:
        """Sums and weights of each quantity per window."""
        if not self.has_field(batch, 'keypoint_std'):
            return {}
        std, mask = batch.extras['keypoint_std'], self._mask(batch)
        self._expect_positive(batch, std)
        residual = batch.gt - batch.pred
        values = {}
        for prefix, own in (('', std), ('spread_', _spread(batch))):
            if own is None:
                continue
            values['spread_mm' if prefix else 'std_mm'] = own
            covered = covered_share(residual, own, self.coverage_levels,
                                    self.region)
            for i, level in enumerate(self.coverage_levels):
                values[f'{prefix}coverage@{level:g}'] = covered[..., i]
        crps = crps_gaussian(batch.pred, std[..., None], batch.gt)
        values['CRPS_gaussian_mm'] = crps.mean(axis=-1)
        totals = {
            f'uncertainty/{name}': batch.joint_totals(value, mask)
            for name, value in values.items()
        }
        if 'hypotheses' in batch.extras:
            totals.update(self._score_hypotheses(batch, mask))
        return totals

    def collect(self, batch: FrameBatch) -> Dict[str, List[np.ndarray]]:
        """Coverage at all levels, and error and uncertainty of each joint."""
        if 'keypoint_std' not in batch.extras:
            return {}
        std, mask = batch.extras['keypoint_std'], self._mask(batch)
        residual = batch.gt - batch.pred
        calibration = {}
        for name, own in (('calibration', std), ('spread_calibration',
                                                 _spread(batch))):
            if own is None:
                continue
            covered = covered_share(residual, own, CALIBRATION_LEVELS,
                                    self.region)
            covered = (covered * mask[..., None]).sum(axis=1)
            count = mask.sum(axis=1, keepdims=True)
            calibration[name] = list(
                batch.sum_by_window(np.hstack([covered, count])))
        errors = np.linalg.norm(residual, axis=-1)
        # Twice 4 bytes a joint: what ranking all joints of a data set takes.
        pairs = np.where(mask[..., None], np.stack([errors, std], axis=-1),
                         np.nan).astype(np.float32)
        arrays = dict(**calibration, pairs=batch.split_by_window(pairs))
        if _spread(batch) is not None:
            nearer = samples_nearer(batch.extras['hypotheses'].swapaxes(1, 2),
                                    batch.gt)
            arrays['nearer'] = batch.split_by_window(
                np.where(mask, nearer, np.nan).astype(np.float32))
        return arrays

    def summarise(self, results: List[Dict[str, Any]]) -> Summary:
        """Average, and add calibration error and sparsification."""
        summary = super().summarise(results)
        if not summary.quantities:
            return summary
        pairs = np.concatenate([
            result['arrays']['pairs'].reshape(-1, 2) for result in results
        ]).astype(np.float64)
        errors, std = pairs[~np.isnan(pairs[:, 0])].T
        if not len(errors):
            return summary
        for prefix in ('', 'spread_'):
            totals = [
                result['arrays'][f'{prefix}calibration'] for result in results
                if f'{prefix}calibration' in result['arrays']
            ]
            if totals:
                totals = sum(totals)
                coverage = totals[:-1] / totals[-1]
                summary.scalars[f'uncertainty/{prefix}ECE'] = (
                    expected_calibration_error(CALIBRATION_LEVELS, coverage))
                summary.curves[f'reliability_{prefix}coverage'] = (
                    coverage.tolist())
        nearer = [
            result['arrays']['nearer'] for result in results
            if 'nearer' in result['arrays']
        ]
        if nearer:
            shares = np.concatenate(nearer).astype(np.float64)
            known = ~np.isnan(shares)
            summary.scalars['uncertainty/cGNF_ECE'] = cgnf_calibration_error(
                shares[:, known.any(axis=0)])
        fractions = SPARSIFICATION_FRACTIONS
        curve = sparsification_curve(errors, std, fractions)
        oracle = sparsification_curve(errors, errors, fractions)
        summary.scalars['uncertainty/AUSE_mm'] = (
            area_under_sparsification_error(fractions, curve, oracle))
        summary.curves.update(
            reliability_level=list(CALIBRATION_LEVELS),
            sparsification_removed=list(fractions),
            sparsification_error_mm=curve.tolist(),
            sparsification_oracle_error_mm=oracle.tolist())
        summary.settings.update(region=self.region, fair=self.fair)
        return summary

    def _mask(self, batch: FrameBatch) -> np.ndarray:
        mask = batch.mask.copy()
        if self.root_index is not None:
            mask[:, self.root_index] = False
        return mask

    def _score_hypotheses(self, batch: FrameBatch, mask: np.ndarray) -> Totals:
        # (F, J, N, 3): hypotheses of a joint side by side.
        samples = batch.extras['hypotheses'].swapaxes(1, 2)
        crps = crps_ensemble(samples.swapaxes(2, 3), batch.gt,
                             self.fair).mean(axis=-1)
        energy = energy_score(samples, batch.gt, self.fair)
        seen = mask[..., None]
        whole = energy_score(
            np.where(seen[:, None], batch.extras['hypotheses'],
                     0).reshape(samples.shape[0], samples.shape[2], -1),
            np.where(seen, batch.gt, 0).reshape(len(batch.gt), -1), self.fair)
        counted = mask.any(axis=1)
        return {
            'uncertainty/CRPS_mm':
            batch.joint_totals(crps, mask),
            'uncertainty/energy_score_mm':
            batch.joint_totals(energy, mask),
            'uncertainty/energy_score_pose_mm':
            batch.joint_totals(whole[:, None], counted[:, None])
        }

    @staticmethod
    def _expect_positive(batch: FrameBatch, std: np.ndarray) -> None:
        negative = (std < 0).any(axis=1)
        if negative.any():
            raise ValueError('pred_instances.keypoint_std is negative, first '
                             f'in {batch.where(int(np.argmax(negative)))}.')


def _spread(batch: FrameBatch) -> Optional[np.ndarray]:
    """Standard deviation per axis of the hypotheses (F, J), mm, if any."""
    hypotheses = batch.extras.get('hypotheses')
    if hypotheses is None or hypotheses.shape[1] < 2:
        return None
    return np.sqrt(hypotheses.var(axis=1, ddof=1).mean(axis=-1))
