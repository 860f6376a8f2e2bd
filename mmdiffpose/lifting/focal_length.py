# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A focal length in pixels: given, from a picture's EXIF, or assumed."""

import logging
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional, Tuple, Union

import numpy as np
from mmengine.logging import print_log
from PIL import ExifTags, Image, UnidentifiedImageError

from mmdiffpose.input_files import check_file

ASSUMED_FIELD_OF_VIEW = 55.
"""Degrees over the longer side: between a phone's main camera in video mode
(65) and a television camera (40 and less)."""
MAX_FIELD_OF_VIEW = 150.
"""Degrees; no camera without a fisheye lens sees more."""
MAX_PICTURE = 1 << 30
"""Bytes of a picture."""

_FILM_DIAGONAL_MM = float(np.hypot(36, 24))
_MM_PER_UNIT = {2: 25.4, 3: 10., 4: 1., 5: 1e-3}
"""EXIF's FocalPlaneResolutionUnit: inch, cm, mm, micrometre."""


class FocalLength(NamedTuple):
    """A focal length and where it came from."""
    pixels: float
    how: str


Focal = Union[FocalLength, float]
"""A focal length, or its pixels alone, which count as given."""


def known_focal_length(
        image_size: Tuple[int, int],
        given: Optional[Focal] = None,
        exif_source: Optional[Union[str,
                                    Path]] = None) -> Optional[FocalLength]:
    """The focal length, if it is given or in a picture's EXIF.

    Args:
        image_size (tuple[int, int]): Width and height of the picture that
            the 2D keypoints are in, pixels.
        given (FocalLength | float, optional): In pixels, if known.
        exif_source (str | Path, optional): A picture of the same camera and
            zoom. Its EXIF is asked for the focal length in 35 mm film, or for
            the focal length in mm and the sensor's resolution. Any other
            file, for instance a video, says nothing.

    Returns:
        FocalLength | None: None where it is not known.

    Raises:
        ValueError: If ``given`` is no focal length in pixels.
        FileNotFoundError: If there is no file ``exif_source``.
    """
    if given is not None:
        if not isinstance(given, FocalLength):
            try:
                given = FocalLength(float(given), 'given')
            except (TypeError, ValueError):
                raise ValueError('focal length: expected a positive number of '
                                 f'pixels, found {given!r}') from None
        _check_given(given.pixels, max(image_size))
        return given
    return None if exif_source is None else _from_exif(
        Path(exif_source), image_size)


def resolve_focal_length(
        image_size: Tuple[int, int],
        given: Optional[Focal] = None,
        exif_source: Optional[Union[str, Path]] = None,
        field_of_view: float = ASSUMED_FIELD_OF_VIEW) -> FocalLength:
    """The focal length to turn poses and place people with.

    Distances from the camera are proportional to it: an assumed one makes
    all of them too large or too small by one factor, and leaves how people
    stand to each other otherwise as it is. Poses of people at the picture's
    edge are turned by as much as the angle to them is wrong.

    Args:
        image_size (tuple[int, int]): As in :func:`known_focal_length`, like
            the next two.
        given (FocalLength | float, optional): In pixels, if known.
        exif_source (str | Path, optional): A picture of the same camera.
        field_of_view (float): Degrees over the longer side, where nothing
            else is known. Defaults to 55.

    Returns:
        FocalLength: ``(pixels, how)``; ``how`` is a phrase for logs and
        result files. An assumed one is also warned of.

    Raises:
        ValueError: If ``given`` is no focal length in pixels, or
            ``field_of_view`` no angle.
        FileNotFoundError: If there is no file ``exif_source``.
    """
    found = known_focal_length(image_size, given, exif_source)
    if found is not None:
        return found
    if not 0 < field_of_view < 180:
        raise ValueError('field_of_view: expected degrees between 0 and 180, '
                         f'found {field_of_view}')
    pixels = max(image_size) / 2 / np.tan(np.deg2rad(field_of_view) / 2)
    how = f'assumed: {field_of_view:g} degrees over the longer side'
    print_log(
        f'no focal length known, {pixels:.0f} px {how}; distances from the '
        'camera are right up to one factor, and the poses of people at the '
        'edge of the picture may be turned by some degrees',
        logger='current',
        level=logging.WARNING)
    return FocalLength(float(pixels), how)


class FocalLengths:
    """The focal length of a clip, found out once, when it is needed.

    Args:
        given (FocalLength | float, optional): In pixels, if known; else it
            is assumed for each size of picture, with one warning.
    """

    def __init__(self, given: Optional[Focal] = None) -> None:
        self._given = given
        self._found: Dict[Tuple[int, int], FocalLength] = {}

    @property
    def given(self) -> bool:
        """Whether it is known rather than assumed."""
        return self._given is not None

    def of(self, image_size: Tuple[int, int]) -> FocalLength:
        """For pictures (width, height).

        Raises:
            ValueError: If the one given is no focal length in pixels.
        """
        if image_size not in self._found:
            self._found[image_size] = resolve_focal_length(
                image_size, self._given)
        return self._found[image_size]


def _check_given(pixels: float, longer: int) -> None:
    if not (np.isfinite(pixels) and pixels > 0):
        raise ValueError('focal length: expected a positive number of pixels, '
                         f'found {pixels}')
    view = np.rad2deg(2 * np.arctan(longer / 2 / pixels))
    if view > MAX_FIELD_OF_VIEW:
        raise ValueError(
            f'focal length: expected pixels, found {pixels:g}, which is a '
            f'view of {view:.0f} degrees over {longer} pixels; was it in mm?')


def _from_exif(path: Path, image_size: Tuple[int,
                                             int]) -> Optional[FocalLength]:
    check_file(path, 'a picture to read EXIF from', MAX_PICTURE)
    try:
        with Image.open(path) as image:
            tags = dict(image.getexif().get_ifd(ExifTags.IFD.Exif))
            stored = image.size
    except UnidentifiedImageError:
        return None
    # Broken pictures, and those of more pixels than Pillow takes.
    except Exception as error:
        raise ValueError(f'{path}: expected a picture to read EXIF from, found'
                         f' one that cannot be read ({error})') from error
    film = _number(tags, ExifTags.Base.FocalLengthIn35mmFilm)
    if film:
        # Cameras compare diagonals, which turned pictures keep.
        pixels = film / _FILM_DIAGONAL_MM * float(np.hypot(*image_size))
        return FocalLength(pixels, f'EXIF: {film:g} mm in 35 mm film')
    length = _number(tags, ExifTags.Base.FocalLength)
    per_unit = _number(tags, ExifTags.Base.FocalPlaneXResolution)
    unit = tags.get(ExifTags.Base.FocalPlaneResolutionUnit, 2)
    if length and per_unit and unit in _MM_PER_UNIT:
        # The resolution is that of the picture as it was taken.
        taken = (_number(tags, ExifTags.Base.ExifImageWidth) or stored[0],
                 _number(tags, ExifTags.Base.ExifImageHeight) or stored[1])
        pixels = length * per_unit / _MM_PER_UNIT[unit]
        pixels *= max(image_size) / max(taken)
        return FocalLength(pixels, f'EXIF: {length:g} mm and sensor size')
    return None


def _number(tags: Dict[int, Any], tag: int) -> float:
    """A tag as a number; 0 where it is missing or says that it is unknown."""
    try:
        value = float(tags.get(tag, 0))
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.
    return value if np.isfinite(value) and value > 0 else 0.
