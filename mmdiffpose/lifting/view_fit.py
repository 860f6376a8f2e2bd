# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Move a person to where a lifter saw people in training."""

from typing import Mapping, NamedTuple, Tuple

import numpy as np

DEFAULT_IMAGE_SIZE = (1000, 1000)
"""Human3.6M's images (two of its four cameras have two rows more)."""


class View(NamedTuple):
    """A shift and a zoom of the picture.

    Attributes:
        center: (2, ) pixels of the picture ...
        target: (2, ) and where they come to lie, pixels of the view.
        zoom: The view's pixels for a pixel of the picture.
        image_size: Width and height of the view.
    """
    center: np.ndarray
    target: np.ndarray
    zoom: float
    image_size: Tuple[int, int]

    def points(self, points: np.ndarray) -> np.ndarray:
        """Pixels of the picture (..., 2) in the view."""
        moved = (points - self.center) * self.zoom + self.target
        return moved.astype(points.dtype)

    def mixtures(self, mixtures: np.ndarray) -> np.ndarray:
        """Mixtures (..., 5) of weight, mean u, v, std u, v in the view."""
        moved = mixtures.copy()
        moved[..., 1:3] = self.points(mixtures[..., 1:3])
        moved[..., 3:] *= self.zoom
        return moved


def find_view(keypoints: np.ndarray, scores: np.ndarray,
              stats: Mapping) -> View:
    """Where :func:`fit_view` moves a track to; its arguments."""
    seen = scores > 0
    frames = seen.any(1)
    points = np.where(seen[..., None], keypoints, np.nan)[frames]
    low, high = np.nanmin(points, 1), np.nanmax(points, 1)
    center = np.median((low + high) / 2, axis=0)
    # Frames in which only a part of the person is seen would shrink the box.
    side = np.quantile((high - low).max(1), 0.75)
    width, height = stats.get('image_size', DEFAULT_IMAGE_SIZE)
    return View(center, np.asarray(stats['bbox_center']),
                stats['bbox_scale'] / max(float(side), 1.),
                (int(width), int(height)))


def fit_view(keypoints: np.ndarray, scores: np.ndarray,
             stats: Mapping) -> Tuple[np.ndarray, Tuple[int, int]]:
    """Move and zoom a whole track into the view that a lifter knows.

    A lifter trained on one studio reads a person's distance off their size in
    the picture, so a person filmed from afar or off centre is unknown ground.
    One shift and one zoom for the whole track bring the person's median box
    to the training set's mean box. Motion in the picture stays, unlike with
    MMPose's own per-frame boxes. The pose is then seen by a camera turned
    towards the person, which differs from the real one by that turn.

    Args:
        keypoints (np.ndarray): (F, J, 2), pixels.
        scores (np.ndarray): (F, J), 0 for joints that were not seen.
        stats (Mapping): The data set's ``stats_info``: ``bbox_center`` (x, y)
            and ``bbox_scale``, the mean of the boxes around the joints and of
            their longer sides, pixels; optionally ``image_size`` (w, h).

    Returns:
        tuple[np.ndarray, tuple[int, int]]: Keypoints in the training view,
        (F, J, 2), pixels, and the size of its image.
    """
    view = find_view(keypoints, scores, stats)
    return view.points(keypoints), view.image_size
