# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Recognise a keypoint file's format and read it."""

import warnings
from pathlib import Path
from typing import Any, List, Optional, Tuple, Union

from mmdiffpose.input_files import check_file, read_json
from mmdiffpose.structures.frame_numbers import natural_key
from mmdiffpose.structures.keypoint_track import KeypointTrack
from . import (alphapose_json, arrays, coco_json, landmarks_json, mmpose_json,
               openpose_json, sports2d_trc, ultralytics)
from .checks import PACKED
from .keypoint_clip import KeypointClip

_PARSERS = dict(
    mmpose=mmpose_json.parse,
    coco=coco_json.parse,
    openpose=openpose_json.parse,
    alphapose=alphapose_json.parse,
    mediapipe=landmarks_json.parse,
    ultralytics=ultralytics.parse)
_FOLDER_PARSERS = dict(
    mmpose=mmpose_json.parse_folder,
    openpose=openpose_json.parse_folder,
    sports2d=sports2d_trc.parse,
    ultralytics=ultralytics.parse_labels)
FORMATS = (*_PARSERS, 'sports2d', 'npz')
"""Names of the formats."""
FILE_SUFFIXES = ('.json', '.npz', '.npy', '.trc')
_PROBED = 50
"""Files of a folder that are looked into, to see whose they are."""
_PICTURES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')

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


def is_keypoint_input(inputs: Any) -> bool:
    """Whether an input is a keypoint file, or a folder of such files."""
    if not isinstance(inputs, (str, Path)):
        return False
    path = Path(inputs)
    if path.is_dir():
        return is_keypoint_folder(path)
    return path.suffix.lower() in FILE_SUFFIXES


def _read(path: Path, image_size: Optional[Tuple[int, int]],
          skeleton: Optional[str], file_format: Optional[str]) -> Source:
    if file_format is not None and file_format not in FORMATS:
        raise ValueError(f'unknown file format {file_format!r}, expected one '
                         f'of {list(FORMATS)}')
    if path.is_dir():
        path, kind, files = find_in_folder(path, file_format)
        if path.is_dir():
            return _FOLDER_PARSERS[kind](path,
                                         files).clip(image_size, skeleton)
        file_format = kind
    with check_file(path, 'a keypoint file').open('rb') as file:
        start = file.read(64).lstrip()
    if not start:
        raise ValueError(f'{path} is empty: expected 2D keypoints')
    is_arrays = path.suffix.lower() in ('.npz', '.npy') or start[:2] == b'PK'
    if file_format == 'npz' or (file_format is None and is_arrays):
        return arrays.read(path, image_size, skeleton)
    if file_format == 'sports2d' or path.suffix.lower() == '.trc':
        return sports2d_trc.parse(path, [path]).clip(image_size, skeleton)
    if (file_format is None and path.suffix.lower() != '.json'
            and start[:1] not in (b'[', b'{')):
        raise ValueError(f'{path}: expected a .json, .npz, .npy or .trc file '
                         'or a folder of keypoint files, found '
                         f'{path.suffix or "no suffix"}')
    document = read_json(path, '2D keypoints', packed=PACKED)
    found = _PARSERS[file_format or recognise(document)](path, document)
    del document
    return found.clip(image_size, skeleton)


def visible_files(folder: Path) -> List[Path]:
    """Files of a folder in order of their names; those of macOS (``._x``) and
    other hidden ones are left out."""
    return sorted((file for file in folder.iterdir()
                   if file.is_file() and not file.name.startswith('.')),
                  key=lambda file: natural_key(file.name))


