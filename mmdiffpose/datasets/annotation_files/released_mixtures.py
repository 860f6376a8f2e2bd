# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The 2D mixtures that DiffPose's released code reads (``*_gmm.npz``).

Per subject, clip and camera an array (F', 17, M, 5): weight, mean u, v in
pixels, and a "variance" of u, v. F' may exceed the frames of the 3D, as in
all 2D files of VideoPose3D. The program that made them was never released,
and the files leave two things open:

* Their last two columns are called variances, but the code multiplies normal
  noise by them: they are used as standard deviations.
* It adds that noise to screen-normalised coordinates although, unlike the
  means, the columns are not normalised. So the number 3 is 3 pixels, or in
  effect 3 half-widths of the image.

Which one the files mean can't be told from the code; :data:`SCALES` are the
readings. Weights are reported to be (1, 0, 0) throughout, which leaves one
Gaussian a joint.
"""

from typing import Dict

import numpy as np

from mmdiffpose.skeletons import H36M_17

SCALES: Dict[str, str] = dict(
    pixel_std='standard deviations in pixels',
    pixel_variance='variances in squared pixels',
    normalized_std='standard deviations in half-widths of the image, what '
    'the released training amounts to')
"""Readings of the last two columns, by name."""

_FAR = 0.1
"""Median distance of means from the true joints, as a share of the image's
width, beyond which they aren't pixels of this clip."""


def tidy_mixtures(array: np.ndarray,
                  where: str,
                  scale: str = 'pixel_std',
                  image_width: float = 1000.) -> np.ndarray:
    """Mixtures of a released file in this project's form.

    Args:
        array (np.ndarray): (F, 17, M, 5) as in the file.
        where (str): The file and clip, for messages.
        scale (str): What the last two columns are; a key of :data:`SCALES`.
        image_width (float): Pixels, for ``'normalized_std'``.

    Returns:
        np.ndarray: (F, 17, M, 5) float32: weight, mean u, v, std u, v,
        pixels. Weights sum to 1; a component of weight 0 is a copy of the
        heaviest one, so that its std is one.

    Raises:
        ValueError: For another shape, NaN, weights that are negative or all
            0, or a component with weight but without width.
    """
    if scale not in SCALES:
        raise ValueError(
            f'scale should be one of {sorted(SCALES)}, got {scale!r}')
    joints = H36M_17.num_joints
    mixtures = np.array(array, np.float32)
    if (mixtures.ndim != 4 or mixtures.shape[1] != joints
            or mixtures.shape[3] != 5 or not mixtures.shape[2]):
        raise ValueError(
            f'{where}: the mixtures have the shape {mixtures.shape}, expected '
            f'(F, {joints}, M, 5) = weight, mean u, v and scale u, v. '
            'Keypoints without mixtures go to --detections')
    weights = mixtures[..., 0]
    used = weights > 0
    _refuse(~np.isfinite(mixtures).all((2, 3)), where, 'NaN or infinity')
    _refuse((weights < 0).any(2), where, 'a negative weight')
    _refuse(~used.any(2), where, 'weights that are all 0')
    _refuse((used & (mixtures[..., 3:] <= 0).any(3)).any(2), where,
            'a component with weight but without width')
    mixtures[..., 0] /= weights.sum(2, keepdims=True)
    if scale == 'pixel_variance':
        np.sqrt(
            mixtures[..., 3:], out=mixtures[..., 3:], where=used[..., None])
    elif scale == 'normalized_std':
        mixtures[..., 3:] *= image_width / 2
    main = np.take_along_axis(
        mixtures, weights.argmax(2)[..., None, None], axis=2)
    return np.where(used[..., None], mixtures,
                    main * np.array([0, 1, 1, 1, 1], np.float32))


def convert_mixtures(array: np.ndarray,
                     keypoints: np.ndarray,
                     where: str,
                     scale: str = 'pixel_std',
                     image_width: float = 1000.) -> np.ndarray:
    """:func:`tidy_mixtures`, of this clip and in pixels.

    Args:
        array (np.ndarray): (F, 17, M, 5) as in the file.
        keypoints (np.ndarray): The true joints (F, 17, 2), pixels.
        where (str): As in :func:`tidy_mixtures`.
        scale (str): As in :func:`tidy_mixtures`.
        image_width (float): Pixels.

    Raises:
        ValueError: As :func:`tidy_mixtures`, and if the mixtures' means lie
            far from the joints: they are of another clip or in other units.
    """
    mixtures = tidy_mixtures(array, where, scale, image_width)
    mean = (mixtures[..., :1] * mixtures[..., 1:3]).sum(2)
    distance = float(np.median(np.linalg.norm(mean - keypoints, axis=-1)))
    if distance > _FAR * image_width:
        raise ValueError(
            f'{where}: the mixtures lie {distance:.0f} px from the true '
            'joints (median); expected means in pixels, of the same clips, '
            "in Human3.6M's joint order")
    return mixtures


def _refuse(wrong: np.ndarray, where: str, what: str) -> None:
    """Raise for the first (frame, joint) that is True."""
    if wrong.any():
        frame, joint = np.argwhere(wrong)[0]
        raise ValueError(f'{where}: the mixture of frame {frame}, joint '
                         f'{joint} ({H36M_17.joints[joint]}) has {what}')
