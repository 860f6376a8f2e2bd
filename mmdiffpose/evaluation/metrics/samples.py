# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From MMEngine's data samples to arrays of the frames to score."""

import re
from dataclasses import dataclass
from typing import (Any, Dict, Iterable, List, Mapping, Optional, Sequence,
                    Tuple)

import numpy as np

from ..functional.mpjpe import centre_on_root

VideoKey = Tuple[str, str, str, str]
"""(subject, action, camera, clip): one video."""

Fields = Tuple[Tuple[str, Tuple[int, ...]], ...]
"""Optional fields of a prediction: name and shape without T."""

_H36M_IMAGE = re.compile(
    r'(?P<subject>[^_/\\]+)_(?P<clip>(?P<action>[^_./\\]+)[^./\\]*)'
    r'\.(?P<camera>\d+)_(?P<frame>\d+)\.\w+$')
_MM = 1000.


@dataclass(frozen=True)
class FrameBatch:
    """The frames to score of a batch of windows, one after the other.

    Frames are F in number, windows W. Poses are in millimetres, camera axes,
    relative to their own root unless the metric was told not to align it.

    Attributes:
        videos: Video of each window, W of them.
        window: Index of each frame's window (F,).
        frame_ids: Index of each frame in its video (F,), -1 where unknown.
        pred: Predicted poses (F, J, 3).
        gt: True poses (F, J, 3).
        mask: Joints that count (F, J), bool.
        extras: Further predictions by name: ``coarse_keypoints`` (F, J, 3)
            mm, ``hypotheses`` (F, N, J, 3) mm, ``keypoint_std`` (F, J) mm.
        used_ground_truth: Whether a sample says that ground truth entered
            its prediction (W,), bool.
    """
    videos: List[VideoKey]
    window: np.ndarray
    frame_ids: np.ndarray
    pred: np.ndarray
    gt: np.ndarray
    mask: np.ndarray
    extras: Dict[str, np.ndarray]
    used_ground_truth: np.ndarray

    @property
    def fields(self) -> Fields:
        """Optional fields of the predictions."""
        return _fields(self.extras)

    @property
    def num_windows(self) -> int:
        """Number of windows W, those without a frame to score included."""
        return len(self.videos)

    def sum_by_window(self, values: np.ndarray) -> np.ndarray:
        """Sum (F, ...) over the frames of each window -> (W, ...)."""
        total = np.zeros((self.num_windows, ) + values.shape[1:])
        np.add.at(total, self.window, values)
        return total

    def joint_totals(self, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Sum and number of the values (F, J) that count, per window.

        Args:
            values: A value of each joint in each frame (F, J).
            mask: Which of them count (F, J).

        Returns:
            (W, 2): sum and weight.
        """
        return self.sum_by_window(
            np.stack([np.where(mask, values, 0).sum(1),
                      mask.sum(1)], axis=1))

    def where(self, frame: int) -> str:
        """Name the video and the index in it of a frame of the batch."""
        return describe(self.videos[self.window[frame]],
                        int(self.frame_ids[frame]))

    def split_by_window(self, values: np.ndarray) -> List[np.ndarray]:
        """Cut (F, ...) into one array per window."""
        bounds = np.searchsorted(self.window, np.arange(1, self.num_windows))
        return np.split(values, bounds)


def _fields(extras: Mapping[str, np.ndarray]) -> Fields:
    return tuple((name, extras[name].shape[1:]) for name in sorted(extras))


def to_numpy(value: Any) -> np.ndarray:
    """Array of a tensor on any device, an array or a nested list."""
    if hasattr(value, 'detach'):
        value = value.detach().cpu().numpy()
    return np.asarray(value)


def video_and_frames(sample: Mapping[str, Any],
                     num_frames: int) -> Tuple[VideoKey, np.ndarray]:
    """Video and frame indices of a sample.

    Reads ``subject``, ``action``, ``camera``, ``clip`` and ``frame_ids``.
    Where they are missing, as in the samples of MMPose's own data sets, they
    come from Human3.6M-style names in ``target_img_path``
    (``S9_Directions_1.54138969_000001.jpg``).

    Args:
        sample: One data sample as a dict.
        num_frames: Frames T of the sample.

    Returns:
        The video and the frame indices (T,), all -1 where they are unknown.
    """
    paths = sample.get('target_img_path')
    # MMPose's own data sets have an array of names where targets are several.
    paths = [] if paths is None else np.ravel(paths).tolist()
    found = [_H36M_IMAGE.search(str(path)) for path in paths]
    names = [match.groupdict() for match in found if match is not None]
    parsed = names[0] if found and found[0] is not None else {}
    if 'action' not in sample and not parsed:
        raise ValueError(
            "A data sample has neither 'action' nor a Human3.6M-style "
            f"'target_img_path' (found {paths[:1]}): metrics per action need "
            "one. Add 'action' to meta_keys of PackPoseInputs.")
    subject, action, camera, clip = (
        str(sample.get(key, parsed.get(key, '')))
        for key in ('subject', 'action', 'camera', 'clip'))
    video = (subject, action, camera, clip)
    if sample.get('frame_ids') is not None:
        frame_ids = to_numpy(sample['frame_ids']).reshape(-1).astype(np.int64)
    elif len(names) == len(found) and len(found) in (1, num_frames):
        # One name for a window is that of its target frame.
        frame_ids = np.array([int(name['frame']) for name in names])
        frame_ids = np.resize(frame_ids, num_frames)
    else:
        frame_ids = np.full(num_frames, -1)
    if len(frame_ids) != num_frames:
        raise ValueError(f'{describe(video)}: {len(frame_ids)} frame_ids for '
                         f'{num_frames} frames.')
    return video, frame_ids


def describe(video: VideoKey, frame: Optional[int] = None) -> str:
    """Name a video, and a frame in it, for an error message."""
    subject, action, camera, clip = video
    text = (f'subject {subject!r}, action {action!r}, clip {clip!r}, camera '
            f'{camera!r}')
    return text if frame is None else f'{text}, frame {frame}'


def _require(instances: Mapping[str, Any], group: str, key: str,
             where: str) -> np.ndarray:
    if key not in instances:
        raise ValueError(f'{where}: {group} has no {key!r}; it has '
                         f'{sorted(instances)}.')
    return to_numpy(instances[key])


def _expect_shape(array: np.ndarray, shape: Tuple[Optional[int], ...],
                  name: str, where: str) -> None:
    fits = array.ndim == len(shape) and all(
        want is None or want == have for want, have in zip(shape, array.shape))
    if not fits:
        wanted = tuple('any' if size is None else size for size in shape)
        raise ValueError(f'{where}: {name} must have the shape {wanted}, but '
                         f'has {array.shape}.')


def _expect_finite(values: np.ndarray, name: str, video: VideoKey,
                   frame_ids: np.ndarray) -> None:
    bad = ~np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    if bad.any():
        frame = int(frame_ids[np.argmax(bad)])
        raise ValueError(
            f'{name} is NaN or infinite in {int(bad.sum())} of {len(values)} '
            f'frames, first in {describe(video, frame)}.')


def expect_same_fields(fields: Iterable[Fields]) -> None:
    """Raise where predictions differ in their fields or the fields' shapes.

    Args:
        fields: The fields of several predictions.
    """
    found = sorted(set(fields))
    if len(found) > 1:
        first, second = (', '.join(f'{name} {shape}' for name, shape in each)
                         for each in found[:2])
        raise ValueError('All predictions of a data set must have the same '
                         'fields (shapes without T), but some have '
                         f'[{first}] and others [{second}].')


@dataclass(frozen=True)
class SampleReader:
    """Checks data samples and cuts out the frames to score.

    Attributes:
        root_index: Joint that every pose is made relative to, None to leave
            poses as they are.
        ignore_invisible: Whether joints with ``lifting_target_visible`` 0
            do not count.
        extras: Optional predictions to read where a sample has them, out of
            ``'coarse_keypoints'``, ``'hypotheses'`` and ``'keypoint_std'``.
    """
    root_index: Optional[int] = 0
    ignore_invisible: bool = True
    extras: Tuple[str, ...] = ()

    def read(self, samples: Sequence[Mapping[str, Any]]) -> FrameBatch:
        """Read a batch of samples.

        Args:
            samples: Data samples as dicts, with ``pred_instances.keypoints``
                and ``gt_instances.lifting_target`` (T, J, 3) in metres and
                ``gt_instances.valid_frames`` (T,), where present.

        Returns:
            The frames with ``valid_frames`` True in which any joint counts,
            in millimetres.
        """
        windows = [self._read_window(sample) for sample in samples]
        fields = [_fields(window['extras']) for window in windows]
        expect_same_fields(fields)
        names = [name for name, _ in fields[0]] if fields else []
        lengths = [len(window['frame_ids']) for window in windows]

        def joined(key: str) -> np.ndarray:
            return np.concatenate([window[key] for window in windows])

        return FrameBatch(
            videos=[window['video'] for window in windows],
            window=np.repeat(np.arange(len(windows)), lengths),
            frame_ids=joined('frame_ids'),
            pred=joined('pred'),
            gt=joined('gt'),
            mask=joined('mask'),
            extras={
                name: np.concatenate([w['extras'][name] for w in windows])
                for name in names
            },
            used_ground_truth=np.array([w['oracle'] for w in windows], bool))

    def _read_window(self, sample: Mapping[str, Any]) -> Dict[str, Any]:
        for group in ('pred_instances', 'gt_instances'):
            if group not in sample:
                raise ValueError(f'A data sample has no {group!r}; it has '
                                 f'{sorted(sample)}.')
        pred_instances, gt_instances = (sample['pred_instances'],
                                        sample['gt_instances'])
        gt = _require(gt_instances, 'gt_instances', 'lifting_target',
                      'A data sample')
        if gt.ndim != 3 or gt.shape[-1] != 3:
            raise ValueError('gt_instances.lifting_target must have the shape '
                             f'(T, J, 3), but has {gt.shape}.')
        video, frame_ids = video_and_frames(sample, len(gt))
        where = describe(video)
        pred = _require(pred_instances, 'pred_instances', 'keypoints', where)
        if pred.ndim == 4 and pred.shape[0] == 1:
            pred = pred[0]
        target_frame = sample.get('target_frame')
        if target_frame is not None and len(pred) == 1 < len(gt):
            # The only frame of the window that was asked for.
            one = slice(target_frame, target_frame + 1)
            gt_instances = {
                key: to_numpy(value)[one] if len(value) == len(gt) else value
                for key, value in gt_instances.items()
            }
            gt, frame_ids = gt[one], frame_ids[one]
        _expect_shape(pred, gt.shape, 'pred_instances.keypoints', where)
        valid = self.valid_frames(gt_instances, len(gt), where)
        known = self.known_joints(gt_instances, gt.shape[:2], where)
        valid &= known.any(axis=1)
        mask, frame_ids = known[valid], frame_ids[valid]
        _expect_finite(pred[valid], 'pred_instances.keypoints', video,
                       frame_ids)
        target = np.where(mask[..., None], gt[valid], 0)
        _expect_finite(target, 'gt_instances.lifting_target', video, frame_ids)
        self._expect_root(mask, where)
        return dict(
            video=video,
            frame_ids=frame_ids,
            pred=self._poses(pred[valid]),
            gt=self._poses(target),
            mask=mask,
            extras=self._extras(pred_instances, pred.shape, valid, video,
                                frame_ids),
            oracle=bool(sample.get('used_ground_truth', False)))

    def _expect_root(self, mask: np.ndarray, where: str) -> None:
        if self.root_index is None:
            return
        if self.root_index >= mask.shape[1]:
            raise ValueError(f'{where}: root_index {self.root_index}, but the '
                             f'poses have {mask.shape[1]} joints.')
        if not mask[:, self.root_index].all():
            raise ValueError(
                f'{where}: the root joint {self.root_index} has no ground '
                'truth in some frames, so poses cannot be made relative to '
                'it. Choose another root_index, or root_align=False.')

    def _poses(self, metres: np.ndarray) -> np.ndarray:
        poses = metres.astype(np.float64) * _MM
        if self.root_index is None:
            return poses
        return centre_on_root(poses, self.root_index)

    @staticmethod
    def valid_frames(gt_instances: Mapping[str, Any],
                     num_frames: int,
                     where: str = 'A data sample') -> np.ndarray:
        """Frames to score (T,), bool."""
        # MMPose's own data sets pack no valid_frames: all their frames count.
        if 'valid_frames' not in gt_instances:
            return np.ones(num_frames, bool)
        valid = np.array(to_numpy(gt_instances['valid_frames']), bool)
        _expect_shape(valid, (num_frames, ), 'gt_instances.valid_frames',
                      where)
        return valid

    def known_joints(self,
                     gt_instances: Mapping[str, Any],
                     shape: Tuple[int, ...],
                     where: str = 'A data sample') -> np.ndarray:
        """Joints whose true position is known (T, J), bool."""
        if not self.ignore_invisible:
            return np.ones(shape, bool)
        visible = _require(gt_instances, 'gt_instances',
                           'lifting_target_visible', where)
        if visible.ndim == 3 and visible.shape[-1] == 1:
            visible = visible[..., 0]
        _expect_shape(visible, shape, 'gt_instances.lifting_target_visible',
                      where)
        return visible > 0

    def _extras(self, pred_instances: Mapping[str, Any],
                shape: Tuple[int, ...], valid: np.ndarray, video: VideoKey,
                frame_ids: np.ndarray) -> Dict[str, Any]:
        num_frames, num_joints, _ = shape
        shapes = dict(
            coarse_keypoints=shape,
            hypotheses=(num_frames, None, num_joints, 3),
            keypoint_std=(num_frames, num_joints))
        found = {}
        for name in self.extras:
            if name not in pred_instances:
                continue
            values = to_numpy(pred_instances[name])
            label = f'pred_instances.{name}'
            _expect_shape(values, shapes[name], label, describe(video))
            values = values[valid]
            _expect_finite(values, label, video, frame_ids)
            if name == 'keypoint_std':
                found[name] = values.astype(np.float64) * _MM
            else:
                found[name] = self._poses(values)
        return found
