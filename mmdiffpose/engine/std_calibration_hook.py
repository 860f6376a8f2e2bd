# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Fit the std that a diffusion head reports, on the validation split."""

import logging
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dist import all_gather_object, is_main_process, master_only
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner, find_latest_checkpoint

from mmdiffpose.atomic_files import replacing
from mmdiffpose.checkpoints.safe_classes import load_safely
from mmdiffpose.evaluation.functional.coverage import covered_share
from mmdiffpose.evaluation.functional.std_scaling import (LEVEL, StdScaling,
                                                          fit_std_scaling)
from mmdiffpose.registry import HOOKS
from .residual_calibration_hook import put_measured, unwrap

if TYPE_CHECKING:  # MMPose's models take seconds to import
    from mmdiffpose.models.heads.parts.std_calibration import StdCalibration

META_KEY = 'std_calibration'
"""Where a checkpoint's ``meta`` says how its calibration came about."""
_BUFFERS = 'head.std_calibration.'


class SpreadStatistics:
    """Spread of the hypotheses and error of their mean, frame by frame.

    Only frames that count in an evaluation enter (``valid_frames``), with
    both poses relative to the root joint, and joints that are visible.

    Args:
        root_index (int): The root joint. Defaults to 0.
    """

    def __init__(self, root_index: int = 0) -> None:
        self.root_index = root_index
        self._parts: List[Sequence[np.ndarray]] = []

    def update(self, data_samples: Sequence) -> None:
        """Add windows.

        Args:
            data_samples (list[PoseDataSample]): With predictions that hold
                ``hypotheses`` (T, N, J, 3), metres.
        """
        for sample in data_samples:
            truth, pred = sample.gt_instances, sample.pred_instances
            valid = np.asarray(truth.valid_frames, bool)
            hypotheses = pred.get('hypotheses')
            if hypotheses is None or hypotheses.shape[1] < 2:
                continue
            hypotheses = np.asarray(hypotheses, np.float64)[valid]
            target = np.asarray(truth.lifting_target, np.float64)[valid]
            pose = np.asarray(pred.keypoints, np.float64)[valid]
            root = slice(self.root_index, self.root_index + 1)
            residual = (target - target[:, root]) - (pose - pose[:, root])
            visible = truth.get('lifting_target_visible')
            mask = (
                np.ones(target.shape[:2], bool)
                if visible is None else np.asarray(visible)[valid] > 0)
            mask = mask & mask[:, root]
            spread = np.sqrt(hypotheses.var(axis=1, ddof=1).mean(axis=-1))
            self._parts.append(
                (spread.astype(np.float32), residual.astype(np.float32), mask))

    def gather(self) -> Optional[List[np.ndarray]]:
        """Spread (F, J), residual (F, J, 3) and mask (F, J) of all
        processes, the same in each; None without any pose of two hypotheses
        or more."""
        parts = [p for share in all_gather_object(self._parts) for p in share]
        if not parts:
            return None
        return [np.concatenate(fields) for fields in zip(*parts)]


@HOOKS.register_module()
class StdCalibrationHook(Hook):
    """Fit the head's :class:`StdCalibration` in every validation epoch.

    A checkpoint saved after a validation (the best one) has the calibration
    of its own weights; at the end of training the last one gets it, too.
    ``meta['std_calibration']`` of the checkpoint says what it was fitted on.
    For a trained checkpoint use ``tools/analysis_tools/calibrate.py``.

    With a single hypothesis there is no spread: nothing is fitted, and the
    head goes on to report the context encoder's residual. Nothing is done
    either for heads that do not sample, whose configs may inherit this hook.

    Args:
        level (float): The nominal level whose coverage is made exact, see
            :func:`~mmdiffpose.evaluation.functional.fit_std_scaling`.
            Defaults to 0.9.
    """

    # After EMAHook, which swaps what is saved, before CheckpointHook.
    priority = 'LOW'

    def __init__(self, level: float = LEVEL) -> None:
        if not 0 < level < 1:
            raise ValueError(f'level should lie in (0, 1), got {level}')
        self.level = level
        self.record: Optional[Dict[str, Any]] = None
        self._statistics = SpreadStatistics()

    def before_run(self, runner: Runner) -> None:
        """Learn before anything is trained that the splits are the same.

        Raises:
            ValueError: Where the validation split is the test split.
        """
        if runner._train_loop is not None and runner.val_loop is not None:
            check_split(runner.cfg)

    def before_val_epoch(self, runner: Runner) -> None:
        """Start anew.

        Raises:
            ValueError: Where the validation split is the test split.
        """
        check_split(runner.cfg)
        head = unwrap(runner.model).head
        self._statistics = SpreadStatistics(getattr(head, 'root_index', 0))

    def after_val_iter(self,
                       runner: Runner,
                       batch_idx: int,
                       data_batch: Optional[dict] = None,
                       outputs: Optional[Sequence] = None) -> None:
        """Add a batch."""
        self._statistics.update(outputs or ())

    def after_val_epoch(self,
                        runner: Runner,
                        metrics: Optional[dict] = None) -> None:
        """Fit, and store the result in the model."""
        fields = self._statistics.gather()
        self._statistics = SpreadStatistics()
        head = unwrap(runner.model).head
        if fields is None or not hasattr(head, 'std_calibration'):
            print_log(
                f'{type(head).__name__} has no calibration, or drew less than '
                'two hypotheses: nothing is calibrated',
                logger='current',
                level=logging.WARNING)
            return
        spread, residual, mask = fields
        scaling = _fit_known(spread, residual, mask, self.level)
        find_calibration(runner.model).set(*(torch.from_numpy(value).float()
                                             for value in scaling))
        self.record = dict(
            method='std^2 = scale^2 spread^2 + floor^2 per joint: maximum '
            'likelihood, then split conformal at one level',
            level=self.level,
            split='val',
            dataset=describe_dataset(runner.cfg),
            num_poses=len(spread),
            epoch=runner.epoch,
            test_cfg=dict(unwrap(runner.model).test_cfg or {}),
            **coverages(scaling, spread, residual, mask, self.level))
        print_log(
            f'calibrated keypoint_std on {self.record["num_poses"]} poses of '
            f'the validation split: {100 * self.level:g} % intervals held '
            f'{100 * self.record["coverage_before"]:.1f} % with the spread '
            f'alone, now {100 * self.record["coverage_after"]:.1f} %',
            logger='current')

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Say where the calibration comes from."""
        if self.record is not None:
            apply_calibration(checkpoint, find_calibration(runner.model),
                              self.record)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the record of a run that is resumed."""
        self.record = checkpoint.get('meta', {}).get(META_KEY)

    def after_train(self, runner: Runner) -> None:
        """Calibrate the last checkpoint, saved before its validation."""
        if self.record is None or self.record['epoch'] != runner.epoch:
            return
        path = find_latest_checkpoint(runner.work_dir)
        if path is not None and is_main_process():
            calibrate_file(path, path, find_calibration(runner.model),
                           self.record)


