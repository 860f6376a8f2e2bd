# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A frame of a data set: 2D keypoints, projected pose, pose from two sides."""

from typing import Optional, Sequence

import numpy as np

from mmdiffpose.skeletons import Skeleton
from .canvas import blank, draw_text
from .figure_grid import SCENE
from .palette import PANEL
from .stick_figure import draw_figure
from .view import SceneView
from .window_picture import AZIMUTHS, SIDE


def draw_data_frame(keypoints: np.ndarray,
                    seen: np.ndarray,
                    projected: Optional[np.ndarray],
                    pose: np.ndarray,
                    known: np.ndarray,
                    size: Sequence[int],
                    skeleton: Skeleton,
                    title: str = '') -> np.ndarray:
    """Draw what a data set says of a frame.

    Args:
        keypoints: 2D joints (J, 2), pixels, v down.
        seen: Joints that were seen in 2D (J,), bool.
        projected: The 3D pose in the picture (J, 2), pixels; None where the
            camera is not known.
        pose: (J, 3), metres, camera axes.
        known: Joints that are known in 3D (J,), bool.
        size: Width and height of the picture.
        skeleton: J joints.
        title: Written over the 2D keypoints.

    Returns:
        (SIDE, 4 SIDE, 3) RGB: the whole picture with the 2D keypoints, the
        same with the projected pose, the pose from the camera and from its
        left.
    """
    scale = SIDE / max(size)
    panels = []
    for text, points, drawn in ((title, keypoints, seen), ('3D, projected',
                                                           projected, known)):
        image = blank(SIDE, SIDE, PANEL)
        edge = (np.array(size) * scale).round().astype(int)
        image[edge[1]:] = 255
        image[:, edge[0]:] = 255
        if points is not None:
            draw_figure(
                image, points * scale, skeleton, 2, drawn, hide_unseen=True)
        draw_text(image, text if points is not None else 'no f and c',
                  (8, SIDE - 10))
        panels.append(image)
    middle = pose[known].mean(axis=0) if known.any() else pose.mean(axis=0)
    root = pose[skeleton.root] if known[skeleton.root] else middle
    for name, azimuth in AZIMUTHS.items():
        view = SceneView(SCENE, (SIDE, SIDE), azimuth)
        panel = view.background.copy()
        placed, = SCENE.place(pose - root)
        draw_figure(panel, view.project(placed), skeleton, 3, known)
        draw_text(panel, f'3D, {name}', (8, 20))
        panels.append(panel)
    return np.hstack(panels)
