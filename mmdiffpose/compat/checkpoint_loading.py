# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Load MMEngine's own checkpoints with ``weights_only=True``."""

import importlib
from typing import Any, List, Tuple


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
    safe: List[Any] = [HistoryBuffer]
    safe.extend(_numpy_names() if _accepts_names() else
                [item for item, _ in _numpy_names()])
    add_safe_globals(safe)


def _accepts_names() -> bool:
    """Whether an entry may be ``(object, name in the file)``.

    torch grew this after the list itself, and an entry that it doesn't
    understand breaks every later load: so one is tried and taken back.
    """
    try:
        from torch._weights_only_unpickler import _get_user_allowed_globals
        from torch.serialization import safe_globals
        with safe_globals([(len, 'mmdiffpose.compat.probe')]):
            return 'mmdiffpose.compat.probe' in _get_user_allowed_globals()
    except (ImportError, AttributeError, TypeError):
        return False


def _numpy_names() -> List[Tuple[Any, str]]:
    """Arrays, scalars and their types, under NumPy 1's and NumPy 2's names.

    A checkpoint that was written under the other major version asks for the
    same functions in ``numpy.core`` instead of ``numpy._core``.
    """
    import numpy as np
    try:
        multiarray = importlib.import_module('numpy._core.multiarray')
    except ImportError:
        multiarray = importlib.import_module('numpy.core.multiarray')

    names: List[Tuple[Any, str]] = [(np.ndarray, 'numpy.ndarray'),
                                    (np.dtype, 'numpy.dtype')]
    for package in ('numpy._core', 'numpy.core'):
        for function in ('_reconstruct', 'scalar'):
            names.append((getattr(multiarray, function),
                          f'{package}.multiarray.{function}'))
    # The concrete classes of dtypes: the loader looks at the class of the
    # object that it has just made before it sets its state.
    kinds = ('bool', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16',
             'uint32', 'uint64', 'float16', 'float32', 'float64', 'str')
    for kind in kinds:
        dtype_class = type(np.dtype(kind))
        names.append((dtype_class, f'numpy.dtypes.{dtype_class.__name__}'))
    return names
