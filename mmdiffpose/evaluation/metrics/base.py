# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What all pose metrics share: reading, collecting, averaging, reporting."""

from abc import abstractmethod
from dataclasses import replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from mmdiffpose.skeletons import (H36M_17, JOINT_ORDERS, Skeleton,
                                  skeleton_from_metainfo)
from mmdiffpose.skeletons.metainfo import root_of_metainfo
from ..functional.joint_order import joint_skeleton
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
            None takes the data set's own joints; Human3.6M's where nothing
            says which these are.
        root_align: Whether prediction and truth are both made relative to
            their own root joint, as Protocol 1 demands. Defaults to True.
        root_index: Root joint. None takes the data set's, or that of
            ``joint_order``. One that contradicts the data set's is refused.
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
                 joint_order: Optional[str] = None,
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
            pass
        elif root_index < 0:
            raise ValueError(f'root_index must be a joint index, got '
                             f'{root_index}.')
        elif not root_align:
            raise ValueError(f'root_index {root_index} has no meaning with '
                             'root_align=False.')
        self.joint_order = joint_order
        self.root_align = root_align
        self.ignore_invisible = ignore_invisible
        self._root_given = root_index
        self.skeleton = self._read_skeleton({})
        self.log_actions = log_actions
        self.allow_repeated_frames = allow_repeated_frames
        self.required = required
        self.out_file = out_file
        if out_file is not None:
            read_results(out_file)

    @property
    def dataset_meta(self) -> Optional[dict]:
        """The data set's metainfo, as MMEngine sets it."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: Optional[dict]) -> None:
        """Take joints, bones, root and mirror from it.

        Raises:
            ValueError: If they are not those of ``joint_order``, or the root
                is not ``root_index``.
        """
        self._dataset_meta = dataset_meta
        self.skeleton = self._read_skeleton(dataset_meta or {})
        self.check_skeleton()

    def check_skeleton(self) -> None:
        """Raise ValueError where a quantity asks for other joints, which is
        known before anything is trained."""

    @property
    def root_index(self) -> Optional[int]:
        """Joint that poses are made relative to; None for none."""
        return self.skeleton.root if self.root_align else None

    @property
    def reader(self) -> SampleReader:
        """Reads samples as the arguments say."""
        return SampleReader(
            root_index=self.root_index,
            ignore_invisible=self.ignore_invisible,
            extras=self.extras)

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
            joint_order=self.joint_order or self.skeleton.name,
            root_index=self.root_index,
            ignore_invisible=self.ignore_invisible,
            windows=len(results),
            frames=int(sum(len(r['frame_ids']) for r in results)),
            videos=len(set(videos)))
        return Summary(type(self).__name__, quantities, settings=settings)

    def _read_skeleton(self, meta: Dict[str, Any]) -> Skeleton:
        """The joints that are scored, by arguments and metainfo."""
        name, given = meta.get('dataset_name'), self.joint_order
        if name in JOINT_ORDERS and given not in (None, name):
            raise ValueError(f'The data set has the joints of {name!r}, but '
                             f'{type(self).__name__} was given joint_order='
                             f'{given!r}.')
        if 'keypoint_id2name' not in meta:
            if given is None and name in JOINT_ORDERS:
                given = name
            skeleton = H36M_17 if given is None else joint_skeleton(given)
            if self._root_given is None:
                return skeleton
            return replace(skeleton, root_joint=self._root_given)
        names = [str(joint) for joint in meta['keypoint_id2name'].values()]
        known = root_of_metainfo(meta, names)
        stated = meta.get('root_index')
        root = self._root_given
        if root is not None and stated is not None and root != stated:
            raise ValueError(
                f'{type(self).__name__} was given root_index={root}, but '
                f'codec and data set have the root {stated} '
                f'({names[int(stated)]}): leave it out.')
        if root is None and known is None and not self.root_align:
            root = 0
        skeleton = skeleton_from_metainfo(meta, root)
        if given is not None and set(skeleton.joints) != set(
                joint_skeleton(given).joints):
            raise ValueError(f'{type(self).__name__} was given joint_order='
                             f'{given!r}, but the data set has the joints '
                             f'{names}: leave it out.')
        return skeleton


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
