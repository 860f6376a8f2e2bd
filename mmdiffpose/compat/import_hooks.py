# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Run code around the import of a module that isn't imported yet.

The fixes of this package concern modules that take seconds to import
(``mmdet``, ``matplotlib``, ``mmpose.visualization``). Importing them just to
patch them would make ``import mmdiffpose`` slow for everyone, so a fix is
attached to the import of the module that it concerns.
"""

import functools
import importlib.abc
import importlib.machinery
import sys
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import ModuleType
from typing import Callable, Dict, Iterator, List, Optional, Sequence

ContextFactory = Callable[[], AbstractContextManager]
"""Makes the context in which a module's own code is executed."""

STAND_IN = 'mmdiffpose.compat'
"""Origin that the specification of a stand-in module names."""

ModuleFix = Callable[[ModuleType], None]
"""Changes a module after its own code was executed."""


class _HookFinder(importlib.abc.MetaPathFinder):
    """Finds hooked modules with the other finders and wraps their loaders."""

    def __init__(self) -> None:
        self.contexts: Dict[str, List[ContextFactory]] = {}
        self.fixes: Dict[str, List[ModuleFix]] = {}

    def find_spec(
        self,
        fullname: str,
        path: Optional[Sequence[str]] = None,
        target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        """Find a hooked module; None for every other module."""
        if fullname not in self.contexts and fullname not in self.fixes:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, 'find_spec'):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    self._wrap(fullname, spec.loader)
                return spec
        return None

    def _wrap(self, fullname: str, loader: importlib.abc.Loader) -> None:
        # The attribute goes on the instance: the loader keeps its type and
        # everything else that inspect, pkgutil and tracebacks ask it for.
        execute = loader.exec_module

        @functools.wraps(execute)
        def exec_module(module: ModuleType) -> None:
            with ExitStack() as stack:
                for context in self.contexts.get(fullname, ()):
                    stack.enter_context(context())
                execute(module)
            for fix in self.fixes.get(fullname, ()):
                fix(module)

        loader.exec_module = exec_module  # type: ignore[method-assign]


_FINDER = _HookFinder()


def _install() -> None:
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def around_import(name: str, context: ContextFactory) -> None:
    """Execute a module's code inside a context.

    Nothing happens where the module was imported before: it imported without
    the fix, so it doesn't need it. Registering the same pair twice has no
    effect.

    Args:
        name (str): Full name of the module.
        context (Callable): Called without arguments when the module is about
            to be executed; returns a context manager.
    """
    contexts = _FINDER.contexts.setdefault(name, [])
    if context not in contexts:
        contexts.append(context)
    _install()


def after_import(name: str, fix: ModuleFix) -> None:
    """Change a module right after it is imported, or now if it was before.

    Registering the same pair twice has no effect.

    Args:
        name (str): Full name of the module.
        fix (Callable): Called with the module.
    """
    fixes = _FINDER.fixes.setdefault(name, [])
    if fix in fixes:
        return
    fixes.append(fix)
    _install()
    module = sys.modules.get(name)
    if module is not None:
        fix(module)


@contextmanager
def temporary_modules(modules: Dict[str, ModuleType]) -> Iterator[None]:
    """Show stand-in modules to ``import`` for the length of a context.

    Only the code that runs inside sees them; a library that later asks
    whether the real module is installed gets the true answer.

    Args:
        modules (dict): Full module name to stand-in.
    """
    missing = object()
    before = {name: sys.modules.get(name, missing) for name in modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is missing:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module  # type: ignore[assignment]


def replace_everywhere(original: object, replacement: object,
                       packages: Sequence[str]) -> None:
    """Replace a function in every imported module that holds a reference.

    ``from package.module import function`` copies the reference, so changing
    the defining module alone doesn't reach modules that are imported already.

    Args:
        original (object): The function to replace, compared by identity.
        replacement (object): What takes its place.
        packages (sequence of str): Top-level packages to look through.
    """
    for name, module in list(sys.modules.items()):
        if module is None or name.split('.')[0] not in packages:
            continue
        for attribute, value in list(vars(module).items()):
            if value is original:
                setattr(module, attribute, replacement)


class _StandInFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers for modules that no other finder knows."""

    def __init__(self) -> None:
        self.builders: Dict[str, ModuleFix] = {}

    def find_spec(
        self,
        fullname: str,
        path: Optional[Sequence[str]] = None,
        target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        """Find a stand-in; packages are those with a registered child."""
        if fullname not in self.builders:
            return None
        prefix = fullname + '.'
        return importlib.machinery.ModuleSpec(
            fullname,
            self,
            origin=STAND_IN,
            is_package=any(name.startswith(prefix) for name in self.builders))

    def exec_module(self, module: ModuleType) -> None:
        """Fill a new stand-in module."""
        self.builders[module.__name__](module)


_STAND_INS = _StandInFinder()


def provide_missing(name: str, build: ModuleFix) -> None:
    """Provide a module for the case that it isn't installed.

    The finder that answers is the last one, so that an installed module
    always comes first.

    Args:
        name (str): Full name of the module.
        build (Callable): Fills the new, empty module.
    """
    _STAND_INS.builders[name] = build
    if _STAND_INS not in sys.meta_path:
        sys.meta_path.append(_STAND_INS)
