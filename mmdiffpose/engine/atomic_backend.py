# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Atomic writing of checkpoints."""

import os
from pathlib import Path
from typing import Union

from mmengine.fileio import LocalBackend, register_backend

from mmdiffpose.atomic_files import replacing


class AtomicLocalBackend(LocalBackend):
    """MMEngine's local file backend, which writes files whole or not at all.

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
        with replacing(filepath) as temporary, open(temporary, 'wb') as file:
            file.write(obj)
            file.flush()
            os.fsync(file.fileno())


register_backend('atomic', AtomicLocalBackend, force=True)
