# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Files that are either the old ones or wholly the new ones."""

import os
import tempfile
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
    handle, name = tempfile.mkstemp(
        prefix=f'.{path.name}.', suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files that only the owner reads; a data set is not
        # a secret, so the new file gets what open() would have given it.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
