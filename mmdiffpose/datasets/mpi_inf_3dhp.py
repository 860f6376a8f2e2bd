# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MPI-INF-3DHP for lifting."""

import copy
import dataclasses
from typing import Any, Dict, List, Mapping

from mmpose.datasets.datasets.utils import parse_pose_metainfo

from mmdiffpose.registry import DATASETS
from mmdiffpose.skeletons import (H36M_17, JOINT_ORDERS, MPI_INF_3DHP_17,
                                  Skeleton)
from .annotation_dataset import AnnotationLiftingDataset
from .windows.sequence import PoseSequence

TRAIN_CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)
"""The eight cameras of the 14 that the field trains on."""

TEST_SEQUENCES = ('TS1', 'TS2', 'TS3', 'TS4', 'TS5', 'TS6')

JOINTS_28_TO_17 = (7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3,
                   6)
"""Of the 28 joints of ``annot.mat``, the 17 that the test set has too."""

TO_H36M = JOINT_ORDERS['mpi_inf_3dhp']
"""``pose[TO_H36M]`` reorders its own 17 joints into Human3.6M-17."""

FROM_H36M = tuple(TO_H36M.index(joint) for joint in range(17))
"""``pose[FROM_H36M]`` brings Human3.6M-17 back to its own order."""


@DATASETS.register_module()
class MPIINF3DHPLiftingDataset(AnnotationLiftingDataset):
    """MPI-INF-3DHP (Mehta et al., 3DV 2017).

    Files and, by default, samples have Human3.6M-17 joint order: the joints
    are its own, only their order is Human3.6M's (:data:`TO_H36M`). Test
    frames without a valid annotation are read, serve as context, and are
    never scored. A file holds either ``annot3`` or ``univ_annot3`` targets,
    never both, and says which in its name. A sample's ``action`` is its
    sequence (``'TS1'``), so that the mean over actions is the mean over
    sequences.

    Args:
        joint_order: ``'h36m'``, or ``'mpi_inf_3dhp'`` for the data set's own
            order, in which the root is joint 14.
        **kwargs: Arguments of :class:`AnnotationLiftingDataset`.
    """

    CONVERTER = (
        'Write it with: python tools/dataset_converters/mpi_inf_3dhp.py '
        'official --data-root mpi_inf_3dhp --target annot3 '
        '--out-dir data/mpi_inf_3dhp')

    def __init__(self,
                 *args: Any,
                 joint_order: str = 'h36m',
                 **kwargs: Any) -> None:
        if joint_order not in JOINT_ORDERS:
            raise ValueError(
                f'joint_order must be one of {tuple(JOINT_ORDERS)}, got '
                f'{joint_order!r}')
        self.joint_order = joint_order
        kwargs['metainfo'] = self.metainfo_of(
            dict(joint_order=joint_order, metainfo=kwargs.get('metainfo')))
        super().__init__(*args, **kwargs)

    @classmethod
    def metainfo_of(cls, config: Mapping[str, Any]) -> dict:
        """See :meth:`LiftingDataset.metainfo_of`; the order counts."""
        given = copy.deepcopy(config.get('metainfo')) or {}
        if config.get('joint_order') == 'mpi_inf_3dhp':
            own = parse_pose_metainfo(own_order_metainfo(cls.METAINFO))
            given = {**own, **given}
        return cls._load_metainfo(given)

    def file_skeleton(self) -> Skeleton:
        """Human3.6M's joints, whatever order the samples have."""
        return H36M_17

    def load_sequences(self) -> List[PoseSequence]:
        """Read the files, in the joint order asked for."""
        sequences = super().load_sequences()
        if self.joint_order == 'h36m':
            return sequences
        order = list(FROM_H36M)
        return [
            dataclasses.replace(
                sequence, **{
                    name: array[:, order]
                    for name in ('keypoints_2d', 'scores', 'keypoints_3d',
                                 'mixtures', 'visible')
                    if (array := getattr(sequence, name)) is not None
                }) for sequence in sequences
        ]


def own_order_metainfo(h36m: Dict[str, Any]) -> Dict[str, Any]:
    """MMPose's description of the own joint order.

    Args:
        h36m: That of Human3.6M-17; colours and body halves come from it.
    """
    skeleton = MPI_INF_3DHP_17
    names = skeleton.joints
    keypoints = {}
    for number, name in enumerate(names):
        twin = skeleton.flip_indices[number]
        keypoints[number] = dict(
            h36m['keypoint_info'][FROM_H36M[number]],
            name=name,
            id=number,
            swap=names[twin] if twin != number else '')
    bones = {
        number:
        dict(
            link=(names[parent], names[child]),
            id=number,
            color=keypoints[child]['color'])
        for number, (parent, child) in enumerate(skeleton.links)
    }
    return dict(
        h36m,
        dataset_name='mpi_inf_3dhp',
        paper_info=dict(
            author='Dushyant Mehta and Helge Rhodin and Dan Casas and Pascal '
            'Fua and Oleksandr Sotnychenko and Weipeng Xu and Christian '
            'Theobalt',
            title='Monocular 3D Human Pose Estimation In The Wild Using '
            'Improved CNN Supervision',
            container='International Conference on 3D Vision',
            year='2017',
            homepage='https://vcai.mpi-inf.mpg.de/3dhp-dataset/'),
        keypoint_info=keypoints,
        skeleton_info=bones)
