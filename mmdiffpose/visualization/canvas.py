# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Anti-aliased drawing at fractions of a pixel, in place, with OpenCV."""

from typing import List, Sequence, Tuple, Union

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


def _all_fixed(points: np.ndarray) -> List[Tuple[int, int]]:
    """Points (P, 2) in OpenCV's fixed-point coordinates."""
    bounded = np.minimum(np.maximum(points, -_LIMIT), _LIMIT, dtype=float)
    x, y = np.rint(bounded * _UNIT).astype(int).T.tolist()
    return list(zip(x, y))


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


def draw_rimmed_lines(image: np.ndarray, lines: np.ndarray,
                      colors: Sequence[Color], thickness: int) -> None:
    """Draw lines (S, 2, 2) with white rims, which keep them apart where they
    cross, one after the other on an image (H, W, 3)."""
    ends = _all_fixed(lines.reshape(-1, 2))
    for start, end, color in zip(ends[::2], ends[1::2], colors):
        for shade, width in ((BACKGROUND, thickness + 2), (color, thickness)):
            cv2.line(image, start, end, shade, width, cv2.LINE_AA, _SHIFT)


def draw_rimmed_discs(image: np.ndarray, centers: np.ndarray, radius: float,
                      colors: Sequence[Color], filled: Sequence[bool]) -> None:
    """Draw discs at (D, 2) on white ones, which stand out by a pixel, one
    after the other on an image (H, W, 3); those not filled are rings."""
    inner, outer = (round(value * _UNIT) for value in (radius, radius + 1))
    for center, color, whole in zip(_all_fixed(centers), colors, filled):
        cv2.circle(image, center, outer, BACKGROUND, -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(image, center, inner, color, -1 if whole else 1,
                   cv2.LINE_AA, _SHIFT)


def draw_disc(image: np.ndarray, center: Point, radius: float,
              color: Color) -> None:
    """Draw a filled disc on an image (H, W, 3)."""
    cv2.circle(image, _fixed(center), int(round(radius * _UNIT)), color, -1,
               cv2.LINE_AA, _SHIFT)


def draw_polygon(image: np.ndarray, points: np.ndarray, color: Color) -> None:
    """Fill a convex polygon (P, 2) on an image (H, W, 3)."""
    corners = np.array(_all_fixed(points), np.int32)
    cv2.fillConvexPoly(image, corners, color, cv2.LINE_AA, _SHIFT)


def draw_veils(image: np.ndarray, centers: np.ndarray, radii: np.ndarray,
               colors: Sequence[Color], opacity: float) -> None:
    """Draw translucent discs at (D, 2), radii (D, ), in one pass.

    Where they overlap, the last one is seen.
    """
    if not len(centers):
        return
    reach = radii[:, None] + 2
    # Only the part of the image that they cover is blended.
    left, top = (centers - reach).min(0).clip(0, _LIMIT).astype(int).tolist()
    right, bottom = (centers + reach).max(0).clip(0,
                                                  _LIMIT).astype(int).tolist()
    part = image[top:bottom + 1, left:right + 1]
    if not part.size:
        return
    overlay = part.copy()
    places = _all_fixed(centers - [left, top])
    for place, radius, color in zip(places, radii.tolist(), colors):
        cv2.circle(overlay, place, round(radius * _UNIT), color, -1,
                   cv2.LINE_AA, _SHIFT)
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
