# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Import packages that only some users need."""

import importlib
from typing import Any, NamedTuple


class Requirement(NamedTuple):
    """A package that only some users need.

    Attributes:
        package: Its name where packages are installed from.
        module: What is imported of it.
        extra: The extra of mmdiffpose that brings it.
    """
    package: str
    module: str
    extra: str


C3D = Requirement('c3d', 'c3d', 'c3d')
"""Reads and writes C3D files."""


def import_for(what: str, requirement: Requirement) -> Any:
    """Import an optional package.

    Args:
        what (str): What needs it, for the message.
        requirement (Requirement): The package.

    Returns:
        module: Its module.

    Raises:
        ImportError: If it is not there, or does not import; says how to
            install it.
    """
    package, module, extra = requirement
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f'{what}: expected the package {package}, found none '
            f'({error}): run "pip install mmdiffpose[{extra}]" or '
            f'"pip install {package}"') from error
