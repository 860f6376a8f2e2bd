# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Smoothness in time and coherence of the predicted skeleton."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from mmengine.logging import MMLogger

from mmdiffpose.registry import METRICS
from ..functional.coherence import (COHERENCE_MODES, cut_sequences,
                                    segment_lengths, segment_std, segments,
                                    segments_with, symmetry_gap)
from ..functional.velocity import difference_errors, smallest_step
from .base import PoseMetric, Totals
from .samples import FrameBatch, VideoKey, describe
from .summary import Summary, summarise

_DIFFERENCES = {'MPJVE_mm': 1, 'acceleration_error_mm': 2}


@METRICS.register_module()
class CoherenceMetric(PoseMetric):
    """MPJVE, acceleration error, symmetry gap and segment std, all in mm.

    Each video is put together from its windows by ``frame_ids``, whatever
    the order and the rank they come from, so that no difference is taken
    over the seam of two windows that aren't neighbours, and none that are
    neighbours is lost. Frames that weren't scored leave a gap, which no
    difference and no sequence spans.

    Keys, each also with ``/action_mean``, ``/sequence_mean`` and
    ``/<action>``, and as ``context/<key>`` where predictions hold
    ``coarse_keypoints``:

    - ``MPJVE_mm``: velocity error, mm per frame;
    - ``acceleration_error_mm``: mm per frame squared;
    - ``symmetry_gap_mm``: DiffHPE, Eq. 13, without ground truth;
    - ``segment_std_mm``: DiffHPE, Eq. 14, without ground truth, each
      sequence of ``sequence_length`` frames counting once.

    Segments with a joint whose true position is not known are left out, for
    such a joint was not trained on either.

    A quantity that cannot be had (all videos have one frame, or fewer than
    ``sequence_length``) is NaN, and a warning says so.

    Args:
        mode: ``'paper'`` or ``'official'``, of symmetry gap and segment std:
            the equations as printed, or the released code's.
        sequence_length: Frames of a sequence of Eq. 14; the rest at the end
            of a video is left out. None takes each video as a whole.
            Defaults to 27, the paper's.
        frame_step: Distance in ``frame_ids`` of neighbouring frames. None
            takes the smallest in the data set. Defaults to None.
        **kwargs: See :class:`PoseMetric`.
    """

    extras = ('coarse_keypoints', )

    def __init__(self,
                 mode: str = 'paper',
                 sequence_length: Optional[int] = 27,
                 frame_step: Optional[int] = None,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if mode not in COHERENCE_MODES:
            raise ValueError(f'mode must be one of {COHERENCE_MODES}, got '
                             f'{mode!r}.')
        if self.allow_repeated_frames:
            raise ValueError('allow_repeated_frames has no meaning for '
                             'CoherenceMetric: a trajectory has one pose per '
                             'frame.')
        for name, value, least in (('sequence_length', sequence_length, 2),
                                   ('frame_step', frame_step, 1)):
            if value is not None and value < least:
                raise ValueError(f'{name} must be at least {least} or None, '
                                 f'got {value}.')
        self.mode = mode
        self.sequence_length = sequence_length
        self.frame_step = frame_step

    def check_skeleton(self) -> None:
        """See :meth:`PoseMetric.check_skeleton`."""
        segments(self.mode, self.skeleton)

    def score(self, batch: FrameBatch) -> Totals:
        """The symmetry gap, the only quantity that one frame tells."""
        unknown = batch.frame_ids < 0
        if unknown.any():
            raise ValueError(
                f'{describe(batch.videos[batch.window[np.argmax(unknown)]])}: '
                'no frame_ids, by which CoherenceMetric orders frames. Add '
                "'frame_ids' to meta_keys of PackPoseInputs.")
        totals = {}
        counted = segments_with(batch.mask, self.mode, self.skeleton)
        for group, poses in _estimates(batch):
            gap = symmetry_gap(
                segment_lengths(poses, self.mode, self.skeleton), counted,
                self.skeleton)
            totals[f'{group}symmetry_gap_mm'] = batch.joint_totals(
                gap[:, None],
                np.isfinite(gap)[:, None])
        return totals

    def collect(self, batch: FrameBatch) -> Dict[str, List[np.ndarray]]:
        """Residuals and segment lengths, from which videos are put together.

        Single precision resolves 1e-4 mm at the size of a person.
        """
        kept = {'mask': batch.mask}
        for group, poses in _estimates(batch):
            kept[f'{group}residual'] = (poses - batch.gt).astype(np.float32)
            kept[f'{group}lengths'] = segment_lengths(
                poses, self.mode, self.skeleton).astype(np.float32)
        return {
            name: batch.split_by_window(values)
            for name, values in kept.items()
        }

    def summarise(self, results: List[Dict[str, Any]]) -> Summary:
        """Average, and add what whole videos tell."""
        summary = super().summarise(results)
        videos = _videos(results)
        step = self.frame_step or _common_step(videos)
        oracle = any(quantity.oracle for quantity in summary.quantities)
        groups = [q.name[:-len('symmetry_gap_mm')] for q in summary.quantities]
        gaps, summary.quantities = summary.quantities, []
        for group, gap in zip(groups, gaps):
            rows = self._video_totals(videos, group, step)
            summary.quantities += [
                summarise(f'{group}{name}', list(videos), totals, oracle)
                for name, totals in rows.items()
            ]
            summary.quantities.insert(-1, gap)
        summary.settings.update(
            mode=self.mode,
            sequence_length=self.sequence_length,
            frame_step=step)
        _warn_of_nan(summary)
        return summary

    def _video_totals(self, videos: Dict[VideoKey, Dict[str, np.ndarray]],
                      group: str, step: int) -> Totals:
        totals: Dict[str, List[Tuple[float, int]]] = {
            name: []
            for name in (*_DIFFERENCES, 'segment_std_mm')
        }
        for video in videos.values():
            frame_ids = video['frame_ids']
            residual = video[f'{group}residual'].astype(np.float64)
            for name, order in _DIFFERENCES.items():
                errors, counted = difference_errors(residual, frame_ids, order,
                                                    step, video['mask'])
                totals[name].append((errors[counted].sum(), counted.sum()))
            lengths = video[f'{group}lengths'].astype(np.float64)
            counted = segments_with(video['mask'], self.mode, self.skeleton)
            runs = [
                segment_std(lengths[run], self.mode, counted[run])
                for run in cut_sequences(frame_ids, self.sequence_length, step)
            ]
            totals['segment_std_mm'].append(
                (sum(np.nansum(run) for run in runs),
                 sum(np.isfinite(run).sum() for run in runs)))
        return {name: np.array(rows) for name, rows in totals.items()}


def _estimates(batch: FrameBatch) -> Sequence[Tuple[str, np.ndarray]]:
    """The prediction and, where there is one, the context encoder's."""
    coarse = batch.extras.get('coarse_keypoints')
    estimates = [('', batch.pred)]
    return estimates if coarse is None else [*estimates, ('context/', coarse)]


def _videos(
        results: List[Dict[str,
                           Any]]) -> Dict[VideoKey, Dict[str, np.ndarray]]:
    """Frames of each video from all its windows, in their order."""
    windows: Dict[VideoKey, List[Dict[str, np.ndarray]]] = {}
    for result in results:
        arrays = dict(result['arrays'], frame_ids=result['frame_ids'])
        windows.setdefault(result['video'], []).append(arrays)
    videos = {}
    for video, parts in windows.items():
        whole = {
            name: np.concatenate([part[name] for part in parts])
            for name in parts[0]
        }
        order = np.argsort(whole['frame_ids'], kind='stable')
        videos[video] = {name: values[order] for name, values in whole.items()}
    return videos


def _common_step(videos: Dict[VideoKey, Dict[str, np.ndarray]]) -> int:
    """Smallest distance of two frames in any video, 1 if there are none."""
    steps = [smallest_step(video['frame_ids']) for video in videos.values()]
    return min((step for step in steps if step > 0), default=1)


def _warn_of_nan(summary: Summary) -> None:
    empty = [q.name for q in summary.quantities if np.isnan(q.frame_mean)]
    if empty:
        MMLogger.get_current_instance().warning(
            f'{summary.title}: no video is long enough for {empty}, which '
            'are NaN.')