def _fit_known(spread: np.ndarray, residual: np.ndarray, mask: np.ndarray,
               level: float) -> StdScaling:
    """Fit the joints that are known; others get the most cautious fit."""
    known = mask.any(axis=0)
    fit = fit_std_scaling(spread[:, known], residual[:, known], mask[:, known],
                          level)
    if known.all():
        return fit
    print_log(
        f'joints {np.flatnonzero(~known).tolist()} are known in no frame of '
        'the validation split: their std is calibrated like that of the '
        'least certain joint that is known',
        logger='current',
        level=logging.WARNING)
    fields = []
    for values in fit:
        field = np.full(len(known), values.max())
        field[known] = values
        fields.append(field)
    return StdScaling(*fields)


def find_calibration(model: torch.nn.Module) -> 'StdCalibration':
    """The calibration of a model's head.

    Raises:
        ValueError: Where the head has none.
    """
    head = getattr(unwrap(model), 'head', None)
    calibration = getattr(head, 'std_calibration', None)
    if calibration is None:
        raise ValueError(
            f'{type(head).__name__} has no std_calibration: only a head that '
            'samples hypotheses, such as DiffPoseHead, is calibrated')
    return calibration


def check_split(cfg: Config) -> None:
    """Check that the validation split is not the test split.

    Raises:
        ValueError: Where both read the same data, or there is none.
    """
    loaders = [cfg.get(f'{name}_dataloader') for name in ('val', 'test')]
    if loaders[0] is None:
        raise ValueError('the config has no val_dataloader: a calibration '
                         'needs data that the model was not trained on')
    if loaders[1] is not None and loaders[0].dataset == loaders[1].dataset:
        raise ValueError(
            'val_dataloader and test_dataloader of the config have the same '
            'dataset: calibrated on it, a test would say nothing')


def describe_dataset(cfg: Config) -> Dict[str, Any]:
    """What the validation split is made of: its settings in the config."""
    dataset = cfg.val_dataloader.dataset.to_dict()
    return {k: v for k, v in dataset.items() if k != 'pipeline'}


def coverages(scaling: StdScaling, spread: np.ndarray, residual: np.ndarray,
              mask: np.ndarray, level: float) -> Dict[str, float]:
    """Coverage of the level's intervals with the spread alone and scaled.

    Joints that are never wrong (the root) are left out.
    """
    mask = mask & ((scaling.scale > 0) | (scaling.floor > 0))
    return {
        name: float(covered_share(residual[mask], std[mask], [level]).mean())
        for name, std in (('coverage_before', spread), ('coverage_after',
                                                        scaling(spread)))
    }


def apply_calibration(checkpoint: dict, calibration: 'StdCalibration',
                      record: Dict[str, Any]) -> None:
    """Put a calibration and its record into a checkpoint."""
    put_measured(checkpoint, _BUFFERS, calibration.state_dict())
    checkpoint.setdefault('meta', {})[META_KEY] = record


@master_only
def calibrate_file(source: str, target: str, calibration: 'StdCalibration',
                   record: Dict[str, Any]) -> None:
    """Write a checkpoint again, with a calibration; all else is kept.

    Args:
        source (str): The checkpoint, a local file.
        target (str): The file to write; may be the same.
        calibration (StdCalibration): Fitted with the checkpoint's weights.
        record (dict): Where it comes from.
    """
    # The optimiser's state and the message hub are more than tensors.
    checkpoint = load_safely(source)
    if 'state_dict' not in checkpoint:
        checkpoint = dict(state_dict=checkpoint)
    apply_calibration(checkpoint, calibration, record)
    with replacing(target) as partial:
        torch.save(checkpoint, partial)
