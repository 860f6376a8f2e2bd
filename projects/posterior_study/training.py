# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Train all rows of the study at once on a frozen encoder."""

from pathlib import Path
from typing import Any, NamedTuple, Sequence

import torch
from torch import Tensor

from mmdiffpose.datasets.mocap_views import MocapViewDataset
from ..common.training import Loop, train_or_go_on
from .methods import Known, Posteriors

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
    loop = Loop(
        'rows', decay=.995, warm_up=100, last_share=.01, save_every=SAVE_EVERY)
    return train_or_go_on(
        rows, lambda iteration: step(model, rows, dataset, seed,
                                     iteration, schedule.batch), loop,
        schedule._asdict(), file,
        [part for part in rows.children() if list(part.parameters())])


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
