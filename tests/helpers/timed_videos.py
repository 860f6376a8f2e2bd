# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Videos whose frames have times of their own; PyAV writes them."""

from fractions import Fraction

import numpy as np
import pytest

UNEVEN = np.r_[np.arange(8), 8 + 3 * np.arange(6)] / 30
"""Seconds: frames of one and of three ticks, of which a second has 30."""


def write_timed(path, times, codec='libx264', rate=30, clock=90000):
    """A video that gets brighter from frame to frame.

    Args:
        path (Path): Its suffix says the container.
        times (sequence[float]): Seconds of the frames.
        codec (str): FFmpeg's name.
        rate (int): What the header says of the pace.
        clock (int): Ticks a second of the time stamps.
    """
    av = pytest.importorskip('av')
    if codec not in av.codecs_available:
        pytest.skip(f'this FFmpeg cannot write {codec}')
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        stream.codec_context.time_base = Fraction(1, clock)
        for number, seconds in enumerate(times):
            image = np.full((48, 64, 3), 10 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format='bgr24')
            frame.pts = round(seconds * clock)
            frame.time_base = Fraction(1, clock)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def times_of(path):
    """Codec and seconds of the frames of a video, as they are decoded."""
    av = pytest.importorskip('av')
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return stream.codec_context.name, np.array(
            [frame.time for frame in container.decode(stream)])
