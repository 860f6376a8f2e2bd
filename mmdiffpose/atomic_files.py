# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Files that are either the old ones or wholly the new ones."""

import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Union


@contextmanager
def replacing(path: Union[str, Path]) -> Iterator[Path]:
    """Give a temporary path that takes ``path``'s place on success.

    The temporary file lies in the same folder, so that the replacement is
    one atomic rename. When the block raises, the temporary file goes and
    whatever ``path`` held before is untouched.

    Args:
        path: The file to write; its folder is made where it is missing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _new_file(path)
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def replace_text(path: Union[str, Path], text: str) -> None:
    """Write a text in UTF-8; the file is the old one or wholly the new one.

    Args:
        path: The file to write; its folder is made where it is missing.
        text: Its content.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding='utf-8')


def _new_file(path: Path) -> Path:
    """An empty file beside another, with the permissions of a new file.

    The system takes the process's umask off them. To ask for the umask is to
    change it for a moment, which another thread's file would get.
    """
    while True:
        temporary = path.with_name(
            f'.{path.name}.{secrets.token_hex(4)}{path.suffix}')
        try:
            os.close(
                os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY,
                        0o666))
        except FileExistsError:
            continue
        return temporary
