# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What a checkpoint file is, by its first and last bytes."""

import zipfile
from pathlib import Path
from typing import Union

from mmdiffpose.input_files import parse_json

SAFETENSORS = 'a safetensors file'
ZIP = 'a torch checkpoint'
PICKLE = 'a torch checkpoint of the old format'

MAX_HEADER = 100_000_000
"""Bytes; what the safetensors package allows."""

_TEXTS = (
    (b'version https://git-lfs', 'a pointer of Git LFS, not the file itself '
     '("git lfs pull" fetches it)'),
    (b'<', 'a web page, perhaps of a download that failed'),
    (b'{', 'a JSON file'),
)


def check_container(path: Union[str, Path]) -> None:
    """Check that a file is whole, and what its suffix says, unread.

    Args:
        path (str | Path): A checkpoint; ``.safetensors``, or anything else
            for a checkpoint of torch.

    Raises:
        ValueError: If it is empty, cut short, or of another format; names
            the file, what was expected and what was found.
    """
    path = Path(path)
    if path.stat().st_size == 0:
        raise ValueError(f'{path} is empty: expected a checkpoint that loads '
                         'with weights_only=True, found 0 bytes')
    found = detect_format(path)
    wanted = path.suffix == '.safetensors'
    if wanted and found != SAFETENSORS:
        rename = ' (rename it to .pth)' if found in (ZIP, PICKLE) else ''
        raise ValueError(f'{path}: not a safetensors file, found '
                         f'{found}{rename}')
    if not wanted and found == SAFETENSORS:
        raise ValueError(f'{path}: expected a torch checkpoint, as its suffix '
                         f'says, found {found} (rename it to .safetensors)')
    if not wanted and found not in (ZIP, PICKLE):
        raise ValueError(f'{path}: expected a checkpoint that loads with '
                         f'weights_only=True, found {found}')
    if found == SAFETENSORS:
        _check_length(path)
    elif found == ZIP and not _is_whole(path):
        raise ValueError(f'{path} is cut short: expected a checkpoint that '
                         'loads with weights_only=True, found the beginning '
                         'of one')


def _is_whole(path: Path) -> bool:
    """Whether an archive has its end, which says what is in it."""
    try:
        return zipfile.is_zipfile(path)
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def detect_format(path: Union[str, Path]) -> str:
    """What a file is.

    Returns:
        str: :data:`SAFETENSORS`, :data:`ZIP`, :data:`PICKLE`, or words for
        anything else.
    """
    with open(path, 'rb') as file:
        head = file.read(64)
    # The length of a JSON header, then the header.
    length = int.from_bytes(head[:8], 'little')
    if head[8:9] == b'{' and length <= MAX_HEADER:
        return SAFETENSORS
    if head.startswith(b'PK\x03\x04'):
        return ZIP
    if head.startswith(b'\x80'):
        return PICKLE
    for start, name in _TEXTS:
        if head.lstrip().startswith(start):
            return name
    return 'another file or content'


def _check_length(path: Path) -> None:
    """A safetensors file's header says how long the file is."""
    size = path.stat().st_size
    with open(path, 'rb') as file:
        length = int.from_bytes(file.read(8), 'little')
        header = file.read(length) if length <= size else b''
    if len(header) < length:
        raise ValueError(f'{path} is cut short: expected a header of {length} '
                         f'bytes, found {size - 8} bytes')
    try:
        tensors = parse_json(header)
        ends = [
            entry['data_offsets'][1] for name, entry in tensors.items()
            if name != '__metadata__'
        ]
        if not all(isinstance(end, int) for end in ends):
            raise ValueError('offsets that are not whole')
        end = max(ends, default=0)
    except (ValueError, KeyError, IndexError, TypeError,
            AttributeError) as error:
        raise ValueError(
            f'{path}: not a safetensors file, or a corrupted one: its header '
            f'cannot be read ({error})') from None
    if size != 8 + length + end:
        short = 'is cut short' if size < 8 + length + end else 'is too long'
        raise ValueError(f'{path} {short}: expected {8 + length + end} bytes '
                         f'as its header says, found {size}')
