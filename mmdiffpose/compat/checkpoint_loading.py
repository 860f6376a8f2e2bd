# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Load checkpoints through MMEngine: its own ones, and safetensors."""

import functools
import os
from types import ModuleType
from typing import Any, Dict

from .import_hooks import after_import
from .ledger import note

SCHEME = r'.*\.safetensors$'


def allow_checkpoint_classes() -> None:
    """Let MMEngine read the checkpoints that it writes.

    From 2.6 on, ``torch.load`` refuses every class that isn't listed, and a
    checkpoint of MMEngine 0.10.7 has its log history and NumPy arrays in it:
    testing, resuming and inference failed with ``UnpicklingError``
    (open-mmlab/mmengine#1650, #1655). The classes that
    :func:`~mmdiffpose.checkpoints.safe_classes.checkpoint_classes` names are
    allowed while MMEngine's loader runs, and only then; files that ask for
    anything else are still refused. torch before 2.4 has no such list, and
    nothing is done.
    """
    after_import('mmengine.runner.checkpoint', _allow_while_loading)


def _allow_while_loading(module: ModuleType) -> None:
    from torch import serialization
    listed = hasattr(serialization, 'add_safe_globals')
    note(
        allow_checkpoint_classes, listed, 'this torch refuses classes that '
        'are not listed' if listed else 'this torch has no list of classes')
    loader = module.CheckpointLoader
    original = vars(loader)['load_checkpoint'].__func__
    if not listed or hasattr(original, '__wrapped__'):
        return

    @functools.wraps(original)
    def load_checkpoint(*args: Any, **kwargs: Any) -> Any:
        from mmdiffpose.checkpoints.safe_classes import allowing
        with allowing():
            return original(*args, **kwargs)

    loader.load_checkpoint = classmethod(load_checkpoint)


def load_safetensors_checkpoints() -> None:
    """Let ``load_from`` and ``--checkpoint`` name a ``.safetensors`` file.

    MMEngine 0.10.7 gives every local file to ``torch.load``, which only the
    newest torch passes on to safetensors; before, testing with such a file
    failed with ``UnpicklingError: Invalid magic number`` or ``invalid load
    key``. No upstream issue is known.
    """
    after_import('mmengine.runner.checkpoint', _register)


def _register(module: ModuleType) -> None:
    known = SCHEME in module.CheckpointLoader._schemes
    note(load_safetensors_checkpoints, not known,
         f'MMEngine {"had" if known else "had no"} loader of such files')
    if not known:
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
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file
    path = os.path.expanduser(filename)
    if not os.path.isfile(path):
        raise FileNotFoundError(f'{filename} can not be found.')
    # Anything but a device (torch.load takes functions, too) is the CPU.
    device = 'cpu' if map_location is None or callable(map_location) else str(
        map_location)
    try:
        with safe_open(path, framework='pt') as file:
            meta = file.metadata() or {}
        return dict(state_dict=load_file(path, device=device), meta=meta)
    except SafetensorError as error:
        raise ValueError(
            f'{filename}: not a safetensors file ({error})') from error
