# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Recognise a keypoint file's format and read it."""

import json
import warnings
from pathlib import Path
from typing import Any, List, Optional, Tuple, Union

from mmdiffpose.structures.keypoint_track import KeypointTrack
from . import alphapose_json, coco_json, mmpose_json, npz, openpose_json
from .keypoint_clip import KeypointClip

_PARSERS = dict(
    mmpose=mmpose_json.parse,
    coco=coco_json.parse,
    openpose=openpose_json.parse,
    alphapose=alphapose_json.parse)
FORMATS = (*_PARSERS, 'npz')
"""Names of the formats."""

Source = Union[KeypointClip, List[KeypointTrack]]


def read_keypoint_file(path: Union[str, Path],
                       image_size: Optional[Tuple[int, int]] = None,
                       skeleton: Optional[str] = None,
                       track_id: Optional[int] = None,
                       file_format: Optional[str] = None) -> KeypointTrack:
    """Read one person's 2D track.

    Frames that the file leaves out between the person's first and last one
    come back with scores of 0.

    Args:
        path (str | Path): A file, or OpenPose's folder; see the package.
        image_size (tuple[int, int], optional): Width and height in pixels;
            needed where the file does not say it.
        skeleton (str, optional): Name of the joint set. Defaults to what the
            file says, else what its format's writers use.
        track_id (int, optional): The person wanted among several. Defaults
            to the one who is largest and longest in the picture.
        file_format (str, optional): One of :data:`FORMATS`. Defaults to what
            the content looks like.

    Returns:
        KeypointTrack: F frames.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For a file that is empty, of another format or joint
            count, or with NaN or infinite values; names the file, what was
            expected and what was found.
    """
    source = _read(Path(path), image_size, skeleton, file_format)
    if isinstance(source, KeypointClip):
        return source.one(track_id)
    return _select(source, track_id)


def read_keypoint_tracks(
        path: Union[str, Path],
        image_size: Optional[Tuple[int, int]] = None,
        skeleton: Optional[str] = None,
        file_format: Optional[str] = None) -> List[KeypointTrack]:
    """Read everybody's 2D tracks.

    Args:
        path (str | Path): See :func:`read_keypoint_file`, as for the others.
        image_size (tuple[int, int], optional): Width and height in pixels.
        skeleton (str, optional): Name of the joint set.
        file_format (str, optional): One of :data:`FORMATS`.

    Returns:
        list[KeypointTrack]: At least one; in order of their track ids. In a
        file that names nobody, people are followed from frame to frame by
        where they are, and numbered from 0.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: See :func:`read_keypoint_file`.
    """
    source = _read(Path(path), image_size, skeleton, file_format)
    return source.all() if isinstance(source, KeypointClip) else source


def _read(path: Path, image_size: Optional[Tuple[int, int]],
          skeleton: Optional[str], file_format: Optional[str]) -> Source:
    if file_format is not None and file_format not in FORMATS:
        raise ValueError(f'unknown file format {file_format!r}, expected one '
                         f'of {list(FORMATS)}')
    if path.is_dir():
        if file_format not in (None, 'openpose'):
            raise ValueError(f'{path}: expected a file of the format '
                             f'{file_format}, found a folder')
        return openpose_json.parse(path, None, image_size, skeleton)
    if not path.is_file():
        raise FileNotFoundError(f'no keypoint file at {path}')
    with path.open('rb') as file:
        start = file.read(64).lstrip()
    if not start:
        raise ValueError(f'{path} is empty: expected 2D keypoints')
    is_npz = path.suffix == '.npz' or start[:2] == b'PK'
    if file_format == 'npz' or (file_format is None and is_npz):
        return npz.read(path, image_size, skeleton)
    if file_format is None and path.suffix != '.json' and start[:1] not in (
            b'[', b'{'):
        raise ValueError(f'{path}: expected a .json or .npz file or a folder '
                         f'of OpenPose, found {path.suffix or "no suffix"}')
    try:
        document = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path}: not a JSON file ({error})') from error
    parse = _PARSERS[file_format or recognise(document)]
    return parse(path, document, image_size, skeleton)


def recognise(document: Any) -> str:
    """The format of a JSON document.

    Args:
        document: What the file holds.

    Returns:
        str: One of :data:`FORMATS`; ``'mmpose'``, whose reader says what it
        misses, for what looks like none of them.
    """
    if isinstance(document, dict):
        if 'people' in document:
            return 'openpose'
        return 'coco' if 'annotations' in document else 'mmpose'
    first = document[0] if isinstance(document, list) and document else None
    if isinstance(first, dict) and 'image_id' in first:
        named = isinstance(first['image_id'], str) or 'idx' in first
        return 'alphapose' if named else 'coco'
    return 'mmpose'


def _select(tracks: List[KeypointTrack],
            track_id: Optional[int]) -> KeypointTrack:
    """The track asked for, else the largest."""
    known = {track.track_id: track for track in tracks}
    if track_id is not None:
        if track_id not in known:
            raise ValueError(f'{tracks[0].source}: expected a person with '
                             f'track id {track_id}, found {list(known)}')
        return known[track_id]
    if len(tracks) > 1:
        warnings.warn(f'{tracks[0].source} has {len(tracks)} persons: taking '
                      'the largest')
    return max(tracks, key=KeypointTrack.extent)
