# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Modules of version 0.1 under their old names."""

import importlib
import warnings
from types import ModuleType
from typing import Callable, Dict

from .import_hooks import provide_missing

_ROOMS: Dict[str, Dict[str, str]] = {
    'apis': {
        'checkpoints':
        'checkpoint checkpoint_formats config_names model model_zoo',
        'detection':
        'frame_sources heatmap_detector person_tracker pose2d pose2d_mmpose '
        'track_collector',
        'files':
        'keypoint_files person_selection result_csv result_files result_trc',
        'lifting':
        'focal_length gaps lift root_trajectory sighting_buffer streaming '
        'unseen_joints view_fit window_inference windows',
        'structures':
        'axes keypoint_track lifted_track people',
    },
    'datasets': {
        'datasets.annotation_files':
        'annotation_checks annotation_writer annotations camera_files '
        'h36m_metadata image_names released_mixtures',
        'datasets.simulation':
        'detector_noise occlusion_patterns',
        'datasets.windows':
        'clip_windows compact_collate h36m_metainfo lifting_dataset sequence',
    },
    'models.heads': {
        'models.heads.detection': 'cpn_head',
        'models.heads.diffusion':
        'diffhpe_head diffpose_head released_diffpose_head',
        'models.heads.regression': 'denoiser_regression_head single_pass_head',
    },
}
"""Old room to new rooms and the modules that went there."""

MOVED = {
    f'mmdiffpose.{old}.{name}': f'mmdiffpose.{new}.{name}'
    for old, rooms in _ROOMS.items()
    for new, names in rooms.items()
    for name in names.split()
}
"""Full old name to full new name."""

RENAMED = {
    f'mmdiffpose.datasets.windows.{module}': dict(Sequence='PoseSequence')
    for module in ('lifting_dataset', 'sequence')
}
"""Classes whose old name an old module still has."""


def provide_moved_modules() -> None:
    """Let ``import mmdiffpose.apis.pose2d`` mean ``mmdiffpose.detection...``.

    What is imported so are the same objects, and a DeprecationWarning says
    where they live now.
    """
    for old, new in MOVED.items():
        provide_missing(old, _filled_from(new))


def _filled_from(new: str) -> Callable[[ModuleType], None]:

    def fill(module: ModuleType) -> None:
        warnings.warn(
            f'{module.__name__} is now {new}; the old name goes with '
            'version 1.0',
            DeprecationWarning,
            stacklevel=2)
        names = vars(importlib.import_module(new))
        vars(module).update((name, value) for name, value in names.items()
                            if not name.startswith('__'))
        for old, now in RENAMED.get(new, {}).items():
            setattr(module, old, names[now])

    return fill
