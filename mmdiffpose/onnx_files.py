# Copyright (c) mmdiffpose contributors. All rights reserved.
"""ONNX files from elsewhere, opened by onnxruntime.

A model in such a file is a program: what it computes may take any time and
memory. What is bounded here is to open it. No other file is read, no shape
asks for more memory than the file is worth, and nothing is computed before
the model runs.
"""

import math
import mmap
from pathlib import Path
from typing import (Any, Dict, Iterator, List, NamedTuple, Optional, Tuple,
                    Union)

from .input_files import check_file, printable

MAX_ONNX = (1 << 31) - 1
"""Bytes of a file: protobuf has no larger messages."""
MAX_FIELDS = 2_000_000
"""Of a model, those within its operators and weights included; the exported
lifters have some tens of thousands."""
FATAL = 4
"""Level of onnxruntime's log."""
MAX_AXES = 64
"""Of a tensor."""
NUMBERS_OF_A_BYTE = 8
"""At most, of any type of numbers that ONNX has."""

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_PARTS: Dict[str, Dict[int, str]] = dict(
    model={
        7: 'graph',
        20: 'training',
        25: 'function'
    },
    training={
        1: 'graph',
        2: 'graph'
    },
    function={
        7: 'node',
        11: 'attribute'
    },
    graph={
        1: 'node',
        5: 'tensor',
        15: 'sparse tensor'
    },
    node={5: 'attribute'},
    attribute={
        5: 'tensor',
        6: 'graph',
        10: 'tensor',
        11: 'graph',
        22: 'sparse tensor',
        23: 'sparse tensor'
    })
"""Of ONNX's messages (onnx.proto3), those by number of field that hold
tensors, or parts that do."""
_DIMS, _NAME, _EXTERNAL_DATA, _LOCATION = 1, 8, 13, 14
"""Fields of a tensor."""


class _Field(NamedTuple):
    """A field of a message.

    Attributes:
        number: Which one.
        value: A number; or, of bytes, where they begin.
        end: Where the bytes end; 0 of a number.
    """
    number: int
    value: int
    end: int


def open_onnx(path: Union[str, Path],
              onnxruntime: Any,
              what: str = 'an ONNX model',
              provider: str = 'CPUExecutionProvider',
              threads: int = 0) -> Any:
    """onnxruntime's session of a file.

    Args:
        path: The file.
        onnxruntime: The package, which not everybody has.
        what: What the file should be, for messages.
        provider: Of onnxruntime: where the model runs.
        threads: That an operator may use; 0 for all cores.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If onnxruntime cannot read it, or its weights are
            elsewhere or not there.
    """
    path = Path(path)
    check_onnx(path, what)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Errors are raised; its log would print a stranger's names as they are.
    options.log_severity_level = FATAL
    try:
        # What does not hang on the input is computed when it is needed; and
        # no second try tells the terminal of the first.
        session = onnxruntime.InferenceSession(
            str(path),
            options,
            providers=[provider],
            disabled_optimizers=['ConstantFolding'],
            enable_fallback=0)
        # What it says of itself may be no text.
        session.get_modelmeta().custom_metadata_map.items()
        for value in (*session.get_inputs(), *session.get_outputs()):
            (value.name, value.shape)
        return session
    except Exception as error:
        # onnxruntime's exceptions have no common base of their own.
        raise ValueError(
            f'{printable(path)}: expected {what}, found what onnxruntime '
            f'cannot read: {printable(error)[:1000]}') from error


def run_onnx(session: Any, path: Union[str, Path],
             outputs: Optional[List[str]], given: Dict[str, Any]) -> List[Any]:
    """A session's answer.

    Args:
        session: Of :func:`open_onnx`.
        path: Its file, for messages.
        outputs: Which ones; None: all.
        given: Arrays by name.

    Raises:
        ValueError: If the model cannot take them, or fails.
    """
    try:
        return session.run(outputs, given)
    except Exception as error:
        shapes = {name: value.shape for name, value in given.items()}
        raise ValueError(f'{printable(path)}: the model fails at {shapes}: '
                         f'{printable(error)[:1000]}') from error


