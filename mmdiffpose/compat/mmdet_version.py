# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Import MMDetection 3.3.0 beside MMCV 2.2."""

from contextlib import contextmanager
from typing import Iterator

from .import_hooks import around_import
from .ledger import note


def accept_mmcv_2_2() -> None:
    """Let MMDetection 3.3.0 import with the newest full MMCV.

    It asserts ``mmcv < 2.2.0`` in its ``__init__``; 2.2.0 came later, and
    removed nothing that MMDetection uses (open-mmlab/mmdetection#12312).
    While that line runs MMCV says that it is 2.1; any other version, and
    every other check, is left alone.
    """
    around_import('mmdet', _as_mmcv_2_1)


@contextmanager
def _as_mmcv_2_1() -> Iterator[None]:
    import mmcv
    version = mmcv.__version__
    newer = version.split('.')[:2] == ['2', '2']
    note(accept_mmcv_2_2, newer, f'MMCV is {version}')
    if not newer:
        yield
        return
    mmcv.__version__ = '2.1.0'
    try:
        yield
    finally:
        mmcv.__version__ = version
