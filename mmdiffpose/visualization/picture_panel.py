# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The 2D panel: the joints that were lifted, over the video if given."""

from typing import Optional, Tuple

import cv2
import numpy as np

from mmdiffpose.skeletons import Skeleton
from .canvas import blank
from .palette import PANEL
from .stick_figure import draw_figure

MARGIN = 0.15
"""Space around the person's path, as a share of its longer side."""
ASPECTS = (0.75, 1.6)
"""Narrowest and widest panel, width over height."""
MAX_STRETCH = 0.02


class PicturePanel:
    """A fixed cut-out of the picture around a person's path.

    Args:
        keypoints (np.ndarray): (F, J, 2), pixels; sets the cut-out.
        scores (np.ndarray): (F, J), 0 for joints that were not seen.
        image_size (tuple[int, int]): Width and height, pixels.
        skeleton (Skeleton): J joints.
        height (int): Of the panel, pixels.
    """

    def __init__(self, keypoints: np.ndarray, scores: np.ndarray,
                 image_size: Tuple[int, int], skeleton: Skeleton,
                 height: int) -> None:
        self.skeleton = skeleton
        self.image_size = image_size
        points = keypoints[scores > 0]
        low, high = points.min(0), points.max(0)
        margin = MARGIN * max((high - low).max(), 1)
        extent = high - low + 2 * margin
        aspect = float(np.clip(extent[0] / extent[1], *ASPECTS))
        self.height, self.width = height, int(round(height * aspect))
        self.scale = min(self.width / extent[0], height / extent[1])
        center = (low + high) / 2
        self.offset = np.array([self.width, height]) / 2 - self.scale * center

    def draw(self,
             keypoints: np.ndarray,
             scores: np.ndarray,
             image: Optional[np.ndarray] = None) -> np.ndarray:
        """Draw a frame.

        Args:
            keypoints (np.ndarray): (J, 2), pixels.
            scores (np.ndarray): (J, ).
            image (np.ndarray, optional): The video's frame (H, W, 3), RGB.

        Returns:
            np.ndarray: (height, width, 3), RGB.

        Raises:
            ValueError: If the frame is of another shape than the picture that
                the keypoints are in.
        """
        panel = self._backdrop(image)
        draw_figure(
            panel,
            keypoints * self.scale + self.offset,
            self.skeleton,
            max(3, self.height // 110),
            scores > 0,
            hide_unseen=True)
        return panel

    def _backdrop(self, image: Optional[np.ndarray]) -> np.ndarray:
        if image is None:
            return blank(self.height, self.width, PANEL)
        # The picture may be stored at another size than the joints' one.
        ratio = np.array(self.image_size) / image.shape[1::-1]
        if abs(ratio[0] / ratio[1] - 1) > MAX_STRETCH:
            raise ValueError(
                f'expected a video of {self.image_size[0]} x '
                f'{self.image_size[1]} pixels or the same shape, as the '
                f'keypoints are, found {image.shape[1]} x {image.shape[0]}')
        matrix = np.column_stack([np.diag(self.scale * ratio),
                                  self.offset]).astype(float)
        return cv2.warpAffine(
            image,
            matrix, (self.width, self.height),
            flags=cv2.INTER_LINEAR,
            borderValue=PANEL)
