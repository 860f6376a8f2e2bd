# Copyright (c) mmdiffpose contributors. All rights reserved.
"""CSDI's own denoiser with transformers: the ablation of DiffHPE's."""

from typing import Any

import torch
from torch import Tensor, nn

from mmdiffpose.registry import MODELS
from .csdi import CSDIDenoiser

FRAME_CHANNELS = 128
JOINT_CHANNELS = 16


def frame_embedding(num_frames: int, channels: int) -> Tensor:
    """Sinusoids of the frame's number (T, C), sines and cosines in turns."""
    frequencies = 1e4**(-torch.arange(0, channels, 2) / channels)
    angles = torch.arange(num_frames)[:, None] * frequencies[None]
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


class TransformerMixer(nn.Module):
    """A transformer layer over frames, then one over joints.

    Args:
        channels (int): Width C, also that between a layer's two linear ones.
        num_heads (int): Attention heads.
        dropout (float): Everywhere in both layers.
    """

    def __init__(self, channels: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.time, self.feature = (
            nn.TransformerEncoderLayer(
                channels,
                num_heads,
                dim_feedforward=channels,
                dropout=dropout,
                activation='gelu') for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """``(J, T, B, C) -> (J, T, B, C)``."""
        J, T, B, C = x.shape
        x = x.transpose(0, 1).reshape(T, J * B, C)
        x = self.time(x).view(T, J, B, C).transpose(0, 1)
        return self.feature(x.reshape(J, T * B, C)).view(J, T, B, C)


@MODELS.register_module()
class CSDITransformer(CSDIDenoiser):
    """The denoiser that DiffHPE's :class:`CSDIGCN` replaces.

    CSDI (Tashiro et al., NeurIPS 2021): in each block a transformer layer
    over the frames of each joint and one over the joints of each frame, with
    its side information (sinusoids of the frame, a learned embedding of the
    joint) at every gated unit, without which a transformer could not tell
    frames or joints apart. The rest is as in :class:`CSDIGCN`: the condition
    enters at the input, and there is no mask.

    Args:
        num_heads (int): Attention heads. Defaults to 8.
        channels (int): Width C. Defaults to 64.
        dropout (float): Defaults to 0.1, CSDI's.
        **kwargs: Further arguments of :class:`CSDIDenoiser`.
    """

    frames: Tensor

    def __init__(self,
                 num_heads: int = 8,
                 channels: int = 64,
                 dropout: float = 0.1,
                 **kwargs: Any) -> None:
        super().__init__(
            lambda: TransformerMixer(channels, num_heads, dropout),
            channels=channels,
            side_channels=FRAME_CHANNELS + JOINT_CHANNELS,
            **kwargs)
        self.dropout = dropout
        self.joint_embedding = nn.Parameter(
            torch.randn(self.num_joints, JOINT_CHANNELS))
        self.register_buffer(
            'frames',
            frame_embedding(self.seq_len, FRAME_CHANNELS),
            persistent=False)

    def side_info(self) -> Tensor:
        """Frame and joint embeddings, (J, T, 1, 144)."""
        shape = (self.num_joints, self.seq_len)
        frames = self.frames[None].expand(*shape, -1)
        joints = self.joint_embedding[:, None].expand(*shape, -1)
        return torch.cat([frames, joints], dim=-1)[:, :, None]
