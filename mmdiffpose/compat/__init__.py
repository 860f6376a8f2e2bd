# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Guarded fixes that let MMPose 1.3.2 run on current versions.

MMPose 1.3.2, MMEngine 0.10.7, MMDetection 3.3.0 and MMCV 2.1.0 are the
newest releases, while torch, NumPy, matplotlib, setuptools and Python moved
on. Each function that :func:`apply_compat` calls mends one break; its
docstring names the error and the upstream issue. All of them

* look at the condition, not at a version number where there is a way to,
  and change nothing where nothing is broken;
* wait for the import of the module that they concern, so that importing
  this package imports nothing heavy for their sake;
* may run any number of times;
* leave security as it is: checkpoints go on being loaded with
  ``weights_only=True``.

:func:`report` says what was done, and why::

    >>> import mmdiffpose, mmpose.apis
    >>> print(mmdiffpose.compat.report())

The environment variable ``MMDIFFPOSE_COMPAT=0`` turns all of them off.
"""

import os

from .checkpoint_loading import (allow_checkpoint_classes,
                                 load_safetensors_checkpoints)
from .coco_tools import provide_xtcocotools, use_pycocotools_masks
from .cpu_distributed import start_processes_without_gpu, wrap_cpu_models
from .drawing import accept_radius_arrays, give_canvas_rgb_bytes
from .installed_packages import ask_importlib_metadata
from .ledger import CompatReport, Fix, FixReport, describe
from .mmcv_ops import (find_compiled_ops_on_new_python,
                       stand_in_for_compiled_ops)
from .mmdet_version import accept_mmcv_2_2
from .own_configs import find_own_configs
from .pose3d_inferencer import route_own_lifters
from .torchvision_transforms import stand_in_for_to_pil_image

SWITCH = 'MMDIFFPOSE_COMPAT'
"""The environment variable that turns the fixes off where it is 0."""

FIXES = (
    Fix(ask_importlib_metadata, 'mmengine.utils.package_utils',
        'pypa/setuptools#5007'),
    Fix(find_compiled_ops_on_new_python, 'mmengine.utils.dl_utils.misc',
        'python/typeshed#14061'),
    Fix(stand_in_for_compiled_ops, 'mmcv.ops', 'open-mmlab/mmpose#3250'),
    Fix(accept_mmcv_2_2, 'mmdet', 'open-mmlab/mmdetection#12312'),
    Fix(use_pycocotools_masks, 'xtcocotools.mask', 'jin-s13/xtcocoapi#45'),
    Fix(provide_xtcocotools, 'xtcocotools', 'jin-s13/xtcocoapi#45'),
    Fix(stand_in_for_to_pil_image, 'mmpose.visualization.simcc_vis',
        'pytorch/pytorch#157648'),
    Fix(give_canvas_rgb_bytes, 'matplotlib.backends.backend_agg',
        'matplotlib/matplotlib#25484'),
    Fix(accept_radius_arrays,
        'mmpose.visualization.opencv_backend_visualizer'),
    Fix(start_processes_without_gpu, 'mmengine.dist.utils'),
    Fix(wrap_cpu_models, 'mmengine.model.wrappers.distributed'),
    Fix(allow_checkpoint_classes, 'mmengine.runner.checkpoint',
        'open-mmlab/mmengine#1650'),
    Fix(load_safetensors_checkpoints, 'mmengine.runner.checkpoint'),
    Fix(find_own_configs, 'mmengine.config.config'),
    Fix(route_own_lifters, 'mmpose.apis.inferencers.pose3d_inferencer',
        'open-mmlab/mmpose#2648'),
)
"""Every fix, in the order in which they are applied."""


def apply_compat() -> None:
    """Apply every fix whose condition holds; idempotent.

    Raises:
        ValueError: If the environment variable is neither 0 nor 1.
    """
    if is_on():
        for fix in FIXES:
            fix.apply()


def is_on() -> bool:
    """Whether the environment asks for the fixes.

    Raises:
        ValueError: If the environment variable is neither 0 nor 1.
    """
    value = os.environ.get(SWITCH, '').strip()
    if value not in ('', '0', '1'):
        raise ValueError(f'environment variable {SWITCH}: expected 0 (no fix '
                         f'of MMPose is applied) or 1, found {value!r}')
    return value != '0'


def report() -> CompatReport:
    """Say which fixes were applied so far, and why.

    Returns:
        list[FixReport]: In the order in which they are applied; prints as a
        line each.
    """
    return describe(FIXES, '' if is_on() else f'{SWITCH}=0')


__all__ = [
    'CompatReport', 'FIXES', 'Fix', 'FixReport', 'apply_compat', 'is_on',
    'report'
]
