# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lift one person's 2D track with true temporal windows."""

import warnings
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from torch import nn

from mmdiffpose.skeletons import H36M_17, Skeleton
from .gaps import bridge_gaps
from .keypoint_track import KeypointTrack
from .view_fit import fit_view
from .windows import WindowPlan, plan_windows

Progress = Callable[[int, int], None]
"""Called with windows done and windows in all."""


@dataclass
class LiftedTrack:
    """3D poses of one person over a clip.

    Attributes:
        keypoints_3d: (F, J, 3) metres, relative to the root joint, camera
            axes (x right, y down, z forward).
        scores: (F, J) in [0, 1]; 0 where the 2D joint was not seen.
        std: (F, J) predictive standard deviation per axis, metres; None where
            the model gives none.
        hypotheses: (F, N, J, 3) as ``keypoints_3d``; None where the model
            gives none. Hypothesis n of one window need not be hypothesis n of
            the next, so that they are never averaged over windows: how a
            frame's hypotheses differ from the pose comes from the one window
            in whose middle it lies nearest, and may jump where that changes.
        keypoints_2d: (F, J, 2), image pixels, as lifted.
        scores_2d: (F, J) the detector's scores; 0 for joints not seen.
        frame_ids: (F, ) where the frames stand in the video.
        image_size: Width and height in pixels.
        skeleton: The joint set.
        fps: Frames a second, if known.
        track_id: The person, if the detector said so.
        root_trajectory: (F, 3) metres, camera axes: where the root joint is,
            from :func:`~mmdiffpose.apis.root_trajectory.place_in_scene`; None
            where nobody solved for it.
        focal_px: The focal length that it was solved with, pixels.
        focal_source: Where that one came from: given, EXIF or assumed.
    """
    keypoints_3d: np.ndarray
    scores: np.ndarray
    std: Optional[np.ndarray]
    hypotheses: Optional[np.ndarray]
    keypoints_2d: np.ndarray
    scores_2d: np.ndarray
    frame_ids: np.ndarray
    image_size: Tuple[int, int]
    skeleton: Skeleton = H36M_17
    fps: Optional[float] = None
    track_id: Optional[int] = None
    root_trajectory: Optional[np.ndarray] = None
    focal_px: Optional[float] = None
    focal_source: Optional[str] = None

    def __len__(self) -> int:
        return len(self.keypoints_3d)


def window_length(model: nn.Module) -> int:
    """Frames T of the windows that a model was configured for."""
    return int(_test_dataset(model).get('seq_len', 1))


def _test_dataset(model: nn.Module) -> Dict[str, Any]:
    return model.cfg.test_dataloader.dataset


