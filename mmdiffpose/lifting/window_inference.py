# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Show a model windows of a 2D track and put its answers together."""

import os
from dataclasses import dataclass
from inspect import signature
from itertools import islice
from typing import (Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple,
                    Optional, Tuple)

import numpy as np
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from torch import nn

from mmdiffpose.registry import DATASETS, quick_step
from mmdiffpose.skeletons import H36M_17, Skeleton, skeleton_from_metainfo
from mmdiffpose.structures.canonical_view import turn_poses_back
from mmdiffpose.structures.keypoint_track import KeypointTrack
from mmdiffpose.structures.lifter_view import LifterView
from .focal_length import FocalLength, FocalLengths
from .gaps import BRIDGED_SCORE, bridge_gaps, bridge_mixtures
from .usual_poses import place_unknown
from .view_fit import fit_to_training
from .windows import WindowPlan, plan_single_frames, plan_windows

Fields = Dict[str, np.ndarray]
LIFTERS = (
    'lifters of this package and MMPose\'s SimpleBaseline, VideoPose3D and '
    'MotionBERT are known to work: they predict the joints of their data set '
    'in all frames of a window, or in the one that is its target')
"""Which lifters get along with :func:`run_windows`."""
BELIEVED_SCORE = 0.35
"""Score from which on joints are believed; below it a model that knows of
missing joints is told that a joint is: the highest threshold of its training
(:class:`~mmdiffpose.datasets.simulation.window_noise.WindowNoise`). At most
half of the median score of the track: detectors differ."""
_FIELDS = ('keypoints', 'keypoint_scores', 'keypoint_std', 'keypoint_std_xyz',
           'hypotheses')


def _lift_alone() -> None:
    """Let a forked process do without other threads.

    OpenMP's threads are not forked with it: where the process that it was
    forked from has used several, whatever works on several waits for them
    forever. PyTorch's data loaders do the same in their workers.
    """
    torch.set_num_threads(1)


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_lift_alone)


class WindowShape(NamedTuple):
    """What a model is shown at once, and of which frames it says the pose.

    Attributes:
        length: Frames T of a window.
        target: The frame of a window whose pose the model predicts; None for
            all of them.
        step: From one frame of a window to the next.
    """
    length: int
    target: Optional[int] = None
    step: int = 1


def window_shape(model: nn.Module) -> WindowShape:
    """The windows that a model was configured for.

    Data sets of this package give all frames of a window as targets. MMPose's
    give the one in the middle, or, where they are causal, the last; or with
    ``multiple_target`` so many frames and all of them.
    """
    dataset = _test_dataset(model)
    length = int(dataset.get('seq_len', 1))
    kind = dataset.get('type')
    if isinstance(kind, str):
        kind = DATASETS.get(kind)
    if kind is None or 'multiple_target' not in signature(kind).parameters:
        return WindowShape(length)
    if dataset.get('multiple_target', 0):
        return WindowShape(int(dataset['multiple_target']))
    if length == 1:
        return WindowShape(length)
    causal = dataset.get('causal',
                         signature(kind).parameters['causal'].default)
    target = length - 1 if causal else (length - 1) // 2
    return WindowShape(length, target, int(dataset.get('seq_step', 1)))


def window_length(model: nn.Module) -> int:
    """Frames T of the windows that a model was configured for."""
    return window_shape(model).length


def plan_clip(model: nn.Module, num_frames: int, overlap: int) -> WindowPlan:
    """Where the windows of a clip lie.

    Args:
        model (nn.Module): Says their shape.
        num_frames (int): Frames F of the clip.
        overlap (int): Frames that neighbouring windows share at least; of
            models of one pose a window, each frame has its own.
    """
    length, target, step = window_shape(model)
    if target is None:
        return plan_windows(num_frames, length, overlap)
    return plan_single_frames(num_frames, length, target, step)


