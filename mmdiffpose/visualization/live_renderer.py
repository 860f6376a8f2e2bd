# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of a stream, of which nobody knows yet what will come."""

from typing import Sequence, Tuple

import cv2
import numpy as np

from mmdiffpose.apis.lifted_track import LiftedTrack
from .canvas import blank, draw_text
from .palette import BACKGROUND
from .pose3d_lifter_visualizer import SCENE
from .stick_figure import draw_figure, draw_hypotheses, draw_uncertainty
from .view import View

MAX_HYPOTHESES = 10


class LiveRenderer:
    """The picture with 2D joints beside a square of 3D views, one a person.

    The scale is fixed and has room for a tall person with raised arms; all
    pictures of a stream have the same size, whatever the number of people.

    Args:
        size (int): Height, pixels. Defaults to 420.
        azimuth (float): Of the views, degrees, see
            :class:`~mmdiffpose.visualization.view.View`. Defaults to 20.
    """

    def __init__(self, size: int = 420, azimuth: float = 20.) -> None:
        self.size, self.azimuth = size + size % 2, azimuth

    def render(self, image: np.ndarray,
               people: Sequence[Tuple[LiftedTrack, int]]) -> np.ndarray:
        """Draw a frame.

        Args:
            image (np.ndarray): (h, w, 3), RGB.
            people (sequence[tuple[LiftedTrack, int]]): Tracks and the row of
                each that is this frame's.

        Returns:
            np.ndarray: (H, W, 3) RGB; H and W are even and the same for all
            frames.
        """
        height, width = image.shape[:2]
        picture_width = round(self.size * width / height / 2) * 2
        picture = cv2.resize(
            image, (picture_width, self.size), interpolation=cv2.INTER_AREA)
        zoom = np.array(picture.shape[1::-1]) / (width, height)
        for track, row in people:
            draw_figure(
                picture,
                track.keypoints_2d[row] * zoom,
                track.skeleton,
                max(2, self.size // 160),
                track.scores_2d[row] > 0,
                hide_unseen=True)
        return np.concatenate([picture, self._views(people)], axis=1)

    def _views(self, people: Sequence[Tuple[LiftedTrack, int]]) -> np.ndarray:
        """Everybody in a cell of a square."""
        panel = blank(self.size, self.size, BACKGROUND)
        if not people:
            return panel
        columns = int(np.ceil(np.sqrt(len(people))))
        cell = self.size // columns
        view = View(SCENE, cell, self.azimuth)
        for number, person in enumerate(people):
            y, x = (cell * place for place in divmod(number, columns))
            panel[y:y + cell, x:x + cell] = self._figure(view, cell, *person)
        return panel

    @staticmethod
    def _figure(view: View, cell: int, track: LiftedTrack,
                row: int) -> np.ndarray:
        panel = view.background.copy()
        pose = track.keypoints_3d[row]
        hypotheses = np.empty((0, *pose.shape))
        if track.hypotheses is not None:
            hypotheses = track.hypotheses[row, :MAX_HYPOTHESES]
        world, cloud = SCENE.place(pose, hypotheses)
        points = view.project(world)
        draw_hypotheses(panel, view.project(cloud), track.skeleton)
        if track.std is not None:
            draw_uncertainty(panel, points, track.std[row], view.scale,
                             track.skeleton)
        draw_figure(panel, points, track.skeleton, max(2, cell // 90),
                    track.scores_2d[row] > 0)
        draw_text(panel, f'person {track.track_id or 0}', (8, 20))
        return panel
