# Copyright (c) mmdiffpose contributors. All rights reserved.
"""P-STMO: pre-trained spatial temporal many-to-one model."""

from math import prod
from typing import Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from mmdiffpose.registry import MODELS
from ..layers import (Linear, PoseSequenceEncoder, PoseTransformerBlock,
                      standardize_window)

OUTPUTS = ('frames', 'center')


def threefold_strides(seq_len: int) -> Tuple[int, ...]:
    """Strides of 3 whose product is the number of frames, a power of 3."""
    strides = []
    while seq_len > 1 and seq_len % 3 == 0:
        strides.append(3)
        seq_len //= 3
    return (*strides, seq_len) if seq_len > 1 else tuple(strides)


class FrameAggregator(nn.Module):
    """P-STMO's many-to-one frame aggregator (MOFA): strided blocks.

    Args:
        seq_len (int): Number of frames T.
        embed_dims (int): Width C.
        hidden_dims (int): Hidden width of the blocks.
        num_heads (int): Attention heads.
        dropout (float): Everywhere.
        strides (Sequence[int]): Frames that become one in each block; their
            product is T.
    """

    def __init__(self, seq_len: int, embed_dims: int, hidden_dims: int,
                 num_heads: int, dropout: float,
                 strides: Sequence[int]) -> None:
        super().__init__()
        if prod(strides) != seq_len:
            raise ValueError('the product of the strides should be the '
                             f'number of frames, {seq_len}, but the strides '
                             f'are {tuple(strides)}')
        self.blocks = nn.ModuleList(
            PoseTransformerBlock(embed_dims, hidden_dims, num_heads, dropout,
                                 stride) for stride in strides)
        # As released: an embedding before each of the first three blocks.
        lengths = [
            seq_len // prod(strides[:i]) for i in range(min(3, len(strides)))
        ]
        self.positions = nn.ParameterList(
            torch.randn(1, length, embed_dims) * 0.1 for length in lengths)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, T, C) -> (B, C)``."""
        for i, block in enumerate(self.blocks):
            if i < len(self.positions):
                x = x + self.positions[i]
            x = block(x)
        return x[:, 0]


class JointFeatures(nn.Module):
    """A feature per joint from a feature per frame.

    Args:
        embed_dims (int): Width C of a frame's feature.
        num_joints (int): Number of joints J.
        joint_dims (int): Width C' of a joint's feature.
    """

    def __init__(self, embed_dims: int, num_joints: int,
                 joint_dims: int) -> None:
        super().__init__()
        self.num_joints = num_joints
        self.norm = nn.BatchNorm1d(embed_dims)
        self.linear = Linear(embed_dims, num_joints * joint_dims)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., C) -> (..., J, C')``."""
        flat = self.linear(self.norm(x.reshape(-1, x.shape[-1])))
        return flat.reshape(*x.shape[:-1], self.num_joints, -1)


