# Copyright (c) mmdiffpose contributors. All rights reserved.
"""An orthographic view of the scene in a panel."""

import numpy as np

from .canvas import blank, draw_line, draw_polygon
from .palette import FLOOR, GRID, PANEL
from .scene import Scene

CELL = 0.5
"""Side of a floor cell, metres."""
FILL = 0.9
"""Share of a panel that the clip's poses may take."""


class View:
    """Orthographic view of a :class:`Scene`, square, of fixed scale.

    Args:
        scene (Scene): The clip's scene.
        size (int): Side of the panel, pixels.
        azimuth (float): Degrees about the vertical; 0 as the camera sees it,
            90 from the picture's left.
        elevation (float): Degrees from above.
    """

    def __init__(self,
                 scene: Scene,
                 size: int,
                 azimuth: float = 0.,
                 elevation: float = 14.) -> None:
        self.size = size
        a, e = np.deg2rad([azimuth, elevation])
        turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0],
                         [-np.sin(a), 0, np.cos(a)]])
        tilt = np.array([[1, 0, 0], [0, np.cos(e), -np.sin(e)],
                         [0, np.sin(e), np.cos(e)]])
        self.rotation = tilt @ turn
        # The same scale for every azimuth, so that views compare.
        depth = scene.radius * np.sin(e)
        extent = scene.height * np.cos(e) + 2 * depth
        self.scale = FILL * size / max(extent, 2 * scene.radius)
        floor = size / 2 + self.scale * extent / 2 - self.scale * depth
        self.origin = np.array([size / 2, floor])
        # The floor runs out of the panel rather than ending in it.
        self.floor_cells = int(np.ceil(scene.radius / CELL)) + 1
        self.background = self._draw_floor()

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points (..., 3), metres, to panel x, y and depth (..., 3).

        x and y are pixels (y down), depth grows towards the viewer, metres.
        """
        seen = points @ self.rotation.T
        pixels = seen[..., :2] * [self.scale, -self.scale] + self.origin
        return np.concatenate([pixels, seen[..., 2:]], -1)

    def _draw_floor(self) -> np.ndarray:
        image = blank(self.size, self.size, PANEL)
        ticks = CELL * np.arange(-self.floor_cells, self.floor_cells + 1)
        end = ticks[-1]
        corners = np.array([[-end, 0, -end], [end, 0, -end], [end, 0, end],
                            [-end, 0, end]])
        draw_polygon(image, self.project(corners)[:, :2], FLOOR)
        for tick in ticks:
            for line in ([[tick, 0, -end], [tick, 0, end]], [[-end, 0, tick],
                                                             [end, 0, tick]]):
                start, stop = self.project(np.array(line))[:, :2]
                draw_line(image, start, stop, GRID)
        return image
