# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Draw skeletons: the same figure in the picture and in the 3D views."""

from typing import Optional

import numpy as np

from mmdiffpose.skeletons import Skeleton
from .canvas import draw_disc, draw_line, draw_lines, draw_ring, draw_veils
from .palette import (BACKGROUND, CENTER, UNSEEN, Color, bone_colors,
                      joint_color, lighten)

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
    depth = points[:, 2] if points.shape[1] == 3 else np.zeros(len(points))
    bones = list(zip(skeleton.bones, bone_colors(skeleton, center)))
    bones.sort(key=lambda bone: depth[bone[0][0]] + depth[bone[0][1]])
    places = points[:, :2].tolist()
    for (parent, child), color in bones:
        start, end = places[parent], places[child]
        known = seen[parent] and seen[child]
        if hide_unseen and not known:
            continue
        # A white rim keeps limbs apart where they cross.
        draw_line(image, start, end, BACKGROUND, thickness + 2)
        draw_line(image, start, end, color if known else UNSEEN, thickness)
    radius = max(3., 0.7 * thickness)
    for joint in np.argsort(depth, kind='stable'):
        if hide_unseen and not seen[joint]:
            continue
        place = places[joint]
        draw_disc(image, place, radius + 1, BACKGROUND)
        if seen[joint]:
            draw_disc(image, place, radius,
                      joint_color(skeleton.joints[joint], center))
        else:
            draw_ring(image, place, radius, UNSEEN)


def draw_hypotheses(image: np.ndarray,
                    points: np.ndarray,
                    skeleton: Skeleton,
                    center: Color = CENTER) -> None:
    """Draw hypotheses (N, J, 2 or 3), pixels, as faint thin skeletons."""
    bones = np.array(skeleton.bones)
    colors = bone_colors(skeleton, center)
    for color in dict.fromkeys(colors):
        chosen = bones[[other == color for other in colors]]
        lines = points[:, chosen, :2].reshape(-1, 2, 2)
        draw_lines(image, lines, lighten(color, FAINT))


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
    draw_veils(image,
               ((point[:2], SPREAD * scale * width, joint_color(name, center))
                for point, width, name in zip(points, std, skeleton.joints)),
               VEIL_OPACITY)
