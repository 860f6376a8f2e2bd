# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Give our lifters true windows in MMPose's own inferencer."""

import os
from types import ModuleType
from typing import Any

from .import_hooks import after_import
from .ledger import note

PREFIX = 'mmdiffpose.'


def route_own_lifters() -> None:
    """Let ``MMPoseInferencer`` build another inferencer for our lifters.

    MMPose 1.3.2's ``Pose3DInferencer`` feeds a lifter one frame repeated
    (its buffer of earlier results is never filled: open-mmlab/mmpose#2648),
    and ``MMPoseInferencer`` names that class, with no registry between. So
    the class itself makes a
    :class:`~mmdiffpose.apis.mmpose_inferencer.WindowedPose3DInferencer`
    where the config's head is one of this package, also by the name of a
    config or a trained model of this package. For any other config or name,
    and for subclasses, nothing changes.
    """
    after_import('mmpose.apis.inferencers.pose3d_inferencer', _route)


def _route(module: ModuleType) -> None:
    note(route_own_lifters, True,
         'each call looks whether the lifter is of this package')
    original = module.Pose3DInferencer
    if '__new__' in vars(original):
        return

    def make(cls: type, *args: Any, **kwargs: Any) -> Any:
        model = args[0] if args else kwargs.get('model')
        if cls is original and is_own_lifter(model):
            from mmdiffpose.apis.mmpose_inferencer import \
                WindowedPose3DInferencer
            cls = WindowedPose3DInferencer
        return object.__new__(cls)

    original.__new__ = make


def is_own_lifter(model: Any) -> bool:
    """Whether a config's lifting head is one of this package.

    Args:
        model (str | dict | Config): As the inferencers take it; of names,
            those of this package's configs and trained models.
    """
    if isinstance(model, (str, os.PathLike)):
        if not os.path.isfile(model):
            from mmdiffpose.checkpoints.config_names import find_config
            try:
                model = find_config(model)
            except FileNotFoundError:
                return False
        from mmdiffpose.config_files import read_config_file
        model = read_config_file(model)
    try:
        parts = model['model']
        head = parts['head']
    except (KeyError, TypeError):
        return False
    return any(
        str(part.get('type', '')).startswith(PREFIX) for part in (parts, head))
