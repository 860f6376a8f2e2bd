# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Load MMEngine's own checkpoints with ``weights_only=True``."""

import functools
import importlib
from pickle import UnpicklingError
from typing import Any, Callable, List


def allow_checkpoint_classes() -> None:
    """Name the harmless classes that MMEngine's checkpoints hold.

    From 2.6 on, ``torch.load`` refuses every class that isn't listed, and a
    checkpoint of MMEngine 0.10.7 has its log history
    (:class:`mmengine.logging.HistoryBuffer`) and NumPy arrays of the data
    set's metainfo in it: testing, resuming and inference failed with
    ``UnpicklingError`` (open-mmlab/mmengine#1650, #1655). The list only
    names containers of numbers; files that ask for anything else are still
    refused. Before torch 2.4 there is no such list, and nothing is done.
    """
    from torch import serialization

    add_safe_globals = getattr(serialization, 'add_safe_globals', None)
    if add_safe_globals is None:
        return
    from mmengine.logging import HistoryBuffer

    # An array without elements stores its data as a call of bytes().
    safe = [HistoryBuffer, bytes, _history_method(HistoryBuffer)]
    add_safe_globals(safe + _numpy_classes() + _numpy_functions())


@functools.lru_cache(maxsize=None)
def _history_method(history_class: type) -> Callable:
    """Make the one use of ``getattr`` that a log history needs.

    The history stores its statistics (``min``, ``max``, ``mean``,
    ``current``) as ``getattr(HistoryBuffer, name)``. A free ``getattr``
    would open the way to everything that can be reached from a listed
    class, so the name is answered by a function that knows only this.
    """

    def method(owner: Any, name: str) -> Callable:
        if owner is not history_class or name.startswith('_'):
            raise UnpicklingError(
                f'a checkpoint asks for attribute {name!r} of {owner!r}, '
                'which is not data; it is not loaded')
        return getattr(history_class, name)

    return _named(method, 'builtins', 'getattr')


def _named(function: Callable, module: str, name: str) -> Callable:
    """Give a function the name under which a checkpoint asks for it."""
    function.__module__ = module
    function.__name__ = function.__qualname__ = name
    return function


def _numpy_classes() -> List[type]:
    """Arrays, their type objects, and these objects' concrete classes.

    torch looks at the class of the object that it has just made before it
    sets its state, so ``numpy.dtype`` alone is not enough.
    """
    import numpy as np
    kinds = ('bool', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16',
             'uint32', 'uint64', 'float16', 'float32', 'float64', 'str')
    return [np.ndarray, np.dtype] + [type(np.dtype(kind)) for kind in kinds]


@functools.lru_cache(maxsize=None)
def _numpy_functions() -> List[Callable]:
    """What rebuilds arrays and scalars, under NumPy 1's and 2's names.

    A checkpoint that was written under the other major version asks for the
    same two functions in ``numpy.core`` instead of ``numpy._core``.
    """
    try:
        multiarray = importlib.import_module('numpy._core.multiarray')
    except ImportError:
        multiarray = importlib.import_module('numpy.core.multiarray')

    return [
        _named(_forward_to(getattr(multiarray, name)), module, name)
        for module in ('numpy._core.multiarray', 'numpy.core.multiarray')
        for name in ('_reconstruct', 'scalar')
    ]


def _forward_to(function: Callable) -> Callable:
    """Make a function that can be renamed of one that can't, being C."""

    def forward(*args: Any) -> Any:
        return function(*args)

    return forward
