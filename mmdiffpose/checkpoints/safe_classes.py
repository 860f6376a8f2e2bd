# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Loading with ``weights_only=True`` what holds more than tensors."""

import functools
import importlib
import re
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from threading import RLock
from typing import Any, Callable, Iterator, List, Optional, Sequence, Union

import torch
from torch import serialization


def load_safely(path: Union[str, Path],
                classes: Optional[Sequence[Callable]] = None,
                **options: Any) -> Any:
    """Load a file of ``torch.save`` without running code from it.

    Args:
        path (str | Path): The file.
        classes (sequence[Callable], optional): What it may hold beside
            tensors, containers, numbers and strings. Defaults to
            :func:`checkpoint_classes`.
        **options: Further ones of ``torch.load``.

    Returns:
        What was saved; tensors are on the CPU.

    Raises:
        ValueError: If the file is none of ``torch.save``, is truncated, or
            holds anything else.
    """
    try:
        with allowing(classes):
            return torch.load(
                path, map_location='cpu', weights_only=True, **options)
    # Bytes that are not a checkpoint's make torch stumble in any way.
    except Exception as error:
        raise ValueError(
            f'{path}: expected a checkpoint of tensors and plain data, which '
            'loads with weights_only=True, found one that is truncated, '
            f'changed or holds something else ({_reason(error)})') from error


def _reason(error: Exception) -> str:
    """What stopped torch, without its advice to load the file anyway."""
    text = str(error).strip()
    refused = re.search(r'GLOBAL (\S+)|function (\S+)|(attribute .+), which',
                        text)
    if isinstance(error, UnpicklingError) and refused:
        name = next(filter(None, refused.groups()))
        return f'it refers to {name}, which is not plain data'
    return f'{type(error).__name__}: {(text.splitlines() or [""])[0]}'


def checkpoint_classes() -> List[Callable]:
    """The harmless classes that MMEngine's checkpoints hold.

    A checkpoint of MMEngine 0.10.7 has its log history
    (:class:`mmengine.logging.HistoryBuffer`) and NumPy arrays of the data
    set's metainfo in it. The list only names containers of numbers.
    """
    from mmengine.logging import HistoryBuffer

    # An array without elements stores its data as a call of bytes().
    history: List[Callable] = [
        HistoryBuffer, bytes,
        _history_method(HistoryBuffer)
    ]
    return [*history, *_numpy_classes(), *_numpy_functions()]


_LIST = RLock()
"""Held by who changes torch's list."""


@contextmanager
def allowing(classes: Optional[Sequence[Callable]] = None) -> Iterator[None]:
    """Let ``torch.load(weights_only=True)`` read some classes meanwhile.

    ``torch.load`` refuses every class that isn't listed, and its list is the
    whole process's; what is added here is taken off again, what others have
    put there stays, and threads take turns. torch before 2.4 has no list, and
    nothing is done.

    Args:
        classes (sequence[Callable], optional): Defaults to those of
            MMEngine's checkpoints.
    """
    if not hasattr(serialization, 'add_safe_globals'):
        yield
        return
    wanted = checkpoint_classes() if classes is None else classes
    # Another thread would find the list as this one leaves it.
    with _LIST:
        before = serialization.get_safe_globals()
        serialization.add_safe_globals(
            [entry for entry in wanted if entry not in before])
        try:
            yield
        finally:
            # torch 2.4 has no function that takes entries off.
            serialization.clear_safe_globals()
            serialization.add_safe_globals(before)


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
