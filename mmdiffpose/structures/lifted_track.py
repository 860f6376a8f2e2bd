# Copyright (c) mmdiffpose contributors. All rights reserved.
"""One person's 3D poses over a clip."""

from dataclasses import dataclass, replace
from typing import Optional, Sequence, Tuple

import numpy as np

from mmdiffpose.skeletons import H36M_17, Skeleton
from .axes import AXES, LIFTER, check_axes
from .keypoint_track import seconds_of
from .lifter_view import (LifterView, join_views, rotate_covariances,
                          rotate_rows)

_PER_FRAME = ('keypoints_3d', 'scores', 'std', 'hypotheses', 'keypoints_2d',
              'scores_2d', 'frame_ids', 'times', 'root_trajectory',
              'covariance')
HEIGHT_FIELDS = ('height', 'height_std', 'size_std', 'scaled_by')
"""What is known of a person's height, and what that did."""


@dataclass
class LiftedTrack:
    """3D poses of one person over a clip.

    Attributes:
        keypoints_3d: (F, J, 3) metres, relative to the root joint, in the
            axes of the real camera (x right, y down, z forward), unless
            ``axes`` says otherwise.
        scores: (F, J) in [0, 1]; 0 where the 2D joint was not seen.
        std: (F, J) predictive standard deviation per axis, metres; None where
            the model gives none.
        hypotheses: (F, N, J, 3) as ``keypoints_3d``; None where the model
            gives none. Hypothesis n of one window need not be hypothesis n of
            the next, so that they are never averaged over windows: how a
            frame's hypotheses differ from the pose comes from the one window
            in whose middle it lies nearest, and may jump where that changes.
        keypoints_2d: (F, J, 2), image pixels, as lifted; a joint that was not
            seen stands where it was taken to be.
        scores_2d: (F, J) the detector's scores; 0 for joints not seen.
        frame_ids: (F, ) where the frames stand in the video.
        image_size: Width and height in pixels.
        skeleton: The joint set.
        fps: Frames a second, if known.
        track_id: The person, if the detector said so.
        root_trajectory: (F, 3) the root joint, metres, axes as for the poses,
            where it was solved.
        focal_px: The focal length, pixels, by which poses were turned into the
            camera's axes and the root was placed; None where it is neither
            known nor needed.
        focal_source: Where that focal length came from: given, EXIF or
            assumed.
        view: How the picture was moved for the lifter; None where it was
            shown as it is. The poses are turned back.
        covariance: (F, J, 3, 3) square metres, of the predictive
            distribution, axes as for the poses; None where the model does not
            tell the axes apart.
        axes: One of :data:`~.axes.AXES_NAMES`.
        step: Difference of neighbouring frame ids: n where the track has only
            every n-th frame of the video. ``fps`` counts the track's frames.
        times: (F, ) seconds, where the frames do not come at an even pace.
        source: Which input it is of, if that is known.
        height: The person's height as it was given, metres, by which
            everything was scaled; None where the size is the lifter's guess.
        height_std: The standard deviation of that height, metres: 0 where it
            was given as known.
        size_std: The standard deviation of the logarithm of the size that std
            and covariance held, of the model's own, before it was replaced by
            that of the height; None where the size is the lifter's guess.
        scaled_by: What poses were multiplied by since the lifter.
    """
    keypoints_3d: np.ndarray
    scores: np.ndarray
    std: Optional[np.ndarray]
    hypotheses: Optional[np.ndarray]
    keypoints_2d: np.ndarray
    scores_2d: np.ndarray
    frame_ids: np.ndarray
    image_size: Tuple[int, int]
    skeleton: Skeleton = H36M_17
    fps: Optional[float] = None
    track_id: Optional[int] = None
    root_trajectory: Optional[np.ndarray] = None
    focal_px: Optional[float] = None
    focal_source: Optional[str] = None
    view: Optional[LifterView] = None
    covariance: Optional[np.ndarray] = None
    axes: str = 'camera'
    step: int = 1
    times: Optional[np.ndarray] = None
    source: Optional[str] = None
    height: Optional[float] = None
    height_std: Optional[float] = None
    size_std: Optional[float] = None
    scaled_by: float = 1.

    def __len__(self) -> int:
        return len(self.keypoints_3d)

    @property
    def std_xyz(self) -> Optional[np.ndarray]:
        """(F, J, 3) std along each axis, metres."""
        if self.covariance is None:
            return None
        return np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))

    @property
    def seconds(self) -> Optional[np.ndarray]:
        """(F, ) each frame's time, seconds; None where it is not known."""
        return seconds_of(self.frame_ids, self.step, self.fps, self.times)

    def part(self, start: int, stop: int) -> 'LiftedTrack':
        """Rows ``start`` to before ``stop``."""
        view = None if self.view is None else self.view.part(start, stop)
        return replace(
            self,
            view=view,
            **{
                name: getattr(self, name)[start:stop]
                for name in _PER_FRAME if getattr(self, name) is not None
            })

    def in_axes(self, axes: str) -> 'LiftedTrack':
        """The track with its poses in other axes.

        Args:
            axes (str): One of :data:`~.axes.AXES_NAMES`. ``'lifter'`` are
                those of the view that the lifter was shown; the camera's
                where that was the picture as it is.

        Raises:
            ValueError: If there are no such axes.
        """
        check_axes(axes)
        if axes == self.axes:
            return self
        return self._turned(
            self._rotation(axes) @ np.swapaxes(
                self._rotation(self.axes), -1, -2), axes)

    def _rotation(self, axes: str) -> np.ndarray:
        """From the camera's axes to others, (3, 3) or (F, 3, 3)."""
        if axes != LIFTER:
            return AXES[axes]
        return np.eye(3) if self.view is None else self.view.rotation

    def refocused(self,
                  focal_px: float,
                  focal_source: str,
                  principal: Optional[np.ndarray] = None) -> 'LiftedTrack':
        """The same track for another focal length of the camera.

        What the lifter was shown, a person in the middle, does not depend on
        the focal length; only the turn back into the camera's axes does.

        Args:
            focal_px (float): The focal length, pixels.
            focal_source (str): Where it comes from.
            principal (np.ndarray, optional): (2, ) principal point, pixels.
                Defaults to the picture's middle.

        Returns:
            LiftedTrack: Without a root trajectory of another focal length.
        """
        track = self
        if focal_px != self.focal_px:
            track = replace(self, root_trajectory=None)
        if self.view is not None:
            if principal is None:
                principal = np.array(self.image_size) / 2
            view = self.view.refocused(focal_px, principal)
            if not np.array_equal(view.rotation, self.view.rotation):
                seen = replace(track.in_axes(LIFTER), view=view)
                track = seen.in_axes(track.axes)
        return replace(track, focal_px=focal_px, focal_source=focal_source)

    def scaled(self, factor: float) -> 'LiftedTrack':
        """The person at another size, and as much further away.

        Scaled about the camera, with the std: where joints lie in the picture
        stays.

        Raises:
            ValueError: If the factor is no positive number.
        """
        if not 0 < factor < np.inf:
            raise ValueError(f'factor should be a positive number, got '
                             f'{factor}')
        times = {
            name: getattr(self, name) * np.float32(factor)
            for name in ('keypoints_3d', 'std', 'hypotheses',
                         'root_trajectory') if getattr(self, name) is not None
        }
        if self.covariance is not None:
            times['covariance'] = self.covariance * np.float32(factor**2)
        return replace(self, scaled_by=self.scaled_by * factor, **times)

    def _turned(self, rotation: np.ndarray, axes: str) -> 'LiftedTrack':
        """Everything that has a direction, turned by (F, 3, 3) or (3, 3)."""
        keypoints_3d = rotate_rows(self.keypoints_3d, rotation)
        assert keypoints_3d is not None
        return replace(
            self,
            keypoints_3d=keypoints_3d,
            hypotheses=rotate_rows(self.hypotheses, rotation),
            root_trajectory=rotate_rows(self.root_trajectory, rotation),
            covariance=rotate_covariances(self.covariance, rotation),
            axes=axes)


def join_tracks(tracks: Sequence[LiftedTrack]) -> LiftedTrack:
    """Pieces of one person's track, one after the other, as one track.

    Args:
        tracks (Sequence[LiftedTrack]): At least one; in order of time.

    Returns:
        LiftedTrack: All their frames; ``frame_ids`` tell of the gaps.
    """
    return replace(
        tracks[0],
        view=join_views([track.view for track in tracks]),
        **{
            name: np.concatenate([getattr(track, name) for track in tracks])
            for name in _PER_FRAME if getattr(tracks[0], name) is not None
        })
