# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Ask which packages are installed without pkg_resources."""

import importlib.util
import os.path as osp
from importlib import metadata
from types import ModuleType

from .import_hooks import after_import, replace_everywhere
from .ledger import note


def ask_importlib_metadata() -> None:
    """Let MMEngine find packages where setuptools has no pkg_resources.

    setuptools 82 removed ``pkg_resources`` (pypa/setuptools#5007), which
    ``mmengine.utils.is_installed`` and ``get_installed_path`` import when
    they are called: ``import mmpose.apis`` and every ``_base_ =
    'mmpose::...'`` ended with ``No module named 'pkg_resources'``. The
    standard library gives the same answers.
    """
    if importlib.util.find_spec('pkg_resources') is not None:
        note(ask_importlib_metadata, False, 'pkg_resources is installed')
    else:
        after_import('mmengine.utils.package_utils', _replace_queries)


def _replace_queries(module: ModuleType) -> None:
    note(ask_importlib_metadata, True, 'there is no pkg_resources')
    for replacement in (is_installed, get_installed_path, package2module):
        original = getattr(module, replacement.__name__)
        replace_everywhere(original, replacement,
                           ('mmengine', 'mmcv', 'mmdet', 'mmpose'))


def is_installed(package: str) -> bool:
    """Check whether a package is installed.

    Args:
        package (str): Name of a distribution or of a module.
    """
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        spec = importlib.util.find_spec(package)
        return spec is not None and spec.origin is not None
    return True


def get_installed_path(package: str) -> str:
    """Get the folder in which a package is installed.

    Args:
        package (str): Name of a distribution or of a module.

    Returns:
        str: The folder that holds its ``__init__.py``.

    Raises:
        PackageNotFoundError: When there is no such package.
        RuntimeError: When it is a namespace package, which has no folder of
            its own.
    """
    module = package
    if importlib.util.find_spec(module) is None:
        module = package2module(package)
    spec = importlib.util.find_spec(module)
    if spec is None:
        raise metadata.PackageNotFoundError(package)
    if spec.origin is None:
        raise RuntimeError(
            f'{package} is a namespace package, which is invalid for '
            '`get_installed_path`')
    return osp.dirname(spec.origin)


def package2module(package: str) -> str:
    """Infer the name of a distribution's module.

    Args:
        package (str): Name of a distribution, for example 'mmcv-lite'.

    Returns:
        str: Name of its first top-level module, for example 'mmcv'.

    Raises:
        PackageNotFoundError: When there is no such distribution.
        ValueError: When it doesn't say which modules it has.
    """
    modules = (metadata.distribution(package).read_text('top_level.txt')
               or '').split()
    if not modules:
        raise ValueError(f'can not infer the module name of {package}')
    return modules[0]
