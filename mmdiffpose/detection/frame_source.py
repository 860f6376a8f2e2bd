# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A clip that is read frame by frame."""

import math
import warnings
from functools import reduce
from pathlib import Path
from typing import Any, Iterator, List, Optional, Sequence

import cv2
import numpy as np

from .video_times import unless_even

SAME_SHAPE = 0.01
"""Aspect ratios may differ by this share to count as the same."""


class FrameSource:
    """Frames of a clip, read on demand.

    Attributes:
        name: For messages.
        stem: For the names of result files.
        fps: Frames a second, None where the source does not say.
        length: Number of frames, None where the source does not say; videos
            may hold fewer than their header says.
        rereadable: Whether the frames can be read a second time.
        live: Whether frames come as they happen and without an end.
        image: Path of the image where the clip is a single one.
        timestamps: Seconds of each frame read so far, where the source says
            them.
        numbers: What the names of images count, where they count.
    """
    fps: Optional[float] = None
    length: Optional[int] = None
    rereadable = True
    live = False
    image: Optional[Path] = None
    numbers: Optional[List[int]] = None

    def __init__(self, name: str, stem: str) -> None:
        self.name, self.stem = name, stem
        self.timestamps: List[float] = []

    def uneven_times(self,
                     fps: Optional[float] = None) -> Optional[np.ndarray]:
        """Times of the frames read so far, where no frame rate tells them.

        Args:
            fps (float, optional): A rate that is known better than by the time
                stamps of a video, which are ignored then.

        Returns:
            np.ndarray | None: (F, ) seconds, increasing; None if nothing
            tells, or the frames come at an even pace.
        """
        rate = fps or self.fps
        if self.numbers and rate:
            ids = np.array(self.numbers)
            step = reduce(math.gcd, np.diff(ids).tolist(), 0) or 1
            return unless_even((ids - ids[0]) / (step * rate), rate)
        if fps is not None:
            return None
        return unless_even(np.array(self.timestamps), rate)

    def rate(self, fps: Optional[float] = None) -> Optional[float]:
        """Frames a second of what was read so far.

        Args:
            fps (float, optional): What the user says, which comes first.

        Returns:
            float | None: Where frames come at an uneven pace, their mean rate:
            what the header of such a video says may be the rate of its clock.
        """
        times = self.uneven_times(fps) if fps is None else None
        if times is None:
            return fps or self.fps
        return (len(times) - 1) / float(times[-1] - times[0])

    def frames(self) -> Iterator[np.ndarray]:
        """Frames (h, w, 3), uint8, BGR, as they are stored."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[np.ndarray]:
        """Frames (h, w, 3), uint8, BGR, all of the first one's size.

        A frame of another size but the same shape is what a stream sends
        when it changes its resolution: it is resized, with a warning.

        Raises:
            ValueError: If there is no frame, a frame is no picture, or one
                has another shape than those before.
        """
        size, number, warned = None, 0, False
        # No enumerate: it holds its last frame until the next one is there.
        for frame in self.frames():
            self._check(frame, number)
            found = frame.shape[1::-1]
            if size is not None and found != size:
                message = self._change(frame, size, number)
                if not warned:
                    warnings.warn(message)
                    warned = True
                frame = cv2.resize(frame, size)
            size = size or found
            number += 1
            yield frame
            del frame
        if size is None:
            raise ValueError(f'{self.name}: expected at least one frame, '
                             'found none that can be read')

    def _check(self, frame: Any, number: int) -> None:
        if not isinstance(frame, np.ndarray):
            raise ValueError(f'{self.name}: expected arrays (h, w, 3), found '
                             f'{type(frame).__name__} as frame {number}')
        if frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
            raise ValueError(f'{self.name}: expected frames of shape (h, w, '
                             f'3), BGR, found {frame.shape} as frame '
                             f'{number}')
        if frame.dtype != np.uint8:
            raise ValueError(f'{self.name}: expected frames of uint8, 0 to '
                             f'255, found {frame.dtype} as frame {number}')

    def _change(self, frame: np.ndarray, size: Sequence[int],
                number: int) -> str:
        """What to warn of when a frame's size differs from the first one's.

        Raises:
            ValueError: If its shape does, too.
        """
        found = frame.shape[1::-1]
        ratio = found[0] * size[1] / (found[1] * size[0])
        if abs(ratio - 1) > SAME_SHAPE:
            raise ValueError(
                f'{self.name}: expected frames of {size[0]} x {size[1]} '
                f'pixels like the first one, found {found[0]} x {found[1]} '
                f'in frame {number}. One clip is seen by one camera: pass '
                'pictures of different shapes one by one')
        return (f'{self.name}: the resolution changes from {size[0]} x '
                f'{size[1]} to {found[0]} x {found[1]} in frame {number}; '
                'such frames are resized')
