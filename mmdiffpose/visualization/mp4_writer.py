# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write MP4 files: H.264 where PyAV is installed, else what OpenCV can."""

import warnings
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, Optional, Protocol

import cv2
import numpy as np

from mmdiffpose.atomic_files import replacing

ENCODERS = ('libx264', 'libopenh264')
"""H.264 encoders that FFmpeg may have, the best first."""
QUALITY = {
    'libx264': {
        'crf': '20',
        'preset': 'superfast',
        'x264-params': 'bframes=0:cabac=0'
    }
}
"""Options of the encoders. Flat colours and thin lines stay clear, in 0.6 to
0.9 of the bytes that OpenCV writes. ``veryfast`` as it is takes almost twice
the time over a video, for 0.4 of these bytes at 0.1 to 0.9 dB less."""
CLOCK = 90000
"""Ticks a second of a video's time stamps."""


class _Encoder(Protocol):
    """Takes the pictures of one video in order."""

    def write(self, picture: np.ndarray, seconds: Optional[float]) -> None:
        """Add a picture (h, w, 3), RGB, that is shown from then on."""

    def close(self) -> None:
        """Finish the file."""


class Mp4Writer:
    """Writes an MP4 of any length, which browsers play.

    That takes H.264, and so PyAV (``pip install av``, the extra ``video``).
    Without it the file is MPEG-4 part 2, which players know and browsers
    do not, with a warning.

    Args:
        path (Path): The file; it appears when it is closed.
        fps (float): Pictures a second.
    """
    stride = 1

    def __init__(self, path: Path, fps: float) -> None:
        self.path, self.fps = path, fps
        self._stack = ExitStack()
        self._encoder: Optional[_Encoder] = None

    def put(self,
            picture: np.ndarray,
            seconds: Optional[float] = None) -> None:
        """Write a picture.

        Args:
            picture (np.ndarray): (h, w, 3), RGB; h and w are even.
            seconds (float, optional): When it is shown, later than the one
                before. Defaults to a frame later.

        Raises:
            ValueError: If no such file can be written there.
        """
        if self._encoder is None:
            part = self._stack.enter_context(replacing(self.path))
            codec = h264_encoder()
            if codec is None:
                warnings.warn(
                    'MP4 files are written as MPEG-4 part 2, which browsers '
                    'do not play; for H.264: pip install av')
                self._encoder = _OpenCvEncoder(part, self.path, self.fps,
                                               picture)
            else:
                self._encoder = _H264Encoder(part, codec, self.fps, picture)
        self._encoder.write(picture, seconds)

    def close(self) -> None:
        """Finish the file."""
        if self._encoder is not None:
            encoder, self._encoder = self._encoder, None
            encoder.close()
            self._stack.close()

    def discard(self, error: BaseException) -> None:
        """Leave no file."""
        if self._encoder is not None:
            encoder, self._encoder = self._encoder, None
            encoder.close()
        self._stack.__exit__(type(error), error, error.__traceback__)


def h264_encoder() -> Optional[str]:
    """FFmpeg's name of an encoder that PyAV has; None without one."""
    try:
        import av
    except ImportError:
        return None
    return next((name for name in ENCODERS if name in av.codecs_available),
                None)


class _H264Encoder:
    """H.264 through PyAV, every picture with its own time."""

    def __init__(self, path: Path, codec: str, fps: float,
                 picture: np.ndarray) -> None:
        import av
        self._av: Any = av
        rate = Fraction(fps).limit_denominator(1001)
        self._pace = 1 / float(rate)
        # The index comes first, so that playing starts before all is there.
        self._container = av.open(
            str(path), 'w', format='mp4', options=dict(movflags='faststart'))
        stream: Any = self._container.add_stream(codec, rate=rate)
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = 'yuv420p'
        stream.codec_context.time_base = Fraction(1, CLOCK)
        stream.options = dict(QUALITY.get(codec, {}))
        self._stream = stream
        self._first: Optional[float] = None
        self._last = -1
        self._count = 0

    def write(self, picture: np.ndarray, seconds: Optional[float]) -> None:
        """Add a picture (h, w, 3), RGB, that is shown from then on."""
        if seconds is None:
            seconds = self._count * self._pace
        if self._first is None:
            self._first = seconds
        self._count += 1
        tick = round((seconds - self._first) * CLOCK)
        # OpenCV converts colours in a seventh of the time of FFmpeg.
        planes = cv2.cvtColor(
            np.ascontiguousarray(picture), cv2.COLOR_RGB2YUV_I420)
        frame = self._av.VideoFrame.from_ndarray(planes, format='yuv420p')
        frame.pts = self._last = max(tick, self._last + 1)
        frame.time_base = Fraction(1, CLOCK)
        if hasattr(frame, 'duration'):
            # The last picture is shown for as long; old PyAVs guess it.
            frame.duration = round(self._pace * CLOCK)
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def close(self) -> None:
        """Finish the file."""
        for packet in self._stream.encode():
            self._container.mux(packet)
        self._container.close()


class _OpenCvEncoder:
    """MPEG-4 part 2 through OpenCV, whose frames all last as long.

    A picture that is shown for longer is written as often as it takes.
    """

    def __init__(self, path: Path, name: Path, fps: float,
                 picture: np.ndarray) -> None:
        self._writer = cv2.VideoWriter(
            str(path), cv2.VideoWriter.fourcc(*'mp4v'), fps,
            (picture.shape[1], picture.shape[0]))
        if not self._writer.isOpened():
            raise ValueError(f'{name}: OpenCV cannot write MP4 files here')
        self._fps = fps
        self._first: Optional[float] = None
        self._count = 0
        self._shown: Optional[np.ndarray] = None

    def write(self, picture: np.ndarray, seconds: Optional[float]) -> None:
        """Add a picture (h, w, 3), RGB, that is shown from then on."""
        if seconds is not None:
            if self._first is None:
                self._first = seconds
            due = round((seconds - self._first) * self._fps)
            while self._shown is not None and self._count < due:
                self._write(self._shown)
            # Of two pictures in the time of one frame, the first is shown.
            self._shown = np.ascontiguousarray(picture[..., ::-1])
            if self._count > due:
                return
        self._write(np.ascontiguousarray(picture[..., ::-1]))

    def _write(self, image: np.ndarray) -> None:
        self._writer.write(image)
        self._count += 1

    def close(self) -> None:
        """Finish the file."""
        self._writer.release()
