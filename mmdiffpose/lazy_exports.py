# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Packages that import a name's module when the name is first asked for.

Rooms such as :mod:`mmdiffpose.apis` offer names whose modules import MMPose,
SciPy or OpenCV. With PEP 562 ``import mmdiffpose.apis`` imports none of them,
and ``from mmdiffpose.apis import lift_tracks`` only what that function needs.
"""

import ast
import importlib
import inspect
import sys
from typing import Any, Callable, Dict, List, Tuple


def lazy_exports(
        package: str) -> Tuple[Callable[[str], Any], Callable[[], List[str]]]:
    """Let a package import on demand what it shows to type checkers.

    The package writes its imports once, where type checkers, linters and
    readers expect them::

        if TYPE_CHECKING:
            from .lift import lift_track
        else:
            __getattr__, __dir__ = lazy_exports(__name__)

        __all__ = ['lift_track']

    and this function reads them from its source.

    Args:
        package (str): The package's ``__name__``.

    Returns:
        tuple: Its ``__getattr__`` and ``__dir__``.
    """
    module = sys.modules[package]
    homes = _guarded_imports(inspect.getsource(module))

    def get_attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(
                f'module {package!r} has no attribute {name!r}')
        value = getattr(importlib.import_module(homes[name], package), name)
        # Asked for again, the name is found without this function.
        setattr(module, name, value)
        return value

    def list_attributes() -> List[str]:
        return sorted({*vars(module), *homes})

    return get_attribute, list_attributes


def _guarded_imports(source: str) -> Dict[str, str]:
    """Names that are imported under ``if TYPE_CHECKING``, and from where."""
    homes: Dict[str, str] = {}
    for block in ast.parse(source).body:
        if not isinstance(block, ast.If) or not isinstance(
                block.test, ast.Name) or block.test.id != 'TYPE_CHECKING':
            continue
        for statement in block.body:
            if isinstance(statement, ast.ImportFrom):
                home = '.' * statement.level + (statement.module or '')
                homes.update((name.name, home) for name in statement.names)
    return homes