def lifter_skeleton(model: nn.Module) -> Skeleton:
    """The joints that a model lifts.

    They are what its checkpoint's ``dataset_meta`` says, with the root that
    its head was built for; Human3.6M's where nothing says them.

    Args:
        model (nn.Module): From :func:`mmdiffpose.apis.init_model`, or any
            lifter with ``dataset_meta``.
    """
    meta = getattr(model, 'dataset_meta', None) or {}
    own = getattr(model, 'skeleton', None)
    if own is not None or 'keypoint_id2name' not in meta:
        return own or H36M_17
    head = getattr(model, 'head', None)
    return skeleton_from_metainfo(meta, getattr(head, 'root_index', None))


def _untyped(model: nn.Module) -> Any:
    """A lifter with what ``init_model`` gives it, which no type declares:
    ``cfg``, ``dataset_meta`` and ``test_step``."""
    return model


def _test_dataset(model: nn.Module) -> Dict[str, Any]:
    return _untyped(model).cfg.test_dataloader.dataset


def turns_to_person(model: nn.Module) -> bool:
    """Whether a model's pipeline turns each window's camera to the person
    (:class:`~mmdiffpose.datasets.transforms.TurnToPerson`)."""
    return any(
        _type_name(step) == 'TurnToPerson'
        for step in _test_dataset(model)['pipeline'])


def knows_missing(model: nn.Module) -> bool:
    """Whether a model is told which joints were not seen.

    That is so where its codec has a mask channel. Such a model says itself
    where an unseen joint may be; for others it is interpolated.
    """
    return any(codec.get('mask_channel', False) for codec in _codecs(model))


def derives_scale(model: nn.Module) -> bool:
    """Whether a model's codec takes the scale of a pose from its target.

    MotionBERT's does where it knows the camera. Without it, it takes that of
    somebody at the size of its training.
    """
    return any(
        _type_name(codec) == 'MotionBERTLabel' for codec in _codecs(model))


def _codecs(model: nn.Module) -> Iterator[Mapping[str, Any]]:
    """Configs of the codecs in a model's pipeline."""
    for step in _test_dataset(model)['pipeline']:
        codec = step.get('encoder') if isinstance(step, Mapping) else None
        # MMPose takes a list of codecs, too.
        for one in codec if isinstance(codec, list) else [codec]:
            if isinstance(one, Mapping):
                yield one


def meets_missing(model: nn.Module) -> bool:
    """Whether joints were missing in a model's training.

    Such a model may be shown none where a joint was never seen; others get
    one where such joints usually are.
    """
    parts = [_untyped(model).cfg.get('train_dataloader')]
    while parts:
        part = parts.pop()
        if isinstance(part, Mapping):
            if part.get('occlusion') or _type_name(part) == 'Occlusion':
                return True
            parts += part.values()
        elif isinstance(part, (list, tuple)):
            parts += part
    return knows_missing(model)


def _type_name(step: Any) -> str:
    """Name of a pipeline's step: a config, whose type is a name or a class,
    or, as MMEngine allows, any function."""
    kind = step.get('type', '') if isinstance(step, Mapping) else step
    name = kind if isinstance(kind, str) else getattr(kind, '__name__', '')
    return name.rpartition('.')[2]