def lift_track(model: nn.Module,
               track: KeypointTrack,
               overlap: Optional[int] = None,
               batch_size: int = 16,
               fit: bool = True,
               progress: Optional[Progress] = None) -> LiftedTrack:
    """Lift a 2D track to 3D.

    The track is cut into overlapping windows of the model's length, each is
    lifted once, and poses and stds are blended where windows overlap.

    Args:
        model (nn.Module): From :func:`mmdiffpose.apis.init_model`, any
            MMPose lifter that predicts all frames of its window.
        track (KeypointTrack): F frames; mapped to the model's joints.
        overlap (int, optional): Frames that neighbouring windows share at
            least. More is slower and gives every frame more past and future.
            Defaults to half of a window: with MixSTE and 27 frames, on
            mocap-mini's validation split, 60.6 mm, against 65.2 mm without
            overlap and 60.1 mm with a window for each frame.
        batch_size (int): Windows per forward pass. Defaults to 16.
        fit (bool): Whether the track is moved and zoomed as a whole to the
            place and size that people had in training, see
            :func:`~mmdiffpose.apis.view_fit.fit_view`; where the data set
            does not say them, this does nothing. Turn it off for the cameras
            that the model was trained on. Defaults to True.
        progress (callable, optional): Told about the windows done.

    Returns:
        LiftedTrack: F frames.

    Raises:
        ValueError: If the track's joints have no mapping to the model's, or
            the model predicts other than one pose per frame of a window.
    """
    track = track.to_skeleton(H36M_17)
    length = window_length(model)
    overlap = length // 2 if overlap is None else overlap
    plan = plan_windows(len(track), length, overlap)
    keypoints, scores = bridge_gaps(track.keypoints, track.scores, length // 2)
    _warn_of_long_gaps(track, length)
    size = track.image_size
    stats = model.dataset_meta.get('stats_info')
    if fit and stats:
        keypoints, size = fit_view(keypoints, track.scores, stats)

    samples = [
        _window_sample(keypoints[frames], scores[frames], valid, frames, size,
                       track.source)
        for frames, valid in zip(plan.frames, plan.valid)
    ]
    fields = _run(model, samples, batch_size, progress)
    return _assemble(track, plan, fields)


def _warn_of_long_gaps(track: KeypointTrack, length: int) -> None:
    present = np.flatnonzero(track.scores.max(1) > 0)
    gaps = np.diff(present) - 1
    for index in np.flatnonzero(gaps > length // 2):
        first, last = present[index] + 1, present[index + 1] - 1
        warnings.warn(
            f'{track.source}: nobody was seen in frames '
            f'{track.frame_ids[first]} to {track.frame_ids[last]}; the poses '
            'there are guesses, their scores are 0')


def _window_sample(keypoints: np.ndarray, scores: np.ndarray,
                   valid: np.ndarray, frames: np.ndarray,
                   size: Tuple[int, int], clip: str) -> Dict[str, Any]:
    """A window as the data sets and MMPose's inferencer hand it over."""
    T, J = scores.shape
    return dict(
        keypoints=keypoints.astype(np.float32),
        keypoints_visible=scores.astype(np.float32),
        lifting_target=np.zeros((T, J, 3), np.float32),
        lifting_target_visible=np.ones((T, J), np.float32),
        factor=np.zeros(T, np.float32),
        camera_param=dict(w=size[0], h=size[1]),
        valid_frames=valid,
        frame_ids=frames,
        # Windows of one clip share their seed and so their noise.
        clip=clip,
        camera='',
        subject='',
        action='',
        target_img_path=[''] * T,
        id=0,
        category_id=1)


@torch.no_grad()
def _run(model: nn.Module, samples: List[Dict[str, Any]], batch_size: int,
         progress: Optional[Progress]) -> Dict[str, np.ndarray]:
    """Predicted fields of all windows, (W, T, ...) each."""
    init_default_scope(model.cfg.get('default_scope', 'mmpose'))
    pipeline = Compose(_test_dataset(model)['pipeline'])
    meta = dict(model.dataset_meta)
    results: List[Dict[str, np.ndarray]] = []
    for start in range(0, len(samples), batch_size):
        batch = [
            pipeline({
                **sample,
                **meta
            }) for sample in samples[start:start + batch_size]
        ]
        for output, sample in zip(
                model.test_step(pseudo_collate(batch)), samples[start:]):
            results.append(_fields(output, sample))
        if progress is not None:
            progress(len(results), len(samples))
    return {
        name: np.stack([fields[name] for fields in results])
        for name in results[0]
    }


def _fields(output: Any, sample: Dict[str, Any]) -> Dict[str, np.ndarray]:
    """One window's prediction as arrays, checked."""
    pred = output.pred_instances
    expected = (*sample['keypoints'].shape[:2], 3)
    fields = {
        name: np.asarray(torch.as_tensor(pred[name]).cpu(), np.float32)
        for name in ('keypoints', 'keypoint_scores', 'keypoint_std',
                     'hypotheses') if name in pred
    }
    if fields['keypoints'].shape != expected:
        raise ValueError(
            f'expected a lifter that predicts {expected} (frames, joints, 3) '
            f'for its window, found {fields["keypoints"].shape}; lifters of '
            'one frame per window are not supported')
    if not np.isfinite(fields['keypoints']).all():
        raise ValueError('the model predicts NaN or infinite positions: its '
                         'weights are broken or of a failed training')
    scores = fields.get('keypoint_scores', np.ones(expected[:2], np.float32))
    # Some of MMPose's heads keep a trailing axis of one.
    fields['keypoint_scores'] = scores.reshape(expected[:2])
    return fields


def _assemble(track: KeypointTrack, plan: WindowPlan,
              fields: Dict[str, np.ndarray]) -> LiftedTrack:
    keypoints = plan.blend(fields['keypoints'])
    root = track.skeleton.root
    scores = plan.blend(fields['keypoint_scores']).clip(0, 1)
    std = hypotheses = None
    if 'keypoint_std' in fields:
        std = plan.blend(fields['keypoint_std'])
    if 'hypotheses' in fields:
        own = fields['keypoints'][:, :, None]
        hypotheses = keypoints[:, None] + plan.pick(fields['hypotheses'] - own)
        hypotheses = hypotheses - hypotheses[:, :, root:root + 1]
    return LiftedTrack(
        keypoints_3d=keypoints - keypoints[:, root:root + 1],
        scores=np.where(track.scores > 0, scores, 0),
        std=std,
        hypotheses=hypotheses,
        keypoints_2d=track.keypoints,
        scores_2d=track.scores,
        frame_ids=track.frame_ids,
        image_size=track.image_size,
        skeleton=track.skeleton,
        fps=track.fps,
        track_id=track.track_id)
