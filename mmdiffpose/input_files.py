# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Text and folders as other systems leave them."""

import codecs
from pathlib import Path
from typing import Iterable, List, Union

_MARKS = ((codecs.BOM_UTF8, 'utf-8-sig'), (codecs.BOM_UTF32_LE, 'utf-32'),
          (codecs.BOM_UTF32_BE, 'utf-32'), (codecs.BOM_UTF16_LE, 'utf-16'),
          (codecs.BOM_UTF16_BE, 'utf-16'))
"""Byte order marks; those of UTF-32 begin like those of UTF-16."""


def read_text(path: Union[str, Path]) -> str:
    """The text of a file in UTF-8, UTF-16, UTF-32 or an 8-bit code page.

    Windows writes byte order marks, and headers hold paths and names in the
    code page of whoever wrote them, for which Latin-1 stands in: it never
    fails, and what matters is plain ASCII.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path} does not exist')
    content = path.read_bytes()
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


def visible(paths: Iterable[Path]) -> List[Path]:
    """Paths in order, without hidden ones and those in hidden folders.

    macOS puts a ``._name`` beside each file on foreign disks, and archives
    of it have a folder ``__MACOSX``.
    """
    return sorted(
        path for path in paths if not any(
            part.startswith(('.', '__MACOSX')) and part not in ('.', '..')
            for part in path.parts[-2:]))