@dataclass(frozen=True)
class Clip:
    """A track without long gaps, as a model is shown it.

    Attributes:
        track: F frames of the lifter's joints.
        filled: (F, J, 2) its joints, those that were not seen included, image
            pixels.
        keypoints: (F, J, 2) pixels of the picture that is shown.
        scores: (F, J), 0 for masked joints.
        mixtures: (F, J, M, 5) pixels of the picture that is shown, or None.
        camera: Its ``camera_param``: ``w`` and ``h``; where the focal length
            is known ``f`` (2, ) and ``c`` (2, ), too.
        view: How it was moved for the lifter; None for the picture itself.
        focal: The real camera's, where it is known or the view needs it.
        least_score: Score from which on joints are believed.
        told: Whether the model is told of joints of lower scores that they
            are missing; others are shown them where they probably were.
    """
    track: KeypointTrack
    filled: np.ndarray
    keypoints: np.ndarray
    scores: np.ndarray
    mixtures: Optional[np.ndarray]
    camera: Dict[str, Any]
    view: Optional[LifterView] = None
    focal: Optional[FocalLength] = None
    least_score: float = BELIEVED_SCORE
    told: bool = False

    def windows(self, plan: WindowPlan) -> Iterator[Dict[str, Any]]:
        """What the pipeline gets for each window, as the data sets and
        MMPose's inferencer hand it over."""
        for frames, valid in zip(plan.frames, plan.valid):
            T, J = len(frames), self.scores.shape[1]
            poses = plan.poses
            sample = dict(
                keypoints=self.keypoints[frames].astype(np.float32),
                keypoints_visible=self.scores[frames].astype(np.float32),
                lifting_target=np.zeros((poses, J, 3), np.float32),
                lifting_target_visible=np.ones((poses, J), np.float32),
                factor=np.zeros(T, np.float32),
                camera_param=dict(self.camera),
                valid_frames=valid,
                frame_ids=frames,
                # Heads seed their noise with these: the same everywhere, so
                # that a track gives the same poses wherever it comes from.
                clip='',
                camera='',
                subject='',
                action='',
                target_img_path=[''] * T,
                id=0,
                category_id=1)
            if self.mixtures is not None:
                sample['keypoint_mixtures'] = self.mixtures[frames]
            yield sample


def prepare_clip(model: nn.Module,
                 track: KeypointTrack,
                 max_gap: int,
                 fit: bool,
                 focals: Optional[FocalLengths] = None) -> Clip:
    """Bridge a track's gaps and move it to where the model saw people.

    A joint that was never seen stands where it usually is, by the others
    (:func:`~.usual_poses.place_unknown`). A model that has never met missing
    joints is shown it there, hardly trusted; others only get the picture
    moved by it.

    Args:
        model (nn.Module): Its ``dataset_meta`` may hold ``stats_info``.
        track (KeypointTrack): Of the lifter's joints.
        max_gap (int): Longest gap of a joint that is bridged, frames.
        fit (bool): Whether to move and zoom it, if the model says where to.
        focals (FocalLengths, optional): Tells how far a moved picture is
            turned. Defaults to an assumed focal length.
    """
    focals = focals or FocalLengths()
    seen = track.scores > 0
    filled, scores = bridge_gaps(track.keypoints, track.scores, max_gap)
    mixtures = track.mixtures
    if mixtures is not None:
        mixtures = bridge_mixtures(mixtures, filled, seen)
    never = ~seen.any(0)
    filled = place_unknown(filled, ~never, track.skeleton)
    where = np.where(seen | never, 1, 0)
    least = min(BELIEVED_SCORE, float(np.median(track.scores[seen])) / 2)
    told = knows_missing(model)
    if told:
        scores = np.where(track.scores < least, 0, track.scores)
    elif not meets_missing(model):
        scores[:, never] = BRIDGED_SCORE
    stats = _untyped(model).dataset_meta.get('stats_info')
    middle = np.array(track.image_size) / 2
    derived = derives_scale(model)
    turned = turns_to_person(model)
    if turned or not (fit and stats):
        known = turned or focals.given
        focal = focals.of(track.image_size) if known else None
        camera = _camera(track.image_size,
                         None if derived or focal is None else focal.pixels,
                         middle)
        return Clip(track, filled, filled, scores, mixtures, camera, None,
                    focal, least, told)
    moved = fit_to_training(filled, where, stats)
    if mixtures is not None:
        mixtures = moved.mixtures(mixtures)
    focal = focals.of(track.image_size)
    center = np.median(filled[where > 0], axis=0)
    rows = (len(track), 1)
    view = LifterView.facing(
        np.tile(center, rows), np.full(len(track), moved.zoom), focal.pixels,
        middle)
    # A camera that faces the person has its principal point there.
    camera = _camera(moved.image_size,
                     None if derived else moved.zoom * focal.pixels,
                     moved.target)
    return Clip(track, filled, moved.points(filled), scores, mixtures, camera,
                view, focal, least, told)


def _camera(image_size: Tuple[int, int], focal: Optional[float],
            center: np.ndarray) -> Dict[str, Any]:
    camera: Dict[str, Any] = dict(w=image_size[0], h=image_size[1])
    if focal is not None:
        camera.update(
            f=np.full(2, focal, np.float32), c=center.astype(np.float32))
    return camera


