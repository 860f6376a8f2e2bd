# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of predictions while a lifter trains and is tested."""

from pathlib import Path
from typing import Any, Mapping, Optional, Sequence, Union

import cv2
import numpy as np
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdiffpose.atomic_files import replacing
from mmdiffpose.registry import HOOKS
from mmdiffpose.skeletons import Skeleton
from mmdiffpose.skeletons.metainfo import drawn_skeleton


@HOOKS.register_module()
class LiftingVisualizationHook(Hook):
    """Draw some windows of each validation and test.

    The middle frame that is scored of each: 2D keypoints, the predicted pose
    and the true one from two sides. Pictures go to the visualizer's backends
    (files of the work folder; TensorBoard or Weights & Biases with
    ``vis_backends``), as ``val/<n>`` and ``test/<n>``, and, where a folder is
    given, to PNG files in it. The windows are evenly spaced and the same in
    every epoch.

    Args:
        number (int): Windows. Defaults to 8.
        out_dir (str, optional): Folder of the PNG files
            ``<val or test>_<epoch>_<n>.png``.
    """

    priority = 'LOW'

    def __init__(self, number: int = 8, out_dir: Optional[str] = None) -> None:
        if number < 1:
            raise ValueError(f'number should be at least 1, got {number}')
        self.number = number
        self.out_dir = None if out_dir is None else Path(out_dir)
        self._drawn = 0

    def before_val_epoch(self, runner: Runner) -> None:
        """Start anew."""
        self._drawn = 0

    def before_test_epoch(self, runner: Runner) -> None:
        """Start anew."""
        self._drawn = 0

    def after_val_iter(self,
                       runner: Runner,
                       batch_idx: int,
                       data_batch: Optional[dict] = None,
                       outputs: Optional[Sequence] = None) -> None:
        """Draw what is due of a batch."""
        self._draw_batch(runner, 'val', runner.val_loop, batch_idx, outputs)

    def after_test_iter(self,
                        runner: Runner,
                        batch_idx: int,
                        data_batch: Optional[dict] = None,
                        outputs: Optional[Sequence] = None) -> None:
        """Draw what is due of a batch."""
        self._draw_batch(runner, 'test', runner.test_loop, batch_idx, outputs)

    def _draw_batch(self, runner: Runner, split: str, loop: Any, index: int,
                    outputs: Optional[Sequence]) -> None:
        if not outputs or not is_main_process():
            return
        batches = len(loop.dataloader)
        # Of the windows that are due, how many are up to this batch.
        due = -(-(index + 1) * self.number // batches)
        picked = np.linspace(0,
                             len(outputs) - 1,
                             min(due - self._drawn, len(outputs)))
        skeleton = drawn_skeleton(loop.evaluator.dataset_meta or {})
        for place in picked.round().astype(int):
            picture = draw_sample(outputs[place], skeleton)
            if picture is None:
                continue
            name = f'{split}_{runner.epoch:03d}_{self._drawn}'
            runner.visualizer.add_image(
                f'{split}/{self._drawn}', picture, step=runner.epoch)
            if self.out_dir is not None:
                write_picture(self.out_dir / f'{name}.png', picture)
            self._drawn += 1


def draw_sample(sample: Any, skeleton: Skeleton) -> Optional[np.ndarray]:
    """A frame of a window that was predicted, RGB; None without a frame.

    Args:
        sample (PoseDataSample): With predictions and ground truth.
        skeleton (Skeleton): Its joints.
    """
    # Imported late: a training without pictures needs no OpenCV text.
    from mmdiffpose.visualization.window_picture import draw_window_frame
    pred, truth = sample.pred_instances, sample.gt_instances
    poses = np.asarray(pred.keypoints, np.float64)
    poses = poses[0] if poses.ndim == 4 else poses
    frame = _frame(truth, len(poses))
    inputs = _inputs(sample)
    if inputs is None or frame is None:
        return None
    asked = sample.metainfo.get('target_frame')
    place = frame if asked is None else asked
    keypoints, seen = (values[place] for values in inputs)
    target = known = None
    if 'lifting_target' in truth and len(truth.lifting_target) > place:
        target = np.asarray(truth.lifting_target, np.float64)[place]
        target = target - target[skeleton.root]
        if 'lifting_target_visible' in truth:
            known = np.ravel(truth.lifting_target_visible[place]) > 0
    std = pred.keypoint_std[frame] if 'keypoint_std' in pred else None
    clip = ' '.join(
        str(sample.metainfo.get(key, '')) for key in ('subject', 'clip'))
    numbers = sample.metainfo.get('frame_ids')
    title = clip if numbers is None else f'{clip} {int(numbers[place])}'
    pose = poses[frame] - poses[frame, skeleton.root]
    return draw_window_frame(keypoints, seen, pose, target, known, skeleton,
                             std, title.strip())


def _frame(truth: Any, num_frames: int) -> Optional[int]:
    """The middle one of the frames that are scored, in the prediction."""
    valid = np.ones(num_frames, bool)
    if 'valid_frames' in truth and len(truth.valid_frames) == num_frames:
        valid = np.asarray(truth.valid_frames, bool)
    frames = np.flatnonzero(valid)
    return int(frames[len(frames) // 2]) if len(frames) else None


def _inputs(sample: Any) -> Optional[Sequence[np.ndarray]]:
    """2D joints (T, J, 2), and whether they were seen (T, J)."""
    labels: Mapping[str, Any] = sample.get('gt_instance_labels', {})
    if 'keypoint_labels' not in labels:
        return None
    points = np.asarray(labels['keypoint_labels'].cpu(), np.float64)[..., :2]
    seen = np.ones(points.shape[:2], bool)
    if 'keypoint_labels_visible' in labels:
        seen = np.asarray(labels['keypoint_labels_visible'].cpu()) > 0
    return points, seen


def write_picture(path: Union[str, Path], picture: np.ndarray) -> None:
    """Write an RGB picture as PNG, whole or not at all."""
    done, data = cv2.imencode('.png', cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not done:
        raise OSError(f'{path} could not be encoded')
    with replacing(path) as temporary:
        temporary.write_bytes(data.tobytes())
