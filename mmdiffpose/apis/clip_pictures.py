# Copyright (c) mmdiffpose contributors. All rights reserved.
"""An animation and a still picture of a clip's people."""

from pathlib import Path
from typing import Callable, Iterator, List, Optional, Sequence

import cv2
import numpy as np

from mmdiffpose.atomic_files import replacing
from mmdiffpose.detection.frame_sources import FrameSource
from mmdiffpose.structures.lifted_track import LiftedTrack, join_tracks
from mmdiffpose.visualization.animation import gif_stride, write_gif, write_mp4
from mmdiffpose.visualization.scene_renderer import SceneRenderer
from mmdiffpose.visualization.track_renderer import TrackRenderer
from .inference_outputs import DEFAULT_FPS, images_at

GIF_SECONDS = 20
"""Longer clips become MP4, unless a GIF is asked for."""
STILL_FRAMES = 5
STILL_SCALE = 0.7
STILL_ROWS = 3
"""Frames of a still picture of several people, one below the other."""


class ClipPictures:
    """Draws a clip.

    One person without a place in the scene is shown large and from two
    sides; several people are shown together.

    Args:
        lifted (sequence[LiftedTrack]): The people; pieces of one person's
            track are joined.
        frame_ids (sequence[int], optional): Frames of the animation. Defaults
            to those with people.
        pictures (FrameSource, optional): The frames to draw under the joints.
        size (int): Height of the panels, pixels. Defaults to 420.
    """

    def __init__(self,
                 lifted: Sequence[LiftedTrack],
                 frame_ids: Optional[Sequence[int]] = None,
                 pictures: Optional[FrameSource] = None,
                 size: int = 420) -> None:
        self.pictures, self.fps = pictures, lifted[0].fps or DEFAULT_FPS
        if pictures is not None and not pictures.rereadable:
            self.pictures = None
        self._known = sorted({i for t in lifted for i in t.frame_ids.tolist()})
        self.frame_ids = self._known if frame_ids is None else frame_ids
        alone = len({track.track_id for track in lifted}) == 1
        self._person: Optional[LiftedTrack] = None
        if (alone and lifted[0].root_trajectory is None
                and set(self.frame_ids) <= set(self._known)):
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

    def animate(self,
                path: Path,
                kind: str = 'auto',
                advance: Optional[Callable[[], None]] = None) -> Path:
        """Write the animation.

        Args:
            path (Path): The file without its suffix.
            kind (str): ``'gif'``, ``'mp4'`` or ``'auto'``: a GIF of up to
                :data:`GIF_SECONDS`, else an MP4, also under a video's
                pictures, which a GIF makes large. Defaults to auto.
            advance (callable, optional): Called for each frame drawn.

        Returns:
            Path: The file.
        """
        short = len(self.frame_ids) <= GIF_SECONDS * self.fps
        as_gif = kind == 'gif' or (kind == 'auto' and short
                                   and self.pictures is None)
        stride = gif_stride(self.fps) if as_gif else 1
        frames = self._drawn(self.frame_ids[::stride], advance)
        write = write_gif if as_gif else write_mp4
        name = f'{path.name}.{"gif" if as_gif else "mp4"}'
        return write(frames, path.with_name(name), self.fps / stride)

    def still(self, path: Path) -> Path:
        """Write a picture of some frames; the path is without its suffix."""
        if self._person is None:
            chosen = _spread(self._known, STILL_ROWS)
            picture = np.concatenate(list(self._drawn(chosen)))
        else:
            chosen = _spread(self._known, STILL_FRAMES)
            images = list(images_at(self.pictures, chosen))
            picture = self._small.sheet([self._rows[f] for f in chosen],
                                        images)
        path = path.with_name(f'{path.name}.png')
        with replacing(path) as part:
            if not cv2.imwrite(str(part), picture[..., ::-1]):
                raise ValueError(f'{path}: OpenCV could not write the picture')
        return path

    def _drawn(
            self,
            frame_ids: Sequence[int],
            advance: Optional[Callable[[],
                                       None]] = None) -> Iterator[np.ndarray]:
        for frame_id, image in zip(frame_ids,
                                   images_at(self.pictures, frame_ids)):
            if self._person is None:
                yield self._scene.render(frame_id, image)
            else:
                yield self._large.render(self._rows[frame_id], image)
            if advance is not None:
                advance()


def _spread(frame_ids: Sequence[int], number: int) -> List[int]:
    """So many of the frames, evenly, the first and last left out."""
    rows = np.linspace(0, len(frame_ids) - 1, number + 2)[1:-1]
    return [frame_ids[row] for row in sorted(set(rows.round().astype(int)))]
