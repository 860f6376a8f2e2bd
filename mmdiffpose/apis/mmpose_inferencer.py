# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MMPose's ``Pose3DInferencer`` with true windows, for our lifters."""

import os
from dataclasses import replace
from typing import (Any, Dict, Iterable, Iterator, List, Optional, Sized,
                    Tuple, Union)

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.structures import InstanceData
from mmpose.apis.inferencers import Pose3DInferencer
from mmpose.structures import PoseDataSample
from torch import nn

from mmdiffpose.checkpoints.config_names import find_config_and_weights
from mmdiffpose.checkpoints.model import init_model
from mmdiffpose.detection.frame_sources import (FrameSource, IteratorFrames,
                                                open_frames)
from mmdiffpose.detection.pose2d import Pose2DStage
from mmdiffpose.detection.pose2d_mmpose import MMPosePose2D
from mmdiffpose.lifting.window_inference import lifter_skeleton
from mmdiffpose.visualization import Pose3dLifterVisualizer
from .inference_options import InferenceOptions
from .pipeline import LiftingPipeline

Preprocessed = Tuple[PoseDataSample, List[np.ndarray]]


class WindowedPose3DInferencer(Pose3DInferencer):
    """What ``MMPoseInferencer`` uses for this package's lifters.

    ``import mmdiffpose`` sees to it that ``MMPoseInferencer(pose3d=...)`` and
    ``Pose3DInferencer(...)`` make one of these where the config's lifter is
    ours, and MMPose's own for every other. Poses, stds and ids are those of
    :class:`~mmdiffpose.apis.inferencer.DiffusionPose3DInferencer`: metres in
    camera axes (x right, y down, z forward), relative to the pelvis, while
    MMPose's x to the left, y forward, z up is a mirror image.

    MMPose's hooks leave these differences:

    * A result that is not a data sample has ``keypoints``,
      ``keypoint_scores`` and ``bbox`` only, because ``MMPoseInferencer``
      packs it itself; ``return_datasamples=True`` gives ``keypoint_std``,
      ``hypotheses``, ``track_ids`` and the 2D joints in ``pred_instances``.
    * Options are MMPose's, so that there is no choice of axes, formats,
      latency or a detector of one's own. ``use_oks_tracking``,
      ``tracking_thr``, ``disable_rebase_keypoint`` and ``bboxes`` have no
      effect; ``disable_norm_pose_2d=True`` is ``fit=False``.
    * Several images are separate pictures, not the frames of a clip.
    * A webcam is lifted with no future (``latency=0``).
    * A video is read twice before its first result comes.
    """

    def __init__(self,
                 model: Union[str, os.PathLike, dict, Config],
                 weights: Optional[str] = None,
                 *args: Any,
                 **kwargs: Any) -> None:
        if isinstance(model, (str, os.PathLike)):
            # MMEngine would look for names in MMPose's model zoo.
            config, found = find_config_and_weights(model, weights)
            model = str(config)
            weights = None if found is None else str(found)
        super().__init__(model, weights, *args, **kwargs)
        if isinstance(self.visualizer, Pose3dLifterVisualizer):
            self.visualizer.axes = 'camera'

    def _init_model(self,
                    cfg: Config,
                    weights: Optional[str],
                    device: str = 'cpu') -> nn.Module:
        """Load strictly: weights that do not fit are an error."""
        if weights is not None and os.path.isfile(weights):
            config = cfg if isinstance(cfg, Config) else Config(cfg)
            return init_model(config, weights, device)
        return super()._init_model(cfg, weights, device)

    def preprocess(self,
                   inputs: Iterable,
                   batch_size: int = 1,
                   bbox_thr: float = 0.3,
                   nms_thr: float = 0.3,
                   disable_norm_pose_2d: bool = False,
                   **unused: Any) -> Iterator[Preprocessed]:
        """Track and lift; arguments as in MMPose.

        Yields:
            tuple[PoseDataSample, list[np.ndarray]]: A frame's poses, and the
            frame.
        """
        pose2d = MMPosePose2D(self.pose2d_model, bbox_thr, nms_thr)
        own = LiftingPipeline(self.model, Pose2DStage(pose2d))
        options = InferenceOptions(
            return_datasamples=True,
            hypotheses=True,
            fit=not disable_norm_pose_2d,
            batch_size=batch_size)
        if not self._video_input:
            for number, image in enumerate(inputs):
                name = image if isinstance(image, str) else f'{number:06}.jpg'
                # Two images of a list are not two moments of a clip.
                for result in own.run(open_frames(image), options):
                    yield _named(result, name), [image]
        elif isinstance(inputs, Sized):
            video = _Video(inputs, self.video_info)
            frames = None
            for result in own.run(video, options):
                # MMCV's reader has one position: back to the start, once
                # everything is lifted.
                frames = iter(inputs) if frames is None else frames
                yield _named(result), [next(frames)]
        else:
            stream = _Stream(inputs)
            for result in own.run(stream, replace(options, causal=True)):
                # Without a latency a result is that of the last frame read.
                assert stream.last is not None
                yield _named(result), [stream.last]

    def forward(self,
                inputs: PoseDataSample,
                disable_rebase_keypoint: bool = False) -> List[PoseDataSample]:
        """Hand over what :meth:`preprocess` lifted."""
        return [inputs]

    def visualize(self,
                  inputs: list,
                  preds: List[PoseDataSample],
                  num_instances: int = -1,
                  **kwargs: Any) -> List[np.ndarray]:
        """Draw; arguments as in MMPose, but everybody is drawn by default.

        The 2D joints drawn are those that were lifted.
        """
        found = PoseDataSample()
        seen = preds[0].pred_instances
        nobody = (0, lifter_skeleton(self.model).num_joints)
        found.pred_instances = InstanceData(
            keypoints=seen.get('keypoints_2d', np.zeros((*nobody, 2))),
            keypoint_scores=seen.get('keypoint_scores_2d', np.zeros(nobody)),
            bboxes=seen.get('bboxes', np.zeros((0, 4))))
        self._buffer['pose2d_results'] = found
        stage = self.pose2d_model
        own_look, own_names = stage.visualizer, stage.model.dataset_meta
        if not isinstance(self.visualizer, Pose3dLifterVisualizer):
            preds = [_in_axes_of_mmpose(pred) for pred in preds]
        try:
            # MMPose draws 2D joints as those of the 2D model.
            stage.visualizer = self.visualizer
            stage.model.dataset_meta = self.model.dataset_meta
            return super().visualize(
                inputs, preds, num_instances=num_instances, **kwargs)
        finally:
            stage.visualizer = own_look
            stage.model.dataset_meta = own_names


