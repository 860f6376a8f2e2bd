# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Visualiser for MMPose's inferencer: fast, of one size, with uncertainty."""

from typing import Any, List, Optional, Union

import numpy as np
from mmpose.structures import PoseDataSample
from mmpose.visualization import Pose3dLocalVisualizer

from mmdiffpose.registry import VISUALIZERS
from mmdiffpose.skeletons import Skeleton
from mmdiffpose.skeletons.metainfo import drawn_skeleton
from .figure_grid import Figure, draw_grid

MIN_SIZE = 300
"""Least side of the 3D picture, pixels."""


@VISUALIZERS.register_module()
class Pose3dLifterVisualizer(Pose3dLocalVisualizer):
    """MMPose's 3D visualiser with a renderer of our own for the 3D part.

    MMPose makes a new matplotlib figure per frame and a picture that grows
    with the number of people, which ends a video. Here the picture keeps its
    size, people share it, and a frame takes milliseconds; joints carry discs
    of two standard deviations and hypotheses are drawn faintly where the
    lifter gives them. Works with every matplotlib and NumPy. Joints and bones
    are those of the data set; what has another number of joints is drawn as in
    MMPose.

    Args:
        name (str): Of the instance. Defaults to ``'visualizer'``.
        axes (str): Axes of the predictions: ``'inferencer'`` for what
            MMPose's ``Pose3DInferencer`` makes of them (x to the left, y
            forward, z up, with the lowest joint at 0), ``'camera'`` for a
            lifter's own.
        **kwargs: Arguments of ``Pose3dLocalVisualizer``.

    Raises:
        ValueError: For other ``axes``.
    """

    def __init__(self,
                 name: str = 'visualizer',
                 axes: str = 'inferencer',
                 **kwargs: Any) -> None:
        if axes not in ('inferencer', 'camera'):
            raise ValueError("axes should be 'inferencer' or 'camera', got "
                             f'{axes!r}')
        super().__init__(name, **kwargs)
        self.axes = axes

    def draw_circles(self, center: Any, radius: Union[np.ndarray, float],
                     *args: Any, **kwargs: Any) -> Any:
        """Draw circles; MMPose passes a radius as an array of one number."""
        radius = float(np.asarray(radius).reshape(-1)[0])
        return super().draw_circles(center, radius, *args, **kwargs)

    def _draw_3d_data_samples(
            self,
            image: np.ndarray,
            pose_samples: PoseDataSample,
            draw_gt: bool = True,
            kpt_thr: float = 0.3,
            num_instances: int = -1,
            axis_azimuth: float = 70,
            axis_limit: float = 1.7,
            axis_dist: float = 10.0,
            axis_elev: float = 15.0,
            show_kpt_idx: bool = False,
            scores_2d: Optional[np.ndarray] = None) -> np.ndarray:
        """Draw the 3D part; arguments as in ``Pose3dLocalVisualizer``.

        Joints whose 3D or 2D score is below ``kpt_thr`` are grey.
        ``axis_limit`` and ``axis_dist`` have no effect: the scale is fixed.

        Returns:
            np.ndarray: (S, S, 3) RGB, S the image's height, whatever the
            number of people.
        """
        pred = pose_samples.get('pred_instances', {})
        skeleton = self.joints
        if np.shape(pred.get('keypoints',
                             ()))[1:] not in ((), (skeleton.num_joints, 3)):
            return super()._draw_3d_data_samples(image, pose_samples, draw_gt,
                                                 kpt_thr, num_instances,
                                                 axis_azimuth, axis_limit,
                                                 axis_dist, axis_elev,
                                                 show_kpt_idx, scores_2d)
        figures = self._predictions(pred, scores_2d, kpt_thr)
        if num_instances >= 0:
            figures = figures[:num_instances]
        if draw_gt and 'gt_instances' in pose_samples:
            figures += self._ground_truth(pose_samples.gt_instances)
        return draw_grid(figures, max(image.shape[0], MIN_SIZE),
                         90 - axis_azimuth, axis_elev, skeleton)

    @property
    def joints(self) -> Skeleton:
        """What ``dataset_meta`` says of the joints; Human3.6M's without."""
        return drawn_skeleton(getattr(self, 'dataset_meta', None) or {})

    def _predictions(self, pred: Any, scores_2d: Optional[np.ndarray],
                     kpt_thr: float) -> List[Figure]:
        figures = []
        for i, pose in enumerate(pred.get('keypoints', ())):
            pose = np.asarray(pose)
            if self.axes == 'inferencer':
                pose = np.stack([-pose[:, 0], -pose[:, 2], pose[:, 1]], -1)
            seen = np.isfinite(pose).all(1)
            if 'keypoint_scores' in pred:
                seen &= np.asarray(pred.keypoint_scores[i]) >= kpt_thr
            if scores_2d is not None and i < len(scores_2d):
                seen &= np.asarray(scores_2d[i]) >= kpt_thr
            pose = np.nan_to_num(pose)
            figures.append(
                Figure(
                    f'Prediction ({i})', pose - pose[self.joints.root], seen,
                    pred.keypoint_std[i] if 'keypoint_std' in pred else None,
                    pred.hypotheses[i] if 'hypotheses' in pred else None))
        return figures

    def _ground_truth(self, instances: Any) -> List[Figure]:
        poses = np.asarray(instances.get('lifting_target', ()))
        known = np.asarray(
            instances.get('lifting_target_visible', np.ones(poses.shape[:2])))
        known = known.reshape(poses.shape[:2]) > 0
        return [
            Figure(f'Ground truth ({i})', pose - pose[self.joints.root],
                   known[i]) for i, pose in enumerate(poses)
        ]
