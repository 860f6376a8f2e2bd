# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Import ``mmcv.ops`` of mmcv-lite, which has no compiled operators."""

import importlib.util
import pkgutil
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType
from typing import Any, Callable, NoReturn

from .import_hooks import (after_import, around_import, replace_everywhere,
                           temporary_modules)
from .ledger import note

_EXTENSION = 'mmcv._ext'


def stand_in_for_compiled_ops() -> None:
    """Let ``mmcv.ops`` import without ``mmcv._ext``.

    MMPose's models and all of MMDetection import ``mmcv.ops``, mostly for
    operators that a lifter never calls, and mmcv-lite then stops with ``No
    module named 'mmcv._ext'`` (open-mmlab/mmpose#3250). The stand-in is shown
    to ``mmcv.ops`` only, while it is imported; with a full MMCV nothing is
    done. Non-maximum suppression works through plain torch, every other
    operator raises an error that says what to install when it is called.
    """
    around_import('mmcv.ops', _without_extension)


def find_compiled_ops_on_new_python() -> None:
    """Let MMEngine look for ``mmcv._ext`` where pkgutil has lost its finder.

    ``mmengine.utils.dl_utils.mmcv_full_available`` calls
    ``pkgutil.find_loader``, which Python 3.14 removed: building any
    optimiser would end in an AttributeError. MMEngine has no issue for it
    yet; see python/typeshed#14061 for the removal.
    """
    if hasattr(pkgutil, 'find_loader'):
        note(find_compiled_ops_on_new_python, False, 'pkgutil has find_loader')
    else:
        after_import('mmengine.utils.dl_utils.misc', _replace_query)


def _without_extension() -> AbstractContextManager:
    compiled = importlib.util.find_spec(_EXTENSION) is not None
    note(stand_in_for_compiled_ops, not compiled,
         f'{_EXTENSION} is {"" if compiled else "not "}installed')
    if compiled:
        return nullcontext()
    return temporary_modules({_EXTENSION: _CompiledOps(_EXTENSION)})


class _CompiledOps(ModuleType):
    """Has every operator that MMCV asks for, and few that work."""

    def __getattr__(self, name: str) -> Callable:
        if name.startswith('__'):
            raise AttributeError(name)
        if name == 'nms':
            from .box_nms import greedy_nms
            return greedy_nms
        return _missing_operator(name)


def _missing_operator(name: str) -> Callable:

    def operator(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(
            f'this model calls the compiled operator "{name}" of MMCV, and '
            'the installed mmcv-lite has none. Install the full MMCV that '
            'fits your torch: pip uninstall mmcv-lite, then pip install '
            '"setuptools<82" wheel, then pip install "mmcv>=2.0.0,<2.2.0" '
            '--no-build-isolation (compiles for about 20 minutes; its '
            'setup.py needs Python 3.12 or older), or a wheel that your '
            'distribution offers.')

    return operator


def _mmcv_full_available() -> bool:
    """Check whether MMCV with compiled operators is installed."""
    return (importlib.util.find_spec('mmcv') is not None
            and importlib.util.find_spec(_EXTENSION) is not None)


def _replace_query(module: ModuleType) -> None:
    note(find_compiled_ops_on_new_python, True, 'pkgutil has no find_loader')
    replace_everywhere(module.mmcv_full_available, _mmcv_full_available,
                       ('mmengine', 'mmpose'))
