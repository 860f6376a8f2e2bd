# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Parameters, multiply-adds and frames a second of a model."""

import time
from pathlib import Path
from statistics import median
from typing import Any, Dict, List

import torch
from mmengine.dataset import pseudo_collate
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from .environment import THREADS, environment
from .test_sets import MINI, config_of_test

SPEED_FRAMES = 216
"""Frames in one batch, whatever a window's length: 8 windows of 27."""
SPEED_RUNS = 5


def build(config: Path, weights: Path) -> nn.Module:
    """Build a model; weights that do not fit are an error."""
    from mmdiffpose.apis import init_model
    return init_model(config, weights)


def measure_costs(model: nn.Module) -> Dict[str, Any]:
    """What does not depend on the machine.

    Args:
        model (nn.Module): From :func:`build`.

    Returns:
        dict: ``frames`` T of a window, ``hypotheses`` N (None without),
        ``sampling`` in words, ``parameters``, ``trained_parameters`` (those
        not frozen in the last stage) and ``macs_per_frame``: multiply-adds
        of matrix products and convolutions in the whole inference of one
        window, all hypotheses and steps and the fit of H_K's mixture
        included, divided by T. Element-wise operations are not counted.
    """
    batch = windows(model, 1)
    # Fused attention is counted on no CPU; as two products it is.
    with torch.no_grad(), sdpa_kernel(
            SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        sample, = model.test_step(batch)
    frames = int(batch['inputs'][0].shape[0])
    found = sample.pred_instances
    parameters = list(model.parameters())
    return dict(
        frames=frames,
        hypotheses=(int(found.hypotheses.shape[1])
                    if 'hypotheses' in found else None),
        sampling=sampling(model) if 'hypotheses' in found else None,
        parameters=sum(p.numel() for p in parameters),
        trained_parameters=sum(p.numel() for p in parameters
                               if p.requires_grad),
        macs_per_frame=counter.get_total_flops() / 2 / frames)


def sampling(model: nn.Module) -> str:
    """Sampler and steps in words."""
    head = model.head
    options = dict(head.test_defaults)
    options.update(model.test_cfg or {})
    sampler = options.get('sampler', 'ddpm')
    if sampler != 'ddpm':
        name = 'DDIM' if sampler == 'ddim' else sampler
        return f'{options["num_sampling_steps"]} {name} steps'
    return f'{head.process.num_steps} steps'


def measure_speed(model: nn.Module) -> Dict[str, Any]:
    """Frames a second of CPU time, median of several runs.

    CPU time, which others' load leaves alone: on one thread and an idle
    machine it is the time on the clock.
    """
    length = int(model.cfg.test_dataloader.dataset.get('seq_len', 1))
    number = max(1, SPEED_FRAMES // length)
    batch = windows(model, number)
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        with torch.no_grad():
            model.test_step(windows(model, 1))
            seconds = [_seconds(model, batch) for _ in range(SPEED_RUNS)]
    finally:
        torch.set_num_threads(before)
    return dict(
        frames_per_second=number * length / median(seconds),
        windows=number,
        runs=SPEED_RUNS,
        environment=environment())


def windows(model: nn.Module, number: int) -> Dict[str, List[Any]]:
    """The first windows of mocap-mini's test split, as the model takes them.

    Args:
        model (nn.Module): With ``cfg``.
        number (int): How many.
    """
    from mmdiffpose.registry import DATASETS
    cfg = config_of_test(model.cfg, MINI)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    if len(dataset) < number:
        raise ValueError(f'mocap-mini has {len(dataset)} windows of '
                         f'{dataset.seq_len} frames, expected {number}')
    return pseudo_collate([dataset[i] for i in range(number)])


def _seconds(model: nn.Module, batch: Dict[str, List[Any]]) -> float:
    start = time.process_time()
    model.test_step(batch)
    return time.process_time() - start
