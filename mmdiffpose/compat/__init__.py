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
"""

from .checkpoint_loading import allow_checkpoint_classes
from .coco_tools import provide_xtcocotools, use_pycocotools_masks
from .cpu_distributed import start_processes_without_gpu, wrap_cpu_models
from .drawing import accept_radius_arrays, give_canvas_rgb_bytes
from .installed_packages import ask_importlib_metadata
from .mmcv_ops import (find_compiled_ops_on_new_python,
                       stand_in_for_compiled_ops)
from .mmdet_version import accept_mmcv_2_2
from .pose3d_inferencer import route_own_lifters
from .safetensors_loading import load_safetensors_checkpoints
from .torchvision_transforms import stand_in_for_to_pil_image

FIXES = (
    ask_importlib_metadata,
    find_compiled_ops_on_new_python,
    stand_in_for_compiled_ops,
    accept_mmcv_2_2,
    use_pycocotools_masks,
    provide_xtcocotools,
    stand_in_for_to_pil_image,
    give_canvas_rgb_bytes,
    accept_radius_arrays,
    start_processes_without_gpu,
    wrap_cpu_models,
    allow_checkpoint_classes,
    load_safetensors_checkpoints,
    route_own_lifters,
)
"""Every fix, in the order in which they are applied."""


def apply_compat() -> None:
    """Apply every fix whose condition holds; idempotent."""
    for fix in FIXES:
        fix()


__all__ = ['FIXES', 'apply_compat']
