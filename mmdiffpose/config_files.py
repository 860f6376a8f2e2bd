# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Read config files: whatever is wrong with one is a sentence."""

import ast
from pathlib import Path
from typing import Any, List, Union

from mmengine.config import Config

from mmdiffpose.input_files import check_file, printable, read_bytes, read_json
from .yaml_files import MAX_CONFIG, load_yaml

SUFFIXES = ('.py', '.json', '.yaml', '.yml')


def read_config_file(path: Union[str, Path]) -> Config:
    """Read a config and those that it inherits from.

    A config in Python runs; one in JSON or YAML is data, and stays it: tags of
    YAML that make objects are refused.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: If it, or a config that it inherits from, is not
            there.
        ValueError: If it cannot be read; names the file and what is wrong.
    """
    path = check_file(path, 'a config', MAX_CONFIG)
    if path.suffix not in SUFFIXES:
        raise ValueError(f'{printable(path)}: expected a config in one of '
                         f'{list(SUFFIXES)}, found {path.suffix!r}')
    _check_bases(path, [])
    try:
        return Config.fromfile(path)
    except FileNotFoundError:
        raise
    # A config is a program, which may fail in any way.
    except Exception as error:
        raise ValueError(
            f'{printable(path)} cannot be read as a config: '
            f'{type(error).__name__}: {str(error)[:2000]}') from error


def _check_bases(path: Path, above: List[Path]) -> None:
    """Raise unless what a config inherits is there and ends, and what is no
    program is plain data."""
    where = printable(path)
    if path.resolve() in above:
        raise ValueError(f'{where}: expected a config that does not inherit '
                         'from itself')
    bases = (
        _bases_of_program(path)
        if path.suffix == '.py' else _bases_of_data(path))
    bases = [bases] if isinstance(bases, str) else bases
    if not isinstance(bases, (list, tuple)) or not all(
            isinstance(name, str) for name in bases):
        raise ValueError(f'{where}: expected names of files as _base_')
    for name in bases:
        if '::' not in name:  # of another package
            base = check_file(path.parent / name, 'a config', MAX_CONFIG)
            _check_bases(base, [*above, path.resolve()])


def _bases_of_data(path: Path) -> Any:
    content = read_json(
        path, 'a config') if path.suffix == '.json' else load_yaml(path)
    if not isinstance(content, dict):
        raise ValueError(f'{printable(path)}: expected keys and values, found '
                         f'{type(content).__name__}')
    return content.get('_base_', [])


def _bases_of_program(path: Path) -> Any:
    """What a config in Python inherits; nothing of it runs."""
    try:
        module = ast.parse(read_bytes(path, 'a config'))
        for statement in module.body:
            if isinstance(statement, ast.Assign) and any(
                    isinstance(target, ast.Name) and target.id == '_base_'
                    for target in statement.targets):
                return ast.literal_eval(statement.value)
    # Nothing but a string of its own, or too deep for the parser.
    except (SyntaxError, ValueError, TypeError, MemoryError,
            RecursionError) as error:
        raise ValueError(
            f'{printable(path)} cannot be read as a config: '
            f'{type(error).__name__}: {error or "it is nested too deep"}'
        ) from error
    return []
