# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MPI-INF-3DHP for lifting."""

from mmdiffpose.registry import DATASETS

from .annotation_dataset import AnnotationLiftingDataset

TRAIN_CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)
"""The eight cameras at chest height of the 14; the field trains on these."""

TEST_SEQUENCES = ('TS1', 'TS2', 'TS3', 'TS4', 'TS5', 'TS6')

JOINTS_28_TO_17 = (7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3,
                   6)
"""Of the 28 joints of ``annot.mat``, the 17 that the test set has too."""

JOINTS_17 = ('head_top', 'neck', 'right_shoulder', 'right_elbow',
             'right_wrist', 'left_shoulder', 'left_elbow', 'left_wrist',
             'right_hip', 'right_knee', 'right_ankle', 'left_hip', 'left_knee',
             'left_ankle', 'pelvis', 'spine', 'head')
"""The data set's own order of its 17 joints; the root is number 14."""

TO_H36M = (14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4)
"""``pose[TO_H36M]`` reorders its own 17 joints into Human3.6M-17: its neck
is the thorax there, its head the neck base, its head top the head."""

FROM_H36M = tuple(TO_H36M.index(joint) for joint in range(17))
"""``pose[FROM_H36M]`` brings Human3.6M-17 back to its own order."""

METRIC_JOINTS = tuple(sorted(TO_H36M.index(joint) for joint in range(14)))
"""The 14 joints of PCK and AUC in Human3.6M-17 order: all but pelvis,
spine and head of the own order."""


@DATASETS.register_module()
class MPIINF3DHPLiftingDataset(AnnotationLiftingDataset):
    """MPI-INF-3DHP (Mehta et al., 3DV 2017) in Human3.6M-17 joint order.

    Its joints are its own, only their order is Human3.6M's
    (:data:`TO_H36M`). Test frames whose annotation is not valid are read,
    serve as context, and are never scored. A file holds either ``annot3`` or
    ``univ_annot3`` targets, never both, and says which in its name.

    Args:
        **kwargs: Arguments of :class:`AnnotationLiftingDataset`.
    """

    CONVERTER = (
        'Write it with: python tools/dataset_converters/mpi_inf_3dhp.py '
        'official --data-root mpi_inf_3dhp --target annot3 '
        '--out-dir data/mpi_inf_3dhp')
