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

_PARENTS, _CHILDREN = (list(ends) for ends in zip(*H36M_17.bones))
_BONE_RADII = np.array([_RADII[H36M_17.joints[end]] for end in _CHILDREN],
                       np.float32)[:, None]
_OWN_ENDS = np.zeros((len(_CHILDREN), H36M_17.num_joints), bool)
_OWN_ENDS[range(len(_CHILDREN)), _PARENTS] = True
_OWN_ENDS[range(len(_CHILDREN)), _CHILDREN] = True


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
    distance, along = _sight_to_bones(keypoints_3d, keypoints_3d[:, _PARENTS],
                                      keypoints_3d[:, _CHILDREN])
    depth = np.linalg.norm(keypoints_3d, axis=-1)[:, None]
    blocked = (distance < _BONE_RADII) & (
        (1 - along) * depth > 2 * _BONE_RADII)
    return (blocked & ~_OWN_ENDS).any(axis=1)


def _sight_to_bones(pose: np.ndarray, start: np.ndarray,
                    end: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Closest approach of the lines of sight to bones.

    Args:
        pose: Joints (F, J, 3); the camera is at the origin.
        start: Near ends of N bones (F, N, 3).
        end: Their far ends (F, N, 3).

    Returns:
        Distance (F, N, J), and where on the way from camera (0) to joint (1)
        it is reached (F, N, J).
    """
    bone = end - start
    joints = np.swapaxes(pose, -1, -2)
    # Minimise |s * pose - start - t * bone| over s, t: two equations in two
    # unknowns; then t is held to the bone, s to the way to the joint, and t
    # follows s.
    pp = np.maximum(np.einsum('fjc,fjc->fj', pose, pose), 1e-12)[:, None]
    bb, bs, ss = (np.einsum('fnc,fnc->fn', a, b)[..., None]
                  for a, b in ((bone, bone), (bone, start), (start, start)))
    pb, ps = bone @ joints, start @ joints
    t = pb * ps - pp * bs
    t /= np.maximum(pp * bb - pb * pb, 1e-12)
    s = np.clip((ps + np.clip(t, 0, 1, out=t) * pb) / pp, 0, 1)
    t = np.clip((s * pb - bs) / np.maximum(bb, 1e-12), 0, 1)
    square = s * s * pp + ss + t * t * bb - 2 * (s * ps + s * t * pb - t * bs)
    return np.sqrt(np.maximum(square, 0)), s


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
