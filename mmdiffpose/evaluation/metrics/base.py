# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What all pose metrics share: reading, collecting, averaging, reporting."""

from abc import abstractmethod
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from ..functional.joint_order import JOINT_ORDERS, root_joint
from .results_file import read_results, write_results
from .samples import (FrameBatch, SampleReader, VideoKey, describe,
                      expect_same_fields)
from .summary import Summary, summarise

Totals = Dict[str, np.ndarray]
"""Quantity name to sum and weight of each window (W, 2)."""


class PoseMetric(BaseMetric):
    """Base of the metrics on 3D poses.

    Each data sample, one window of T frames, leaves exactly one entry in
    ``self.results``: MMEngine counts on that when it interleaves the ranks'
    results and drops the samples with which the sampler filled up the last
    round, so that every sample counts once whatever the world size. An entry
    holds sums and weights, not poses, unless a metric needs them.

    Only frames with ``gt_instances.valid_frames`` True are scored.

    Args:
        joint_order: ``'h36m'`` or ``'mpi_inf_3dhp'``: which joint is which.
        root_align: Whether prediction and truth are both made relative to
            their own root joint, as Protocol 1 demands. Defaults to True.
        root_index: Root joint. None takes that of ``joint_order``.
        ignore_invisible: Whether joints with ``lifting_target_visible`` 0
            are left out. Defaults to True.
        log_actions: Whether the values per action go into MMEngine's log
            too. The table and the file always have them. Defaults to
            False.
        allow_repeated_frames: Whether a frame of a video may be scored more
            than once. By default that is an error, for it would silently
            weigh some frames double.
        required: Whether a prediction without the field that the metric is
            about is an error. With False it gives no keys.
        out_file: JSON file for all results. Metrics may share one file.
        collect_device: Device for collecting results from other ranks,
            ``'cpu'`` or ``'gpu'``.
        prefix: Prefix of all keys.
        collect_dir: Shared folder for collecting with ``'cpu'``.
    """

    default_prefix = ''
    extras: Tuple[str, ...] = ()
    """Optional fields of pred_instances that the metric reads."""

    def __init__(self,
                 joint_order: str = 'h36m',
                 root_align: bool = True,
                 root_index: Optional[int] = None,
                 ignore_invisible: bool = True,
                 log_actions: bool = False,
                 allow_repeated_frames: bool = False,
                 required: bool = True,
                 out_file: Optional[str] = None,
                 collect_device: str = 'cpu',
                 prefix: Optional[str] = None,
                 collect_dir: Optional[str] = None) -> None:
        super().__init__(
            collect_device=collect_device,
            prefix=prefix,
            collect_dir=collect_dir)
        if root_index is None:
            root_index = root_joint(joint_order)
        elif root_index < 0:
            raise ValueError(f'root_index must be a joint index, got '
                             f'{root_index}.')
        elif not root_align:
            raise ValueError(f'root_index {root_index} has no meaning with '
                             'root_align=False.')
        self.joint_order = joint_order
        self.root_index = root_index if root_align else None
        self.reader = SampleReader(
            root_index=self.root_index,
            ignore_invisible=ignore_invisible,
            extras=self.extras)
        self.log_actions = log_actions
        self.allow_repeated_frames = allow_repeated_frames
        self.required = required
        self.out_file = out_file
        if out_file is not None:
            read_results(out_file)

    @abstractmethod
    def score(self, batch: FrameBatch) -> Totals:
        """Sum and weight of each quantity over the frames of each window."""

    def collect(self, batch: FrameBatch) -> Dict[str, List[np.ndarray]]:
        """Arrays to keep of each window, for what no sum can tell."""
        return {}

    def has_field(self, batch: FrameBatch, name: str) -> bool:
        """Whether predictions hold a field; an error if they must."""
        if name in batch.extras:
            return True
        if self.required:
            raise ValueError(
                f'{type(self).__name__} needs pred_instances.{name}, which '
                f'{describe(batch.videos[0])} lacks. Use a head that predicts '
                'it, or set required=False.')
        return False

    def is_oracle(self, name: str) -> bool:
        """Whether a quantity uses ground truth to choose."""
        return name.startswith('oracle/')

    def process(self, data_batch: Any,
                data_samples: Sequence[Dict[str, Any]]) -> None:
        """Score a batch of predictions.

        Args:
            data_batch: Unused.
            data_samples: Predictions and ground truth as dicts.
        """
        del data_batch
        self._check_joint_order()
        batch = self.reader.read(data_samples)
        totals = self.score(batch)
        names = tuple(totals)
        table = np.zeros((batch.num_windows, len(names), 2))
        for i, name in enumerate(names):
            table[:, i] = totals[name]
        arrays = self.collect(batch)
        frame_ids = batch.split_by_window(batch.frame_ids.astype(np.int32))
        for i, video in enumerate(batch.videos):
            self.results.append(
                dict(
                    video=video,
                    frame_ids=frame_ids[i],
                    names=names,
                    fields=batch.fields,
                    totals=table[i],
                    arrays={
                        name: parts[i]
                        for name, parts in arrays.items()
                    },
                    used_ground_truth=bool(batch.used_ground_truth[i])))

    def compute_metrics(self, results: List[Dict[str, Any]]) -> Dict[str, Any]:
        """Average over all windows, show the table, write the file.

        Args:
            results: One entry per window of the data set.

        Returns:
            The values for MMEngine's log.
        """
        if not any(len(result['frame_ids']) for result in results):
            raise ValueError(f'{type(self).__name__} got no frame to score: '
                             f'{len(results)} windows, none with a valid '
                             'frame.')
        if not self.allow_repeated_frames:
            _expect_distinct_frames(results)
        summary = self.summarise(results)
        logger = MMLogger.get_current_instance()
        if not summary.quantities:
            logger.warning(f'{type(self).__name__}: predictions lack all of '
                           f'{self.extras}, nothing was measured.')
            return {}
        logger.info('\n' + summary.as_text())
        if self.out_file is not None:
            name = '/'.join(filter(None, (self.prefix, type(self).__name__)))
            write_results(self.out_file, name, summary.as_json())
        return summary.as_log(self.log_actions)

    def summarise(self, results: List[Dict[str, Any]]) -> Summary:
        """Average the sums of all windows."""
        expect_same_fields(result['fields'] for result in results)
        names = results[0]['names']
        oracle_model = any(result['used_ground_truth'] for result in results)
        videos = [result['video'] for result in results]
        totals = np.stack([result['totals'] for result in results])
        quantities = [
            summarise(name, videos, totals[:, i], oracle_model
                      or self.is_oracle(name)) for i, name in enumerate(names)
        ]
        settings = dict(
            joint_order=self.joint_order,
            root_index=self.root_index,
            ignore_invisible=self.reader.ignore_invisible,
            windows=len(results),
            frames=int(sum(len(r['frame_ids']) for r in results)),
            videos=len(set(videos)))
        return Summary(type(self).__name__, quantities, settings=settings)

    def _check_joint_order(self) -> None:
        name = (self.dataset_meta or {}).get('dataset_name')
        if name in JOINT_ORDERS and name != self.joint_order:
            raise ValueError(f'The data set has the joints of {name!r}, but '
                             f'{type(self).__name__} was given joint_order='
                             f'{self.joint_order!r}.')


def _expect_distinct_frames(results: List[Dict[str, Any]]) -> None:
    """Raise where a frame of a video is scored twice."""
    videos: Dict[VideoKey, int] = {}
    video = np.concatenate([
        np.full(
            len(result['frame_ids']),
            videos.setdefault(result['video'], len(videos)))
        for result in results
    ])
    frame = np.concatenate([result['frame_ids'] for result in results])
    known = frame >= 0
    pairs, counts = np.unique(
        np.stack([video[known], frame[known]]), axis=1, return_counts=True)
    if (counts > 1).any():
        first = pairs[:, np.argmax(counts > 1)]
        where = describe(list(videos)[first[0]], int(first[1]))
        raise ValueError(
            f'{int((counts > 1).sum())} frames are scored more than once, '
            f'first: {where}. Mark frames that another window covers with '
            'valid_frames=False, or set allow_repeated_frames=True.')
