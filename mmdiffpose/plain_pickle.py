# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Reading pickles of plain data without running what they say.

MMPose keeps camera parameters in ``cameras.pkl``, and the field's npz files
hold dicts as pickled object arrays. A pickle can run any code while it is
read; the readers here know containers, numbers, strings and NumPy arrays of
them, and refuse everything else before it runs.
"""

import pickle
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, Dict, Union

import numpy as np

# Globals that a pickled NumPy array refers to, under the module names of
# NumPy 1 and NumPy 2, and what Python 2 protocols need for bytes.
_ALLOWED = {
    ('numpy', 'ndarray'),
    ('numpy', 'dtype'),
    ('numpy.core.multiarray', '_reconstruct'),
    ('numpy._core.multiarray', '_reconstruct'),
    ('numpy.core.multiarray', 'scalar'),
    ('numpy._core.multiarray', 'scalar'),
    ('numpy.core.numeric', '_frombuffer'),
    ('numpy._core.numeric', '_frombuffer'),
    ('collections', 'OrderedDict'),
    ('_codecs', 'encode'),
}


class PlainUnpickler(pickle.Unpickler):
    """Knows containers, numbers, strings and NumPy arrays of them."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(
                f'it refers to {module}.{name}, which is not plain data')
        return super().find_class(module, name)


# What unpickling and NumPy's readers raise on bytes that are not theirs.
_BROKEN = (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, OSError,
           ValueError, TypeError, IndexError, KeyError, AttributeError,
           ImportError, UnicodeDecodeError, SyntaxError, OverflowError,
           tokenize.TokenError, zlib.error)


def load_plain_pickle(path: Union[str, Path]) -> Any:
    """Read a pickle of containers, numbers, strings and NumPy arrays.

    Args:
        path: The pickle.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no pickle, is truncated, or refers to
            anything but plain data.
    """
    path = _existing(path)
    try:
        with open(path, 'rb') as file:
            return PlainUnpickler(file, encoding='latin1').load()
    except _BROKEN as error:
        raise ValueError(
            f'{path} cannot be read as a pickle of plain data: {error}. '
            'Get the file again or write it anew with the converter'
        ) from error


def load_plain_npz(path: Union[str, Path]) -> Dict[str, Any]:
    """Read an npz whose arrays may be pickled dicts and lists.

    ``numpy.load(..., allow_pickle=True)`` would run whatever such a file
    says; this reads plain data and refuses the rest.

    Args:
        path: The npz.

    Returns:
        Arrays by name; an object array without dimensions comes as the
        object that it holds.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no npz, is truncated, or holds anything
            but plain data.
    """
    path = _existing(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                name.removesuffix('.npy'): _read_member(archive.open(name))
                for name in archive.namelist()
            }
    except _BROKEN as error:
        raise ValueError(
            f'{path} cannot be read as an npz of plain data: {error}. Where '
            'it is truncated, get it again') from error


def _read_member(file: IO[bytes]) -> Any:
    with file:
        version = np.lib.format.read_magic(file)
        read_header = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0) else np.lib.format.read_array_header_2_0)
        _, _, dtype = read_header(file)
        if dtype.hasobject:
            array = PlainUnpickler(file, encoding='latin1').load()
            return array.item() if array.ndim == 0 else array
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)


def _existing(path: Union[str, Path]) -> Path:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path} does not exist')
    return path
