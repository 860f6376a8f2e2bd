# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A person as a camera that is turned towards them would see them.

A camera's pixels hold two things that say nothing about a pose: where in the
picture the person stands and how large they are there. The first is not
harmless. Seen at the edge of a wide picture a standing person is sheared, and
their pose in the camera's axes is turned against the line of sight by up to
half the field of view. A lifter that sees the person from the middle of the
picture has one thing less to learn; the turn is known exactly and is undone
in the output (canonical view by known intrinsics: arXiv 2501.16146, which
turns the root onto the optical axis; here a robust centre is turned there,
so that one bad joint moves nothing).

One turn and one size hold for a whole window of frames. A turn of each frame
would follow the detector's noise and shake the output; a constant one leaves
the person's way through the picture in the input, where it shows how they
move. Windows follow each other with turns of their own, so poses are turned
back before they meet.

Training and inference both go through :func:`canonical_view`.
"""

from typing import Any, Dict, NamedTuple, Tuple

import numpy as np

CANONICAL_RMS = .5
"""Root mean square distance of a person's joints to their middle in the
canonical view: a standing person is some two units high, -1 to 1."""
CANONICAL_SIDE = 1000
"""Pixels of the canonical camera's picture, for whatever wants pixels."""
FALLBACK_SIZE = .1
"""Size where too little is seen to measure one, the tangent of the angle that
an RMS radius takes: 0.45 m at 4.5 m."""
MIN_JOINTS = 6
"""Joints that have to be seen in a frame for it to count in the person's
size."""
MIN_COSINE = .05
"""Lines of sight further than 87 degrees from the optical axis are treated
as if they were 87 degrees away: no plane picture holds them."""


class CanonicalView(NamedTuple):
    """Windows of 2D joints in their canonical view.

    Attributes:
        keypoints: (..., T, J, 2) joints, x right and y down, unseen ones at
            0. ``keypoints * size / CANONICAL_RMS`` are the tangents in the
            turned camera, ``x / z`` and ``y / z``.
        rotation: (..., 3, 3) from the camera's axes to the turned ones:
            ``turned = rotation @ point``.
        size: (...,) tangent of the angle that the RMS radius of the person's
            joints takes; with a true focal length, metres of that radius per
            metre of distance.
    """
    keypoints: np.ndarray
    rotation: np.ndarray
    size: np.ndarray

    def inputs(self, seen: np.ndarray) -> np.ndarray:
        """What a lifter with a mask channel is given.

        Args:
            seen: (..., T, J) bool.

        Returns:
            (..., T, J, 3) float32: u, v and 1 for joints that are seen, all
            zeros for the others.
        """
        channel = seen[..., None].astype(np.float32)
        return np.concatenate([self.keypoints, channel], axis=-1)

    def pixels(self) -> np.ndarray:
        """The joints in the canonical camera's picture, (..., T, J, 2).

        A picture of :data:`CANONICAL_SIDE` pixels a side, whose
        screen-normalised coordinates ``x / w * 2 - 1`` and
        ``y / w * 2 - h / w`` are u and v.
        """
        half = np.float32(CANONICAL_SIDE / 2)
        return self.keypoints * half + half

    def camera(self) -> Dict[str, Any]:
        """The canonical camera of one window: ``w``, ``h``, ``f``, ``c``."""
        half = CANONICAL_SIDE / 2
        zoom = CANONICAL_RMS / float(self.size) * half
        return dict(
            w=CANONICAL_SIDE,
            h=CANONICAL_SIDE,
            f=np.full(2, zoom, np.float32),
            c=np.full(2, half, np.float32))


def canonical_view(keypoints: np.ndarray, seen: np.ndarray, focal: np.ndarray,
                   center: np.ndarray) -> CanonicalView:
    """Turn windows of 2D joints to the middle and bring them to one size.

    The middle is the median over all joints that are seen in the window, of
    the tangents x / z and y / z one by one. The camera turns about its y axis
    first, then about its new x axis, as one on a tripod does, so that what
    is level stays level. The size is the median over frames of the joints'
    RMS distance to their mean.

    Args:
        keypoints: (..., T, J, 2) pixels; unseen joints may be anything.
        seen: (..., T, J) bool.
        focal: (..., 2) focal lengths (fx, fy) in pixels, known or assumed.
        center: (..., 2) principal points (cx, cy) in pixels.

    Returns:
        The views, float32. Windows in which nothing is seen are not turned.

    Raises:
        ValueError: If shapes disagree, a focal length is not positive or a
            joint that is seen is not finite.
    """
    keypoints = np.asarray(keypoints, np.float32)
    seen = np.asarray(seen, bool)
    focal = np.asarray(focal, np.float32)
    center = np.asarray(center, np.float32)
    _check(keypoints, seen, focal, center)
    # One array a coordinate: sums over the last of many axes are quick.
    shape = (*seen.shape[:-2], -1)
    visible = seen.reshape(shape)
    # Not a product with the mask: unseen joints may be NaN.
    rays = [
        np.where(
            visible,
            (keypoints[..., axis].reshape(shape) - center[..., axis, None]) /
            focal[..., axis, None], np.float32(0)) for axis in range(2)
    ]
    middle = [_masked_median(ray, visible) for ray in rays]
    rotation = rotation_towards(np.stack(middle, axis=-1))
    u, v = (
        tangent.reshape(seen.shape) * seen
        for tangent in turn_rays(rays[0], rays[1], rotation))
    size = _size(u, v, seen)
    scale = (np.float32(CANONICAL_RMS) / size)[..., None, None]
    points = np.stack([u * scale, v * scale], axis=-1)
    return CanonicalView(points, rotation, size)