def check_onnx(path: Union[str, Path], what: str = 'an ONNX model') -> None:
    """Raise unless a file is whole in itself.

    Args:
        path: The file.
        what: What it should be, for messages.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no ONNX file, or weights of it lie in another
            file, are sparse or are fewer than their shape says.
    """
    path = check_file(path, what, MAX_ONNX)
    try:
        with path.open('rb') as file, mmap.mmap(
                file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            _check_model(content)
    except OSError as error:
        raise ValueError(f'{printable(path)}: expected {what} that may be '
                         f'read, found: {error}') from error
    except ValueError as error:
        raise ValueError(
            f'{printable(path)}: expected {what}, found '
            f'{printable(error) if path.stat().st_size else "nothing"}'
        ) from error


def _check_model(content: mmap.mmap) -> None:
    """Raise where a model's weights are not there."""
    message = _Message(content)
    waiting = [('model', 0, len(content))]
    while waiting:
        kind, start, end = waiting.pop()
        if kind == 'sparse tensor':
            raise ValueError('a sparse tensor, which may unfold to any size')
        if kind == 'tensor':
            _check_tensor(message, start, end)
            continue
        for field in message.fields(start, end):
            inner = _PARTS[kind].get(field.number)
            if inner is not None and field.end:
                waiting.append((inner, field.value, field.end))


def _check_tensor(message: '_Message', start: int, end: int) -> None:
    """Raise where a tensor's numbers are not there."""
    shape: List[int] = []
    name, elsewhere = '', False
    for field in message.fields(start, end):
        if field.number == _DIMS and field.end:
            shape += message.numbers(field.value, field.end)
        elif field.number == _DIMS:
            shape.append(field.value)
        elif field.number == _NAME and field.end:
            name = message.text(field.value, field.end)
        elif field.number == _EXTERNAL_DATA or (field.number == _LOCATION
                                                and field.value):
            elsewhere = True
    if elsewhere:
        raise ValueError(
            f'weights ({name!r}) that lie in another file: put all into one, '
            'onnx.save(onnx.load(FILE), ANOTHER)')
    if len(shape) > MAX_AXES:
        raise ValueError(f'{name!r} of {len(shape)} axes')
    if math.prod(shape) > NUMBERS_OF_A_BYTE * (end - start):
        raise ValueError(f'{end - start} bytes of {name!r}, of which its '
                         f'shape says {tuple(shape)}')


class _Message:
    """A message of protobuf, of not too many fields.

    Args:
        content: The file.

    Raises:
        ValueError: By all methods: if it is none, or cut short.
    """

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._left = MAX_FIELDS

    def fields(self, start: int, end: int) -> Iterator[_Field]:
        """The numbers and bytes of a message that lies somewhere."""
        place = start
        while place < end:
            self._left -= 1
            if self._left < 0:
                raise ValueError(f'a model of more than {MAX_FIELDS} parts')
            tag, place = self._number(place, end)
            number, kind = tag >> 3, tag & 7
            if kind == _VARINT and number:
                value, place = self._number(place, end)
                yield _Field(number, value, 0)
                continue
            if kind == _BYTES and number:
                size, place = self._number(place, end)
            elif kind in (_FIXED_32, _FIXED_64) and number:
                size = 4 if kind == _FIXED_32 else 8
            else:
                raise ValueError('another format')
            if place + size > end:
                raise ValueError('what is cut short, or another format')
            if kind == _BYTES:
                yield _Field(number, place, place + size)
            place += size

    def numbers(self, start: int, end: int) -> List[int]:
        """Numbers one behind the other, as many as are looked at."""
        found: List[int] = []
        while start < end and len(found) <= MAX_AXES:
            value, start = self._number(start, end)
            found.append(value)
        return found

    def text(self, start: int, end: int) -> str:
        """The begin of a name."""
        part = self._content[start:min(end, start + 80)]
        return part.decode('utf-8', 'replace')

    def _number(self, place: int, end: int) -> Tuple[int, int]:
        """A number of seven bits a byte, and where it ends."""
        value = 0
        for shift in range(0, 70, 7):
            if place >= end:
                raise ValueError('what is cut short, or another format')
            byte = self._content[place]
            place += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value, place
        raise ValueError('another format')
