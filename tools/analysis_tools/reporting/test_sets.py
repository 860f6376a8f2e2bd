# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What the zoo's models are tested on: configs for one test each."""

from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

from mmengine.config import Config

from mmdiffpose.datasets import MocapMiniDataset
from mmdiffpose.datasets.cameras import VIRTUAL_CAMERAS

MINI = 'mocap-mini'
OCCLUDED = '-occluded'
"""Ending of the name of a test set whose 2D joints go missing."""
OCCLUSION = 'mixture'
"""The pattern: one of DiffHPE's four or nothing, drawn for each window."""
UNSEEN_SUBJECT = 'S2'
"""Of mocap-mini's test split. Its other clip is CMU's trial 01_01, which is in
what the zoo is trained on."""

TITLES = {
    'hdm05': 'HDM05, test split (actors mm, tr)',
    f'hdm05{OCCLUDED}': 'HDM05, test split, with 2D joints missing',
    MINI: f'mocap-mini, the test split\'s person {UNSEEN_SUBJECT}',
}
NOTES = {
    'hdm05':
    'Two actors that training never saw, motions that it did '
    '([protocol](../configs/hdm05_protocol.md)).',
    f'hdm05{OCCLUDED}':
    f'The same with the occlusion pattern `{OCCLUSION}` '
    '([patterns](../configs/README.md#missing-joints)), for the models that '
    'were trained with it and their counterparts.',
    MINI:
    'In the package, nothing to download. Another motion capture than '
    "training's: a person crawls up steps. The split's other clip is left "
    'out: it is a trial of CMU that the models were trained on.',
}


def own_test_set(cfg: Config) -> str:
    """Name of the data set that a config is tested on.

    Args:
        cfg (Config): Of a zoo model.

    Returns:
        str: The name of the data's folder, or mocap-mini's.
    """
    dataset = cfg.test_dataloader.dataset
    if dataset.type.endswith('MocapMiniDataset'):
        return MINI
    return Path(dataset.data_root).name


def data_files(cfg: Config) -> List[Path]:
    """Files that a test reads.

    Args:
        cfg (Config): From :func:`config_of_test`.
    """
    dataset = cfg.test_dataloader.dataset
    if dataset.type.endswith('MocapMiniDataset'):
        import mmdiffpose
        return [Path(mmdiffpose.__file__).parent / 'data' / 'mocap_mini.npz']
    root = Path(dataset.get('data_root') or '')
    keys = ('ann_file', 'camera_param_file', 'keypoint_2d_det_file',
            'mixture_file')
    return [root / dataset[key] for key in keys if dataset.get(key)]


def as_python(cfg: Config) -> str:
    """A config as a file's text, not made pretty, which takes seconds."""
    return ''.join(f'{key} = {value!r}\n'
                   for key, value in cfg.to_dict().items())


def config_of_test(cfg: Config,
                   test_set: str,
                   flip: bool = False,
                   max_sequences: Optional[int] = None) -> Config:
    """The config of one test, without anything that only training reads.

    Args:
        cfg (Config): Of the model.
        test_set (str): The model's own (:func:`own_test_set`), that with
            ``OCCLUDED`` behind it, or ``MINI``.
        flip (bool): Whether to average over the mirrored window.
        max_sequences (int, optional): Use only that many sequences.

    Returns:
        Config: A copy.

    Raises:
        ValueError: If the config has no such test set.
    """
    own = own_test_set(cfg)
    if test_set not in (own, own + OCCLUDED, MINI):
        raise ValueError(f'{cfg.filename}: expected one of its test sets '
                         f'{own}, {own + OCCLUDED}, {MINI}, found {test_set}')
    cfg = deepcopy(cfg)  # Config.copy shares what is nested
    loader = cfg.test_dataloader
    # One process: what is measured does not depend on workers.
    loader.update(num_workers=0, persistent_workers=False)
    if test_set == MINI:
        loader.dataset = _mini(loader.dataset, max_sequences)
    else:
        loader.dataset.occlusion = (
            OCCLUSION if test_set.endswith(OCCLUDED) else None)
        if max_sequences is not None:
            loader.dataset.max_sequences = max_sequences
    evaluators = cfg.test_evaluator
    evaluators = evaluators if isinstance(evaluators, list) else [evaluators]
    if not any(e['type'].endswith('AggregationMetric') for e in evaluators):
        evaluators = [
            *evaluators,
            dict(type='mmdiffpose.AggregationMetric', required=False)
        ]
    cfg.test_evaluator = evaluators
    if flip:
        cfg.merge_from_dict({'model.test_cfg.flip_test': True})
    for part in ('train', 'val'):
        for key in ('dataloader', 'cfg'):
            cfg[f'{part}_{key}'] = None
    cfg.val_evaluator = cfg.optim_wrapper = cfg.param_scheduler = None
    cfg.custom_hooks = []
    return cfg


def _mini(own: Dict[str, Any], max_sequences: Optional[int]) -> Dict[str, Any]:
    """mocap-mini's unseen person in windows of the model's length."""
    settings = dict(
        split='test',
        seq_len=own.get('seq_len', 1),
        cameras=[camera.name for camera in VIRTUAL_CAMERAS][:max_sequences],
        test_mode=True)
    return dict(
        type='mmdiffpose.MocapMiniDataset',
        **settings,
        indices=_unseen_windows(settings['seq_len'],
                                tuple(settings['cameras'])),
        pipeline=own['pipeline'])


@lru_cache(maxsize=None)
def _unseen_windows(seq_len: int,
                    cameras: Tuple[str, ...]) -> Union[int, List[int]]:
    """Windows of the unseen person: which, or the first so many."""
    # Where windows lie does not depend on the detections.
    data = MocapMiniDataset(
        seq_len=seq_len,
        split='test',
        cameras=cameras,
        keypoint_2d_src='gt',
        test_mode=True)
    indices = [
        index for index, window in enumerate(data.windows)
        if data.sequences[window[0]].subject == UNSEEN_SUBJECT
    ]
    first = len(indices)
    return first if indices == list(range(first)) else indices