def rotation_towards(middle: np.ndarray) -> np.ndarray:
    """Rotation of a camera that turns to look at a point of its picture.

    Args:
        middle: (..., 2) tangents x / z and y / z of the point.

    Returns:
        (..., 3, 3) from the camera's axes to the turned ones. The third row
        is the line of sight; the first stays in the camera's x-z plane.
    """
    x, y = middle[..., 0], middle[..., 1]
    one = np.ones_like(x)
    forward = np.stack([x, y, one], axis=-1)
    forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
    right = np.stack([one, 0 * x, -x], axis=-1)
    right /= np.linalg.norm(right, axis=-1, keepdims=True)
    down = np.cross(forward, right)
    return np.stack([right, down, forward], axis=-2)


def turn_rays(x: np.ndarray, y: np.ndarray,
              rotation: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Tangents in a camera to those in a turned one.

    Args:
        x: (..., P) tangents x / z of points.
        y: (..., P) tangents y / z.
        rotation: (..., 3, 3) to the turned camera's axes.

    Returns:
        The same in the turned camera.
    """

    def along(row: int) -> np.ndarray:
        turned = rotation[..., row, 0, None] * x
        turned += rotation[..., row, 1, None] * y
        turned += rotation[..., row, 2, None]
        return turned

    depth = np.maximum(along(2), np.float32(MIN_COSINE))
    return along(0) / depth, along(1) / depth


def turn_poses(poses: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Poses in the camera's axes to the turned ones.

    Args:
        poses: (..., T, J, 3) metres.
        rotation: (..., 3, 3) of :class:`CanonicalView`.
    """
    return _rotate(poses, np.swapaxes(rotation, -1, -2))


def turn_poses_back(poses: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Inverse of :func:`turn_poses`: back to the true camera's axes."""
    return _rotate(poses, rotation)


def _rotate(poses: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    flat = poses.reshape(*poses.shape[:-3], -1, 3)
    return (flat @ matrix).reshape(poses.shape)


def _check(keypoints: np.ndarray, seen: np.ndarray, focal: np.ndarray,
           center: np.ndarray) -> None:
    if keypoints.ndim < 3 or keypoints.shape[-1] != 2:
        raise ValueError('keypoints: expected the shape (..., T, J, 2), found '
                         f'{keypoints.shape}')
    expected: Tuple[Tuple[str, np.ndarray, tuple],
                    ...] = (('seen', seen, keypoints.shape[:-1]),
                            ('focal', focal, (*keypoints.shape[:-3], 2)),
                            ('center', center, (*keypoints.shape[:-3], 2)))
    for name, value, shape in expected:
        if value.shape != shape:
            raise ValueError(f'{name}: expected the shape {shape} for '
                             f'keypoints of {keypoints.shape}, found '
                             f'{value.shape}')
    if not (focal > 0).all():
        raise ValueError('focal: expected positive focal lengths, found '
                         f'{focal.min()}')
    finite = np.isfinite(keypoints[..., 0]) & np.isfinite(keypoints[..., 1])
    if not (finite | ~seen).all():
        raise ValueError('keypoints: a joint that is seen is NaN or infinite')


def _masked_median(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Median of those (..., P) that are seen, (...,); 0 where none is.

    The mean of the two middle ones where their number is even, so that a
    mirrored window has the mirrored middle.
    """
    values = np.sort(np.where(seen, values, np.float32(np.inf)), axis=-1)
    count = seen.sum(axis=-1)
    low = np.maximum(count - 1, 0) // 2
    high = np.minimum(count // 2, values.shape[-1] - 1)
    pair = np.stack([low, high], axis=-1)
    middle = np.take_along_axis(values, pair, axis=-1)
    some = count > 0
    median = np.zeros(some.shape, np.float32)
    median[some] = middle[some].mean(axis=-1)
    return median


def _size(u: np.ndarray, v: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Median over frames of the RMS radius of joints, (...,).

    Args:
        u: (..., T, J), 0 where not seen.
        v: The same for the other axis.
        seen: (..., T, J).
    """
    count = seen.sum(axis=-1)
    number = np.maximum(count, 1).astype(np.float32)
    square = (u * u + v * v).sum(axis=-1) / number
    square -= (u.sum(axis=-1) / number)**2 + (v.sum(axis=-1) / number)**2
    radii = np.sqrt(np.maximum(square, 0))
    enough = count >= min(MIN_JOINTS, seen.shape[-1])
    size = _masked_median(radii, enough)
    size = np.where(enough.any(axis=-1), size, np.float32(FALLBACK_SIZE))
    return np.maximum(size, np.float32(1e-3))
