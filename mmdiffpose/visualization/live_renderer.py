# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of a stream, whose later frames are not known yet."""

from typing import Optional, Sequence, Tuple

import numpy as np

from mmdiffpose.structures.lifted_track import LiftedTrack
from .figure_grid import Figure, draw_grid
from .palette import person_color
from .picture_panel import PicturePanel

MAX_HYPOTHESES = 10


class LiveRenderer:
    """The picture with 2D joints beside a square of 3D views, one a person.

    The scale is fixed and has room for a tall person with raised arms; all
    pictures of a stream have the same size, whatever the number of people.

    Args:
        size (int): Height, pixels. Defaults to 420.
        azimuth (float): Of the views, degrees, see
            :class:`~mmdiffpose.visualization.view.SceneView`. Defaults to 20.
    """

    def __init__(self, size: int = 420, azimuth: float = 20.) -> None:
        self.size, self.azimuth = size + size % 2, azimuth
        self._panel: Optional[PicturePanel] = None

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
        if self._panel is None:
            height, width = image.shape[:2]
            self._panel = PicturePanel.whole((width, height), self.size)
        picture = self._panel.backdrop(image)
        for track, row in people:
            self._panel.draw_person(picture, track.keypoints_2d[row],
                                    track.scores_2d[row], track.skeleton,
                                    person_color(track.track_id or 0))
        # Video codecs want even sides.
        picture = picture[:, :picture.shape[1] // 2 * 2]
        return np.concatenate([picture, self._views(people)], axis=1)

    def _views(self, people: Sequence[Tuple[LiftedTrack, int]]) -> np.ndarray:
        """Everybody in a cell of a square."""
        if not people:
            return draw_grid([], self.size, self.azimuth)
        return draw_grid([self._figure(*person) for person in people],
                         self.size,
                         self.azimuth,
                         skeleton=people[0][0].skeleton)

    @staticmethod
    def _figure(track: LiftedTrack, row: int) -> Figure:
        hypotheses = None
        if track.hypotheses is not None:
            hypotheses = track.hypotheses[row, :MAX_HYPOTHESES]
        return Figure(f'person {track.track_id or 0}', track.keypoints_3d[row],
                      track.scores_2d[row] > 0,
                      None if track.std is None else track.std[row],
                      hypotheses)
