# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The colours of people's clothes, which tell one from another."""

from typing import Tuple

import cv2
import numpy as np

from mmdiffpose.skeletons import Skeleton

_TRUNK = ('left_shoulder', 'right_shoulder', 'left_hip', 'right_hip')
_THIGHS = (('left_hip', 'left_knee'), ('right_hip', 'right_knee'))
_ACROSS, _ALONG = (0.25, 0.5, 0.75), (0.15, 0.35, 0.55, 0.75)
"""Where pixels are looked at: within the trunk, away from its edges."""
LIGHTNESS_WEIGHT = 0.5
"""Shade changes a colour's lightness more than its hue."""


def clothes_colors(image: np.ndarray, keypoints: np.ndarray,
                   scores: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Median colour of the trunk and of the thighs of each person.

    Args:
        image (np.ndarray): (h, w, 3), uint8, BGR.
        keypoints (np.ndarray): (P, K, 2) pixels.
        scores (np.ndarray): (P, K), 0 for a joint that was not seen.
        skeleton (Skeleton): K joints.

    Returns:
        np.ndarray: (P, 2, 3) CIE L*a*b*, L* times :data:`LIGHTNESS_WEIGHT`;
        NaN where joints were not seen, are none of the skeleton's, or lie
        outside of the image.
    """
    index = skeleton.index
    colors = np.full((len(keypoints), 2, 3), np.nan)
    for person, (points, sure) in enumerate(zip(keypoints, scores)):
        if all(j in index and sure[index[j]] > 0 for j in _TRUNK):
            corners = [points[index[joint]] for joint in _TRUNK]
            colors[person, 0] = _color(image, _within(*corners))
        ends = [
            points[[index[top], index[bottom]]] for top, bottom in _THIGHS
            if top in index and bottom in index and sure[index[top]] > 0
            and sure[index[bottom]] > 0
        ]
        if ends:
            places = [
                hip + share * (knee - hip) for hip, knee in ends
                for share in _ALONG
            ]
            colors[person, 1] = _color(image, np.array(places))
    return colors


def color_distance(one: np.ndarray, other: np.ndarray) -> float:
    """How far clothes are apart: the larger distance of trunks or thighs.

    Args:
        one (np.ndarray): (..., 2, 3), of :func:`clothes_colors`; several rows
            are those of one person.
        other (np.ndarray): The same of somebody else.

    Returns:
        float: NaN where no colour of both is known.
    """
    medians = [_median(colors.reshape(-1, 2, 3)) for colors in (one, other)]
    apart = np.linalg.norm(medians[0] - medians[1], axis=-1)
    known = apart[np.isfinite(apart)]
    return float(known.max()) if len(known) else float('nan')


def _median(colors: np.ndarray) -> np.ndarray:
    """(2, 3), NaN where it is known of no row."""
    median = np.full((2, 3), np.nan)
    for part in range(2):
        known = colors[np.isfinite(colors[:, part]).all(-1), part]
        if len(known):
            median[part] = np.median(known, axis=0)
    return median


def _within(left_top: np.ndarray, right_top: np.ndarray,
            left_bottom: np.ndarray, right_bottom: np.ndarray) -> np.ndarray:
    """Places (N, 2) within the four corners of a trunk."""
    places = []
    for across in _ACROSS:
        top = left_top + across * (right_top - left_top)
        bottom = left_bottom + across * (right_bottom - left_bottom)
        places += [top + along * (bottom - top) for along in _ALONG]
    return np.array(places)


def _color(image: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Median colour (3, ) of some pixels; NaN where most lie outside."""
    columns, rows = np.round(places).astype(int).T
    height, width = image.shape[:2]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    if 2 * inside.sum() <= len(places):
        return np.full(3, np.nan)
    pixels = image[rows[inside], columns[inside]][None]
    # Of numbers from 0 to 1 OpenCV makes L* from 0 to 100.
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)[0]
    return np.median(lab, axis=0) * _weights()


def _weights() -> Tuple[float, float, float]:
    return (LIGHTNESS_WEIGHT, 1., 1.)
