# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Which joints the person's own body hides from a camera."""

from dataclasses import dataclass
from typing import Tuple

import numpy as np

from mmdiffpose.datasets.simulation.detector_noise import Detections
from mmdiffpose.skeletons import H36M_17

_RADII = dict(
    right_hip=.09,
    right_knee=.07,
    right_foot=.05,
    left_hip=.09,
    left_knee=.07,
    left_foot=.05,
    spine=.12,
    thorax=.13,
    neck_base=.06,
    head=.09,
    left_shoulder=.06,
    left_elbow=.045,
    left_wrist=.035,
    right_shoulder=.06,
    right_elbow=.045,
    right_wrist=.035)
"""Radius in metres of the capsule around the bone that ends in a joint."""


def hidden_joints(keypoints_3d: np.ndarray) -> np.ndarray:
    """Joints that a limb or the trunk hides.

    Bones are capsules. A joint is hidden where the line of sight to it passes
    through the capsule of a bone that it is not part of, in front of it by
    more than the capsule's radius.

    Args:
        keypoints_3d: (F, 17, 3), metres, camera axes.

    Returns:
        (F, 17), bool.
    """
    pose = keypoints_3d.astype(np.float64)
    hidden = np.zeros(pose.shape[:2], bool)
    for parent, child in H36M_17.bones:
        radius = _RADII[H36M_17.joints[child]]
        distance, along = _sight_to_bone(pose, pose[:, parent], pose[:, child])
        depth = np.linalg.norm(pose, axis=-1)
        blocked = (distance < radius) & ((1 - along) * depth > 2 * radius)
        blocked[:, [parent, child]] = False
        hidden |= blocked
    return hidden


def _sight_to_bone(pose: np.ndarray, start: np.ndarray,
                   end: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Closest approach of the lines of sight to a bone.

    Args:
        pose: Joints (F, J, 3); the camera is at the origin.
        start: Near end of the bone (F, 3).
        end: Far end of the bone (F, 3).

    Returns:
        Distance (F, J), and where on the way from camera (0) to joint (1)
        it is reached (F, J).
    """
    start, bone = start[:, None], (end - start)[:, None]
    # Minimise |s * pose - start - t * bone| over s, t: two equations in two
    # unknowns; then t is held to the bone, s to the way to the joint, and t
    # follows s.
    pp, bb = (pose * pose).sum(-1), (bone * bone).sum(-1)
    pb = (pose * bone).sum(-1)
    ps, bs = (pose * start).sum(-1), (bone * start).sum(-1)
    determinant = np.maximum(pp * bb - pb**2, 1e-12)
    t = np.clip((pb * ps - pp * bs) / determinant, 0, 1)
    s = np.clip((ps + t * pb) / np.maximum(pp, 1e-12), 0, 1)
    t = np.clip((s * pb - bs) / np.maximum(bb, 1e-12), 0, 1)
    gap = s[..., None] * pose - start - t[..., None] * bone
    return np.linalg.norm(gap, axis=-1), s


@dataclass(frozen=True)
class SelfOcclusion:
    """What being hidden does to a simulated detection.

    A detector guesses a hidden joint from the rest of the body: it errs more,
    and says so.

    Attributes:
        noise_factor: Error and width of the mixture grow so many times.
        score_factor: The score shrinks to this share.
    """
    noise_factor: float = 2.
    score_factor: float = .5

    def __post_init__(self) -> None:
        if self.noise_factor < 1 or not 0 <= self.score_factor <= 1:
            raise ValueError(
                'expected noise_factor >= 1 and score_factor in [0, 1], found '
                f'{self.noise_factor} and {self.score_factor}')

    def apply(self, found: Detections, truth: np.ndarray,
              keypoints_3d: np.ndarray) -> Detections:
        """Detections in which hidden joints are worse.

        Args:
            found: Detections of F frames.
            truth: True positions (F, 17, 2), pixels.
            keypoints_3d: (F, 17, 3), metres, camera axes.
        """
        hidden = hidden_joints(keypoints_3d)
        grow = np.where(hidden, self.noise_factor, 1.)[..., None]
        mixtures = found.mixtures.copy()
        mixtures[..., 1:3] = truth[:, :, None] + grow[..., None] * (
            mixtures[..., 1:3] - truth[:, :, None])
        mixtures[..., 3:] *= grow[..., None]
        return Detections(
            (truth + grow * (found.keypoints - truth)).astype(np.float32),
            np.where(hidden, self.score_factor * found.scores,
                     found.scores).astype(np.float32), mixtures)
