# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Codec of the diffusion lifters: 2D track in, 3D target and uncertainty."""

from typing import Dict, Optional, Sequence, Tuple

import numpy as np
from mmpose.codecs.base import BaseKeypointCodec

from mmdiffpose.registry import KEYPOINT_CODECS
from mmdiffpose.skeletons.score_width import SCORE_SIGMA, share_of_score


@KEYPOINT_CODECS.register_module()
class GMMDiffusionPose(BaseKeypointCodec):
    r"""Encode a 2D track for a diffusion lifter.

    Heatmaps do not travel through the pipeline, their mixtures do: per joint
    a mixture of axis-aligned Gaussians in the image (DiffPose, Sec. 4.1).
    Where a detector gives none, one Gaussian whose width follows from the
    joint's score stands in.

    2D coordinates become screen-normalised, :math:`u \mapsto 2u/w - 1`,
    :math:`v \mapsto 2v/w - h/w`, so that the image's aspect is kept. Targets
    are relative to the root joint, in metres and camera axes (x right, y
    down, z forward).

    Args:
        num_keypoints (int): Number of joints J. Defaults to 17.
        root_index (int): The root joint. Defaults to 0.
        num_components (int): Components M of each joint's 2D mixture in the
            output; the likeliest are kept, empty ones have weight 0.
            Defaults to 2.
        score_sigma (tuple[float, float]): Where there are no mixtures, the
            std in the image at score 1 and at score 0, as shares of the
            track's size (root of the mean squared distance of joints to
            their centre, median over the frames); log-linear in between.
            Defaults to
            :data:`~mmdiffpose.skeletons.score_width.SCORE_SIGMA`.
        mask_value (float): Normalised coordinate that stands for a joint
            whose score is not above ``score_thr``. Defaults to 0, the image
            centre, as in DiffHPE.
        score_thr (float): Defaults to 0.
        mask_channel (bool): Whether the input has a third channel, 1 for
            joints that are seen and 0 for masked ones, for encoders with
            ``in_channels=3``. Defaults to False, as published.
    """

    auxiliary_encode_keys = {
        'lifting_target', 'lifting_target_visible', 'camera_param',
        'keypoint_mixtures', 'valid_frames', 'img_paths', 'target_img_path'
    }
    # What is scored is relative to the root, as predictions are, and visible
    # where it counts: MMPose's own MPJPE reads both as they are.
    instance_mapping_table = dict(
        lifting_target_label='lifting_target',
        scored_joints='lifting_target_visible',
        lifting_target='lifting_target_camera',
        lifting_target_visible='known_joints',
        valid_frames='valid_frames')
    label_mapping_table = dict(
        keypoint_labels='keypoint_labels',
        keypoint_labels_visible='keypoint_labels_visible',
        mixture_labels='mixture_labels',
        lifting_target_label='lifting_target_label',
        lifting_target_weight='lifting_target_weight',
        keypoint_weights='keypoint_weights')

    def __init__(self,
                 num_keypoints: int = 17,
                 root_index: int = 0,
                 num_components: int = 2,
                 score_sigma: Tuple[float, float] = SCORE_SIGMA,
                 mask_value: float = 0.,
                 score_thr: float = 0.,
                 mask_channel: bool = False) -> None:
        super().__init__()
        if not 0 < score_sigma[0] <= score_sigma[1]:
            raise ValueError('score_sigma should hold two increasing positive '
                             f'shares, got {score_sigma}')
        if num_components < 1:
            raise ValueError(
                f'num_components should be at least 1, got {num_components}')
        self.num_keypoints = num_keypoints
        self.root_index = root_index
        self.num_components = num_components
        self.score_sigma = score_sigma
        self.mask_value = mask_value
        self.score_thr = score_thr
        self.mask_channel = mask_channel

    def encode(self,
               keypoints: np.ndarray,
               keypoints_visible: Optional[np.ndarray] = None,
               lifting_target: Optional[np.ndarray] = None,
               lifting_target_visible: Optional[np.ndarray] = None,
               camera_param: Optional[dict] = None,
               keypoint_mixtures: Optional[np.ndarray] = None,
               valid_frames: Optional[np.ndarray] = None,
               img_paths: Optional[Sequence[str]] = None,
               target_img_path: Optional[Sequence[str]] = None) -> Dict:
        """Encode a window.

        Args:
            keypoints (np.ndarray): 2D joints (T, J, 2), pixels; anything
                where the score is not above ``score_thr``.
            keypoints_visible (np.ndarray, optional): Scores (T, J) in
                [0, 1]. Defaults to ones.
            lifting_target (np.ndarray, optional): 3D joints (T, J, 3),
                metres, camera axes. A target of one frame for a window of
                several asks for that frame only, as MMPose's inferencer and
                data sets do: the middle one, or the one whose name is
                ``target_img_path``.
            lifting_target_visible (np.ndarray, optional): (T, J), 0 for
                joints whose target is not known, whatever stands there.
            camera_param (dict): Needs the image's ``w`` and ``h``, pixels.
            keypoint_mixtures (np.ndarray, optional): (T, J, M, 5) with
                weight, mean u, mean v, std u, std v in pixels.
            valid_frames (np.ndarray, optional): (T, ) bool, frames that
                count in an evaluation.
            img_paths (Sequence[str], optional): Names of the T frames.
            target_img_path (Sequence[str], optional): Name of the only frame
                asked for.

        Returns:
            dict:

            - keypoint_labels (np.ndarray): (T, J, 2), normalised, or
              (T, J, 3) with the mask channel.
            - keypoint_labels_visible (np.ndarray): (T, J).
            - mixture_labels (np.ndarray): (T, J, M, 5), normalised.
            - lifting_target (np.ndarray): (T, J, 3), metres, camera axes, as
              given; 0 for joints that are not visible. In a packed sample
              ``gt_instances.lifting_target_camera``.
            - lifting_target_visible (np.ndarray): As above; there
              ``gt_instances.known_joints``.
            - valid_frames (np.ndarray): As above.
            - lifting_target_label (np.ndarray): (T, J, 3), root-relative, 0
              where nothing is known; ``gt_instances.lifting_target``, too.
            - scored_joints (np.ndarray): (T, J), 1 for joints that count in
              an evaluation; ``gt_instances.lifting_target_visible``.
            - lifting_target_weight (np.ndarray): (T, J), 0 for joints that
              are not visible and in frames whose root is not.
            - keypoint_weights (np.ndarray): (T, J), what joints weigh in a
              loss beside that: 1, or the data set's joint weights where
              ``GenerateTarget`` has ``use_dataset_keypoint_weights=True``.
            - target_frame (int | None): The only frame asked for, if so.

        Raises:
            ValueError: For no frames, shapes that disagree, NaN or infinite
                values, or a camera without image size.
        """
        T = len(keypoints)
        if not T:
            raise ValueError('keypoints: expected at least one frame, found '
                             'none')
        if keypoints_visible is None:
            keypoints_visible = np.ones((T, self.num_keypoints))
        scores = self._check('keypoints_visible', keypoints_visible,
                             (T, self.num_keypoints))
        masked = scores <= self.score_thr
        keypoints = self._check('keypoints', keypoints,
                                (T, self.num_keypoints, 2), masked)
        size = self._image_size(camera_param)

        labels = self.normalize(keypoints, size)
        labels[masked] = self.mask_value
        if keypoint_mixtures is None:
            mixtures = self.mixtures_from_scores(labels, scores, masked)
        else:
            mixtures = self._check('keypoint_mixtures', keypoint_mixtures,
                                   (T, self.num_keypoints, None, 5), masked)
            # The heatmap of a joint that was not seen tells nothing about it.
            mixtures[masked] = [1, 0, 0, 1, 1]
            mixtures = self._select(mixtures)
            mixtures[..., 1:3] = self.normalize(mixtures[..., 1:3], size)
            mixtures[..., 3:] *= 2 / size[0]
            if masked.any():
                mixtures[masked] = self.mixtures_from_scores(
                    labels, scores, masked)[masked]

        target, visible, single = self._target(lifting_target,
                                               lifting_target_visible, T)
        if valid_frames is None:
            valid_frames = np.ones(T, dtype=bool)
        valid_frames = np.array(valid_frames, bool)
        frame = None
        if single:
            frame = _frame_asked_for(img_paths, target_img_path, T)
            # The target is that of one frame, whatever the others show.
            others = np.arange(T) != frame
            visible[others], valid_frames[others] = 0, False
        # Without its root a pose is relative to nothing.
        root = target[:, self.root_index]
        known = visible * visible[:, self.root_index, None]
        label = np.where(known[..., None] > 0, target - root[:, None], 0)
        if self.mask_channel:
            seen = (~masked[..., None]).astype(np.float32)
            labels = np.concatenate([labels, seen], axis=-1)
        return dict(
            keypoint_labels=labels,
            keypoint_labels_visible=scores,
            mixture_labels=mixtures,
            lifting_target=target,
            lifting_target_visible=visible,
            valid_frames=valid_frames,
            lifting_target_label=label,
            scored_joints=known * valid_frames[:, None],
            lifting_target_weight=known,
            keypoint_weights=np.ones_like(known),
            target_frame=frame)

    def decode(self,
               encoded: np.ndarray,
               target_root: Optional[np.ndarray] = None
               ) -> Tuple[np.ndarray, np.ndarray]:
        """Root-relative prediction to poses.

        Args:
            encoded (np.ndarray): Poses (T, J, 3), metres.
            target_root (np.ndarray, optional): Root positions (T, 1, 3) to
                add. Without them poses stay root-relative: the root's own
                trajectory is never taken from the ground truth silently.

        Returns:
            tuple[np.ndarray, np.ndarray]: Poses (T, J, 3), metres, and ones
            (T, J), which a head replaces by scores from its uncertainty.
        """
        keypoints = encoded - encoded[:, self.root_index:self.root_index + 1]
        if target_root is not None:
            keypoints = keypoints + target_root
        return keypoints, np.ones(keypoints.shape[:-1], dtype=np.float32)

    @staticmethod
    def normalize(points: np.ndarray, size: Tuple[float, float]) -> np.ndarray:
        """Pixels (..., 2) to screen-normalised coordinates, float32."""
        w, h = size
        return (points * (2 / w) - np.array([1, h / w])).astype(np.float32)

    @staticmethod
    def _image_size(camera_param: Optional[dict]) -> Tuple[float, float]:
        camera_param = camera_param or {}
        missing = [k for k in 'wh' if k not in camera_param]
        if missing:
            raise ValueError('camera_param should hold the image size w and '
                             f'h in pixels, but misses {missing}')
        size = float(camera_param['w']), float(camera_param['h'])
        if not all(np.isfinite(side) and side > 0 for side in size):
            raise ValueError('camera_param: expected the image size w and h in'
                             f' pixels, found {size}')
        return size

    @staticmethod
    def _check(name: str,
               value: np.ndarray,
               shape: Tuple,
               unknown: Optional[np.ndarray] = None) -> np.ndarray:
        """Validate shape (None: any) and finiteness; return a float32 copy
        with zeros where nothing is known."""
        value = np.array(value, dtype=np.float32)
        if value.ndim != len(shape) or any(
                want is not None and want != got
                for want, got in zip(shape, value.shape)):
            expected = tuple('any' if n is None else n for n in shape)
            raise ValueError(f'{name} should have the shape {expected}, but '
                             f'got {value.shape}')
        if unknown is not None:
            value[unknown] = 0
        if not np.isfinite(value).all():
            where = np.argwhere(~np.isfinite(value))[0]
            raise ValueError(f'{name} has a NaN or infinite value at index '
                             f'{tuple(int(i) for i in where)}')
        return value

    def _target(self, target: Optional[np.ndarray],
                visible: Optional[np.ndarray],
                T: int) -> Tuple[np.ndarray, np.ndarray, bool]:
        J = self.num_keypoints
        if target is None:
            target = np.zeros((T, J, 3))
        if visible is None:
            visible = np.ones(np.shape(target)[:2])
        # MMPose's own data sets carry a trailing axis of one.
        visible = self._check('lifting_target_visible',
                              np.reshape(visible, (len(target), -1)),
                              (len(target), J))
        target = self._check('lifting_target', target, (len(target), J, 3),
                             visible <= 0)
        single = len(target) == 1 < T
        if single:
            target = np.repeat(target, T, axis=0)
            visible = np.repeat(visible, T, axis=0)
        if len(target) != T:
            raise ValueError(f'lifting_target has {len(target)} frames, but '
                             f'keypoints have {T}')
        return target, visible, single

    def _select(self, mixtures: np.ndarray) -> np.ndarray:
        """The ``num_components`` likeliest components, weights renewed."""
        M = self.num_components
        if mixtures.shape[2] < M:
            padding = ((0, 0), (0, 0), (0, M - mixtures.shape[2]), (0, 0))
            # Copies of the first component, so that no std is zero.
            mixtures = np.pad(mixtures, padding, mode='wrap')
            mixtures[:, :, -padding[2][1]:, 0] = 0
        elif mixtures.shape[2] > M:
            order = np.argsort(-mixtures[..., 0], axis=2, kind='stable')
            mixtures = np.take_along_axis(
                mixtures, order[:, :, :M, None], axis=2)
        weights = mixtures[..., :1]
        if (weights < 0).any() or (mixtures[..., 3:] <= 0).any():
            raise ValueError('keypoint_mixtures should have weights >= 0 and '
                             'stds > 0')
        total = weights.sum(2, keepdims=True)
        if (total <= 0).any():
            raise ValueError('keypoint_mixtures has a joint whose weights '
                             'are all 0')
        mixtures[..., :1] = weights / total
        return mixtures

    def mixtures_from_scores(self, labels: np.ndarray, scores: np.ndarray,
                             masked: np.ndarray) -> np.ndarray:
        """One Gaussian per joint whose width follows from its score.

        Args:
            labels (np.ndarray): (T, J, 2), normalised.
            scores (np.ndarray): (T, J).
            masked (np.ndarray): (T, J) bool, joints of which nothing is
                known: a Gaussian as wide as the person in their middle.

        Returns:
            np.ndarray: (T, J, M, 5), normalised.
        """
        seen = ~masked
        count = np.maximum(seen.sum(1), 1)[:, None, None]
        weight = seen[..., None]
        centre = (labels * weight).sum(1, keepdims=True) / count
        square = ((labels - centre)**2 * weight).sum((1, 2)) / count[:, 0, 0]
        some = seen.any(1)
        if some.all():
            extent = max(float(np.median(np.sqrt(square))), 1e-3)
        elif some.any():
            # A frame without any joint takes the size of the window's other
            # frames.
            extent = max(float(np.median(np.sqrt(square[some]))), 1e-3)
            centre[~some] = centre[some].mean(0)
        else:
            # Somewhere in the image, which is 2 wide.
            extent = 1.

        share = share_of_score(scores, self.score_sigma)
        sigma = extent * np.where(masked, 1., share)
        mean = np.where(masked[..., None], centre, labels)
        mixtures = np.zeros((*labels.shape[:2], self.num_components, 5),
                            np.float32)
        mixtures[..., 1:3] = mean[:, :, None]
        mixtures[..., 3:] = sigma[:, :, None, None]
        mixtures[:, :, 0, 0] = 1
        return mixtures


def _frame_asked_for(img_paths: Optional[Sequence[str]],
                     target_img_path: Optional[Sequence[str]], T: int) -> int:
    """Index of a window's only target among its T frames.

    That of its name, where several have it (at a clip's ends the first and
    last frames are repeated) the one nearest to the middle; the middle where
    frames have no names.
    """
    middle = T // 2
    if img_paths is None or target_img_path is None or len(img_paths) != T:
        return middle
    name = str(np.ravel(target_img_path)[0])
    found = [i for i, path in enumerate(img_paths) if str(path) == name]
    return min(found, key=lambda i: abs(i - middle), default=middle)
