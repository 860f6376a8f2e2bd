# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Where pictures go: a window, an MP4, a PNG; one picture at a time."""

from contextlib import ExitStack
from pathlib import Path
from typing import Optional, Union

import cv2
import numpy as np

from mmdiffpose.atomic_files import replacing

ESCAPE = 27


class PictureSink:
    """Shows pictures and writes them to a file as they come.

    A video is written all or nothing: it appears when the sink is closed. Use
    as a context manager, which discards it where an error comes up.

    Args:
        path (str | Path, optional): ``.mp4`` or an image's name. Defaults to
            None: nothing is written.
        fps (float): Pictures a second of a video. Defaults to 30.
        show (bool): Whether to show each in a window. Defaults to False.
        title (str): Of the window.
    """

    def __init__(self,
                 path: Optional[Union[str, Path]] = None,
                 fps: float = 30.,
                 show: bool = False,
                 title: str = 'mmdiffpose') -> None:
        self.path = None if path is None else Path(path)
        self.fps, self.show, self.title = fps, show, title
        self._stack = ExitStack()
        self._writer: Optional[cv2.VideoWriter] = None

    def __enter__(self) -> 'PictureSink':
        return self

    def __exit__(self, kind: Optional[type], *error: object) -> None:
        if kind is None:
            self.close()
        elif self._writer is not None:
            self._writer.release()
            self._writer = None
            self._stack.__exit__(kind, *error)
        self._close_window()

    def put(self, picture: np.ndarray) -> bool:
        """Show and write a picture (h, w, 3), RGB.

        Returns:
            bool: False where the user pressed escape in the window.

        Raises:
            ValueError: If OpenCV can't write or show it.
        """
        bgr = np.ascontiguousarray(picture[..., ::-1])
        if self.path is not None:
            self._write(bgr)
        return self._show(bgr) if self.show else True

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None
            self._stack.close()

    def _write(self, bgr: np.ndarray) -> None:
        if self.path.suffix.lower() != '.mp4':
            with replacing(self.path) as part:
                if not cv2.imwrite(str(part), bgr):
                    raise ValueError(f'{self.path}: OpenCV could not write '
                                     'the picture')
            return
        if self._writer is None:
            part = self._stack.enter_context(replacing(self.path))
            self._writer = cv2.VideoWriter(
                str(part), cv2.VideoWriter_fourcc(*'mp4v'), self.fps,
                bgr.shape[1::-1])
            if not self._writer.isOpened():
                raise ValueError(f'{self.path}: OpenCV cannot write MP4 '
                                 'files here')
        self._writer.write(bgr)

    def _show(self, bgr: np.ndarray) -> bool:
        try:
            cv2.imshow(self.title, bgr)
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
