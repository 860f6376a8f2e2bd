# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write down what users may rely on, for the test that keeps it.

    python tools/api_surface.py

Writes tests/api_surface.json: the public names of packages, the arguments of
every registered module (which are the keys of configs), and the options of
the commands. Run it after a change that is meant, and say in CHANGELOG.md
what changed: a name or an argument that goes, or a default that becomes
another, breaks somebody's code or config.
"""

import argparse
import importlib
import inspect
import json
from pathlib import Path
from typing import Any, Callable, Dict, List

from mmengine.registry import Registry

from mmdiffpose import registry as registries
from mmdiffpose.cli.__main__ import COMMANDS

SURFACE = Path(__file__).resolve().parents[1] / 'tests' / 'api_surface.json'

PACKAGES = ('mmdiffpose', 'mmdiffpose.apis', 'mmdiffpose.compat',
            'mmdiffpose.conversion', 'mmdiffpose.datasets',
            'mmdiffpose.datasets.transforms', 'mmdiffpose.engine',
            'mmdiffpose.evaluation.functional',
            'mmdiffpose.evaluation.metrics', 'mmdiffpose.models',
            'mmdiffpose.skeletons', 'mmdiffpose.visualization')

Surface = Dict[str, Any]


def api_surface() -> Surface:
    """Packages, registries and commands, as JSON holds them."""
    return dict(
        packages={name: public_names(name)
                  for name in PACKAGES},
        registries={
            name: registered(getattr(registries, name))
            for name in registries.__all__
            if isinstance(getattr(registries, name), Registry)
        },
        commands={name: options(name)
                  for name in COMMANDS})


def public_names(package: str) -> List[str]:
    """What a package names in ``__all__``."""
    return sorted(importlib.import_module(package).__all__)


def registered(registry: Registry) -> Dict[str, List[str]]:
    """Name of each module of this package to its arguments."""
    registry.import_from_location()
    return {
        name: arguments(module)
        for name, module in sorted(registry.module_dict.items())
        if module.__module__.startswith('mmdiffpose.')
    }


def arguments(module: Callable) -> List[str]:
    """Arguments of a class or a function, with plain defaults."""
    found = []
    for parameter in inspect.signature(module).parameters.values():
        text = parameter.name
        if parameter.kind is parameter.VAR_POSITIONAL:
            text = f'*{text}'
        elif parameter.kind is parameter.VAR_KEYWORD:
            text = f'**{text}'
        elif parameter.default is not parameter.empty:
            text += f'={_plain(parameter.default)}'
        found.append(text)
    return found


def _plain(value: Any) -> str:
    """A default that reads the same in every process."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    if isinstance(value, (tuple, list)):
        inside = ', '.join(map(_plain, value))
        return f'({inside})' if isinstance(value, tuple) else f'[{inside}]'
    return f'<{type(value).__name__}>'


def options(command: str) -> List[str]:
    """Options of a command, and the names of its positional arguments."""
    module = importlib.import_module(f'mmdiffpose.cli.{command}')
    parser: argparse.ArgumentParser = module.make_parser()
    return sorted('|'.join(action.option_strings) or action.dest.upper()
                  for action in parser._actions if action.dest != 'help')


def main() -> None:
    """Write the file."""
    SURFACE.write_text(json.dumps(api_surface(), indent=1) + '\n')
    print(f'written: {SURFACE}')


if __name__ == '__main__':
    main()
