# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Anti-aliased drawing at fractions of a pixel, in place, with OpenCV."""

from typing import Iterable, Sequence, Tuple, Union

import cv2
import numpy as np

from .palette import BACKGROUND, TEXT, Color

Point = Union[Sequence[float], np.ndarray]
"""x, y in pixels."""

_SHIFT = 4
_UNIT = 1 << _SHIFT
# Beyond it OpenCV's fixed-point coordinates could overflow.
_LIMIT = 1 << 15


def _fixed(point: Point) -> Tuple[int, int]:
    """A point in OpenCV's fixed-point coordinates."""
    # Plain numbers: for two of them an array's functions cost ten times more.
    x = min(max(float(point[0]), -_LIMIT), _LIMIT)
    y = min(max(float(point[1]), -_LIMIT), _LIMIT)
    return round(x * _UNIT), round(y * _UNIT)


def draw_line(image: np.ndarray,
              start: Point,
              end: Point,
              color: Color,
              thickness: int = 1) -> None:
    """Draw a line on an image (H, W, 3)."""
    cv2.line(image, _fixed(start), _fixed(end), color, thickness, cv2.LINE_AA,
             _SHIFT)


def draw_lines(image: np.ndarray, lines: np.ndarray, color: Color) -> None:
    """Draw many thin lines (S, 2, 2) of one colour on an image (H, W, 3)."""
    fixed = np.clip(lines, -_LIMIT, _LIMIT) * _UNIT
    cv2.polylines(image, list(np.rint(fixed).astype(np.int32)), False, color,
                  1, cv2.LINE_AA, _SHIFT)


def draw_disc(image: np.ndarray, center: Point, radius: float,
              color: Color) -> None:
    """Draw a filled disc on an image (H, W, 3)."""
    cv2.circle(image, _fixed(center), int(round(radius * _UNIT)), color, -1,
               cv2.LINE_AA, _SHIFT)


def draw_ring(image: np.ndarray,
              center: Point,
              radius: float,
              color: Color,
              thickness: int = 1) -> None:
    """Draw a circle on an image (H, W, 3)."""
    cv2.circle(image, _fixed(center), int(round(radius * _UNIT)), color,
               thickness, cv2.LINE_AA, _SHIFT)


def draw_polygon(image: np.ndarray, points: np.ndarray, color: Color) -> None:
    """Fill a convex polygon (P, 2) on an image (H, W, 3)."""
    corners = np.array([_fixed(point) for point in points], np.int32)
    cv2.fillConvexPoly(image, corners, color, cv2.LINE_AA, _SHIFT)


def draw_veils(image: np.ndarray, discs: Iterable[Tuple[Point, float, Color]],
               opacity: float) -> None:
    """Draw translucent discs (centre, radius, colour) in one pass."""
    discs = list(discs)
    if not discs:
        return
    centers = np.array([center for center, _, _ in discs], float)
    radii = np.array([[radius] for _, radius, _ in discs]) + 2
    # Only the part of the image that they cover is blended.
    left, top = np.clip((centers - radii).min(0), 0, _LIMIT).astype(int)
    right, bottom = np.clip((centers + radii).max(0), 0, _LIMIT).astype(int)
    part = image[top:bottom + 1, left:right + 1]
    if not part.size:
        return
    overlay = part.copy()
    for center, (_, radius, color) in zip(centers - [left, top], discs):
        draw_disc(overlay, center, radius, color)
    cv2.addWeighted(overlay, opacity, part, 1 - opacity, 0, part)


def draw_text(image: np.ndarray,
              text: str,
              position: Tuple[int, int],
              size: float = 0.5,
              color: Color = TEXT,
              rim: bool = False) -> None:
    """Write text; ``position`` is the left end of its base line, pixels.

    With ``rim`` it has a white one, which keeps it legible on pictures.
    """
    if rim:
        cv2.putText(image, text, position, cv2.FONT_HERSHEY_SIMPLEX, size,
                    BACKGROUND, 4, cv2.LINE_AA)
    cv2.putText(image, text, position, cv2.FONT_HERSHEY_SIMPLEX, size, color,
                1, cv2.LINE_AA)


def text_width(text: str, size: float = 0.5) -> int:
    """Width of a text in pixels."""
    return cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)[0][0]


def blank(height: int, width: int, color: Color = BACKGROUND) -> np.ndarray:
    """An image (height, width, 3), uint8."""
    return np.full((height, width, 3), color, np.uint8)
