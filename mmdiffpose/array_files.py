# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Arrays in npy and npz files, read within bounds and without unpickling.

``numpy.load`` makes room for whatever shape a header declares before it looks
for the numbers, and unpacks whatever an archive holds: a file of a few bytes
asks for terabytes. Here the bytes that are there come first.
"""

import math
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import (IO, Any, Callable, Dict, Iterator, Mapping, Optional,
                    Sequence, Union)

import numpy as np

from .input_files import check_file, printable

PathLike = Union[str, Path]
Unpickle = Callable[[IO[bytes]], Any]

NUMBERS = 'biuf'
"""Kinds of types that are real numbers."""
MAX_UNPACKED = 1 << 30
MAX_RATIO = 200
"""An archive that unpacks to more bytes than the first number and to more
than the second times its own size is a bomb: poses shrink to half, and only
constants shrink like this."""


def is_archive(path: PathLike) -> bool:
    """Whether a file begins as an npz does."""
    with open(path, 'rb') as file:
        return file.read(2) == b'PK'


def read_npz(path: PathLike,
             keys: Optional[Sequence[str]] = None,
             optional: Sequence[str] = (),
             unpickle: Optional[Unpickle] = None) -> Dict[str, Any]:
    """Arrays of an npz.

    Args:
        path: The file.
        keys: Names of the arrays that are wanted, and have to be there.
            Defaults to all that are there.
        optional: Names of those that are read too where they are there.
        unpickle: Reads the objects of an array of objects, which comes as it
            returns it. Without it such an array is refused.

    Returns:
        Arrays by name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no npz, truncated, lacks an array or has one
            twice, declares more numbers than it holds, or holds objects.
    """
    path = check_file(path, 'an npz file')
    with _reading(path, 'an npz of arrays'), zipfile.ZipFile(path) as archive:
        members = _members(archive)
        missing = [key for key in keys or () if key not in members]
        if missing:
            raise ValueError(f'it lacks {missing}; it holds '
                             f'{_few(sorted(members))}')
        wanted = members if keys is None else [
            *keys, *(key for key in optional if key in members)
        ]
        _check_unpacked(path, [members[key] for key in wanted])
        return {
            key: _read_member(archive, members[key], key, unpickle)
            for key in wanted
        }


def npz_names(path: PathLike) -> Sequence[str]:
    """Names of an npz's arrays, in their order.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no npz.
    """
    path = check_file(path, 'an npz file')
    with _reading(path, 'an npz of arrays'), zipfile.ZipFile(path) as archive:
        return list(_members(archive))


def read_npy(path: PathLike, mmap: bool = False) -> np.ndarray:
    """Read or memory-map an npy.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no npy of numbers, truncated, or declares more
            than it holds.
    """
    path = check_file(path, 'an npy file')
    with _reading(path, 'an npy array of numbers'):
        if is_archive(path):
            raise ValueError('it is an archive, perhaps an npz')
        with open(path, 'rb') as file:
            dtype = _check_header(file, path.stat().st_size, None)
            if dtype.kind not in NUMBERS:
                raise ValueError(f'expected numbers, found {dtype}')
            if not mmap:
                file.seek(0)
                return np.lib.format.read_array(file, allow_pickle=False)
        return np.lib.format.open_memmap(path, mode='r')


def check_numbers(path: PathLike, arrays: Mapping[str, Any],
                  names: Sequence[str]) -> None:
    """Raise ValueError unless some arrays of a file are of real numbers."""
    for name in names:
        kind = getattr(arrays[name], 'dtype', np.dtype(object))
        if kind.kind not in NUMBERS:
            raise ValueError(f'{printable(path)}: expected numbers as {name}, '
                             f'found {kind}')


@contextmanager
def _reading(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    # Bytes that are not theirs make zipfile and NumPy stumble in any way.
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ValueError(
            f'{printable(path)} cannot be read as {what}: {reason}. Where it '
            'is truncated or of another kind, get it again or write it anew'
        ) from error


def _members(archive: zipfile.ZipFile) -> Dict[str, zipfile.ZipInfo]:
    """What an archive holds, by the arrays' names."""
    members: Dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename.removesuffix('.npy')
        if name in members:
            raise ValueError(f'it holds {name!r} twice')
        members[name] = info
    return members


def _few(names: Sequence[str]) -> str:
    more = f' and {len(names) - 20} more' if len(names) > 20 else ''
    return f'{list(names[:20])}{more}'


def _check_unpacked(path: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    total, size = sum(m.file_size for m in members), path.stat().st_size
    if total > MAX_UNPACKED and total > MAX_RATIO * size:
        raise ValueError(f'its {size} bytes would unpack to {total}, expected '
                         f'at most {MAX_RATIO} times as many')


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str,
                 unpickle: Optional[Unpickle]) -> Any:
    with archive.open(info) as file:
        try:
            dtype = _check_header(file, info.file_size, unpickle)
            if dtype.hasobject:
                assert unpickle is not None
                return unpickle(file)
            file.seek(0)
            return np.lib.format.read_array(file, allow_pickle=False)
        except Exception as error:
            raise ValueError(
                f'{name!r}: {error or type(error).__name__}') from error


def _check_header(file: IO[bytes], size: int,
                  unpickle: Optional[Unpickle]) -> np.dtype:
    """The type of an array, unless there are fewer numbers than it declares.

    Args:
        file: At its beginning; stands behind the header afterwards.
        size: Bytes of the file.
        unpickle: None: objects are refused.
    """
    version = np.lib.format.read_magic(file)
    read_header = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0) else np.lib.format.read_array_header_2_0)
    shape, _, dtype = read_header(file)
    if any(length < 0 for length in shape):
        raise ValueError(f'expected a shape, found {shape}')
    if dtype.hasobject:
        if unpickle is None:
            raise ValueError('expected numbers or text, found pickled objects,'
                             ' which could run anything')
        return dtype
    if dtype.kind not in 'biufSU':
        raise ValueError(f'expected numbers or text, found {dtype}')
    # Elements without bytes can be declared in any number.
    declared = math.prod(shape) * max(dtype.itemsize, 1)
    held = size - file.tell()
    if declared > max(held, 0):
        raise ValueError(f'expected {declared} bytes of an array {shape} of '
                         f'{dtype}, found {held}')
    return dtype
