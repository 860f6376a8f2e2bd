# Copyright (c) mmdiffpose contributors. All rights reserved.
"""One person's 2D joints over a clip."""

from dataclasses import dataclass, field
from typing import Optional, Tuple

import numpy as np

from mmdiffpose.skeletons import Skeleton, map_joints


@dataclass
class KeypointTrack:
    """One person's 2D joints over a clip, checked.

    Attributes:
        keypoints: (F, J, 2) float32, image pixels (x right, y down).
        scores: (F, J) float32 in [0, 1]; 0 for a joint that was not seen,
            whose coordinates mean nothing then.
        image_size: Width and height in pixels.
        skeleton: The joint set, J joints.
        frame_ids: (F, ) int, where the frames stand in the video.
        fps: Frames a second, if known.
        track_id: Which person of the file this is, if it says so.
        source: Where the track came from; error messages start with it.
    """
    keypoints: np.ndarray
    scores: np.ndarray
    image_size: Tuple[int, int]
    skeleton: Skeleton
    frame_ids: Optional[np.ndarray] = None
    fps: Optional[float] = None
    track_id: Optional[int] = None
    source: str = field(default='keypoints')

    def __post_init__(self) -> None:
        self.keypoints = np.asarray(self.keypoints, np.float32)
        self.scores = np.asarray(self.scores, np.float32)
        if self.frame_ids is None:
            self.frame_ids = np.arange(len(self.keypoints))
        self.frame_ids = np.asarray(self.frame_ids)
        self._check_shapes()
        self._check_finite()
        # Some detectors' scores (SimCC peaks) go a little over 1.
        self.scores = self.scores.clip(0, 1)
        if not (self.scores > 0).any():
            raise ValueError(f'{self.source}: no joint was seen in any frame '
                             '(all scores are 0), there is nothing to lift')

    def __len__(self) -> int:
        return len(self.keypoints)

    def _check_shapes(self) -> None:
        J = self.skeleton.num_joints
        if self.keypoints.ndim != 3 or self.keypoints.shape[2] != 2:
            raise ValueError(
                f'{self.source}: expected keypoints of shape (frames, {J}, 2)'
                f', found {self.keypoints.shape}')
        if not len(self.keypoints):
            raise ValueError(f'{self.source} is empty: expected keypoints of '
                             'at least one frame, found 0 frames')
        if self.keypoints.shape[1] != J:
            raise ValueError(
                f'{self.source}: expected {J} joints (skeleton '
                f'{self.skeleton.name}), found {self.keypoints.shape[1]}')
        if self.scores.shape != self.keypoints.shape[:2]:
            raise ValueError(
                f'{self.source}: expected scores of shape '
                f'{self.keypoints.shape[:2]}, found {self.scores.shape}')
        if self.frame_ids.shape != (len(self.keypoints), ):
            raise ValueError(
                f'{self.source}: expected {len(self.keypoints)} frame ids, '
                f'found an array of shape {self.frame_ids.shape}')
        size = np.asarray(self.image_size, float)
        if size.shape != (2, ) or not (np.isfinite(size) & (size > 0)).all():
            raise ValueError(f'{self.source}: expected an image size (width, '
                             f'height) in pixels, found {self.image_size}')
        self.image_size = (int(size[0]), int(size[1]))

    def _check_finite(self) -> None:
        for name, values in (('keypoint', self.keypoints), ('score',
                                                            self.scores)):
            bad = ~np.isfinite(values)
            if bad.any():
                frame, joint = np.argwhere(bad)[0][:2]
                raise ValueError(
                    f'{self.source}: expected finite numbers, found '
                    f'{values[frame, joint]} as {name} of joint '
                    f'{self.skeleton.joints[joint]} in frame '
                    f'{self.frame_ids[frame]}')

    def to_skeleton(self, target: Skeleton) -> 'KeypointTrack':
        """The same track with another joint set's joints.

        Raises:
            ValueError: If there is no mapping to the target.
        """
        keypoints, scores = map_joints(self.keypoints, self.scores,
                                       self.skeleton, target)
        return KeypointTrack(keypoints, scores, self.image_size, target,
                             self.frame_ids, self.fps, self.track_id,
                             self.source)
