# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A frame of a window in one picture: 2D, prediction, truth beside it."""

from typing import Optional

import numpy as np

from mmdiffpose.skeletons import Skeleton
from .canvas import blank, draw_text
from .figure_grid import SCENE
from .palette import PANEL
from .person_figure import draw_person
from .stick_figure import draw_figure
from .view import SceneView

SIDE = 320
"""Side of a panel, pixels."""

AZIMUTHS = {'from the camera': 0., 'from the left': 90.}


def draw_window_frame(keypoints: np.ndarray,
                      seen: np.ndarray,
                      predicted: np.ndarray,
                      truth: Optional[np.ndarray],
                      known: Optional[np.ndarray],
                      skeleton: Skeleton,
                      std: Optional[np.ndarray] = None,
                      title: str = '') -> np.ndarray:
    """Draw 2D keypoints, the predicted pose from two sides, and the truth.

    Args:
        keypoints: 2D joints (J, 2), in any unit, v down.
        seen: Joints that were seen in 2D (J,), bool.
        predicted: Root-relative pose (J, 3), metres, camera axes.
        truth: The true one (J, 3), where there is any.
        known: Joints of the truth that are known (J,), bool.
        skeleton: J joints.
        std: Predicted std (J,), metres, drawn as discs.
        title: Written over the 2D joints.

    Returns:
        (SIDE, 5 SIDE, 3) RGB: 2D, prediction and truth from the camera,
        prediction and truth from the left; two panels fewer without truth.
    """
    panels = [_draw_flat(keypoints, seen, skeleton, title)]
    everything = np.ones(len(predicted), bool)
    for view_name, azimuth in AZIMUTHS.items():
        view = SceneView(SCENE, (SIDE, SIDE), azimuth)
        poses = [('predicted', predicted, everything, std)]
        if truth is not None:
            counted = everything if known is None else known
            poses.append(('true', truth, counted, None))
        for name, pose, drawn, spread in poses:
            panel = view.background.copy()
            world, cloud = SCENE.place(pose, np.empty((0, *pose.shape)))
            draw_person(panel, view, world, cloud, skeleton, 3, drawn, spread)
            draw_text(panel, f'{name}, {view_name}', (8, 20))
            panels.append(panel)
    return np.hstack(panels)


def _draw_flat(keypoints: np.ndarray, seen: np.ndarray, skeleton: Skeleton,
               title: str) -> np.ndarray:
    image = blank(SIDE, SIDE, PANEL)
    shown = keypoints[seen] if seen.any() else keypoints
    low, high = shown.min(axis=0), shown.max(axis=0)
    scale = SIDE / max(1.4 * float((high - low).max()), 1e-6)
    points = (keypoints - (low + high) / 2) * scale + SIDE / 2
    draw_figure(image, points, skeleton, 3, seen, hide_unseen=True)
    draw_text(image, title, (8, 20))
    return image
