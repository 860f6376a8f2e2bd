# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Stand in for xtcocotools, which has no usable wheel on new stacks."""

import importlib
import importlib.util
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType
from typing import Any, Optional, Sequence

from .import_hooks import (STAND_IN, around_import, provide_missing,
                           temporary_modules)
from .ledger import note

_EXTENSION = 'xtcocotools._mask'


def use_pycocotools_masks() -> None:
    """Give an xtcocotools that was built for NumPy 1 working masks.

    Its wheels stop with ``numpy.dtype size changed, may indicate binary
    incompatibility`` under NumPy 2 (jin-s13/xtcocoapi#45), and with them
    ``mmpose.datasets``. Only the compiled module ``_mask`` is affected, and
    pycocotools builds the same one (``iou``, ``merge``, ``encode``,
    ``decode``, ``area``, ``toBbox``, ``frPyObjects``) for NumPy 2. Where
    xtcocotools' own works, or pycocotools is missing, nothing is done.
    """
    around_import('xtcocotools.mask', _working_masks)


def provide_xtcocotools() -> None:
    """Let ``import xtcocotools`` mean pycocotools where it isn't installed.

    There is no wheel for Python 3.12 and newer, and building one needs a
    compiler (jin-s13/xtcocoapi#45). What MMPose imports is ``coco.COCO``,
    ``cocoeval.COCOeval`` and ``mask``. Different from xtcocotools are:
    the part-wise and crowd evaluations (``iouType`` of ``keypoints_crowd``,
    ``keypoints_wholebody``, ...) and ``use_area=False``, which pycocotools
    lacks and which raise an error here; ``COCO(test_index=...)``, which no
    code of MMPose uses; and ``iscrowd``, which is added to annotations
    without it here as there.
    """
    spec = importlib.util.find_spec('xtcocotools')
    if spec is not None and spec.origin != STAND_IN:
        note(provide_xtcocotools, False, 'xtcocotools is installed')
    provide_missing('xtcocotools', _no_content)
    provide_missing('xtcocotools.mask', _fill_mask)
    provide_missing('xtcocotools.coco', _fill_coco)
    provide_missing('xtcocotools.cocoeval', _fill_cocoeval)


def _working_masks() -> AbstractContextManager:
    try:
        importlib.import_module(_EXTENSION)
    except (ImportError, ValueError) as error:
        # ValueError is what Cython raises for another layout of arrays.
        if importlib.util.find_spec('pycocotools') is None:
            note(use_pycocotools_masks, False,
                 f'{error}, and pycocotools is not installed')
            return nullcontext()
        note(use_pycocotools_masks, True, str(error))
        masks = importlib.import_module('pycocotools._mask')
        return temporary_modules({_EXTENSION: masks})
    note(use_pycocotools_masks, False, f'{_EXTENSION} works')
    return nullcontext()


def _no_content(module: ModuleType) -> None:
    """Leave the package empty: its modules are imported by full name."""
    note(provide_xtcocotools, True, 'xtcocotools is not installed')


def _fill_mask(module: ModuleType) -> None:
    from pycocotools import mask
    for name in ('iou', 'merge', 'encode', 'decode', 'area', 'toBbox',
                 'frPyObjects'):
        setattr(module, name, getattr(mask, name))


def _fill_coco(module: ModuleType) -> None:
    from pycocotools.coco import COCO as PyCOCO

    class COCO(PyCOCO):
        """pycocotools' index of a file, with ``iscrowd`` filled in."""

        def createIndex(self) -> None:  # noqa: N802
            """Index the annotations."""
            for annotation in self.dataset.get('annotations', ()):
                annotation.setdefault('iscrowd', 0)
            super().createIndex()

    module.COCO = COCO  # type: ignore[attr-defined]


def _fill_cocoeval(module: ModuleType) -> None:
    import numpy as np
    from pycocotools.cocoeval import COCOeval as PyCOCOeval

    class COCOeval(PyCOCOeval):
        """pycocotools' evaluation with xtcocotools' arguments.

        Args:
            cocoGt (COCO, optional): Ground truth.
            cocoDt (COCO, optional): Detections.
            iouType (str): 'keypoints', 'bbox' or 'segm'.
            sigmas (sequence, optional): One OKS sigma per keypoint;
                COCO's where None.
            use_area (bool): Must be True: sizes come from ``area``.

        Raises:
            NotImplementedError: For what only xtcocotools can evaluate.
        """

        def __init__(
                self,
                cocoGt: Any = None,  # noqa: N803
                cocoDt: Any = None,  # noqa: N803
                iouType: str = 'keypoints',  # noqa: N803
                sigmas: Optional[Sequence[float]] = None,
                use_area: bool = True) -> None:
            if iouType not in ('keypoints', 'bbox', 'segm') or not use_area:
                raise NotImplementedError(
                    f'iouType={iouType!r} with use_area={use_area} needs '
                    'xtcocotools, which is not installed: with Python 3.12 or '
                    'older, build it with "pip install cython && pip install '
                    '--no-build-isolation --no-binary xtcocotools '
                    'xtcocotools"')
            super().__init__(cocoGt, cocoDt, iouType)
            if sigmas is not None:
                self.params.kpt_oks_sigmas = np.asarray(sigmas)

    module.COCOeval = COCOeval  # type: ignore[attr-defined]
