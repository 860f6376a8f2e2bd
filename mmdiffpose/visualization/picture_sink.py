# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Where pictures go: a window, an MP4, a GIF, a PNG; one picture at a time."""

from pathlib import Path
from types import TracebackType
from typing import Dict, Iterable, List, Optional, Protocol, Type, Union

import cv2
import numpy as np
from PIL import Image

from mmdiffpose.atomic_files import replacing
from mmdiffpose.structures.keypoint_track import DEFAULT_FPS
from .mp4_writer import Mp4Writer

GIF_FPS = 15
GIF_COLORS = 96
LONGEST_PICTURE = 6000
"""Hundredths of a second for which a GIF shows one picture at most."""
ESCAPE = 27


class PictureWriter(Protocol):
    """Takes pictures for one file, which is there when it is closed."""

    stride: int
    """It takes one of so many pictures."""

    def __init__(self, path: Path, fps: float) -> None:
        ...

    def put(self,
            picture: np.ndarray,
            seconds: Optional[float] = None) -> None:
        """Take a picture (h, w, 3), RGB, all of one size.

        Args:
            picture (np.ndarray): The picture.
            seconds (float, optional): When it is shown; later than the one
                before. Defaults to a frame later.
        """

    def close(self) -> None:
        """Finish the file."""

    def discard(self, error: BaseException) -> None:
        """Leave no file."""


class GifWriter:
    """Writes an animated GIF, which every browser and viewer plays.

    All pictures share the first one's palette, so that flat colours do not
    flicker and unchanged areas cost nothing. Some :data:`GIF_FPS` of them a
    second are taken, so that the file stays small.

    Args:
        path (Path): The file.
        fps (float): Pictures a second that there are.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self.path = path
        self.stride = max(1, round(fps / GIF_FPS))
        # GIF counts time in hundredths of a second.
        self._duration = 10 * max(2, round(100 * self.stride / fps))
        self._images: List[Image.Image] = []
        self._seconds: List[Optional[float]] = []

    def put(self,
            picture: np.ndarray,
            seconds: Optional[float] = None) -> None:
        """Take a picture (h, w, 3), RGB."""
        self._seconds.append(seconds)
        image = Image.fromarray(picture)
        none = Image.Dither.NONE
        self._images.append(
            image.quantize(palette=self._images[0], dither=none) if self.
            _images else image.quantize(GIF_COLORS, dither=none))

    def close(self) -> None:
        """Write the file."""
        if not self._images:
            return
        (first, *rest), self._images = self._images, []
        with replacing(self.path) as part:
            first.save(
                part,
                format='GIF',
                save_all=True,
                append_images=rest,
                duration=self._durations(),
                loop=0)

    def _durations(self) -> List[int]:
        """Milliseconds for which each picture is shown."""
        times, self._seconds = self._seconds, []
        known = [
            self._duration if now is None or then is None else 10 *
            min(max(2, round(100 * (then - now))), LONGEST_PICTURE)
            for now, then in zip(times, times[1:])
        ]
        return known + [self._duration]

    def discard(self, error: BaseException) -> None:
        """Leave no file."""
        self._images, self._seconds = [], []


class PngWriter:
    """Writes single pictures: the last one stays.

    Args:
        path (Path): The file.
        fps (float): Not used.
    """
    stride = 1

    def __init__(self, path: Path, fps: float = DEFAULT_FPS) -> None:
        self.path = path

    def put(self,
            picture: np.ndarray,
            seconds: Optional[float] = None) -> None:
        """Write a picture (h, w, 3), RGB.

        Raises:
            ValueError: If OpenCV can't.
        """
        with replacing(self.path) as part:
            if not cv2.imwrite(str(part), picture[..., ::-1]):
                raise ValueError(f'{self.path}: OpenCV could not write the '
                                 'picture')

    def close(self) -> None:
        """The file is there already."""

    def discard(self, error: BaseException) -> None:
        """What was written is a whole picture."""


WRITERS: Dict[str, Type[PictureWriter]] = {
    '.mp4': Mp4Writer,
    '.gif': GifWriter,
    '.png': PngWriter
}
"""By a file's suffix."""


class PictureSink:
    """Shows pictures and writes them to a file as they come.

    A video is written all or nothing: it appears when the sink is closed. Use
    as a context manager, which discards it where an error comes up. Whoever
    closes the generator that draws, or interrupts the program, has what was
    drawn so far.

    Args:
        path (str | Path, optional): Its suffix is one of :data:`WRITERS`.
            Defaults to None: nothing is written.
        fps (float): Pictures a second of a video. Defaults to 30.
        show (bool): Whether to show each in a window. Defaults to False.
        title (str): Of the window.
    """

    def __init__(self,
                 path: Optional[Union[str, Path]] = None,
                 fps: float = DEFAULT_FPS,
                 show: bool = False,
                 title: str = 'mmdiffpose') -> None:
        self.path = None if path is None else Path(path)
        self.show, self.title = show, title
        self._writer: Optional[PictureWriter] = None
        if self.path is not None:
            self._writer = WRITERS[self.path.suffix.lower()](self.path, fps)

    def __enter__(self) -> 'PictureSink':
        return self

    def __exit__(self, kind: Optional[Type[BaseException]],
                 error: Optional[BaseException],
                 _: Optional[TracebackType]) -> None:
        if error is None or isinstance(error,
                                       (GeneratorExit, KeyboardInterrupt)):
            self.close()
        elif self._writer is not None:
            self._writer.discard(error)
        self._close_window()

    def wants(self, number: int) -> bool:
        """Whether the picture of this number, from 0 on, is of any use."""
        return self.show or (self._writer is not None
                             and number % self._writer.stride == 0)

    def put(self,
            picture: np.ndarray,
            number: int,
            seconds: Optional[float] = None) -> bool:
        """Show and write a picture (h, w, 3), RGB.

        Args:
            picture (np.ndarray): All of one size.
            number (int): Which one it is, from 0 on.
            seconds (float, optional): When it is shown in the video, later
                than the one before. Defaults to a frame later.

        Returns:
            bool: False where the user pressed escape in the window.

        Raises:
            ValueError: If OpenCV can't write or show it.
        """
        if self._writer is not None and number % self._writer.stride == 0:
            self._writer.put(picture, seconds)
        return self._show(picture) if self.show else True

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()

    def _show(self, picture: np.ndarray) -> bool:
        try:
            cv2.imshow(self.title, np.ascontiguousarray(picture[..., ::-1]))
            return cv2.waitKey(1) & 0xFF != ESCAPE
        except cv2.error as error:
            raise ValueError(
                'show=True needs a screen and an OpenCV with windows '
                '(opencv-python, not opencv-python-headless)') from error

    def _close_window(self) -> None:
        if self.show:
            try:
                cv2.destroyWindow(self.title)
            except cv2.error:
                # There is no window where nothing was shown.
                pass


def write_animation(pictures: Iterable[np.ndarray], path: Union[str, Path],
                    fps: float) -> Path:
    """Write pictures (h, w, 3), RGB, read one by one, as a GIF or MP4."""
    with PictureSink(path, fps) as sink:
        for number, picture in enumerate(pictures):
            sink.put(picture, number)
    return Path(path)
