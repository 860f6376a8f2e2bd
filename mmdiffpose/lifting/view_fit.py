# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Move a person to where a lifter saw people in training.

A lifter trained on one studio reads a person's distance off their size in the
picture, so a person filmed from afar or off centre is unknown ground. One
shift and one zoom for the whole track bring the person's median box to the
training set's mean box. Motion in the picture stays, unlike with MMPose's own
per-frame boxes. The pose is then seen by a camera turned towards the person;
:class:`~mmdiffpose.structures.lifter_view.LifterView` turns it back.
"""

from typing import Any, Mapping, NamedTuple, Tuple

import numpy as np

DEFAULT_IMAGE_SIZE = (1000, 1000)
"""Human3.6M's images (two of its four cameras have two rows more)."""


class PictureFit(NamedTuple):
    """A shift and a zoom of the picture.

    Attributes:
        center: (2, ) a point of the picture, pixels.
        target: (2, ) where it comes to lie, pixels of the moved picture.
        zoom: Pixels of the moved picture for each pixel of the picture.
        image_size: Width and height of the moved picture.
    """
    center: np.ndarray
    target: np.ndarray
    zoom: float
    image_size: Tuple[int, int]

    def points(self, points: np.ndarray) -> np.ndarray:
        """Where pixels of the picture (..., 2) come to lie."""
        moved = (points - self.center) * self.zoom + self.target
        return moved.astype(points.dtype)

    def mixtures(self, mixtures: np.ndarray) -> np.ndarray:
        """Moved mixtures (..., 5): weight, mean u, v, std u, v."""
        moved = mixtures.copy()
        moved[..., 1:3] = self.points(mixtures[..., 1:3])
        moved[..., 3:] *= self.zoom
        return moved


def fit_to_training(keypoints: np.ndarray, scores: np.ndarray,
                    stats: Mapping[str, Any]) -> PictureFit:
    """The move that brings a track to the place and size of training.

    Args:
        keypoints (np.ndarray): (F, J, 2), pixels.
        scores (np.ndarray): (F, J), 0 for joints that were not seen.
        stats (Mapping): The data set's ``stats_info``: ``bbox_center`` (x, y)
            and ``bbox_scale``, the mean of the boxes around the joints and of
            their longer sides, pixels; optionally ``image_size`` (w, h).

    Raises:
        ValueError: If no joint was seen in any frame.
    """
    seen = scores > 0
    frames = seen.any(1)
    if not frames.any():
        raise ValueError('expected a joint that was seen, found none in '
                         f'{len(frames)} frames')
    points = np.where(seen[..., None], keypoints, np.nan)[frames]
    low, high = np.nanmin(points, 1), np.nanmax(points, 1)
    center = np.median((low + high) / 2, axis=0)
    # Frames in which only a part of the person is seen would shrink the box.
    side = np.quantile((high - low).max(1), 0.75)
    width, height = stats.get('image_size', DEFAULT_IMAGE_SIZE)
    return PictureFit(center, np.asarray(stats['bbox_center']),
                      stats['bbox_scale'] / max(float(side), 1.),
                      (int(width), int(height)))
