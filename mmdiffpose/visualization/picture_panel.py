# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The 2D panel: the joints that were lifted, over the video if given."""

from typing import Optional, Sequence, Tuple

import cv2
import numpy as np

from mmdiffpose.skeletons import Skeleton
from .canvas import blank
from .palette import CENTER, PANEL, Color
from .stick_figure import draw_figure

MARGIN = 0.15
"""Space around the person's path, as a share of its longer side."""
ASPECTS = (0.75, 1.6)
"""Narrowest and widest cut-out, width over height."""
WHOLE_ASPECTS = (0.5, 2.)
"""The same for whole pictures: a telephone's fits in."""
MAX_STRETCH = 0.02


def edges_of(image_size: Tuple[int, int]) -> np.ndarray:
    """A picture's upper left and lower right corner, (2, 2), pixels.

    A pixel's coordinates are those of its middle, half a pixel from its edges.
    """
    return np.array([(0, 0), image_size]) - 0.5


class PicturePanel:
    """A fixed part of the picture with joints drawn over it.

    Args:
        low (np.ndarray): (2, ) the part's upper left corner, pixels.
        high (np.ndarray): (2, ) its lower right corner.
        image_size (tuple[int, int]): Width and height of the picture.
        height (int): Of the panel, pixels.
        aspects (tuple[float, float]): Narrowest and widest panel, width over
            height. A part beyond it is shown whole, with margins.
    """

    def __init__(self,
                 low: np.ndarray,
                 high: np.ndarray,
                 image_size: Tuple[int, int],
                 height: int,
                 aspects: Tuple[float, float] = ASPECTS) -> None:
        self.image_size = image_size
        extent = np.asarray(high, float) - low
        aspect = float(np.clip(extent[0] / extent[1], *aspects))
        self.height, self.width = height, int(round(height * aspect))
        panel = np.array([self.width, height])
        self.scale = np.full(2, (panel / extent).min())
        # The picture and nothing else fills the panel, but for a rounded side.
        self._is_whole = (
            np.allclose([low, high], edges_of(image_size)) and bool(
                (abs(self.scale * extent - panel) < 1).all()))
        if self._is_whole:
            self.scale = panel / extent
        center = (np.asarray(low) + high) / 2
        self.offset = (panel - 1) / 2 - self.scale * center
        self._empty = blank(height, self.width, PANEL)

    @classmethod
    def around(cls, keypoints: np.ndarray, scores: np.ndarray,
               image_size: Tuple[int, int], height: int) -> 'PicturePanel':
        """The part around a person's path.

        Args:
            keypoints (np.ndarray): (F, J, 2), pixels.
            scores (np.ndarray): (F, J), 0 for joints that were not seen.
            image_size (tuple[int, int]): Width and height of the picture.
            height (int): Of the panel, pixels.
        """
        points = keypoints[scores > 0]
        low, high = points.min(0), points.max(0)
        margin = MARGIN * max((high - low).max(), 1)
        return cls(low - margin, high + margin, image_size, height)

    @classmethod
    def whole(cls, image_size: Tuple[int, int], height: int) -> 'PicturePanel':
        """The whole picture."""
        low, high = edges_of(image_size)
        return cls(low, high, image_size, height, WHOLE_ASPECTS)

    def place(self, keypoints: np.ndarray) -> np.ndarray:
        """Picture pixels (..., 2) to the panel's."""
        return keypoints * self.scale + self.offset

    def backdrop(self,
                 image: Optional[np.ndarray] = None,
                 out: Optional[np.ndarray] = None) -> np.ndarray:
        """The panel without joints.

        Args:
            image (np.ndarray, optional): The video's frame, RGB.
            out (np.ndarray, optional): (height, width, 3), uint8, drawn on;
                it may be part of a larger picture. Defaults to a new one.

        Returns:
            np.ndarray: (height, width, 3), RGB; ``out``, if it is given.

        Raises:
            ValueError: If the frame is of another shape than the picture that
                the keypoints are in.
        """
        if out is None:
            out = np.empty((self.height, self.width, 3), np.uint8)
        if image is None:
            out[:] = self._empty
            return out
        # The picture may be stored at another size than the joints' one.
        ratio = np.array(self.image_size) / image.shape[1::-1]
        if abs(ratio[0] / ratio[1] - 1) > MAX_STRETCH:
            raise ValueError(
                f'expected a video of {self.image_size[0]} x '
                f'{self.image_size[1]} pixels or the same shape, as the '
                f'keypoints are, found {image.shape[1]} x {image.shape[0]}')
        # OpenCV copies a whole picture whose channels run backwards, as those
        # of a frame that was read as BGR: the panel is turned around instead.
        step = -1 if image.strides[-1] < 0 else 1
        panel = self._cut(image[..., ::step], ratio, PANEL[::step],
                          out if step > 0 else None)
        return panel if step > 0 else cv2.cvtColor(
            panel, cv2.COLOR_BGR2RGB, dst=out)

    def _cut(self, image: np.ndarray, ratio: np.ndarray, border: Sequence[int],
             out: Optional[np.ndarray]) -> np.ndarray:
        """What the panel shows of a frame whose pixels are so large."""
        size = (self.width, self.height)
        if self._is_whole:
            # In half of the time.
            return cv2.resize(image, size, dst=out)
        # Of pixels' middles, here too.
        shift = self.offset + self.scale * (ratio - 1) / 2
        matrix = np.column_stack([np.diag(self.scale * ratio), shift])
        return cv2.warpAffine(
            image,
            matrix.astype(float),
            size,
            dst=out,
            flags=cv2.INTER_LINEAR,
            borderValue=border)

    def draw_person(self,
                    panel: np.ndarray,
                    keypoints: np.ndarray,
                    scores: np.ndarray,
                    skeleton: Skeleton,
                    center: Color = CENTER) -> None:
        """Draw a person's joints, as far as they were seen, on a backdrop.

        Args:
            panel (np.ndarray): (height, width, 3), drawn on.
            keypoints (np.ndarray): (J, 2), picture pixels.
            scores (np.ndarray): (J, ).
            skeleton (Skeleton): J joints.
            center (Color): Of what is on neither side.
        """
        draw_figure(
            panel,
            self.place(keypoints),
            skeleton,
            max(3, self.height // 110),
            scores > 0,
            hide_unseen=True,
            center=center)
