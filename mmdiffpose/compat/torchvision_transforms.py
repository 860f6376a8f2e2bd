# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Import MMPose's visualisers without a working torchvision."""

import importlib
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType
from typing import TYPE_CHECKING

from .import_hooks import around_import, temporary_modules
from .ledger import note

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor


def stand_in_for_to_pil_image() -> None:
    """Give MMPose's SimCC visualiser the one class that it needs.

    ``mmpose.visualization.simcc_vis`` imports
    ``torchvision.transforms.ToPILImage``; without torchvision, or with one
    that was built for another torch (``operator torchvision::nms does not
    exist``, pytorch/pytorch#157648), none of ``mmpose.apis`` imports. The
    stand-in is shown to that module only; where torchvision works it is
    used.
    """
    around_import('mmpose.visualization.simcc_vis', _with_to_pil_image)


def _with_to_pil_image() -> AbstractContextManager:
    try:
        importlib.import_module('torchvision.transforms')
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        # RuntimeError is torch's for missing operators, OSError the dynamic
        # linker's, AttributeError what a half-imported torchvision raises.
        note(stand_in_for_to_pil_image, True, str(error))
        stand_in = ModuleType('torchvision.transforms')
        stand_in.ToPILImage = ToPILImage  # type: ignore[attr-defined]
        return temporary_modules({
            'torchvision': ModuleType('torchvision'),
            'torchvision.transforms': stand_in
        })
    note(stand_in_for_to_pil_image, False, 'torchvision works')
    return nullcontext()


class ToPILImage:
    """Turn a heatmap into a grey image."""

    def __call__(self, picture: 'Tensor') -> 'Image':
        """Convert a heatmap.

        Args:
            picture (Tensor): Values in [0, 1], shape (H, W) or (1, H, W).

        Returns:
            PIL.Image.Image: The values times 255, rounded down.
        """
        import numpy as np
        from PIL import Image
        if picture.ndim == 3 and picture.shape[0] == 1:
            picture = picture[0]
        if picture.ndim != 2:
            raise ValueError('expected a heatmap of shape (H, W) or '
                             f'(1, H, W), found {tuple(picture.shape)}')
        grey = picture.detach().cpu().float().mul(255).numpy()
        return Image.fromarray(grey.astype(np.uint8))
