# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Frames a second of a trained model's variants, side by side."""

import statistics
import time
from typing import Any, Dict, Iterable, Mapping

import torch
from mmengine.dataset import pseudo_collate

from mmdiffpose.apis import init_model
from mmdiffpose.registry import DATASETS
from .cells import StudyCell

FRAMES = 512
REPEATS = 3
SAMPLER_CLIPS = 40
"""Test clips, evenly spaced, that samplers are compared on."""


def sampler_tests(steps: Iterable[int]) -> Dict[str, Dict[str, Any]]:
    """All 50 steps of DDPM and few of DDIM, as changes of a config at test.

    Args:
        steps (iterable[int]): Of DDIM.

    Returns:
        dict[str, dict]: ``'ddpm-50'`` and each ``'ddim-<steps>'``.
    """
    tests: Dict[str, Dict[str, Any]] = {
        'ddpm-50': {
            'model.test_cfg.sampler': 'ddpm'
        }
    }
    for number in steps:
        tests[f'ddim-{number}'] = {
            'model.test_cfg.sampler': 'ddim',
            'model.test_cfg.num_sampling_steps': number
        }
    for changes in tests.values():
        changes['test_dataloader.dataset.max_sequences'] = SAMPLER_CLIPS
    return tests


@torch.no_grad()
def frames_per_second(
        cell: StudyCell,
        tests: Mapping[str, Mapping[str, Any]]) -> Dict[str, float]:
    """Lift the same frames with each of a trained row's test variants.

    All of the model is in the time, reading data is not.

    Args:
        cell (StudyCell): A trained one.
        tests (mapping): Variant name to changes of the config.

    Returns:
        dict[str, float]: Variant name to the median of three runs.
    """
    models = {
        name:
        init_model(
            str(cell.folder / 'config.py'),
            str(cell.checkpoint()),
            device='cpu',
            cfg_options=dict(changes))
        for name, changes in tests.items()
    }
    any_model = next(iter(models.values()))
    dataset = DATASETS.build(any_model.cfg.test_dataloader.dataset)
    count = max(1, FRAMES // dataset.seq_len)
    batch = pseudo_collate([dataset[i] for i in range(count)])
    times: Dict[str, list] = {name: [] for name in models}
    for repeat in range(REPEATS + 1):
        for name, model in models.items():
            start = time.perf_counter()
            model.test_step(batch)
            if repeat:  # the first one warms up
                times[name].append(time.perf_counter() - start)
    frames = count * dataset.seq_len
    return {
        name: frames / statistics.median(seconds)
        for name, seconds in times.items()
    }
