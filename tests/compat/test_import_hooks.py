# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Hooks run once, at the right moment, and hide nothing that exists."""

import importlib
import inspect
import sys
import uuid
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Iterator, List

import pytest

from mmdiffpose.compat.import_hooks import (after_import, around_import,
                                            provide_missing,
                                            replace_everywhere,
                                            temporary_modules)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package that needs a module that isn't there."""
    name = f'hooked_{uuid.uuid4().hex}'
    folder = tmp_path / name
    folder.mkdir()
    (folder / '__init__.py').write_text('def answer():\n    return 1\n')
    (folder / 'needs.py').write_text('import absent_module_of_the_tests\n')
    (folder / 'copies.py').write_text(f'from {name} import answer\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    for module in list(sys.modules):
        if module.startswith(name):
            del sys.modules[module]


def test_module_is_executed_inside_the_context(package: str) -> None:
    name = f'{package}.needs'
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(name)
    stand_in = ModuleType('absent_module_of_the_tests')

    def context() -> AbstractContextManager:
        return temporary_modules({'absent_module_of_the_tests': stand_in})

    around_import(name, context)
    around_import(name, context)
    module = importlib.import_module(name)
    assert module.absent_module_of_the_tests is stand_in
    assert 'absent_module_of_the_tests' not in sys.modules
    assert inspect.getsource(module).startswith('import absent')


def test_context_ends_when_the_module_fails(package: str) -> None:
    log: List[str] = []

    @contextmanager
    def context() -> Iterator[None]:
        log.append('entered')
        try:
            yield
        finally:
            log.append('left')

    around_import(f'{package}.needs', context)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f'{package}.needs')
    assert log == ['entered', 'left']


def test_fix_runs_once_whether_imported_before_or_after(package: str) -> None:
    seen: List[str] = []

    def fix(module: ModuleType) -> None:
        seen.append(module.__name__)

    after_import(package, fix)
    after_import(package, fix)
    assert seen == []
    importlib.import_module(package)
    assert seen == [package]
    importlib.import_module(f'{package}.copies')

    def late_fix(module: ModuleType) -> None:
        seen.append('late')

    after_import(package, late_fix)
    assert seen == [package, 'late']


def test_replacement_reaches_copies_only_in_named_packages(
        package: str) -> None:
    module = importlib.import_module(package)
    copies = importlib.import_module(f'{package}.copies')
    original = module.answer
    replace_everywhere(original, len, ('another_package', ))
    assert copies.answer is original
    replace_everywhere(original, len, (package, ))
    assert module.answer is len and copies.answer is len


def test_stand_in_gives_way_to_an_installed_module(package: str) -> None:

    def build(module: ModuleType) -> None:
        module.provided = True

    provide_missing(package, build)
    provide_missing('provided_module_of_the_tests', build)
    provide_missing('provided_module_of_the_tests.child', build)
    assert not hasattr(importlib.import_module(package), 'provided')
    child = importlib.import_module('provided_module_of_the_tests.child')
    assert child.provided
    del sys.modules['provided_module_of_the_tests.child']
    del sys.modules['provided_module_of_the_tests']


def test_temporary_modules_restores_what_was_there() -> None:
    real = sys.modules['json']
    with pytest.raises(RuntimeError):
        with temporary_modules({'json': ModuleType('json')}):
            assert sys.modules['json'] is not real
            raise RuntimeError
    assert sys.modules['json'] is real
