# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A small lifter from scratch, on endless windows."""

from pathlib import Path
from typing import Dict, List, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mmdiffpose.datasets.mocap_views import MocapViewDataset
from mmdiffpose.models.encoders import FrameTransformer
from ..common.training import Loop, train_or_go_on

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

    def step(iteration: int) -> Dict[str, Tensor]:
        start = iteration * schedule.batch
        drawn = dataset.draw_batch(range(start, start + schedule.batch), 0)
        with torch.autocast('cpu', torch.bfloat16):
            poses = model(torch.from_numpy(drawn['inputs']))
        truth = torch.from_numpy(drawn['targets'])
        return dict(loss=pose_loss(poses.float(), truth))

    loop = Loop(
        'model',
        decay=.998,
        warm_up=200,
        last_share=.02,
        save_every=SAVE_EVERY)
    return train_or_go_on(model, step, loop, schedule._asdict(), file, [model])


def pose_loss(poses: Tensor, truth: Tensor) -> Tensor:
    """Mean joint distance, and that of the velocity."""
    away = poses - truth
    velocity = away[:, 1:] - away[:, :-1]
    return (away.norm(dim=-1).mean() + VELOCITY * velocity.norm(dim=-1).mean())


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
