# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Where frames come from: videos, folders, webcams, NumPy arrays.

Every source is read frame by frame. None keeps a frame that it has handed
over, so that memory does not grow with the length of a video.
"""

import re
import warnings
from itertools import islice
from pathlib import Path
from typing import Iterable, Iterator, List, Optional, Sequence, Union
from urllib.parse import unquote

import cv2
import numpy as np

from mmdiffpose.input_files import check_file
from mmdiffpose.structures.frame_numbers import (frame_numbers, frame_times,
                                                 natural_key, number_images)
from .frame_source import FrameSource
from .video_frames import NetworkFrames, VideoFrames, WebcamFrames, is_url

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')
VIDEO_SUFFIXES = ('.mp4', '.mov', '.avi', '.mkv', '.webm', '.m4v', '.wmv',
                  '.mpg', '.mpeg', '.flv', '.3gp', '.ts', '.mts', '.gif')

FrameInputs = Union[str, Path, int, np.ndarray, Iterable]
"""What :func:`open_frames` takes."""


def read_image(path: Path) -> np.ndarray:
    """One image, (h, w, 3) uint8, BGR.

    Raises:
        ValueError: If it can't be read.
    """
    try:
        image = cv2.imread(str(path))
    except cv2.error:  # more pixels than it takes
        image = None
    if image is None:
        raise ValueError(f'{path}: expected an image that OpenCV can read, '
                         'found another format or a broken file, or one of '
                         'too many pixels')
    return image


class ImageFrames(FrameSource):
    """Image files, in the order given, as the frames of a clip."""

    def __init__(self, paths: Sequence[Path], name: str, stem: str) -> None:
        super().__init__(name, stem)
        self.paths = list(paths)
        self.length = len(self.paths)
        for path in self.paths:
            check_file(path, 'an image')
        if self.length == 1:
            self.image = self.paths[0]
        names = [path.name for path in self.paths]
        found, times = frame_numbers(names), frame_times(names)
        if found is not None and len(found) == self.length:
            numbers = [found[name] for name in names]
            if (np.diff(numbers) > 0).all() and times is not None:
                self.timestamps = [times[number] for number in numbers]
            elif (np.diff(numbers) > 0).all():
                self.numbers = numbers

    def frames(self) -> Iterator[np.ndarray]:
        """Frames from the first one."""
        yield from map(read_image, self.paths)


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
        if is_url(inputs):
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
