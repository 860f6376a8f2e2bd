# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Names of result files, so that two inputs never overwrite each other.

Results are called after their input, and folders are full of inputs called
``video.mp4``. What is in a result file's head tells whose results it holds:
the same input's are written anew, another's are left alone.
"""

import hashlib
import re
from itertools import count
from pathlib import Path
from typing import Any, Dict, Optional, Tuple, Union

from mmdiffpose.array_files import read_npz
from mmdiffpose.atomic_files import replace_text
from mmdiffpose.input_files import CONTROL, parse_json, read_text

MAX_STEM = 150
HEAD = 8192
"""Bytes of a JSON file in which its ``meta_info`` stands."""


def source_name(inputs: Any) -> Optional[str]:
    """A name for an input that no other input has.

    Args:
        inputs: What is lifted.

    Returns:
        str | None: The file's name and a digest of where it is, without
        saying where; None for what is no path.
    """
    if isinstance(inputs, (list, tuple)) and inputs:
        inputs = inputs[0]
    if not isinstance(inputs, (str, Path)):
        return None
    text = str(inputs)
    whole = text if '://' in text else str(Path(text).resolve())
    digest = hashlib.sha256(whole.encode('utf-8', 'replace')).hexdigest()
    return f'{Path(text).name}#{digest[:12]}'


def safe_stem(stem: str) -> str:
    """A stem that names a file, in its folder and in a terminal.

    Control characters and what parts folders become underscores, and so does
    a dot that would hide the file; of a long one the first letters remain.
    """
    plain = re.sub(r'[/\\:]', '_', CONTROL.sub('_', stem))
    return re.sub(r'^\.+', '_', plain)[:MAX_STEM] or '_'


def written_by(path: Path) -> Optional[str]:
    """The :func:`source_name` in a result file; None where it has none."""
    try:
        if path.suffix == '.json':
            with path.open('rb') as file:
                head = file.read(HEAD).decode('utf-8', 'replace')
            found = re.search(r'"source":("(?:[^"\\]|\\.)*")', head)
            return str(parse_json(found[1])) if found else None
        meta = parse_json(str(read_npz(path, ('meta', ))['meta']))
        return meta.get('source')
    except (OSError, ValueError, AttributeError):
        return None


class ResultNames:
    """Hands out names; remembers those of this process.

    What earlier processes left is told by the heads of JSON and npz files.
    Where none of them is written a hidden file, ``.<name>.source``, tells it.
    """

    def __init__(self) -> None:
        self._owners: Dict[Tuple[str, str], str] = {}

    def free(self,
             stem: str,
             suffix: str,
             source: Optional[str],
             *folders: Union[str, Path],
             note: bool = False) -> str:
        """The stem, or the first of ``<stem>_2``, ... that is free.

        Args:
            stem (str): Of the input; see :func:`safe_stem`.
            suffix (str): What comes between it and the files' endings.
            source (str, optional): See :func:`source_name`; without one the
                stem is taken as it is.
            *folders (str | Path): Where files go; empty ones are passed over.
            note (bool): Whether to write down whose they are, because no file
                will tell. Defaults to False.
        """
        stem = safe_stem(stem)
        places = [str(Path(folder).resolve()) for folder in folders if folder]
        if source is None or not places:
            return stem
        for number in count(1):
            candidate = stem if number == 1 else f'{stem}_{number}'
            name = f'{candidate}{suffix}'
            if all(
                    self._owner(place, name) in (None, source)
                    for place in places):
                break
        for place in places:
            self._owners[place, name] = source
            if note:
                replace_text(_note(place, name), source)
        return candidate

    def _owner(self, folder: str, name: str) -> Optional[str]:
        if (folder, name) in self._owners:
            return self._owners[folder, name]
        for ending in ('.json', '.npz'):
            path = Path(folder) / f'{name}{ending}'
            if path.is_file():
                return written_by(path)
        path = _note(folder, name)
        return read_text(path) if path.is_file() else None


def _note(folder: str, name: str) -> Path:
    return Path(folder) / f'.{name}.source'
