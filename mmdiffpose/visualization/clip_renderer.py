# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of a clip's people, one or several."""

from typing import List, Optional, Sequence

import numpy as np

from mmdiffpose.structures.lifted_track import LiftedTrack, join_tracks
from .scene_renderer import SceneRenderer
from .track_renderer import TrackRenderer

STILL_FRAMES = 5
STILL_SCALE = 0.7
STILL_ROWS = 3
"""Frames of a still picture of several people, one below the other."""


class ClipRenderer:
    """Draws frames of a clip.

    One person without a place in the scene is shown large and from two
    sides; several people are shown together.

    Args:
        lifted (sequence[LiftedTrack]): The people; pieces of one person's
            track are joined.
        frame_ids (sequence[int]): The frames that will be asked for. Where
            there is nobody in one of them, a person is not shown large.
        size (int): Height of the panels, pixels. Defaults to 420.
    """

    def __init__(self,
                 lifted: Sequence[LiftedTrack],
                 frame_ids: Sequence[int],
                 size: int = 420) -> None:
        self._known = sorted({i for t in lifted for i in t.frame_ids.tolist()})
        self._person: Optional[LiftedTrack] = None
        alone = len({track.track_id for track in lifted}) == 1
        if (alone and lifted[0].root_trajectory is None
                and set(frame_ids) <= set(self._known)):
            self._person = join_tracks(lifted)
            self._large = TrackRenderer(self._person, size)
            self._small = TrackRenderer(self._person,
                                        round(STILL_SCALE * size))
            self._rows = {
                frame: row
                for row, frame in enumerate(self._person.frame_ids.tolist())
            }
        else:
            self._scene = SceneRenderer(lifted, size)

    def render(self,
               frame_id: int,
               image: Optional[np.ndarray] = None) -> np.ndarray:
        """One frame, (h, w, 3) RGB, all of the same even sides.

        Args:
            frame_id (int): One of those that were to be asked for.
            image (np.ndarray, optional): The video's frame, RGB.
        """
        if self._person is None:
            return self._scene.render(frame_id, image)
        return self._large.render(self._rows[frame_id], image)

    @property
    def still_frames(self) -> List[int]:
        """The frames that :meth:`still` shows."""
        number = STILL_ROWS if self._person is None else STILL_FRAMES
        rows = np.linspace(0, len(self._known) - 1, number + 2)[1:-1]
        return [
            self._known[row] for row in sorted(set(rows.round().astype(int)))
        ]

    def still(self, images: Sequence[Optional[np.ndarray]]) -> np.ndarray:
        """A picture of some frames, (h, w, 3) RGB.

        Args:
            images (sequence[np.ndarray | None]): The video's frames, RGB, of
                :attr:`still_frames`; None where there is none.
        """
        frame_ids = self.still_frames
        if self._person is None:
            return np.concatenate([
                self.render(frame_id, image)
                for frame_id, image in zip(frame_ids, images)
            ])
        return self._small.sheet([self._rows[f] for f in frame_ids], images)
