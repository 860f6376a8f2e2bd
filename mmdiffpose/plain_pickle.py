# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Reading pickles of plain data without running what they say.

MMPose keeps camera parameters in ``cameras.pkl``, and the field's npz files
hold dicts as pickled object arrays. A pickle can run any code while it is
read; the readers here know containers, numbers, strings and NumPy arrays of
them, and refuse everything else before it runs. What a pickle may do with
these is small, too: an array is made of the bytes that are there, and nothing
unfolds to more than the file has in it.
"""

import math
import pickle
import re
from collections import OrderedDict
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Callable, ClassVar, Dict, Tuple, Union

import numpy as np

from .array_files import read_npz
from .input_files import MAX_UNFOLDED, check_unfolded, printable, read_bytes

_TYPE = re.compile(r'[?biufc]\d{0,2}|[SU][1-9]\d{0,5}|O8?')
"""Types of an array's elements: numbers, texts, objects."""

MAX_RATIO = 64
"""Elements of all containers a byte of the file, those that stand in several
places counted in each of them."""


class PlainUnpickler(pickle._Unpickler):
    """Knows containers, numbers, strings and NumPy arrays of them.

    It is Python's own in Python, not in C, which takes memory for every number
    that a file names. Arrays and their types are made here: NumPy's own
    constructors believe what they are told.

    Args:
        content (bytes): The pickle.
    """

    def __init__(self, content: bytes) -> None:
        # Latin-1 keeps the bytes of Python 2's strings.
        super().__init__(BytesIO(content), encoding='latin1')
        self._limit = max(MAX_UNFOLDED, MAX_RATIO * len(content))

    def load(self) -> Any:
        """What the pickle holds.

        Raises:
            pickle.UnpicklingError: If it is more than plain data.
        """
        loaded = super().load()
        check_unfolded(loaded, self._limit)
        return loaded

    def find_class(self, module: str, name: str) -> Any:
        """What stands for one of the few names that plain data has."""
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(
                f'it refers to {module}.{name}, which is not plain data')
        return _KNOWN[module, name]

    def _build(self) -> None:
        """Give the last object its state."""
        state = self.stack.pop()  # type: ignore[attr-defined]
        target = self.stack[-1]  # type: ignore[attr-defined]
        if isinstance(target, np.ndarray):
            _fill(target, *state)
        elif isinstance(target, _ElementType):
            target.set_order(*state)
        else:
            raise pickle.UnpicklingError(
                f'it sets the state of {type(target).__name__}')

    dispatch: ClassVar[Dict[int, Callable]] = {
        **pickle._Unpickler.dispatch, pickle.BUILD[0]: _build
    }


class _ElementType:
    """A pickled ``numpy.dtype``: its code, then its byte order."""

    def __init__(self, code: str, *flags: Any) -> None:
        if not _TYPE.fullmatch(code):
            raise pickle.UnpicklingError(
                f'an array of {code[:20]!r}, which are neither numbers nor '
                'texts')
        self.dtype = np.dtype(code)

    def set_order(self, version: int, order: str, *rest: Any) -> None:
        """Take the byte order; types of several fields are refused."""
        if any(part is not None for part in rest[:3]):
            raise pickle.UnpicklingError('an array of several fields')
        if order in ('<', '>'):
            self.dtype = self.dtype.newbyteorder(
                order)  # type: ignore[arg-type]


def _empty(kind: Any, shape: Tuple[int, ...], code: Any) -> np.ndarray:
    """Stands for ``_reconstruct``: an array that its state fills."""
    return np.empty(0, np.int8)


def _fill(array: np.ndarray, version: int, shape: Tuple[int, ...],
          kind: _ElementType, fortran: bool, raw: Any) -> None:
    """Stands for ``ndarray.__setstate__``, if the elements are there."""
    dtype, count = kind.dtype, math.prod(shape)
    raw = raw.encode('latin1') if isinstance(raw, str) else raw
    given = len(raw) if dtype.hasobject else len(raw) / dtype.itemsize
    if given != count or dtype.hasobject != isinstance(raw, list):
        raise pickle.UnpicklingError(f'an array {shape} of {dtype}, with '
                                     f'{given:g} elements')
    array.__setstate__((version, shape, dtype, fortran, raw))


def _from_buffer(buffer: bytes, kind: _ElementType, shape: Tuple[int, ...],
                 order: str) -> np.ndarray:
    """Stands for ``numpy._core.numeric._frombuffer``."""
    order = 'F' if order == 'F' else 'C'
    flat = np.frombuffer(bytes(buffer), kind.dtype)
    return flat.reshape(shape, order=order).copy(order)  # type: ignore


def _scalar(kind: _ElementType, raw: Any) -> Any:
    """Stands for ``numpy.core.multiarray.scalar``."""
    raw = raw.encode('latin1') if isinstance(raw, str) else raw
    return np.frombuffer(raw, kind.dtype, 1)[0]


def _latin1(text: str, encoding: str) -> bytes:
    """Stands for ``_codecs.encode``: Python 2's protocols of bytes."""
    return text.encode('latin1')


_KNOWN: Dict[Tuple[str, str], Any] = {
    ('numpy', 'ndarray'): None,
    ('numpy', 'dtype'): _ElementType,
    ('collections', 'OrderedDict'): OrderedDict,
    ('_codecs', 'encode'): _latin1,
}
"""What stands for the names that a pickled NumPy array refers to, and for
what Python 2's protocols need for bytes."""
for _package in ('numpy.core', 'numpy._core'):  # of NumPy 1 and 2
    _KNOWN[f'{_package}.multiarray', '_reconstruct'] = _empty
    _KNOWN[f'{_package}.multiarray', 'scalar'] = _scalar
    _KNOWN[f'{_package}.numeric', '_frombuffer'] = _from_buffer


def load_plain_pickle(path: Union[str, Path]) -> Any:
    """Read a pickle of containers, numbers, strings and NumPy arrays.

    Args:
        path: The pickle.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no pickle, is truncated, or refers to
            anything but plain data.
    """
    content = read_bytes(path, 'a pickle')
    try:
        return PlainUnpickler(content).load()
    # Bytes that are no pickle's make an unpickler stumble in any way.
    except Exception as error:
        raise ValueError(
            f'{printable(path)} cannot be read as a pickle of plain data: '
            f'{str(error) or type(error).__name__}. '
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
    return read_npz(path, unpickle=_objects)


def _objects(file: IO[bytes]) -> Any:
    array = PlainUnpickler(file.read()).load()
    if not isinstance(array, np.ndarray):
        raise ValueError(f'expected an array, found {type(array).__name__}')
    return array.item() if array.ndim == 0 else array