def find_in_folder(folder: Path,
                   file_format: Optional[str]) -> Tuple[Path, str, List[Path]]:
    """What a folder of a tool holds.

    Args:
        folder (Path): OpenPose's or MMPose's with a file per frame; or a
            folder as AlphaPose, Pose2Sim, Sports2D or Ultralytics leave it.
        file_format (str, optional): As which it is to be read.

    Returns:
        tuple[Path, str, list[Path]]: The file or folder to read, its format
        and, for a folder, the files in it.

    Raises:
        ValueError: If there is nothing to read, or several videos.
    """
    if file_format not in (None, 'alphapose', *_FOLDER_PARSERS):
        raise ValueError(f'{folder}: expected a file of the format '
                         f'{file_format}, found a folder')
    files = visible_files(folder)
    results = folder / 'alphapose-results.json'
    if results.is_file() and file_format in (None, 'alphapose'):
        return results, 'alphapose', []
    by_suffix = {
        suffix: [f for f in files if f.suffix.lower() == suffix]
        for suffix in ('.json', '.trc', '.txt')
    }
    pixels = sports2d_trc.pixel_files(by_suffix['.trc'])
    if pixels and file_format in (None, 'sports2d'):
        return folder, 'sports2d', pixels
    documents = by_suffix['.json']
    if documents and file_format in (None, 'mmpose', 'openpose'):
        kind = file_format or _kind_of(documents)
        if len(documents) == 1 and file_format is None:
            kind = recognise(read_json(documents[0], packed=PACKED))
            if kind != 'openpose':
                return documents[0], kind, []
        return folder, kind, documents
    labels = by_suffix['.txt']
    if file_format == 'ultralytics' or ultralytics.is_labels(labels):
        return folder, 'ultralytics', labels
    within = [
        sub for sub in sorted(folder.iterdir()) if sub.is_dir()
        and not sub.name.startswith(('.', '__')) and is_keypoint_folder(sub)
    ]
    if len(within) == 1:
        return find_in_folder(within[0], file_format)
    if within:
        raise ValueError(
            f'{folder}: expected the keypoints of one video, found those of '
            f'several: {[sub.name for sub in within][:9]}; pass one of these '
            'folders')
    raise ValueError(f'{folder}: expected the JSON files that OpenPose '
                     'writes, one per frame, or a folder of AlphaPose, MMPose,'
                     ' Pose2Sim, Sports2D or Ultralytics, found none')


def _kind_of(files: List[Path]) -> str:
    """Whose a file per frame is: OpenPose's, unless it looks like MMPose's."""
    for file in files[:_PROBED]:
        document = read_json(file, packed=PACKED)
        if document and recognise(document) == 'mmpose':
            return 'mmpose' if mmpose_json.is_of_image(
                document) else 'openpose'
        if document:
            break
    return 'openpose'


def is_keypoint_folder(folder: Path) -> bool:
    """Whether a folder holds keypoint files, directly or in subfolders.

    Pictures beside them (OpenPose's ``--write_images``) change nothing where
    the files are called as their tools call them.
    """
    files = visible_files(folder)
    names = [file.name for file in files]
    suffixes = {file.suffix.lower() for file in files}
    if ('alphapose-results.json' in names
            or any(name.endswith('_keypoints.json') for name in names)
            or sports2d_trc.pixel_files(
                [f for f in files if f.suffix.lower() == '.trc'])):
        return True
    if suffixes & set(_PICTURES):
        return False
    if '.json' in suffixes:
        return True
    texts = [file for file in files if file.suffix.lower() == '.txt']
    if texts and ultralytics.is_labels(texts):
        return True
    return any(
        is_keypoint_folder(sub) for sub in sorted(folder.iterdir())
        if sub.is_dir() and not sub.name.startswith(('.', '__')))


def recognise(document: Any) -> str:
    """The format of a JSON document.

    Args:
        document: What the file holds.

    Returns:
        str: One of :data:`FORMATS`; ``'mmpose'``, whose reader says what it
        misses, for what looks like none of them.
    """
    if isinstance(document, dict):
        if 'people' in document or 'bodies' in document:
            return 'openpose'
        if 'annotations' in document:
            return 'coco'
        if 'instance_info' in document:
            return 'mmpose'
        if alphapose_json.is_by_image(document):
            return 'alphapose'
    first = document[0] if isinstance(document, list) and document else None
    if isinstance(first, dict) and 'image_id' in first:
        named = isinstance(first['image_id'], str) or 'idx' in first
        return 'alphapose' if named else 'coco'
    if ultralytics.is_results(document):
        return 'ultralytics'
    if landmarks_json.is_landmarks(document):
        return 'mediapipe'
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
