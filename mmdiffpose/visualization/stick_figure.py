# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Draw skeletons: the same figure in the picture and in the 3D views."""

from functools import lru_cache
from typing import Optional, Tuple

import numpy as np

from mmdiffpose.skeletons import Skeleton
from .canvas import (draw_lines, draw_rimmed_discs, draw_rimmed_lines,
                     draw_veils)
from .palette import CENTER, UNSEEN, Color, bone_colors, joint_colors, lighten

SPREAD = 2
"""Stds that a disc shows: less would hide behind the joint's dot."""
VEIL_OPACITY = 0.25
FAINT = 0.45
"""Share of white in the colours of hypotheses."""


def draw_figure(image: np.ndarray,
                points: np.ndarray,
                skeleton: Skeleton,
                thickness: int,
                seen: Optional[np.ndarray] = None,
                hide_unseen: bool = False,
                center: Color = CENTER) -> None:
    """Draw one skeleton, the nearest bone last.

    Args:
        image (np.ndarray): (H, W, 3) uint8, drawn on.
        points (np.ndarray): (J, 2) x, y in pixels, or (J, 3) with depth
            growing towards the viewer.
        skeleton (Skeleton): J joints.
        thickness (int): Of the bones, pixels.
        seen (np.ndarray, optional): (J, ) bool; bones at joints that were not
            seen are grey, the joints hollow.
        hide_unseen (bool): Leave them out instead: a detector's coordinates
            of a joint that it did not see mean nothing.
        center (Color): Of what is on neither side.
    """
    if seen is None:
        seen = np.ones(len(points), bool)
    places = points[:, :2]
    depth = points[:, 2] if points.shape[1] == 3 else np.zeros(len(points))
    bones = _bones(skeleton)
    known = seen[bones].all(1)
    order = np.argsort(depth[bones].sum(1), kind='stable')
    if hide_unseen:
        order = order[known[order]]
    colors = bone_colors(skeleton, center)
    draw_rimmed_lines(
        image, places[bones[order]],
        [colors[bone] if known[bone] else UNSEEN
         for bone in order.tolist()], thickness)
    order = np.argsort(depth, kind='stable')
    if hide_unseen:
        order = order[seen[order]]
    colors = joint_colors(skeleton, center)
    draw_rimmed_discs(
        image, places[order], max(3., 0.7 * thickness),
        [colors[joint] if seen[joint] else UNSEEN
         for joint in order.tolist()], seen[order].tolist())


@lru_cache(maxsize=None)
def _bones(skeleton: Skeleton) -> np.ndarray:
    """Both joints of each bone, (B, 2)."""
    return np.array(skeleton.bones).reshape(-1, 2)


def draw_hypotheses(image: np.ndarray,
                    points: np.ndarray,
                    skeleton: Skeleton,
                    center: Color = CENTER) -> None:
    """Draw hypotheses (N, J, 2 or 3), pixels, as faint thin skeletons."""
    for color, bones in _bones_by_color(skeleton, center):
        lines = points[:, bones, :2].reshape(-1, 2, 2)
        draw_lines(image, lines, lighten(color, FAINT))


@lru_cache(maxsize=None)
def _bones_by_color(skeleton: Skeleton,
                    center: Color) -> Tuple[Tuple[Color, np.ndarray], ...]:
    """Each colour's bones, (B, 2) joints."""
    colors = bone_colors(skeleton, center)
    return tuple((color, _bones(skeleton)[[other == color
                                           for other in colors]])
                 for color in dict.fromkeys(colors))


def draw_uncertainty(image: np.ndarray,
                     points: np.ndarray,
                     std: np.ndarray,
                     scale: float,
                     skeleton: Skeleton,
                     center: Color = CENTER) -> None:
    """Draw a translucent disc of :data:`SPREAD` stds around each joint.

    Args:
        image (np.ndarray): (H, W, 3) uint8, drawn on.
        points (np.ndarray): (J, 2 or 3), pixels.
        std (np.ndarray): (J, ), metres.
        scale (float): Pixels per metre.
        skeleton (Skeleton): J joints.
        center (Color): Of what is on neither side.
    """
    draw_veils(image, points[:, :2], SPREAD * scale * std.astype(float),
               joint_colors(skeleton, center), VEIL_OPACITY)
