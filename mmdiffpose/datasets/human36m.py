# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Human3.6M for lifting."""

from mmdiffpose.registry import DATASETS
from mmdiffpose.skeletons.mocap_sets import JOINTS_32_TO_17
from .annotation_dataset import AnnotationLiftingDataset

__all__ = [
    'ACTIONS', 'JOINTS_32_TO_17', 'RENAMED', 'TEST_SUBJECTS', 'TRAIN_SUBJECTS',
    'Human36MLiftingDataset', 'clip_name'
]

ACTIONS = ('Directions', 'Discussion', 'Eating', 'Greeting', 'Phoning',
           'Photo', 'Posing', 'Purchases', 'Sitting', 'SittingDown', 'Smoking',
           'Waiting', 'WalkDog', 'Walking', 'WalkTogether')
"""The 15 actions, by the names that tables use."""

TRAIN_SUBJECTS = ('S1', 'S5', 'S6', 'S7', 'S8')
TEST_SUBJECTS = ('S9', 'S11')

RENAMED = dict(TakingPhoto='Photo', WalkingDog='WalkDog')
"""Actions that the raw data calls differently for some subjects."""


def clip_name(name: str) -> str:
    """``'Walking 1'`` as it stands in image names, by the tables' names.

    Args:
        name: A clip's name in the raw data or in VideoPose3D's files.

    Returns:
        For example ``'Walking_1'``, or ``'Photo'`` for ``'TakingPhoto'``.

    Raises:
        ValueError: If it is none of the 15 actions.
    """
    action, _, take = name.replace('_', ' ').partition(' ')
    action = RENAMED.get(action, action)
    if action not in ACTIONS:
        raise ValueError(f'"{name}" is none of the actions of Human3.6M: '
                         f'{", ".join(ACTIONS)}')
    return f'{action}_{take}' if take else action


@DATASETS.register_module()
class Human36MLiftingDataset(AnnotationLiftingDataset):
    """Human3.6M (Ionescu et al., TPAMI 2014), 50 fps, all frames.

    Train on S1, S5, S6, S7, S8, test on S9, S11. The files come from
    ``tools/dataset_converters/h36m.py``; those of MMPose's own converter
    (at ``fps50``) work unchanged.

    Args:
        **kwargs: Arguments of :class:`AnnotationLiftingDataset`.
    """

    CONVERTER = (
        'Write it with: python tools/dataset_converters/h36m.py videopose3d '
        '--poses data_3d_h36m.npz --detections '
        'data_2d_h36m_cpn_ft_h36m_dbb.npz --cameras cameras.pkl '
        '--out-dir data/h36m')
