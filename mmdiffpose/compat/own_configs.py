# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Inherit this package's configs by name, wherever one's own lie."""

from types import ModuleType
from typing import Optional, Tuple

from .import_hooks import after_import
from .ledger import note

PREFIX = 'mmdiffpose::'


def find_own_configs() -> None:
    """Let ``_base_ = ['mmdiffpose::mixste_own-27.py']`` find its file.

    MMEngine knows such names of OpenMMLab's own packages only, a list in its
    source: ``mmengine does not support to load mmdiffpose config``. No
    upstream issue is known.
    """
    after_import('mmengine.config.config', _find_ours_too)


def _find_ours_too(module: ModuleType) -> None:
    config = module.Config
    there = getattr(config._get_cfg_path, '_finds_mmdiffpose', False)
    note(find_own_configs, True,
         "MMEngine's configs know OpenMMLab's packages only")
    if there:
        return
    inherited = config._get_cfg_path

    def get_cfg_path(cfg_path: str,
                     filename: str) -> Tuple[str, Optional[str]]:
        """Path and scope of a config that is inherited."""
        if not cfg_path.startswith(PREFIX):
            return inherited(cfg_path, filename)
        from mmdiffpose.checkpoints.config_names import find_config
        return str(find_config(cfg_path[len(PREFIX):])), None

    get_cfg_path._finds_mmdiffpose = True  # type: ignore[attr-defined]
    config._get_cfg_path = staticmethod(get_cfg_path)
