# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A frame of an animation: panels beside each other, words over and below."""

from typing import Iterable, List, Sequence

import numpy as np

from .canvas import blank, draw_text, text_width

HEADER, FOOTER, GAP = 34, 40, 6
"""Pixels above and below the panels, and between them."""


def empty_row(size: int, widths: Sequence[int],
              titles: Iterable[str] = ()) -> np.ndarray:
    """What all frames share.

    Args:
        size (int): Height of the panels, pixels.
        widths (sequence[int]): Of the panels.
        titles (iterable[str]): Words over the panels.

    Returns:
        np.ndarray: (H, W, 3) RGB; H and W are even, as video codecs want.
    """
    height = HEADER + size + FOOTER
    width = sum(widths) + GAP * (len(widths) + 1)
    frame = blank(height + height % 2, width + width % 2)
    left = GAP
    for title, panel_width in zip(titles, widths):
        draw_text(frame, title, (left + 4, 23))
        left += panel_width + GAP
    return frame


def panels_of(frame: np.ndarray, size: int,
              widths: Sequence[int]) -> List[np.ndarray]:
    """Where the panels stand in a frame of :func:`empty_row`, to draw on."""
    panels, left = [], GAP
    for width in widths:
        panels.append(frame[HEADER:HEADER + size, left:left + width])
        left += width + GAP
    return panels


def fill_row(frame: np.ndarray, panels: Sequence[np.ndarray]) -> None:
    """Put panels into a frame of :func:`empty_row`."""
    places = panels_of(frame, len(panels[0]),
                       [panel.shape[1] for panel in panels])
    for place, panel in zip(places, panels):
        place[:] = panel


def label_row(frame: np.ndarray, label: str) -> None:
    """Write over the last panel, to its right."""
    draw_text(frame, label, (frame.shape[1] - text_width(label) - 2 * GAP, 23))
