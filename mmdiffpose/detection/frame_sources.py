# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Where frames come from: videos, folders, webcams, NumPy arrays.

Every source is read frame by frame. None keeps a frame that it has handed
over, so that memory does not grow with the length of a video.
"""

import math
import re
import warnings
from functools import reduce
from itertools import islice
from pathlib import Path
from typing import Any, Iterable, Iterator, List, Optional, Sequence, Union
from urllib.parse import unquote

import cv2
import numpy as np

from mmdiffpose.structures.frame_numbers import (frame_numbers, natural_key,
                                                 number_images)

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')
VIDEO_SUFFIXES = ('.mp4', '.mov', '.avi', '.mkv', '.webm', '.m4v', '.wmv',
                  '.mpg', '.mpeg', '.flv', '.3gp', '.ts', '.mts', '.gif')
SAME_SHAPE = 0.01
"""Aspect ratios may differ by this share to count as the same."""
UNEVEN = 0.75
"""Share of a frame by which time stamps may leave the pace of a video; they
are whole milliseconds, or thirds of frames, in videos of a steady pace."""

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
            times = (ids - ids[0]) / (step * rate)
        elif fps is None:
            times = np.array(self.timestamps)
        else:
            return None
        if len(times) < 3 or (np.diff(times) <= 0).any():
            return None
        pace = 1 / rate if rate else (times[-1] - times[0]) / (len(times) - 1)
        steady = times[0] + pace * np.arange(len(times))
        return None if np.abs(times - steady).max() <= UNEVEN * pace else times

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
    """A video file, or what OpenCV opens by a URL.

    Frames are turned as the file says, whatever OpenCV does by itself.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If OpenCV can't read it.
    """

    def __init__(self, path: Union[str, Path]) -> None:
        path = str(path)
        super().__init__(path, Path(path).stem)
        if not _is_url(path) and not Path(path).is_file():
            raise FileNotFoundError(f'no video at {path}')
        self.path = path
        capture = self._open()
        self.fps = _positive(capture.get(cv2.CAP_PROP_FPS))
        self.length = _positive(capture.get(cv2.CAP_PROP_FRAME_COUNT), int)
        capture.release()

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(self.path)
        if not capture.isOpened():
            if _is_url(self.path):
                raise ValueError(
                    f'{self.path}: expected a stream or video that OpenCV can '
                    'open, found no answer, or another format')
            raise ValueError(f'{self.path}: expected a video that OpenCV can '
                             'read, found another format or a broken file')
        return capture

    def frames(self) -> Iterator[np.ndarray]:
        """Frames from the first one."""
        self.timestamps = []
        capture = self._open()
        turn = _turn(capture)
        for frame in _captured(capture):
            self.timestamps.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            yield frame if turn is None else cv2.rotate(frame, turn)
            del frame


class NetworkFrames(VideoFrames):
    """A camera or broadcast by its URL, such as ``rtsp://...``."""
    rereadable = False
    live = True

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.stem = re.sub(r'[^0-9A-Za-z]+', '_', url.split('://', 1)[1])
        self.length = None


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
        found = frame_numbers([path.name for path in self.paths])
        if found is not None and len(found) == self.length:
            numbers = [found[path.name] for path in self.paths]
            if (np.diff(numbers) > 0).all():
                self.numbers = numbers

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
        self.numbers = source.numbers and source.numbers[:number]

    def frames(self) -> Iterator[np.ndarray]:
        """Frames from the first one."""
        frames = islice(self.source.frames(), self.number)
        # No for loop: it holds its last frame until the next one is there.
        while (frame := next(frames, None)) is not None:
            self.timestamps = self.source.timestamps
            yield frame
            del frame


def open_frames(inputs: FrameInputs,
                max_frames: Optional[int] = None) -> FrameSource:
    """Find out what kind of frames an input is.

    Args:
        inputs: One of: the path of a video, an image or a folder of images
            (a clip, 2.jpg before 10.jpg); the URL of a video
            (``http://...``) or of a camera (``rtsp://...``);
            ``'webcam'``, ``'webcam:1'`` or the number of a camera; an array
            (h, w, 3) or (F, h, w, 3); a sequence of arrays or of image
            paths; an iterator over arrays; a source, which comes back as it
            is. Arrays are uint8, BGR, as OpenCV reads them.
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
        if _is_url(inputs):
            return _open_url(inputs)
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
            _check_images(paths)
            return ImageFrames(paths, f'the {len(paths)} images given',
                               paths[0].stem)
        return ArrayFrames(inputs)
    if isinstance(inputs, Iterable):
        return IteratorFrames(inputs)
    raise ValueError('expected a path, the number of a webcam, arrays or an '
                     f'iterator over arrays, found {type(inputs).__name__}')


def _is_url(inputs: str) -> bool:
    return re.match(r'[a-z][a-z0-9+.-]+://', inputs, re.IGNORECASE) is not None


def _open_url(url: str) -> FrameSource:
    """A file of this machine, a video or a camera somewhere."""
    scheme, rest = url.split('://', 1)
    if scheme.lower() == 'file':
        return _open_path(Path(unquote(rest)))
    path = Path(rest.split('?')[0])
    if (scheme.lower() in ('http', 'https', 'ftp')
            and path.suffix.lower() in VIDEO_SUFFIXES):
        source = VideoFrames(url)
        source.stem = path.stem
        return source
    return NetworkFrames(url)


def _check_images(paths: Sequence[Path]) -> None:
    """Raise unless a list is of images: the frames of one clip."""
    videos = [
        path.name for path in paths
        if path.suffix.lower() in VIDEO_SUFFIXES or path.is_dir()
    ]
    if videos:
        raise ValueError(
            'expected a list of images, the frames of one clip, found '
            f'{videos[:3]}: pass videos and folders one by one, each is a '
            'clip of its own')


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


def _open_path(path: Path) -> FrameSource:
    if path.is_dir():
        return ImageFrames(_image_files(path), str(path), path.resolve().name)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return ImageFrames([path], str(path), path.stem)
    return VideoFrames(path)


def _image_files(folder: Path) -> List[Path]:
    files = sorted(
        (f for f in folder.iterdir()
         if f.suffix.lower() in IMAGE_SUFFIXES and not f.name.startswith('.')),
        key=lambda file: natural_key(file.name))
    if not files:
        raise ValueError(f'{folder}: expected images '
                         f'({", ".join(IMAGE_SUFFIXES)}), found none')
    names = [file.name for file in files]
    if len(files) > 1 and frame_numbers(names) is None and any(
            re.search(r'\d', name) for name in names):
        warnings.warn(f'{folder}: no number in the names counts the frames; '
                      'images are taken in the order of their names')
    numbers = number_images(str(folder), names, in_order=True)
    return sorted(files, key=lambda file: numbers[file.name])


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
