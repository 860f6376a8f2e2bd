# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Where frames come from: videos, folders, webcams, NumPy arrays.

Every source is read frame by frame. None keeps a frame that it has handed
over, so that memory does not grow with the length of a video.
"""

import re
import warnings
from itertools import islice
from pathlib import Path
from typing import Any, Iterable, Iterator, List, Optional, Sequence, Union

import cv2
import numpy as np

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')
SAME_SHAPE = 0.01
"""Aspect ratios may differ by this share to count as the same."""

FrameInputs = Union[str, Path, int, np.ndarray, Iterable]
"""What :func:`open_frames` takes."""


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
    """
    fps: Optional[float] = None
    length: Optional[int] = None
    rereadable = True
    live = False
    image: Optional[Path] = None

    def __init__(self, name: str, stem: str) -> None:
        self.name, self.stem = name, stem

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


class VideoFrames(FrameSource):
    """A video file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If OpenCV can't read it.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), path.stem)
        if not path.is_file():
            raise FileNotFoundError(f'no video at {path}')
        self.path = path
        capture = self._open()
        self.fps = _positive(capture.get(cv2.CAP_PROP_FPS))
        self.length = _positive(capture.get(cv2.CAP_PROP_FRAME_COUNT), int)
        capture.release()

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(str(self.path))
        if not capture.isOpened():
            raise ValueError(f'{self.path}: expected a video that OpenCV can '
                             'read, found another format or a broken file')
        return capture

    def frames(self) -> Iterator[np.ndarray]:
        """Frames from the first one."""
        yield from _captured(self._open())


def read_image(path: Path) -> np.ndarray:
    """One image, (h, w, 3) uint8, BGR.

    Raises:
        ValueError: If it can't be read.
    """
    image = cv2.imread(str(path))
    if image is None:
        raise ValueError(f'{path}: expected an image that OpenCV can read, '
                         'found another format or a broken file')
    return image


class ImageFrames(FrameSource):
    """Image files, in the order given, as the frames of a clip."""

    def __init__(self, paths: Sequence[Path], name: str, stem: str) -> None:
        super().__init__(name, stem)
        self.paths = list(paths)
        self.length = len(self.paths)
        for path in self.paths:
            if not path.is_file():
                raise FileNotFoundError(f'no image at {path}')
        if self.length == 1:
            self.image = self.paths[0]

    def frames(self) -> Iterator[np.ndarray]:
        """Frames from the first one."""
        yield from map(read_image, self.paths)


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
        yield from _captured(self._capture)


class ArrayFrames(FrameSource):
    """Arrays in memory, or image files mixed in."""

    def __init__(self, frames: Sequence) -> None:
        super().__init__('the frames given', 'frames')
        self._frames = frames
        self.length = len(frames)

    def frames(self) -> Iterator[np.ndarray]:
        """Frames from the first one."""
        return iter(self._frames)


class IteratorFrames(FrameSource):
    """An iterator over arrays, which can be read once."""
    rereadable = False

    def __init__(self, frames: Iterable) -> None:
        super().__init__('the iterator given', 'frames')
        self._frames: Optional[Iterator] = iter(frames)

    def frames(self) -> Iterator[np.ndarray]:
        """What is left of the iterator."""
        if self._frames is None:
            raise ValueError('the iterator given was read before; pass a new '
                             'one')
        frames, self._frames = self._frames, None
        # A for loop would hold each frame until the next one is there.
        yield from frames


class FirstFrames(FrameSource):
    """The first frames of another source."""

    def __init__(self, source: FrameSource, number: int) -> None:
        super().__init__(source.name, source.stem)
        if number < 1:
            raise ValueError(f'expected at least one frame, got {number} as '
                             'the largest number of frames')
        self.source, self.number = source, number
        self.fps, self.image = source.fps, source.image
        self.rereadable, self.live = source.rereadable, source.live
        self.length = min(source.length or number, number)

    def frames(self) -> Iterator[np.ndarray]:
        """Frames from the first one."""
        yield from islice(self.source.frames(), self.number)


def open_frames(inputs: FrameInputs,
                max_frames: Optional[int] = None) -> FrameSource:
    """Find out what kind of frames an input is.

    Args:
        inputs: One of: the path of a video, an image or a folder of images
            (a clip, 2.jpg before 10.jpg); ``'webcam'``, ``'webcam:1'`` or
            the number of a camera; an array (h, w, 3) or (F, h, w, 3); a
            sequence of arrays or of image paths; an iterator over arrays; a
            source, which comes back as it is. Arrays are uint8, BGR, as
            OpenCV reads them.
        max_frames (int, optional): Stop after so many.

    Returns:
        FrameSource: Nothing but its header is read yet.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it can't be read or is something else.
    """
    source = _open(inputs)
    return source if max_frames is None else FirstFrames(source, max_frames)


def images_at(source: Optional[FrameSource],
              frame_ids: Iterable[int]) -> Iterator[Optional[np.ndarray]]:
    """Pictures of frames, read one by one.

    Args:
        source (FrameSource, optional): Whose frames; without one there is no
            picture.
        frame_ids (iterable[int]): Numbers of the frames, increasing.

    Yields:
        np.ndarray | None: (h, w, 3) RGB; None where there is none.
    """
    frames = iter(()) if source is None else iter(source)
    position = -1
    for frame_id in frame_ids:
        image = None
        while position < frame_id:
            image = next(frames, None)
            position += 1
        yield None if image is None else image[..., ::-1]
        del image


def _open(inputs: FrameInputs) -> FrameSource:
    if isinstance(inputs, FrameSource):
        return inputs
    if isinstance(inputs, str):
        webcam = re.fullmatch(r'webcam(?::(\d+))?|(\d+)', inputs.lower())
        if webcam and not Path(inputs).exists():
            return WebcamFrames(int(webcam[1] or webcam[2] or 0))
    if isinstance(inputs, (int, np.integer)):
        return WebcamFrames(int(inputs))
    if isinstance(inputs, (str, Path)):
        return _open_path(Path(inputs))
    if isinstance(inputs, np.ndarray):
        if inputs.ndim not in (3, 4):
            raise ValueError('expected an array (h, w, 3) or (frames, h, w, '
                             f'3), found the shape {inputs.shape}')
        return ArrayFrames(list(inputs if inputs.ndim == 4 else inputs[None]))
    if isinstance(inputs, (list, tuple)):
        if inputs and all(isinstance(i, (str, Path)) for i in inputs):
            paths = [Path(i) for i in inputs]
            return ImageFrames(paths, f'the {len(paths)} images given',
                               paths[0].stem)
        return ArrayFrames(inputs)
    if isinstance(inputs, Iterable):
        return IteratorFrames(inputs)
    raise ValueError('expected a path, the number of a webcam, arrays or an '
                     f'iterator over arrays, found {type(inputs).__name__}')


def _open_path(path: Path) -> FrameSource:
    if path.is_dir():
        return ImageFrames(_image_files(path), str(path), path.resolve().name)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return ImageFrames([path], str(path), path.stem)
    return VideoFrames(path)


def _image_files(folder: Path) -> List[Path]:
    files = [f for f in folder.iterdir() if f.suffix.lower() in IMAGE_SUFFIXES]
    if not files:
        raise ValueError(f'{folder}: expected images '
                         f'({", ".join(IMAGE_SUFFIXES)}), found none')
    # Digits at odd places: numbers compare as numbers, text as text.
    return sorted(
        files,
        key=lambda file: [
            int(part) if part.isdecimal() else part
            for part in re.split(r'(\d+)', file.name)
        ])


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
