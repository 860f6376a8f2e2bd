# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of a stream, of which nobody knows yet what will come."""

from typing import Sequence, Tuple

import cv2
import numpy as np

from mmdiffpose.apis.lifted_track import LiftedTrack
from .figure_grid import Figure, draw_grid
from .stick_figure import draw_figure

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
        return draw_grid([self._figure(*person) for person in people],
                         self.size, self.azimuth)

    @staticmethod
    def _figure(track: LiftedTrack, row: int) -> Figure:
        hypotheses = None
        if track.hypotheses is not None:
            hypotheses = track.hypotheses[row, :MAX_HYPOTHESES]
        return Figure(f'person {track.track_id or 0}', track.keypoints_3d[row],
                      track.scores_2d[row] > 0,
                      None if track.std is None else track.std[row],
                      hypotheses)
