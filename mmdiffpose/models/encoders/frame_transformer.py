# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A transformer whose tokens are frames."""

from typing import Optional, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdiffpose.registry import MODELS
from ..layers import FullPrecisionLinear, TransformerBlock


@MODELS.register_module()
class FrameTransformer(BaseModule):
    """Context encoder with one token for each frame.

    All joints of a frame are embedded together and attention runs over
    frames alone, as in the temporal transformer of PoseFormer (Zheng et al.,
    ICCV 2021) and in P-STMO (Shan et al., ECCV 2022). MixSTE has J times as
    many tokens; at one training time on a processor without a GPU that buys
    J times as many parameters here. All frames of a window get features, so
    that a window is lifted at once.

    With ``in_channels=3`` the third channel is a mask, 1 where the detector
    saw a joint: what is missing is told apart from a joint in the middle of
    the picture.

    Args:
        seq_len (int): Number of frames T, fixed by the position embedding.
            Defaults to 27.
        num_joints (int): Number of joints J. Defaults to 17.
        in_channels (int): Channels of a joint. Defaults to 3: u, v, seen.
        width (int): Of a frame's token. Defaults to 256.
        embed_dims (int): Channels C of a joint's features. Defaults to 32.
        depth (int): Blocks. Defaults to 4.
        num_heads (int): Attention heads. Defaults to 8.
        mlp_ratio (float): Hidden width of the MLPs over ``width``. Defaults
            to 2.
        drop_rate (float): Dropout after linear layers. Defaults to 0.
        drop_path_rate (float): Stochastic depth of the last block, growing
            linearly from 0 at the first. Defaults to 0.
        init_cfg (dict, optional): Initialisation config.
    """

    causal = False
    """Every frame sees its past and its future (read by MMPose)."""

    def __init__(self,
                 seq_len: int = 27,
                 num_joints: int = 17,
                 in_channels: int = 3,
                 width: int = 256,
                 embed_dims: int = 32,
                 depth: int = 4,
                 num_heads: int = 8,
                 mlp_ratio: float = 2.,
                 drop_rate: float = 0.,
                 drop_path_rate: float = 0.,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.seq_len = seq_len
        self.num_joints = num_joints
        self.in_channels = in_channels
        self.embed_dims = embed_dims
        # Under autocast both ends stay exact: in bfloat16 a joint's place is
        # known to 4 thousandths of the picture, which is 0.2 mm of MPJPE.
        self.embed = FullPrecisionLinear(num_joints * in_channels, width)
        self.temporal_pos = nn.Parameter(torch.randn(1, seq_len, width) * 0.02)
        rates = torch.linspace(0, drop_path_rate, depth).tolist()
        self.blocks = nn.Sequential(*(TransformerBlock(
            width, num_heads, mlp_ratio, drop=drop_rate, drop_path=rate)
                                      for rate in rates))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.features = FullPrecisionLinear(width, num_joints * embed_dims)

    def forward(self, x2d: Tensor) -> Tuple[Tensor]:
        """Encode a window of 2D poses.

        Args:
            x2d (Tensor): Joints, shape (B, T, J, channels).

        Returns:
            tuple[Tensor]: One feature map, shape (B, T, J, C).

        Raises:
            ValueError: For another T, J or number of channels than the
                network was built for.
        """
        expected = (self.seq_len, self.num_joints, self.in_channels)
        if x2d.ndim != 4 or tuple(x2d.shape[1:]) != expected:
            raise ValueError(
                'FrameTransformer was built for inputs of shape (B, T, J, '
                f'channels) = (B, {", ".join(map(str, expected))}), but got '
                f'{tuple(x2d.shape)}; seq_len of the dataset and of the '
                'backbone should agree, and the codec should add the mask '
                'channel where the backbone has one')
        frames = self.embed(x2d.flatten(2)) + self.temporal_pos
        features = self.features(self.norm(self.blocks(frames)))
        return (features.unflatten(-1, (self.num_joints, -1)), )
