# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Frames of video files, streams and cameras."""

import re
import time
from pathlib import Path
from typing import Any, Iterator, List, Optional, Union

import cv2
import numpy as np

from mmdiffpose.input_files import check_file
from .frame_source import FrameSource
from .video_times import container_times

MAX_HEADER_FPS = 300.
"""Frames a second from which a header is not believed: it is the clock's rate
in many recordings of browsers and screens."""
PROBED = 16
"""Frames of such a video whose time stamps are looked at."""


class VideoFrames(FrameSource):
    """A video file, or what OpenCV opens by a URL.

    Frames are turned as the file says, whatever OpenCV does by itself.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If OpenCV can't read it.
    """

    def __init__(self, path: Union[str, Path]) -> None:
        path = str(path)
        super().__init__(path, Path(path).stem)
        if not is_url(path):
            check_file(path, 'a video')
        self.path = path
        capture = self._open()
        self.fps = _positive(capture.get(cv2.CAP_PROP_FPS))
        if self.fps is not None and self.fps >= MAX_HEADER_FPS:
            self.fps = self._probed_fps() or self.fps
        self.length = _positive(capture.get(cv2.CAP_PROP_FRAME_COUNT), int)
        capture.release()

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(self.path)
        if not capture.isOpened():
            if is_url(self.path):
                raise ValueError(
                    f'{self.path}: expected a stream or video that OpenCV can '
                    'open, found no answer, or another format')
            raise ValueError(f'{self.path}: expected a video that OpenCV can '
                             'read, found another format or a broken file')
        return capture

    def _probed_fps(self) -> Optional[float]:
        """Frames a second by the first time stamps."""
        if is_url(self.path):
            return None
        stamps = container_times(self.path)[:PROBED]
        if not stamps:
            capture = self._open()
            while len(stamps) < PROBED and capture.grab():
                stamps.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            capture.release()
        steps = np.diff(stamps)
        if not len(steps) or (steps <= 0).any():
            return None
        return 1 / float(np.median(steps))

    def frames(self) -> Iterator[np.ndarray]:
        """Frames from the first one."""
        self.timestamps = []
        capture = self._open()
        turn = _turn(capture)
        exact = [] if is_url(self.path) else container_times(self.path)
        stamps: List[float] = []
        for frame in _captured(capture):
            stamps.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            place = len(self.timestamps)
            self.timestamps.append(exact[place] if place <
                                   len(exact) else stamps[-1])
            yield frame if turn is None else cv2.rotate(frame, turn)
            del frame
        if len(stamps) != len(exact):
            # Frames that can't be decoded have a place in the container.
            self.timestamps[:] = stamps


class NetworkFrames(VideoFrames):
    """A camera or broadcast by its URL, such as ``rtsp://...``."""
    rereadable = False
    live = True

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.stem = re.sub(r'[^0-9A-Za-z]+', '_', url.split('://', 1)[1])
        self.length = None

    def frames(self) -> Iterator[np.ndarray]:
        """Frames from now on, until the other side ends."""
        self.timestamps = []
        capture = self._open()
        clock = _ArrivalClock()
        for frame in _captured(capture):
            sent = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            self.timestamps.append(clock.time(sent))
            yield frame
            del frame


class WebcamFrames(FrameSource):
    """A camera of this machine, by its number."""
    rereadable = False
    live = True

    def __init__(self, camera: int) -> None:
        super().__init__(f'webcam {camera}', f'webcam_{camera}')
        self._capture = cv2.VideoCapture(camera)
        if not self._capture.isOpened():
            raise ValueError(f'webcam {camera} cannot be opened: expected the '
                             'number of a camera that is free')
        self.fps = _positive(self._capture.get(cv2.CAP_PROP_FPS))

    def frames(self) -> Iterator[np.ndarray]:
        """Frames from now on, until the camera is unplugged."""
        self.timestamps = []
        clock = _ArrivalClock()
        for frame in _captured(self._capture):
            self.timestamps.append(clock.time())
            yield frame
            del frame


class _ArrivalClock:
    """When frames of a live source were made, as well as that is known."""

    def __init__(self) -> None:
        self._last: Optional[float] = None
        self._offset = 0.
        self._trusted = True

    def time(self, sent: Optional[float] = None) -> float:
        """Seconds of the frame that has just come.

        Args:
            sent (float, optional): What the sender says. From the first time
                that it does not increase, a frame is of when it came.
        """
        now = time.monotonic()
        if self._last is None:
            self._trusted = sent is not None
            self._last = sent or 0.
            self._offset = now - self._last
        elif self._trusted and sent is not None and sent > self._last:
            self._last, self._offset = sent, now - sent
        else:
            self._trusted = False
            self._last = max(now - self._offset, self._last)
        return self._last


def is_url(inputs: str) -> bool:
    """Whether an input is the URL of something, such as ``rtsp://...``."""
    return re.match(r'[a-z][a-z0-9+.-]+://', inputs, re.IGNORECASE) is not None


def _turn(capture: cv2.VideoCapture) -> Optional[int]:
    """How frames have to be rotated; None: not at all.

    Versions of OpenCV differ in whether they turn frames by themselves and
    in what they call so: they are told not to, and asked whether they do.
    """
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    if capture.get(cv2.CAP_PROP_ORIENTATION_AUTO):
        return None
    return {
        90: cv2.ROTATE_90_CLOCKWISE,
        180: cv2.ROTATE_180,
        270: cv2.ROTATE_90_COUNTERCLOCKWISE
    }.get(round(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360)


def _captured(capture: cv2.VideoCapture) -> Iterator[np.ndarray]:
    try:
        while True:
            found, frame = capture.read()
            if not found:
                return
            yield frame
            del frame
    finally:
        capture.release()


def _positive(value: float, kind: type = float) -> Any:
    """A header's number, None where it says nothing."""
    return kind(value) if np.isfinite(value) and value > 0 else None
