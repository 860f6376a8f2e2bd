# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Load ``.safetensors`` files where MMEngine loads a checkpoint."""

import os
from types import ModuleType
from typing import Any, Dict

from .import_hooks import after_import

SCHEME = r'.*\.safetensors$'


def load_safetensors_checkpoints() -> None:
    """Let ``load_from`` and ``--checkpoint`` name a ``.safetensors`` file.

    MMEngine 0.10.7 gives every local file to ``torch.load``, which only the
    newest torch passes on to safetensors; before, testing with such a file
    failed with ``UnpicklingError: Invalid magic number`` or ``invalid load
    key``.
    """
    after_import('mmengine.runner.checkpoint', _register)


def _register(module: ModuleType) -> None:
    if SCHEME not in module.CheckpointLoader._schemes:
        module.CheckpointLoader.register_scheme(SCHEME, load_from_safetensors)


def load_from_safetensors(filename: str,
                          map_location: Any = None) -> Dict[str, Any]:
    """Read a local file, as MMEngine's loaders of other schemes do.

    Args:
        filename (str): The file.
        map_location (str | torch.device, optional): Defaults to the CPU.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    path = os.path.expanduser(filename)
    if not os.path.isfile(path):
        raise FileNotFoundError(f'{filename} can not be found.')
    # Anything but a device (torch.load takes functions, too) is the CPU.
    device = 'cpu' if map_location is None or callable(map_location) else str(
        map_location)
    try:
        return dict(state_dict=load_file(path, device=device))
    except SafetensorError as error:
        raise ValueError(
            f'{filename}: not a safetensors file ({error})') from error
