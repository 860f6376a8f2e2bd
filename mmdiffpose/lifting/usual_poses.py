# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Where joints usually are that were never seen.

From motion capture, as ``tools/dataset_converters/usual_poses.py`` writes it:
a Gaussian over the joints' places in the picture, for people seen levelly
from any side.
"""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d

from mmdiffpose.input_files import read_json
from mmdiffpose.skeletons import H36M_17, Skeleton
from mmdiffpose.skeletons.mapping import find_joint

PATH = Path(__file__).parents[1] / 'data' / 'usual_poses.json'
_DETECTOR_VARIANCE = 0.03**2
"""Of a detector's joints, and of what a Gaussian does not know of people,
square metres."""
_ANYWHERE = 1e3
"""Variance of where the root is in the picture, square metres."""
_SIZE_FRAMES = 51
"""Frames over which a person's size in the picture is the same."""


class UsualPoses(NamedTuple):
    """Statistics of Human3.6M's J joints, relative to the root.

    Attributes:
        height: (J, ) mean height, metres.
        across: (J, J) covariance in the picture, horizontally, square metres.
        up: (J, J) the same, vertically.
    """
    height: np.ndarray
    across: np.ndarray
    up: np.ndarray


@lru_cache(maxsize=None)
def usual_poses() -> UsualPoses:
    """The statistics, read once."""
    content = read_json(PATH)
    assert tuple(content['joints']) == H36M_17.joints
    poses = UsualPoses(*(np.array(content[n]) for n in UsualPoses._fields))
    for values in poses:
        values.flags.writeable = False
    return poses


@lru_cache(maxsize=None)
def _h36m_rows(skeleton: Skeleton) -> np.ndarray:
    """(J, ) which of Human3.6M's joints a skeleton's are; -1: none."""
    rows = np.full(skeleton.num_joints, -1)
    for row, name in enumerate(H36M_17.joints):
        place = find_joint(skeleton, name)
        if place is not None and rows[place] < 0:
            rows[place] = row
    rows.flags.writeable = False
    return rows


def usual_distances(skeleton: Skeleton, poses: np.ndarray) -> np.ndarray:
    """Root mean square distances of joints from the root.

    Args:
        skeleton (Skeleton): The J joints.
        poses (np.ndarray): (F, J, 3) metres, relative to the root: they tell
            of joints that motion capture does not know.

    Returns:
        np.ndarray: (J, ) per axis, metres; 0 for the root.
    """
    own = np.sqrt((poses.astype(float)**2).mean((0, 2)))
    rows = _h36m_rows(skeleton)
    root = rows[skeleton.root]
    if root < 0:
        return own
    usual = usual_poses()
    # Seen from any side the two level axes are alike.
    square = sum(share *
                 (np.diag(matrix) + matrix[root, root] - 2 * matrix[root])
                 for share, matrix in ((2, usual.across), (1, usual.up)))
    square = square + (usual.height - usual.height[root])**2
    known = np.sqrt(np.maximum(square, 0) / 3)
    return np.where(rows >= 0, known[rows], own)


def place_unknown(keypoints: np.ndarray, known: np.ndarray,
                  skeleton: Skeleton) -> np.ndarray:
    r"""Place joints that were never seen where they usually are.

    The known joints, in pixels, are taken as :math:`x = y/u + t` with
    :math:`y \sim N(m, \Sigma)` in metres, any t, and a size 1/u, pixels a
    metre, that changes slowly. With :math:`a = x^T \Sigma^{-1} x`,
    :math:`b = x^T \Sigma^{-1} m` and n numbers the likeliest u is
    :math:`(b + \sqrt{b^2 + 4an}) / 2a`; the others are then expected at the
    Gaussian's conditional mean.

    Args:
        keypoints (np.ndarray): (F, J, 2), pixels.
        known (np.ndarray): (J, ) bool, those that are right.
        skeleton (Skeleton): The joints.

    Returns:
        np.ndarray: The same, with places for the others that motion capture
        knows; as they came where nothing is known, or all is.
    """
    rows = _h36m_rows(skeleton)
    joints = np.flatnonzero(rows >= 0)
    unknown = joints[~known[joints]]
    if known.all() or not len(unknown) or not known[joints].any():
        return keypoints
    placed = keypoints.copy()
    placed[:, joints] = _placed(keypoints[:, joints], known[joints],
                                rows[joints])
    return placed


def _placed(keypoints: np.ndarray, known: np.ndarray,
            rows: np.ndarray) -> np.ndarray:
    """Joints (F, J', 2) that are Human3.6M's ``rows``."""
    unknown, count = ~known, int(known.sum())
    usual = UsualPoses(
        usual_poses().height[rows],
        *(matrix[np.ix_(rows, rows)] for matrix in usual_poses()[1:]))
    origin = keypoints[:, known].mean(1, keepdims=True)
    points = (keypoints - origin).astype(float)
    quadratic, linear = np.zeros((2, len(points)))
    halves = []
    for axis, (mean, covariance) in enumerate(
        ((np.zeros(len(known)), usual.across),
         (-usual.height, usual.up))):  # a picture's y points down
        shared = covariance + _ANYWHERE
        within = shared[np.ix_(known, known)]
        inverse = np.linalg.inv(within + _DETECTOR_VARIANCE * np.eye(count))
        seen = points[:, known, axis]
        quadratic += ((seen @ inverse) * seen).sum(1)
        linear += seen @ inverse @ mean[known]
        gain = shared[np.ix_(unknown, known)] @ inverse
        halves.append((mean, gain, seen))
    quadratic, linear = (
        uniform_filter1d(values, _SIZE_FRAMES, mode='nearest')
        for values in (quadratic, linear))
    numbers = 2 * max(count - 1, 1)
    # A single joint, or all at one place, have no size.
    quadratic = np.maximum(quadratic, 1e-9)
    metres = (linear +
              np.sqrt(linear**2 + 4 * quadratic * numbers)) / (2 * quadratic)
    placed = keypoints.copy()
    for axis, (mean, gain, seen) in enumerate(halves):
        apart = seen * metres[:, None] - mean[known]
        expected = (mean[unknown] + apart @ gain.T) / metres[:, None]
        placed[:, unknown, axis] = expected + origin[..., axis]
    return placed
