# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Colours (RGB), the same in every picture."""

from functools import lru_cache
from typing import Tuple

from mmdiffpose.skeletons import Skeleton, canonical_joint

Color = Tuple[int, int, int]

LEFT: Color = (31, 119, 200)
RIGHT: Color = (232, 110, 32)
CENTER: Color = (70, 70, 78)
UNSEEN: Color = (185, 185, 190)
BACKGROUND: Color = (255, 255, 255)
PANEL: Color = (248, 249, 251)
FLOOR: Color = (236, 239, 243)
GRID: Color = (205, 210, 218)
TEXT: Color = (45, 48, 56)
PEOPLE: Tuple[Color,
              ...] = ((44, 160, 44), (148, 82, 196), (200, 30, 60),
                      (20, 150, 150), (214, 70, 160), (130, 90, 40),
                      (150, 150, 20), (20, 60, 130), (110, 180, 90), (120, 30,
                                                                      100))
"""Told apart from each other and from the two sides' colours."""


def person_color(number: int) -> Color:
    """A person's colour, the same in all pictures."""
    return PEOPLE[number % len(PEOPLE)]


@lru_cache(maxsize=None)
def joint_color(name: str, center: Color = CENTER) -> Color:
    """Blue for the person's left, orange for their right, else ``center``."""
    name = canonical_joint(name)
    if name.startswith('left'):
        return LEFT
    if name.startswith('right'):
        return RIGHT
    return center


@lru_cache(maxsize=None)
def joint_colors(skeleton: Skeleton,
                 center: Color = CENTER) -> Tuple[Color, ...]:
    """A colour per joint."""
    return tuple(joint_color(name, center) for name in skeleton.joints)


@lru_cache(maxsize=None)
def bone_colors(skeleton: Skeleton,
                center: Color = CENTER) -> Tuple[Color, ...]:
    """A colour per bone: its child joint's."""
    colors = joint_colors(skeleton, center)
    return tuple(colors[child] for _, child in skeleton.bones)


def lighten(color: Color, share: float) -> Color:
    """Mix with white; 1 is white."""
    red, green, blue = (
        int(round(value * (1 - share) + 255 * share)) for value in color)
    return red, green, blue
