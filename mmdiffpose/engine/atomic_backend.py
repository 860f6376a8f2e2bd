# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Atomic writing of checkpoints."""

import os
import tempfile
from pathlib import Path
from typing import Union

from mmengine.fileio import LocalBackend, register_backend


class AtomicLocalBackend(LocalBackend):
    """MMEngine's local file backend, with writes that happen or do not.

    MMEngine opens the final path and writes into it, so that a process
    killed meanwhile leaves half a checkpoint under the name that ``--resume``
    will read. Here the bytes go to a temporary file in the same folder, are
    flushed to disk and renamed. Used with ``backend_args=dict(
    backend='atomic')``, for example of ``CheckpointHook``.
    """

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        """Write bytes to a file, atomically.

        Args:
            obj (bytes): What to write.
            filepath (str | Path): Where.
        """
        path = Path(filepath)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(
            prefix=f'.{path.name}.', suffix='.tmp', dir=path.parent)
        try:
            with os.fdopen(descriptor, 'wb') as file:
                file.write(obj)
                file.flush()
                os.fsync(file.fileno())
            # mkstemp makes private files; a checkpoint is an ordinary one.
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise


register_backend('atomic', AtomicLocalBackend, force=True)
