# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write frames as GIF or MP4; read a video's frames beside a track."""

from itertools import chain
from pathlib import Path
from typing import Iterable, Iterator, Optional, Sequence, Union

import cv2
import numpy as np
from PIL import Image

from mmdiffpose.atomic_files import replacing

GIF_FPS = 15
GIF_COLORS = 96


def gif_stride(fps: float) -> int:
    """Every how many frames a GIF shows, so that it stays small."""
    return max(1, round(fps / GIF_FPS))


def write_gif(frames: Iterable[np.ndarray], path: Union[str, Path],
              fps: float) -> Path:
    """Write an animated GIF, which every browser and viewer plays.

    All frames share the first frame's palette, so that flat colours do not
    flicker and unchanged areas cost nothing.

    Args:
        frames (iterable[np.ndarray]): (H, W, 3) RGB, read one by one.
        path (str | Path): The file.
        fps (float): Frames a second of ``frames``.

    Returns:
        Path: The file.
    """
    images = (Image.fromarray(frame) for frame in frames)
    first = next(images)
    palette = first.quantize(GIF_COLORS, dither=Image.Dither.NONE)
    rest = (
        image.quantize(palette=palette, dither=Image.Dither.NONE)
        for image in images)
    with replacing(path) as part:
        palette.save(
            part,
            format='GIF',
            save_all=True,
            append_images=rest,
            # GIF counts time in hundredths of a second.
            duration=10 * max(2, round(100 / fps)),
            loop=0)
    return Path(path)


def write_mp4(frames: Iterable[np.ndarray], path: Union[str, Path],
              fps: float) -> Path:
    """Write an MP4 (MPEG-4 part 2), of any length.

    Args:
        frames (iterable[np.ndarray]): (H, W, 3) RGB, all of the same even
            sides, read one by one.
        path (str | Path): The file.
        fps (float): Frames a second of ``frames``.

    Returns:
        Path: The file.

    Raises:
        ValueError: If OpenCV cannot write such a file there.
    """
    frames = iter(frames)
    first = next(frames)
    with replacing(path) as part:
        writer = cv2.VideoWriter(
            str(part), cv2.VideoWriter.fourcc(*'mp4v'), fps,
            first.shape[1::-1])
        if not writer.isOpened():
            raise ValueError(f'{path}: OpenCV cannot write MP4 files here')
        for frame in chain([first], frames):
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        writer.release()
    return Path(path)


def read_frames(path: Optional[Union[str, Path]],
                frame_ids: Sequence[int]) -> Iterator[Optional[np.ndarray]]:
    """Frames of a video by increasing number, one after the other.

    Args:
        path (str | Path, optional): The video; without one every frame is
            None.
        frame_ids (sequence[int]): Numbers of the frames wanted, increasing.

    Yields:
        np.ndarray | None: (H, W, 3) RGB; None once the video has ended.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no video.
    """
    if path is None:
        yield from (None for _ in frame_ids)
        return
    if not Path(path).is_file():
        raise FileNotFoundError(f'no video at {path}')
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise ValueError(f'{path}: expected a video that OpenCV can read')
    position = 0
    try:
        for wanted in frame_ids:
            while position < wanted and capture.grab():
                position += 1
            found, image = capture.read()
            position += 1
            yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if found else None
    finally:
        capture.release()
