# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Place people in one scene, clip by clip or as a stream goes on."""

import warnings
from dataclasses import replace
from typing import Dict, List, Optional, Tuple

import numpy as np

from mmdiffpose.detection.frame_sources import FrameSource
from mmdiffpose.lifting.focal_length import FocalLength, known_focal_length
from mmdiffpose.lifting.root_trajectory import place_in_scene
from mmdiffpose.structures.lifted_track import LiftedTrack
from .inference_options import InferenceOptions


class ScenePlacer:
    """Gives tracks their root trajectories, where the options ask for them.

    The focal length is found out once.

    Args:
        options (InferenceOptions): Of the call.
        source (FrameSource, optional): Whose EXIF may tell the focal length.
    """

    def __init__(self,
                 options: InferenceOptions,
                 source: Optional[FrameSource] = None) -> None:
        self.options, self.source = options, source
        self._focal: Optional[FocalLength] = None
        self._roots: Dict[Optional[int], np.ndarray] = {}

    def clip(self, lifted: List[LiftedTrack]) -> List[LiftedTrack]:
        """Place all tracks of a clip.

        Those that can't be placed are left out, with a warning; if nobody
        can be, all are as they came.
        """
        if not self.options.root_trajectory or not lifted:
            return lifted
        placed = self._place(lifted)
        if not placed:
            warnings.warn('where people stand is not solvable for anybody; '
                          'their poses are relative to the pelvis only')
        return placed or lifted

    def frame(self, lifted: List[LiftedTrack]) -> List[LiftedTrack]:
        """Place the newest frames of a stream's people.

        Somebody whose place a frame does not tell stays where they were; who
        never had one is left out.
        """
        if not self.options.root_trajectory or not lifted:
            return lifted
        with warnings.catch_warnings():
            # Said of every frame in which too little of a person is seen.
            warnings.filterwarnings('ignore', message='.*left out of the')
            found = {track.track_id: track for track in self._place(lifted)}
        placed = []
        for track in lifted:
            if track.track_id in found:
                track = found[track.track_id]
                self._roots[track.track_id] = track.root_trajectory[-1]
            elif track.track_id in self._roots:
                root = self._roots[track.track_id]
                track = replace(
                    track, root_trajectory=np.tile(root, (len(track), 1)))
            else:
                continue
            placed.append(track)
        return placed

    def focal(self, image_size: Tuple[int, int]) -> Optional[FocalLength]:
        """The focal length, if the options or an image's EXIF tell it."""
        return known_focal_length(
            image_size, self.options.focal_length,
            None if self.source is None else self.source.image)

    def _place(self, lifted: List[LiftedTrack]) -> List[LiftedTrack]:
        if self._focal is None:
            self._focal = self.focal(lifted[0].image_size)
        return place_in_scene(lifted, self._focal)
