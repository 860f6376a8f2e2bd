# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Train all rows of the study at once on a frozen encoder."""

import math
import time
from pathlib import Path
from typing import Any, NamedTuple, Sequence

import torch
from torch import Tensor

from mmdiffpose.atomic_files import replacing
from mmdiffpose.datasets.mocap_views import MocapViewDataset
from .methods import Known, Posteriors

LEARNING_RATE = 1e-3
FRAMES = 9
"""Frames of a window that train the denoisers."""
SAVE_EVERY = 250
DEPTH_WINDOWS, DEPTH_EPOCH = 4096, 999
"""Windows whose depths are counted; no training step has them."""


class Schedule(NamedTuple):
    """How long and on how much.

    Attributes:
        iterations: Steps of the optimiser.
        batch: Windows of a step.
    """
    iterations: int = 3000
    batch: int = 64


@torch.no_grad()
def look(model: Any, inputs: Tensor) -> Known:
    """What a lifter's encoder knows of windows (B, T, J, 3)."""
    context = model.extract_feat(inputs)
    return Known(context.features.float(),
                 context.known_coarse().float(), context.seen)


def train(model: Any, dataset: MocapViewDataset, seed: int, schedule: Schedule,
          file: Path) -> Posteriors:
    """Train, or go on where an earlier run stopped.

    Windows, noise and first weights follow from the seed; all rows see the
    same windows and have as many steps.

    Args:
        model: A lifter; its encoder stays as it is.
        dataset: Of the training people.
        seed: Of everything.
        schedule: How long.
        file: Where the weights go, with all that going on needs.

    Returns:
        Posteriors: With averaged weights.
    """
    torch.manual_seed(seed)
    rows = Posteriors(model.head.refined_channels)
    depths = dataset.draw_batch(range(DEPTH_WINDOWS), DEPTH_EPOCH)['targets']
    rows.learn_depths(depths)
    averaged = torch.optim.swa_utils.AveragedModel(
        rows,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(.995),
        use_buffers=True)
    optimizer = torch.optim.AdamW(
        rows.parameters(), LEARNING_RATE, weight_decay=.05, betas=(.9, .99))
    parts = [list(part.parameters()) for part in rows.children()]
    parts = [part for part in parts if part]
    first = 0
    if file.is_file():
        saved = torch.load(file, weights_only=True)
        if saved['schedule'] != list(schedule):
            raise ValueError(
                f'{file}: trained for {saved["schedule"]} iterations and '
                f'windows, expected {list(schedule)}; take another --out-dir')
        rows.load_state_dict(saved['rows'])
        averaged.load_state_dict(saved['averaged'])
        optimizer.load_state_dict(saved['optimizer'])
        first = saved['iteration']
    begun = time.monotonic()
    for iteration in range(first, schedule.iterations):
        for group in optimizer.param_groups:
            group['lr'] = LEARNING_RATE * rate(iteration, schedule.iterations)
        losses = step(model, rows, dataset, seed, iteration, schedule.batch)
        optimizer.zero_grad()
        sum(losses.values()).backward()
        for part in parts:
            torch.nn.utils.clip_grad_norm_(part, 1.)
        optimizer.step()
        averaged.update_parameters(rows)
        done = iteration + 1
        if done % SAVE_EVERY == 0 or done == schedule.iterations:
            with replacing(file) as partial:
                torch.save(
                    dict(
                        rows=rows.state_dict(),
                        averaged=averaged.state_dict(),
                        optimizer=optimizer.state_dict(),
                        iteration=done,
                        schedule=list(schedule)), partial)
            told = ', '.join(f'{k} {float(v.detach()):.3f}'
                             for k, v in losses.items())
            spent = time.monotonic() - begun
            print(
                f'seed {seed}, {done} of {schedule.iterations}: {told} '
                f'({spent / (done - first):.2f} s a step)',
                flush=True)
    return averaged.module.eval()


def step(model: Any, rows: Posteriors, dataset: MocapViewDataset, seed: int,
         iteration: int, batch: int) -> Any:
    """Losses of one step's windows, which no other step or seed has."""
    rows.train()
    windows: Sequence[int] = range(iteration * batch, (iteration + 1) * batch)
    drawn = dataset.draw_batch(windows, 1000 + seed)
    target = torch.from_numpy(drawn['targets'])
    generator = torch.Generator().manual_seed(1_000_000 * seed + iteration)
    some = torch.randperm(target.shape[1], generator=generator)[:FRAMES]
    # Twice as fast; what has to be exact asks for full precision by itself.
    with torch.autocast('cpu', torch.bfloat16):
        known = look(model, torch.from_numpy(dataset.inputs(drawn)))
        return rows.losses(known, target, some, generator)


def rate(iteration: int, iterations: int) -> float:
    """A short rise, then half a cosine."""
    warm = min(1., (iteration + 1) / 100)
    return warm * (.01 + .495 *
                   (1 + math.cos(math.pi * iteration / iterations)))