class _Video(FrameSource):
    """Frames of MMCV's video reader."""

    def __init__(self, reader: Any, info: Dict[str, Any]) -> None:
        super().__init__(info['name'], os.path.splitext(info['name'])[0])
        self.fps, self.length = info['fps'] or None, len(reader)
        self._reader = reader

    def frames(self) -> Iterator[np.ndarray]:
        """Frames from the first one."""
        self.timestamps = []
        for frame in self._reader:
            stamp = self._reader.vcap.get(cv2.CAP_PROP_POS_MSEC)
            self.timestamps.append(stamp / 1000)
            yield frame


class _Stream(IteratorFrames):
    """An iterator that remembers its last frame."""
    last: Optional[np.ndarray] = None

    def frames(self) -> Iterator[np.ndarray]:
        """What is left of the iterator."""
        for frame in super().frames():
            self.last = frame
            yield frame


def _named(result: Dict[str, Any],
           name: Union[str, None] = None) -> PoseDataSample:
    """The sample, with the image's name that MMPose asks for."""
    sample = result['predictions'][0]
    name = name or f'{result["frame_id"]:06}.jpg'
    sample.set_metainfo(dict(img_path=name))
    return sample


def _in_axes_of_mmpose(sample: PoseDataSample) -> PoseDataSample:
    """For MMPose's own visualiser: x left, y forward, z up, floor at 0."""
    # Copies: a sample's clone shares its instances.
    sample, found = sample.clone(), sample.pred_instances.clone()
    poses = np.asarray(found.keypoints)
    poses = poses[..., [0, 2, 1]] * np.array([-1, 1, -1], poses.dtype)
    if len(poses):
        poses[..., 2] -= poses[..., 2].min(-1, keepdims=True)
    found.keypoints = poses
    sample.pred_instances = found
    return sample
