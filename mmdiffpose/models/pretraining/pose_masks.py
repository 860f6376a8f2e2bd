# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Which frames and joints masked pose modelling hides."""

from typing import NamedTuple, Sequence

import torch
from torch import Tensor


class PoseMasks(NamedTuple):
    """Masks of B windows.

    Attributes:
        visible: Indices of the frames that the encoder sees, ascending,
            (B, V).
        frames: Whether a frame is masked, (B, T), bool.
        joints: Whether a joint is masked within its frame, (B, T, J), bool.
    """
    visible: Tensor
    frames: Tensor
    joints: Tensor


def _draw(shape: Sequence[int], count: int,
          generator: torch.Generator) -> Tensor:
    """True for ``count`` entries along the last axis, uniformly drawn."""
    order = torch.rand(shape, generator=generator).argsort(dim=-1)
    # The rank of each entry in a random order is a random permutation.
    return order < count


def draw_pose_masks(batch_size: int, num_frames: int, num_joints: int,
                    masked_frames: int, masked_joints: int,
                    generator: torch.Generator) -> PoseMasks:
    """Draw P-STMO's spatial-temporal masks.

    In each window exactly ``masked_frames`` frames are masked, every set of
    so many being as likely as any other, and independently in each frame
    exactly ``masked_joints`` joints, likewise. (The released code shares one
    mask in a batch, and its joint masks never hold the last joint.)

    Args:
        batch_size (int): B.
        num_frames (int): T.
        num_joints (int): J.
        masked_frames (int): Fewer than T.
        masked_joints (int): Fewer than J.
        generator (torch.Generator): On the CPU.

    Returns:
        PoseMasks: On the CPU.

    Raises:
        ValueError: Where nothing would be left to see.
    """
    for name, count, total in (('frames', masked_frames, num_frames),
                               ('joints', masked_joints, num_joints)):
        if not 0 <= count < total:
            raise ValueError(f'masked {name}: expected 0 to {total - 1} of '
                             f'{total}, found {count}')
    frames = _draw((batch_size, num_frames), masked_frames, generator)
    joints = _draw((batch_size, num_frames, num_joints), masked_joints,
                   generator)
    visible = (~frames).nonzero()[:, 1].reshape(batch_size, -1)
    return PoseMasks(visible, frames, joints)