@MODELS.register_module()
class PSTMO(BaseModule):
    """P-STMO context encoder, written from the paper.

    Shan et al., "P-STMO: Pre-Trained Spatial Temporal Many-to-One Model for
    3D Human Pose Estimation", ECCV 2022: an MLP on each pose (SEM), a
    transformer over frames (TEM), a strided transformer that makes one frame
    of all (MOFA). SEM and TEM are pre-trained by
    :class:`~mmdiffpose.models.pretraining.MaskedPoseModel`.

    As DiffPose's context encoder (its Table 6) something has to be decided
    that neither paper says. P-STMO's features belong to frames, DiffPose's
    f_ST to joints: here a linear layer gives every joint its own share, where
    P-STMO has a linear layer to the coordinates. And P-STMO predicts the
    middle frame of a window, DiffPose every frame: here f_ST are TEM's
    features, whose poses P-STMO supervises in training at every frame; MOFA
    is trained beside them, as published, but not part of f_ST. With
    ``output='center'`` the middle frame's features are MOFA's: with a test
    stride of 1 that is the paper's protocol, T times as expensive (except at
    the ends of a clip, where no window has the frame in its middle, and TEM
    stands in).

    In training, two maps go out: TEM's, and TEM's with MOFA's in the middle;
    :class:`~mmdiffpose.models.heads.ManyToOneRegressionHead` supervises both.

    The defaults are those of the paper's larger model (P-STMO-S has three
    layers). Its temporal downsampling, windows of every second frame, is not
    here: windows hold consecutive frames, as MixSTE's.

    Args:
        seq_len (int): Number of frames T, fixed by the position embedding.
        num_joints (int): Number of joints J. Defaults to 17.
        in_channels (int): Input coordinates. Defaults to 2.
        embed_dims (int): Width C of a frame's feature. Defaults to 256.
        hidden_dims (int): Hidden width of the blocks. Defaults to 512.
        joint_dims (int): Width of a joint's feature, which heads take.
            Defaults to 128, the width of DiffPose's f_ST.
        num_layers (int): Blocks of the temporal encoder. Defaults to 4.
        num_heads (int): Attention heads. Defaults to 8.
        dropout (float): Defaults to 0.1.
        strides (Sequence[int], optional): MOFA's strides, of product T.
            Defaults to threes and what remains.
        output (str): The last feature map outside training: ``'frames'`` or
            ``'center'``.
        pretrained (str, optional): Checkpoint of a ``MaskedPoseModel``, a
            path. :class:`~mmdiffpose.engine.PretrainedTrainLoop` makes one.
        standardize (bool): As in :class:`MixSTE`. Defaults to False.
        init_cfg (dict, optional): Initialisation config.
    """

    causal = False
    """Every frame sees its past and its future (read by MMPose)."""

    def __init__(self,
                 seq_len: int = 243,
                 num_joints: int = 17,
                 in_channels: int = 2,
                 embed_dims: int = 256,
                 hidden_dims: int = 512,
                 joint_dims: int = 128,
                 num_layers: int = 4,
                 num_heads: int = 8,
                 dropout: float = 0.1,
                 strides: Optional[Sequence[int]] = None,
                 output: str = 'frames',
                 pretrained: Optional[str] = None,
                 standardize: bool = False,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        if output not in OUTPUTS:
            raise ValueError(f'output should be one of {OUTPUTS}, got '
                             f'{output!r}')
        self.output = output
        self.standardize = standardize
        self.encoder = PoseSequenceEncoder(seq_len, num_joints, in_channels,
                                           embed_dims, hidden_dims, num_layers,
                                           num_heads, dropout)
        self.frame_joints = JointFeatures(embed_dims, num_joints, joint_dims)
        self.aggregator = FrameAggregator(
            seq_len, embed_dims, hidden_dims, num_heads, dropout,
            threefold_strides(seq_len) if strides is None else strides)
        self.center_joints = JointFeatures(embed_dims, num_joints, joint_dims)
        # Saved with the weights, so that a resumed run does not start anew.
        self.register_buffer('pretraining_loaded', torch.tensor(False))
        if pretrained is not None:
            self.load_pretrained(pretrained)

    def load_pretrained(self, checkpoint: str) -> None:
        """Load the spatial and temporal encoders' pre-trained weights.

        Args:
            checkpoint (str): Path of a checkpoint of a ``MaskedPoseModel``
                with an encoder of the same size.

        Raises:
            FileNotFoundError: Where there is no such file.
            ValueError: Where keys or shapes do not fit.
        """
        state = CheckpointLoader.load_checkpoint(
            checkpoint, map_location='cpu')
        state = state.get('state_dict', state)
        part = {
            key[len('encoder.'):]: value
            for key, value in state.items() if key.startswith('encoder.')
        }
        expected = self.encoder.state_dict()
        wrong = sorted(set(expected) ^ set(part)) + [
            f'{key}: expected {tuple(expected[key].shape)}, found '
            f'{tuple(part[key].shape)}' for key in expected
            if key in part and expected[key].shape != part[key].shape
        ]
        if wrong:
            raise ValueError(
                f'{checkpoint} is not of a MaskedPoseModel whose encoder has '
                f'the size of this one; missing, unexpected or of another '
                f'shape: {wrong[:4]}')
        self.encoder.load_state_dict(part)
        self.pretraining_loaded.fill_(True)

    def forward(self, x2d: Tensor) -> Tuple[Tensor, ...]:
        """Encode a window of 2D poses.

        Args:
            x2d (Tensor): Screen-normalised joints, shape (B, T, J, 2).

        Returns:
            tuple[Tensor]: Feature maps (B, T, J, C'), the last one to be
            used; the first of two are TEM's.

        Raises:
            ValueError: For another T, J or coordinate count than the network
                was built for.
        """
        if self.standardize:
            x2d = standardize_window(x2d)
        x = self.encoder(x2d)
        frames = self.frame_joints(x)
        if not self.training and self.output == 'frames':
            return (frames, )
        center = self.center_joints(self.aggregator(x))
        middle = x.shape[1] // 2
        merged = torch.cat(
            [frames[:, :middle], center[:, None], frames[:, middle + 1:]],
            dim=1)
        return frames, merged
