# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Make a process look like a machine with a newer, barer stack.

Imported by the scripts that the tests start, before mmdiffpose.
"""

import importlib.abc
import importlib.machinery
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Dict, Optional, Sequence


class _Failing(importlib.abc.Loader):
    """Raises what a module that was built for another version raises."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def exec_module(self, module: ModuleType) -> None:
        """Fail."""
        raise self.error


def simulate(missing: Sequence[str] = (),
             broken: Optional[Dict[str, Exception]] = None) -> None:
    """Hide installed modules, and let others fail when they're imported.

    Args:
        missing (sequence of str): Modules that are as if not installed; the
            modules below them are hidden with them.
        broken (dict, optional): Full module name to the error of its import.
    """
    broken = broken or {}
    original = PathFinder.find_spec

    def find_spec(cls: type,
                  fullname: str,
                  path: Any = None,
                  target: Any = None) -> Optional[ModuleSpec]:
        if any(f'{fullname}.'.startswith(f'{name}.') for name in missing):
            return None
        if fullname in broken:
            return ModuleSpec(
                fullname, _Failing(broken[fullname]), is_package=True)
        return original(fullname, path, target)

    PathFinder.find_spec = classmethod(find_spec)
