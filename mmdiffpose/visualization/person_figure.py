# Copyright (c) mmdiffpose contributors. All rights reserved.
"""One person in a 3D view: the pose and how sure it is."""

from typing import Optional

import numpy as np

from mmdiffpose.skeletons import Skeleton
from .palette import CENTER, Color
from .stick_figure import draw_figure, draw_hypotheses, draw_uncertainty
from .view import SceneView


def draw_person(panel: np.ndarray,
                view: SceneView,
                pose: np.ndarray,
                cloud: np.ndarray,
                skeleton: Skeleton,
                thickness: int,
                seen: Optional[np.ndarray] = None,
                std: Optional[np.ndarray] = None,
                center: Color = CENTER) -> None:
    """Draw hypotheses, then discs of uncertainty, then the pose.

    Args:
        panel (np.ndarray): The view's (H, W, 3), drawn on.
        view (SceneView): Where world points are in it.
        pose (np.ndarray): (J, 3) metres, world.
        cloud (np.ndarray): (N, J, 3) hypotheses, metres, world; N may be 0.
        skeleton (Skeleton): J joints.
        thickness (int): Of the bones, pixels.
        seen (np.ndarray, optional): (J, ) bool; other joints are grey.
        std (np.ndarray, optional): (J, ), metres.
        center (Color): Of what is on neither side.
    """
    points = view.project(pose)
    if len(cloud):
        draw_hypotheses(panel, view.project(cloud), skeleton, center)
    if std is not None:
        draw_uncertainty(panel, points, std, view.scale, skeleton, center)
    draw_figure(panel, points, skeleton, thickness, seen, center=center)
