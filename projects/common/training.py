# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Train a small network by a plain loop; interrupted, go on with it."""

import math
import time
from pathlib import Path
from typing import Callable, Iterable, Mapping, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from mmdiffpose.atomic_files import replacing

LEARNING_RATE = 1e-3
Network = TypeVar('Network', bound=nn.Module)


class Loop(NamedTuple):
    """How a network is trained, and kept.

    Attributes:
        key: Of the network's weights in the file.
        decay: Of the running average of the weights.
        warm_up: Iterations in which the learning rate rises.
        last_share: Of the learning rate at the end of a half cosine.
        save_every: Iterations between two savings.
    """
    key: str
    decay: float
    warm_up: int
    last_share: float
    save_every: int

    def rate(self, iteration: int, iterations: int) -> float:
        """Share of the learning rate in an iteration, counted from 0."""
        cosine = .5 * (1 + math.cos(math.pi * iteration / iterations))
        rise = min(1., (iteration + 1) / self.warm_up)
        return rise * (self.last_share + (1 - self.last_share) * cosine)


def train_or_go_on(network: Network, step: Callable[[int], Mapping[str,
                                                                   Tensor]],
                   loop: Loop, schedule: Mapping[str, int], file: Path,
                   parts: Iterable[nn.Module]) -> Network:
    """Train, or go on where an earlier run stopped.

    Args:
        network: With its first weights; trained in place.
        step: Iteration to losses, which are added. What it draws must follow
            from the iteration alone.
        loop: How.
        schedule: How long (``iterations``) and whatever else an earlier run
            must have had alike.
        file: Where the weights go, with all that going on needs.
        parts: Modules whose gradients are clipped apart from each other's.

    Returns:
        The network with averaged weights, in evaluation mode.

    Raises:
        ValueError: If the file is of another schedule.
    """
    averaged = torch.optim.swa_utils.AveragedModel(
        network,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(loop.decay),
        use_buffers=True)
    optimizer = torch.optim.AdamW(
        network.parameters(), LEARNING_RATE, weight_decay=.05, betas=(.9, .99))
    clipped = [list(part.parameters()) for part in parts]
    values, iterations = list(schedule.values()), schedule['iterations']
    first = 0
    if file.is_file():
        saved = torch.load(file, weights_only=True)
        if saved['schedule'] != values:
            raise ValueError(
                f'{file}: was trained for {saved["schedule"]} '
                f'({", ".join(schedule)}), expected {values}; take another '
                '--out-dir')
        network.load_state_dict(saved[loop.key])
        averaged.load_state_dict(saved['averaged'])
        optimizer.load_state_dict(saved['optimizer'])
        first = saved['iteration']
    begun = time.monotonic()
    for iteration in range(first, iterations):
        for group in optimizer.param_groups:
            group['lr'] = LEARNING_RATE * loop.rate(iteration, iterations)
        losses = step(iteration)
        optimizer.zero_grad()
        sum(losses.values(), torch.zeros(())).backward()
        for parameters in clipped:
            nn.utils.clip_grad_norm_(parameters, 1.)
        optimizer.step()
        averaged.update_parameters(network)
        done = iteration + 1
        if done % loop.save_every == 0 or done == iterations:
            with replacing(file) as partial:
                torch.save(
                    {
                        loop.key: network.state_dict(),
                        'averaged': averaged.state_dict(),
                        'optimizer': optimizer.state_dict(),
                        'iteration': done,
                        'schedule': values
                    }, partial)
            told = ', '.join(f'{name} {float(loss.detach()):.4f}'
                             for name, loss in losses.items())
            spent = time.monotonic() - begun
            print(
                f'{file.stem}, {done} of {iterations}: {told} '
                f'({spent / (done - first):.3f} s a step)',
                flush=True)
    return averaged.module.eval()
