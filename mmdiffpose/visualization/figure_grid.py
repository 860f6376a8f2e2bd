# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Root-relative poses in a square of 3D views, one a person."""

from typing import NamedTuple, Optional, Sequence

import numpy as np

from mmdiffpose.skeletons import H36M_17, Skeleton
from .canvas import blank, draw_text
from .palette import BACKGROUND
from .person_figure import draw_person
from .scene import UPRIGHT, Scene
from .view import SceneView

# Room for a tall person with raised arms: one scale for every frame, where
# frames come one by one.
SCENE = Scene(UPRIGHT, radius=1., height=2.2)


class Figure(NamedTuple):
    """A pose to draw: camera axes, metres, root-relative.

    Attributes:
        title: Written over it.
        pose: (J, 3).
        seen: (J, ) bool; other joints are grey.
        std: (J, ), metres.
        hypotheses: (N, J, 3).
    """
    title: str
    pose: np.ndarray
    seen: np.ndarray
    std: Optional[np.ndarray] = None
    hypotheses: Optional[np.ndarray] = None


def draw_grid(figures: Sequence[Figure],
              size: int,
              azimuth: float,
              elevation: float = 14.,
              skeleton: Skeleton = H36M_17) -> np.ndarray:
    """All figures in a square picture, in rows and columns.

    Args:
        figures (sequence[Figure]): Any number of them.
        size (int): Side of the picture, pixels.
        azimuth (float): Degrees, see :class:`~.view.SceneView`.
        elevation (float): Degrees from above. Defaults to 14.
        skeleton (Skeleton): J joints.

    Returns:
        np.ndarray: (size, size, 3) RGB, whatever the number of figures.
    """
    picture = blank(size, size, BACKGROUND)
    if not figures:
        return picture
    columns = int(np.ceil(np.sqrt(len(figures))))
    rows = -(-len(figures) // columns)
    width, height = size // columns, size // rows
    view = SceneView(SCENE, (width, height), azimuth, elevation)
    thickness = max(2, min(width, height) // 90)
    for number, figure in enumerate(figures):
        row, column = divmod(number, columns)
        panel = view.background.copy()
        hypotheses = figure.hypotheses
        if hypotheses is None:
            hypotheses = np.empty((0, *figure.pose.shape))
        world, cloud = SCENE.place(figure.pose, hypotheses)
        draw_person(panel, view, world, cloud, skeleton, thickness,
                    figure.seen, figure.std)
        draw_text(panel, figure.title, (8, 20))
        picture[row * height:(row + 1) * height,
                column * width:(column + 1) * width] = panel
    return picture
