# Copyright (c) mmdiffpose contributors. All rights reserved.
"""When the frames of a video or a stream are shown.

OpenCV tells, but its versions differ: old ones count frames instead of reading
time stamps, new ones round them to milliseconds. Where PyAV is installed
(``pip install av``, the extra ``video``) the container is asked.
"""

from pathlib import Path
from typing import List, Optional, Union

import numpy as np

UNEVEN = 0.75
"""Share of a frame by which time stamps may leave the pace of a video; they
are whole milliseconds, or thirds of frames, in videos of a steady pace."""
FOLLOW = 0.1
"""Share of what time stamps are off the pace by which a stream's clock is
corrected with each frame: jitter of a camera averages out over ten frames."""


def unless_even(times: np.ndarray,
                rate: Optional[float]) -> Optional[np.ndarray]:
    """Times of frames, unless a frame rate tells them as well.

    Args:
        times (np.ndarray): (F, ) seconds.
        rate (float, optional): Frames a second. Defaults to their mean rate.

    Returns:
        np.ndarray | None: The same; None where they do not increase or come
        at an even pace.
    """
    if len(times) < 3 or (np.diff(times) <= 0).any():
        return None
    pace = 1 / rate if rate else (times[-1] - times[0]) / (len(times) - 1)
    steady = times[0] + pace * np.arange(len(times))
    return None if np.abs(times - steady).max() <= UNEVEN * pace else times


class StreamClock:
    """Times of a stream's frames, one by one, from its time stamps.

    As long as these stay near the pace, frames come at that pace and the
    stamps' jitter is smoothed; where a stamp is far off, the stream paused, or
    its pace is uneven, and the stamp is the time.

    Args:
        fps (float, optional): Frames a second. Without it stamps are taken as
            they are.
    """

    def __init__(self, fps: Optional[float]) -> None:
        self.fps = fps
        self._last: Optional[float] = None

    def time(self, stamp: Optional[float]) -> Optional[float]:
        """When the next frame is.

        Args:
            stamp (float, optional): Its time stamp, seconds.

        Returns:
            float | None: Seconds, later than the frame before; None where
            neither stamps nor a rate are known.
        """
        if self.fps is None:
            increases = stamp is not None and (self._last is None
                                               or stamp > self._last)
            if not increases:
                return None
            self._last = stamp
            return stamp
        if self._last is None:
            self._last = stamp or 0.
            return self._last
        pace = 1 / self.fps
        due = self._last + pace
        if stamp is not None and stamp > self._last:
            off = stamp - due
            due = stamp if abs(off) > UNEVEN * pace else due + FOLLOW * off
        self._last = due
        return due


def container_times(path: Union[str, Path]) -> List[float]:
    """When each frame of a video file is shown, from its container.

    Args:
        path (str | Path): The video.

    Returns:
        list[float]: Seconds after the first one, in order; empty where PyAV is
        not installed or can't tell.
    """
    try:
        import av
    except ImportError:
        return []
    stamps: List[int] = []
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            # The last packet is an empty one.
            stamps += [
                packet.pts for packet in container.demux(stream)
                if packet.pts is not None and not packet.is_discard
            ]
            base = float(stream.time_base or 0)
    except (av.error.FFmpegError, OSError, ValueError, IndexError):
        # OpenCV reads it, or says what is wrong.
        return []
    stamps.sort()
    return [(stamp - stamps[0]) * base for stamp in stamps] if base else []
