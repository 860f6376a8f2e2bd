# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Files and folders as other systems, and strangers, leave them.

What comes from elsewhere is read here: a pipe or a device would never end, a
file without an end would not fit into memory, and JSON may be nested deeper
than any stack.
"""

import codecs
import errno
import json
import math
import re
import stat
from functools import partial
from itertools import chain
from pathlib import Path
from typing import (Any, Callable, Collection, Dict, Iterable, List, Optional,
                    Set, Tuple, Union)

import numpy as np

PathLike = Union[str, Path]

MAX_BYTES = 4 << 30
"""Of a file that is read whole; two days of a person's keypoints as JSON,
which take three times that in memory."""

MAX_UNFOLDED = 1_000_000
"""Elements of what a small file says."""

CONTROL = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e'
                     '\u2066-\u2069\ud800-\udfff]')
"""Letters that steer a terminal, end a line, turn the direction of writing,
or are none."""
MAX_NAME = 200
"""Letters of a name."""

_CONTAINERS = (dict, list, tuple, set, frozenset, np.ndarray)

_MARKS = ((codecs.BOM_UTF8, 'utf-8-sig'), (codecs.BOM_UTF32_LE, 'utf-32'),
          (codecs.BOM_UTF32_BE, 'utf-32'), (codecs.BOM_UTF16_LE, 'utf-16'),
          (codecs.BOM_UTF16_BE, 'utf-16'))
"""Byte order marks; those of UTF-32 begin like those of UTF-16."""

_KINDS = ((stat.S_ISDIR, 'a folder'), (stat.S_ISFIFO,
                                       'a pipe'), (stat.S_ISSOCK, 'a socket'),
          (stat.S_ISCHR, 'a device'), (stat.S_ISBLK, 'a device'))


def printable(text: Any) -> str:
    """Text without what would steer a terminal or break a line.

    Names of files and of what they hold come from strangers; line breaks of
    messages of several lines stay.
    """
    return CONTROL.sub(
        lambda found: found[0] if found[0] == '\n' else found[0].encode(
            'unicode_escape').decode('ascii'), str(text))


def check_file(path: PathLike,
               what: str = 'a file',
               most: Optional[int] = None) -> Path:
    """A path at which there is a regular file.

    Args:
        path: Where it should be; links are followed.
        what: What should be there, for messages.
        most: Bytes that it may have.

    Raises:
        FileNotFoundError: If nothing is there: no such name, or a link that
            leads nowhere or to itself.
        ValueError: If it is a folder, a pipe or a device, may not be read, or
            is too large.
    """
    path = Path(path)
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        reason = _missing(path, error)
        if reason is None:
            raise ValueError(f'{printable(path)}: expected {what} that may be '
                             f'read, found: {error}') from error
        raise FileNotFoundError(
            f'{printable(path)} does not exist: expected {what}, found '
            f'{reason}') from error
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for test, name in _KINDS if test(found.st_mode)),
                    'something else')
        raise ValueError(f'{printable(path)}: expected {what}, found {kind}')
    if most is not None and found.st_size > most:
        raise ValueError(f'{printable(path)}: expected {what} of at most '
                         f'{most} bytes, found {found.st_size}')
    return path


def _missing(path: Path, error: Exception) -> Optional[str]:
    """Why there is no file; None: there may be one."""
    if isinstance(error, ValueError):
        return 'a name that no file can have'
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ELOOP:
        return 'a link that leads to itself'
    if number == errno.ENAMETOOLONG:
        return 'a name that is too long'
    if number == errno.ENOENT:
        return ('a link that leads nowhere'
                if path.is_symlink() else 'no such file')
    return 'a file where its folder should be' if number == errno.ENOTDIR \
        else None


def read_bytes(path: PathLike, what: str = 'a file') -> bytes:
    """The content of a file.

    Args:
        path: The file.
        what: What it should be, for messages.

    Raises:
        FileNotFoundError: See :func:`check_file`.
        ValueError: See there; or if it is larger than :data:`MAX_BYTES`.
    """
    path = check_file(path, what, MAX_BYTES)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f'{printable(path)}: expected {what} that may be '
                         f'read, found: {error}') from error


def read_text(path: PathLike, what: str = 'a text file') -> str:
    """The text of a file in UTF-8, UTF-16, UTF-32 or an 8-bit code page.

    Windows writes byte order marks, and headers hold paths and names in the
    code page of whoever wrote them, for which Latin-1 stands in: it never
    fails, and what matters is plain ASCII.

    Args:
        path: The file.
        what: What it should be, for messages.

    Raises:
        FileNotFoundError: See :func:`check_file`.
        ValueError: See :func:`read_bytes`.
    """
    content = read_bytes(path, what)
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, 'replace')
    start = content[:200]
    for offset, encoding in ((1, 'utf-16-le'), (0, 'utf-16-be')):
        # Every other byte of ASCII is zero.
        half = start[offset::2]
        if len(half) > 1 and not any(half) and any(start):
            return content.decode(encoding, 'replace')
    try:
        return content.decode('utf-8')
    except UnicodeDecodeError:
        return content.decode('latin-1')


def read_json(path: PathLike,
              what: str = 'a JSON file',
              packed: Collection[str] = ()) -> Any:
    """The document of a JSON file in UTF-8, -16 or -32, with or without a
    byte order mark, or in Latin-1.

    Args:
        path: The file.
        what: What it should be, for messages.
        packed: Keys of objects whose value may come as an array of float64
            where it is a list of numbers, not all of them whole, or of
            equally long lists of such. Lists take six times the memory.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is none, has a key twice, or is nested too deep.
    """
    # What is there as text need not be there as bytes, too.
    text = _json_text(read_bytes(path, what))
    try:
        return _parse(text,
                      partial(_packed, keys=packed) if packed else _unique)
    except ValueError as error:
        raise ValueError(f'{printable(path)}: not a JSON file, expected '
                         f'{what} ({error})') from error


def parse_json(content: Union[bytes, str]) -> Any:
    """A document, of which no object has a key twice.

    Raises:
        ValueError: If it is no JSON, has a key twice, or is nested too deep.
    """
    return _parse(
        _json_text(content) if isinstance(content, bytes) else content,
        _unique)


def _json_text(content: bytes) -> str:
    try:
        return content.decode(json.detect_encoding(content), 'surrogatepass')
    except UnicodeDecodeError:
        return content.decode('latin-1')


def _parse(text: str, hook: Callable[[List[Tuple[str, Any]]], Any]) -> Any:
    try:
        return json.loads(text, object_pairs_hook=hook)
    except RecursionError:
        raise ValueError('it is nested too deep') from None


def _unique(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    """An object of JSON; readers differ in which of two values they take."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f'an object has the key {twice[:80]!r} twice')
    return found


