# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Open motion capture (HDM05, CMU) for lifting."""

from mmdiffpose.registry import DATASETS

from .annotation_dataset import AnnotationLiftingDataset


@DATASETS.register_module()
class OpenMocapDataset(AnnotationLiftingDataset):
    """Motion capture seen by four virtual cameras with detector-like noise.

    HDM05 (Mueller et al., Universitaet Bonn, CG-2007-2): train on the actors
    bd, bk, dg, test on mm, tr, choose on an actor held out of training. CMU
    (mocap.cs.cmu.edu): additional training data. Both at 50 fps in
    Human3.6M-17 joints; the cameras and the noise are written down in
    ``configs/_base_/datasets/hdm05.py``.

    Args:
        **kwargs: Arguments of :class:`AnnotationLiftingDataset`.
    """

    CONVERTER = ('Write it with: python tools/dataset_converters/hdm05.py '
                 '--data-root <folder with HDM_*.asf and HDM_*.amc> '
                 '--out-dir data/hdm05 (or cmu.py, for CMU)')