@torch.no_grad()
def run_windows(model: nn.Module, samples: Iterable[Dict[str, Any]],
                batch_size: int) -> Iterator[List[Fields]]:
    """Lift windows, a batch at a time.

    Args:
        model (nn.Module): The lifter.
        samples (Iterable[dict]): From :meth:`Clip.windows`.
        batch_size (int): Windows per forward pass.

    Yields:
        list[dict[str, np.ndarray]]: The predicted fields (T, ...) of each
        window of a batch.

    Raises:
        ValueError: If the model predicts other than one finite pose per frame
            of its window.
    """
    for batch, data in encode_windows(model, samples, batch_size):
        yield [
            _fields(output, sample)
            for output, sample in zip(_untyped(model).test_step(data), batch)
        ]


def encode_windows(
        model: nn.Module, samples: Iterable[Dict[str, Any]], batch_size: int
) -> Iterator[Tuple[List[Dict[str, Any]], Dict[str, Any]]]:
    """Take windows through a model's pipeline, a batch at a time.

    Args:
        model (nn.Module): The lifter.
        samples (Iterable[dict]): From :meth:`Clip.windows`.
        batch_size (int): Windows per batch.

    Yields:
        tuple[list[dict], dict]: The samples of a batch, and what
        ``test_step`` takes: ``inputs`` and ``data_samples``.
    """
    lifter = _untyped(model)
    init_default_scope(lifter.cfg.get('default_scope', 'mmpose'))
    pipeline = Compose(
        [quick_step(step) for step in _test_dataset(model)['pipeline']])
    meta = dict(lifter.dataset_meta)
    samples = iter(samples)
    while batch := list(islice(samples, batch_size)):
        yield batch, pseudo_collate(
            [pipeline({
                **meta,
                **sample
            }) for sample in batch])


def _fields(output: Any, sample: Dict[str, Any]) -> Fields:
    """One window's prediction as arrays, checked."""
    pred = output.pred_instances
    expected = sample['lifting_target'].shape
    fields = {
        name: np.asarray(torch.as_tensor(pred[name]).cpu(), np.float32)
        for name in _FIELDS if name in pred
    }
    if fields['keypoints'].shape == (1, *expected):
        # MotionBERT's head keeps the axis of people.
        fields = {name: values[0] for name, values in fields.items()}
    if fields['keypoints'].shape != expected:
        raise ValueError(
            f'expected a lifter that predicts {expected} (frames, joints, 3) '
            f'for its window of {len(sample["keypoints"])} frames, found '
            f'{fields["keypoints"].shape}; {LIFTERS}')
    if not np.isfinite(fields['keypoints']).all():
        raise ValueError('the model predicts NaN or infinite positions: its '
                         'weights are broken or of a failed training')
    scores = fields.get('keypoint_scores', np.ones(expected[:2], np.float32))
    # Some of MMPose's heads keep a trailing axis of one.
    fields['keypoint_scores'] = scores.reshape(expected[:2])
    return _turned_back(fields, output.metainfo.get('camera_param', {}))


def _turned_back(fields: Fields, camera: Dict[str, Any]) -> Fields:
    """Undo the turn that a pipeline gave a window's camera, if any.

    Each window has a turn of its own, so this comes before windows are
    blended. Instead of a std along the turned axes there is a covariance.
    """
    std = fields.pop('keypoint_std_xyz', None)
    if std is not None:
        fields['covariance'] = std[..., None]**2 * np.eye(3, dtype=std.dtype)
    rotation = camera.get('rotation')
    if rotation is not None:
        rotation = np.asarray(rotation, np.float32)
        fields['rotation'] = np.broadcast_to(rotation,
                                             (len(fields['keypoints']), 3, 3))
        for name in ('keypoints', 'hypotheses'):
            if name in fields:
                fields[name] = turn_poses_back(fields[name], rotation)
        if std is not None:
            fields['covariance'] = (
                rotation.T @ fields['covariance'] @ rotation)
    return fields
