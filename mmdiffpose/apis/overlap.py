# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Which stages of a clip's way work at the same time."""

from contextlib import closing
from typing import Callable, Generator, Iterable, Iterator, Optional, Sequence

import numpy as np

from mmdiffpose.detection.frame_sources import FrameSource, images_at
from mmdiffpose.read_ahead import read_ahead
from mmdiffpose.visualization.clip_renderer import ClipRenderer


def decoded(source: FrameSource, ahead: int) -> Iterable[np.ndarray]:
    """A source's frames, so many decoded while the caller works on others.

    Not those of cameras, which give the newest frame only when it is asked
    for, and of iterators, which are the caller's own.
    """
    return read_ahead(source, ahead) if source.rereadable else source


def drawn_ahead(
    renderer: ClipRenderer, source: Optional[FrameSource],
    frame_ids: Sequence[int],
    wanted: Callable[[int],
                     bool]) -> Generator[Optional[np.ndarray], None, None]:
    """Pictures of frames, drawn while the caller writes those before.

    Args:
        renderer (ClipRenderer): Draws them; nobody else may meanwhile.
        source (FrameSource, optional): Of the frames under the joints, which
            are decoded while the one before is drawn.
        frame_ids (sequence[int]): Numbers of the frames, increasing.
        wanted (callable): Whether the picture of a place in ``frame_ids`` is
            wanted.

    Returns:
        Generator: Pictures (h, w, 3), RGB, in order, None where not wanted.
    """

    def draw() -> Iterator[Optional[np.ndarray]]:
        with closing(read_ahead(images_at(source, frame_ids))) as images:
            for number, frame_id in enumerate(frame_ids):
                image = next(images)
                picture = None
                if wanted(number):
                    picture = renderer.render(frame_id, image)
                del image
                yield picture
                del picture

    return read_ahead(draw())
