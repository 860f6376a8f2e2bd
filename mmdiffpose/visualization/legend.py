# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What the colours and marks of a picture mean."""

import numpy as np

from .canvas import draw_disc, draw_line, draw_text, draw_veils, text_width
from .palette import CENTER, GRID, LEFT, RIGHT, lighten
from .stick_figure import FAINT, VEIL_OPACITY


def draw_legend(image: np.ndarray,
                y: int,
                std: bool,
                hypotheses: bool,
                cell: float,
                middle: bool = True) -> None:
    """Write the legend from the left on.

    Args:
        image (np.ndarray): (H, W, 3), drawn on.
        y (int): Base line of the text, pixels.
        std (bool): Whether discs of uncertainty are drawn.
        hypotheses (bool): Whether hypotheses are.
        cell (float): Side of a floor cell, metres.
        middle (bool): Whether joints of neither side have a colour of their
            own, the same for all people. Defaults to True.
    """
    x = 12
    entries = [('left', LEFT), ('right', RIGHT)]
    for name, color in entries + [('middle', CENTER)] * middle:
        draw_line(image, (x, y - 5), (x + 22, y - 5), color, 4)
        draw_text(image, name, (x + 30, y))
        x += 48 + text_width(name)
    if std:
        draw_veils(image, np.array([[x + 10., y - 5.]]), np.array([10.]),
                   [CENTER], 2 * VEIL_OPACITY)
        draw_disc(image, (x + 10, y - 5), 3, CENTER)
        draw_text(image, 'two std', (x + 28, y))
        x += 46 + text_width('two std')
    if hypotheses:
        faint = lighten(CENTER, FAINT)
        for shift in (-8, -5, -2):
            draw_line(image, (x, y + shift), (x + 22, y + shift), faint)
        draw_text(image, 'hypotheses', (x + 30, y))
        x += 48 + text_width('hypotheses')
    draw_line(image, (x, y - 5), (x + 22, y - 5), GRID, 2)
    draw_text(image, f'floor, {cell:g} m', (x + 30, y))
