# Copyright (c) mmdiffpose contributors. All rights reserved.
"""An orthographic view of the scene in a panel."""

from typing import Protocol, Tuple, Union

import numpy as np

from .canvas import blank, draw_line, draw_polygon
from .palette import FLOOR, GRID, PANEL

CELLS = ((4., 0.5), (10., 1.), (np.inf, 5.))
"""Side of a floor cell for floors of up to so many metres from the middle."""
FILL = 0.9
"""Share of a panel that the clip's poses may take."""


class Stage(Protocol):
    """What a view has to know of a scene; see :class:`~.scene.Scene`."""

    @property
    def height(self) -> float:
        """Highest point over the floor, metres."""

    @property
    def floor(self) -> Tuple[float, float]:
        """Half of the floor's sides along x and z, metres."""

    def reach(self, azimuth: float) -> Tuple[float, float]:
        """Half of the extents across and along a view, metres."""


class SceneView:
    """Orthographic view of a scene, of fixed scale.

    Args:
        scene (Stage): The clip's scene.
        size (int | tuple[int, int]): Side of the panel, or its width and
            height, pixels.
        azimuth (float): Degrees about the vertical; 0 as the camera sees it,
            90 from the picture's left.
        elevation (float): Degrees from above.
    """

    def __init__(self,
                 scene: Stage,
                 size: Union[int, Tuple[int, int]],
                 azimuth: float = 0.,
                 elevation: float = 14.) -> None:
        self.width, self.height = (size,
                                   size) if isinstance(size, int) else size
        a, e = np.deg2rad([azimuth, elevation])
        turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0],
                         [-np.sin(a), 0, np.cos(a)]])
        tilt = np.array([[1, 0, 0], [0, np.cos(e), -np.sin(e)],
                         [0, np.sin(e), np.cos(e)]])
        self.rotation = tilt @ turn
        across, along = scene.reach(a)
        depth = along * np.sin(e)
        extent = scene.height * np.cos(e) + 2 * depth
        self.scale = FILL * min(self.height / extent, self.width /
                                (2 * across))
        ground = (self.height + self.scale * extent) / 2 - self.scale * depth
        self.origin = np.array([self.width / 2, ground])
        self.floor = np.array(scene.floor)
        self.cell = next(cell for radius, cell in CELLS
                         if self.floor.max() <= radius)
        self.background = self._draw_floor()

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points (..., 3), metres, to panel x, y and depth (..., 3).

        x and y are pixels (y down), depth grows towards the viewer, metres.
        """
        seen = points @ self.rotation.T
        pixels = seen[..., :2] * [self.scale, -self.scale] + self.origin
        return np.concatenate([pixels, seen[..., 2:]], -1)

    def _draw_floor(self) -> np.ndarray:
        image = blank(self.height, self.width, PANEL)
        # The floor runs out of the panel rather than ending in it.
        cells = np.ceil(self.floor / self.cell).astype(int) + 1
        x, z = cells * self.cell
        corners = np.array([[-x, 0, -z], [x, 0, -z], [x, 0, z], [-x, 0, z]])
        draw_polygon(image, self.project(corners)[:, :2], FLOOR)
        lines = [[[t, 0, -z], [t, 0, z]]
                 for t in np.linspace(-x, x, 2 * cells[0] + 1)]
        lines += [[[-x, 0, t], [x, 0, t]]
                  for t in np.linspace(-z, z, 2 * cells[1] + 1)]
        for start, stop in self.project(np.array(lines))[..., :2]:
            draw_line(image, start, stop, GRID)
        return image