def _packed(pairs: List[Tuple[str, Any]],
            keys: Collection[str]) -> Dict[str, Any]:
    """An object of JSON with lists of numbers at some keys as arrays."""
    found = _unique(pairs)
    for key in keys:
        if isinstance(found.get(key), list):
            found[key] = _pack(found[key])
    return found


def _pack(values: List[Any]) -> Union[List[Any], np.ndarray]:
    """A list as an array, if it is one of numbers, or of lists of them."""
    flat = values
    while flat and isinstance(flat[0], list):
        if set(map(type, flat)) != {list} or len(set(map(len, flat))) > 1:
            return values
        flat = list(chain.from_iterable(flat))
    kinds = set(map(type, flat))
    if float not in kinds or not kinds <= {float, int}:
        return values
    try:
        return np.array(values, np.float64)
    except OverflowError:
        return values


def check_unfolded(value: Any, limit: int = MAX_UNFOLDED) -> None:
    """Raise unless containers are of finite and moderate size.

    A list may stand in another one twice, and that in a third one twice: sixty
    of them unfold to more elements than any memory holds. Pickles and YAML can
    say that.

    Args:
        value: Any value.
        limit: Elements of all containers, those that stand in several places
            counted in each of them.

    Raises:
        ValueError: If there are more, or one holds itself.
    """
    sizes: Dict[int, int] = {}
    above: Set[int] = set()
    waiting: List[Tuple[Any, bool]] = [(value, False)]
    while waiting:
        item, visited = waiting.pop()
        inner = _elements(item)
        if visited:
            above.discard(id(item))
            sizes[id(item)] = 1 + sum(sizes.get(id(part), 1) for part in inner)
            if sizes[id(item)] > limit:
                raise ValueError(f'it unfolds to more than {limit} elements')
        elif id(item) in above:
            raise ValueError('it holds itself')
        elif inner and id(item) not in sizes:
            above.add(id(item))
            waiting.append((item, True))
            waiting += [(part, False) for part in inner
                        if isinstance(part, _CONTAINERS)]


def _elements(item: Any) -> List[Any]:
    """What a container holds."""
    if isinstance(item, dict):
        return [*item, *item.values()]
    if isinstance(item, np.ndarray):
        return list(item.flat) if item.dtype.hasobject else []
    return list(item) if isinstance(item, _CONTAINERS) else []


def numbers(where: str,
            values: Any,
            expected: str,
            shape: Optional[Tuple[int, ...]] = None) -> np.ndarray:
    """Numbers as an array of float64; null becomes NaN.

    Args:
        where: File and key, for messages.
        values: Whatever stands there.
        expected: What should stand there, for messages.
        shape: As which they are returned, if there are as many. Defaults to
            that of the values.

    Raises:
        ValueError: If they are none, lists of different lengths, or not as
            many.
    """
    try:
        found = np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f'{where}: expected {expected}, found lists of '
                         'different lengths or other values') from None
    if shape is None:
        return found
    if found.size != math.prod(shape):
        raise ValueError(f'{where}: expected {expected}, found an array of '
                         f'shape {found.shape}')
    return found.reshape(shape)


def check_name(where: str, name: Any) -> str:
    """A name of a person, a clip, a camera or a joint, as files have it.

    It comes to stand in names of files, on pages and in terminals.

    Args:
        where: File and key, for messages.
        name: The name.

    Raises:
        ValueError: If it is no text, empty, longer than a file's name, or
            holds control characters.
    """
    if not isinstance(name, str) or not name or len(name) > MAX_NAME or (
            CONTROL.search(name)):
        raise ValueError(
            f'{where}: expected a name of up to {MAX_NAME} letters without '
            f'control characters, found {ascii(name)[:80]}')
    return name


def visible(paths: Iterable[Path]) -> List[Path]:
    """Paths in order, without hidden ones and those in hidden folders.

    macOS puts a ``._name`` beside each file on foreign disks, and archives
    of it have a folder ``__MACOSX``.
    """
    return sorted(
        path for path in paths if not any(
            part.startswith(('.', '__MACOSX')) and part not in ('.', '..')
            for part in path.parts[-2:]))
