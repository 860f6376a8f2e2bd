# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of a lifted track: 2D beside 3D, frame by frame, or as a sheet."""

from typing import List, Optional, Sequence, Tuple

import numpy as np

from mmdiffpose.structures.lifted_track import LiftedTrack
from .canvas import blank, draw_text
from .legend import draw_legend
from .panel_row import FOOTER, GAP, HEADER, empty_row, label_row, panels_of
from .person_figure import draw_person
from .picture_panel import PicturePanel
from .scene import Scene
from .view import SceneView

MAX_HYPOTHESES = 10
"""More faint skeletons than this only make a blur."""


class TrackRenderer:
    """Draws frames of a lifted track; scale and layout hold for the clip.

    Args:
        lifted (LiftedTrack): F frames.
        size (int): Side of a 3D panel, pixels. Defaults to 420.
        views (sequence[tuple[str, float]]): Title and azimuth (degrees) of
            the 3D panels.
    """

    def __init__(
        self,
        lifted: LiftedTrack,
        size: int = 420,
        views: Sequence[Tuple[str, float]] = (('3D: camera view', 0.),
                                              ('3D: from the left', 90.))
    ) -> None:
        self.lifted = lifted
        self.size = size
        scene = Scene.fit(lifted.keypoints_3d, lifted.skeleton)
        self.scene = scene
        self.picture = PicturePanel.around(lifted.keypoints_2d,
                                           lifted.scores_2d, lifted.image_size,
                                           size)
        self.views = [SceneView(scene, size, azimuth) for _, azimuth in views]
        self.titles = ['2D: input'] + [title for title, _ in views]
        self._widths = [self.picture.width] + [size] * len(self.views)
        self._frame = self._layout()

    def panels(self,
               index: int,
               image: Optional[np.ndarray] = None) -> List[np.ndarray]:
        """The 2D panel and the 3D panels of a frame.

        Args:
            index (int): Frame of the track, 0 to F - 1.
            image (np.ndarray, optional): The video's frame, RGB.

        Returns:
            list[np.ndarray]: RGB images of ``size`` pixels height.
        """
        panels = self._panels_of(self._frame.copy())
        self._draw(index, image, panels)
        return panels

    def _panels_of(self, frame: np.ndarray) -> List[np.ndarray]:
        return panels_of(frame, self.size, self._widths)

    def _draw(self, index: int, image: Optional[np.ndarray],
              panels: Sequence[np.ndarray]) -> None:
        """Draw on the panels of a frame that shows nobody yet."""
        track = self.lifted
        seen = track.scores_2d[index] > 0
        picture = self.picture.backdrop(image, out=panels[0])
        self.picture.draw_person(picture, track.keypoints_2d[index],
                                 track.scores_2d[index], track.skeleton)
        pose = track.keypoints_3d[index]
        hypotheses = np.empty((0, *pose.shape))
        if track.hypotheses is not None:
            hypotheses = track.hypotheses[index, :MAX_HYPOTHESES]
        world, cloud = self.scene.place(pose, hypotheses)
        for view, panel in zip(self.views, panels[1:]):
            draw_person(panel, view, world, cloud, track.skeleton,
                        max(3, self.size // 90), seen,
                        None if track.std is None else track.std[index])

    def render(self,
               index: int,
               image: Optional[np.ndarray] = None) -> np.ndarray:
        """One frame of the animation.

        Args:
            index (int): Frame of the track, 0 to F - 1.
            image (np.ndarray, optional): The video's frame, RGB.

        Returns:
            np.ndarray: (H, W, 3) RGB; H and W are even and the same for all
            frames.
        """
        frame = self._frame.copy()
        self._draw(index, image, self._panels_of(frame))
        label = f'frame {self.lifted.frame_ids[index]}'
        if self.lifted.std is not None:
            label += f'   mean std {1000 * self.lifted.std[index].mean():.0f}'
            label += ' mm'
        label_row(frame, label)
        return frame

    def sheet(
            self,
            indices: Sequence[int],
            images: Optional[Sequence[Optional[np.ndarray]]] = None
    ) -> np.ndarray:
        """A still picture: one column of panels per frame.

        Args:
            indices (sequence[int]): Frames of the track.
            images (sequence[np.ndarray | None], optional): The video's
                frames, RGB.

        Returns:
            np.ndarray: (H, W, 3) RGB.
        """
        columns = []
        for position, index in enumerate(indices):
            image = None if images is None else images[position]
            panels = self.panels(index, image)
            width = max(panel.shape[1] for panel in panels) + GAP
            column = blank(HEADER, width)
            draw_text(column, f'frame {self.lifted.frame_ids[index]}', (8, 23))
            for panel in panels:
                row = blank(self.size + GAP, width)
                left = (width - panel.shape[1]) // 2
                row[:self.size, left:left + panel.shape[1]] = panel
                column = np.concatenate([column, row])
            columns.append(column)
        sheet = np.concatenate(columns, axis=1)
        footer = blank(FOOTER, sheet.shape[1])
        self._legend(footer, 24)
        return np.concatenate([sheet, footer])

    def _layout(self) -> np.ndarray:
        """What all frames share: titles, legend and floors."""
        frame = empty_row(self.size, self._widths, self.titles)
        self._legend(frame, HEADER + self.size + 25)
        for panel, view in zip(self._panels_of(frame)[1:], self.views):
            panel[:] = view.background
        return frame

    def _legend(self, image: np.ndarray, y: int) -> None:
        draw_legend(image, y, self.lifted.std is not None,
                    self.lifted.hypotheses is not None, self.views[0].cell)
