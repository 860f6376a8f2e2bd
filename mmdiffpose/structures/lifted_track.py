# Copyright (c) mmdiffpose contributors. All rights reserved.
"""One person's 3D poses over a clip."""

from dataclasses import dataclass, replace
from typing import Optional, Sequence, Tuple

import numpy as np

from mmdiffpose.skeletons import H36M_17, Skeleton

_PER_FRAME = ('keypoints_3d', 'scores', 'std', 'hypotheses', 'keypoints_2d',
              'scores_2d', 'frame_ids', 'root_trajectory')


@dataclass
class LiftedTrack:
    """3D poses of one person over a clip.

    Attributes:
        keypoints_3d: (F, J, 3) metres, relative to the root joint, camera
            axes (x right, y down, z forward).
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
        root_trajectory: (F, 3) the root joint, metres, camera axes, where it
            was solved.
        focal_px: The focal length that it was solved with, pixels.
        focal_source: Where that one came from: given, EXIF or assumed.
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

    def __len__(self) -> int:
        return len(self.keypoints_3d)

    def part(self, start: int, stop: int) -> 'LiftedTrack':
        """Rows ``start`` to before ``stop``."""
        return replace(
            self, **{
                name: getattr(self, name)[start:stop]
                for name in _PER_FRAME if getattr(self, name) is not None
            })


def join_tracks(tracks: Sequence[LiftedTrack]) -> LiftedTrack:
    """Pieces of one person's track, one after the other, as one track.

    Args:
        tracks (Sequence[LiftedTrack]): At least one; in order of time.

    Returns:
        LiftedTrack: All their frames; ``frame_ids`` tell of the gaps.
    """
    return replace(
        tracks[0], **{
            name: np.concatenate([getattr(track, name) for track in tracks])
            for name in _PER_FRAME if getattr(tracks[0], name) is not None
        })
