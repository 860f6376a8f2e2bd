# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A small lifter from scratch, on endless windows."""

import math
import time
from pathlib import Path
from typing import List, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mmdiffpose.atomic_files import replacing
from mmdiffpose.datasets.mocap_views import MocapViewDataset
from mmdiffpose.models.encoders import FrameTransformer

LEARNING_RATE = 1e-3
WARM_UP = 200
VELOCITY = 2.
"""Weight of the velocity's error, as in the zoo's training."""
SAVE_EVERY = 500


class Schedule(NamedTuple):
    """How long, on how much, and how large the lifter is.

    Attributes:
        iterations: Steps of the optimiser.
        batch: Windows of a step.
        width: Of a frame's token.
        depth: Blocks.
    """
    iterations: int = 2000
    batch: int = 64
    width: int = 128
    depth: int = 3


class SmallLifter(nn.Module):
    """A frame transformer and a linear regression of root-relative poses."""

    def __init__(self, seq_len: int, schedule: Schedule) -> None:
        super().__init__()
        self.encoder = FrameTransformer(
            seq_len,
            width=schedule.width,
            depth=schedule.depth,
            num_heads=max(1, schedule.width // 32))
        channels = self.encoder.embed_dims
        self.norm = nn.LayerNorm(channels)
        self.regress = nn.Linear(channels, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        """Poses (B, T, J, 3) in metres of windows (B, T, J, 3)."""
        poses = self.regress(self.norm(self.encoder(inputs)[0]))
        return poses - poses[..., :1, :]


def train(dataset: MocapViewDataset, seed: int, schedule: Schedule,
          file: Path) -> SmallLifter:
    """Train, or go on where an earlier run stopped.

    Args:
        dataset: Of the training people, with the law to be measured.
        seed: Of the first weights.
        schedule: How long.
        file: Where the weights go, with all that going on needs.

    Returns:
        The lifter with averaged weights.

    Raises:
        ValueError: If the file is of another schedule.
    """
    torch.manual_seed(seed)
    model = SmallLifter(dataset.simulator.seq_len, schedule)
    averaged = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(.998))
    optimizer = torch.optim.AdamW(
        model.parameters(), LEARNING_RATE, weight_decay=.05, betas=(.9, .99))
    first = 0
    if file.is_file():
        saved = torch.load(file, weights_only=True)
        if saved['schedule'] != list(schedule):
            raise ValueError(
                f'{file}: was trained for {saved["schedule"]} (iterations, '
                f'windows, width, depth), expected {list(schedule)}; take '
                'another --out-dir')
        model.load_state_dict(saved['model'])
        averaged.load_state_dict(saved['averaged'])
        optimizer.load_state_dict(saved['optimizer'])
        first = saved['iteration']
    begun = time.monotonic()
    for iteration in range(first, schedule.iterations):
        for group in optimizer.param_groups:
            group['lr'] = LEARNING_RATE * rate(iteration, schedule.iterations)
        start = iteration * schedule.batch
        drawn = dataset.draw_batch(range(start, start + schedule.batch), 0)
        with torch.autocast('cpu', torch.bfloat16):
            poses = model(torch.from_numpy(drawn['inputs']))
        loss = pose_loss(poses.float(), torch.from_numpy(drawn['targets']))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.)
        optimizer.step()
        averaged.update_parameters(model)
        done = iteration + 1
        if done % SAVE_EVERY == 0 or done == schedule.iterations:
            with replacing(file) as partial:
                torch.save(
                    dict(
                        model=model.state_dict(),
                        averaged=averaged.state_dict(),
                        optimizer=optimizer.state_dict(),
                        iteration=done,
                        schedule=list(schedule)), partial)
            spent = time.monotonic() - begun
            print(
                f'{file.stem}, {done} of {schedule.iterations}: '
                f'{float(loss.detach()):.4f} '
                f'({spent / (done - first):.3f} s a step)',
                flush=True)
    return averaged.module.eval()


def pose_loss(poses: Tensor, truth: Tensor) -> Tensor:
    """Mean joint distance, and that of the velocity."""
    away = poses - truth
    velocity = away[:, 1:] - away[:, :-1]
    return (away.norm(dim=-1).mean() + VELOCITY * velocity.norm(dim=-1).mean())


def rate(iteration: int, iterations: int) -> float:
    """A short rise, then half a cosine down to two percent."""
    cosine = .5 * (1 + math.cos(math.pi * iteration / iterations))
    return min(1., (iteration + 1) / WARM_UP) * (.02 + .98 * cosine)


@torch.no_grad()
def lift(model: SmallLifter,
         inputs: np.ndarray,
         batch: int = 64) -> np.ndarray:
    """Poses (B, T, J, 3) in metres of windows (B, T, J, 3)."""
    poses: List[np.ndarray] = [
        model(torch.from_numpy(inputs[i:i + batch])).numpy()
        for i in range(0, len(inputs), batch)
    ]
    return np.concatenate(poses)
