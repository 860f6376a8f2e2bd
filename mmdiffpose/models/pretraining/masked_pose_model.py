# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Masked pose modelling, P-STMO's pre-training."""

from typing import Any, List, Optional, Union

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmdiffpose.diffusion.noise import seed_from
from mmdiffpose.registry import MODELS
from ..layers import (HostValue, Linear, PoseSequenceEncoder,
                      PoseTransformerBlock, StdLayerNorm, standardize_window)
from ..lifting_data_preprocessor import LiftingDataPreprocessor
from ..losses.lifting_losses import masked_mean
from .pose_masks import PoseMasks, draw_pose_masks

TARGETS = ('all', 'masked')


@MODELS.register_module()
class MaskedPoseModel(BaseModel):
    """Reconstruct 2D poses of which most frames and some joints are hidden.

    Stage I of P-STMO (Shan et al., ECCV 2022), an asymmetric masked
    autoencoder in the manner of He et al. (2022). Of every frame
    ``masked_joints`` joints are replaced by one learned point; of every
    window the encoder sees only the frames that are left. A smaller decoder
    gets their features, one learned token for each hidden frame, and
    position embeddings, and gives back the 2D poses of all frames. The poses
    are the detector's: nothing 3D enters.

    The error is the mean distance of joints. As in the released code it is
    that of all frames and joints, hidden or not; ``loss_on='masked'`` counts
    what was hidden only.

    The encoder's weights go to :class:`~mmdiffpose.models.encoders.PSTMO`,
    see ``pretrained`` there.

    Args:
        seq_len (int): Number of frames T. Defaults to 243.
        num_joints (int): Number of joints J. Defaults to 17.
        in_channels (int): Input coordinates. Defaults to 2.
        embed_dims (int): Encoder's width C, twice the decoder's. Defaults to
            256.
        hidden_dims (int): Hidden width of the encoder's blocks, twice that of
            the decoder's. Defaults to 512.
        num_layers (int): Blocks of the encoder; the decoder has one less.
            Defaults to 4.
        num_heads (int): Attention heads. Defaults to 8.
        dropout (float): Defaults to 0.1.
        masked_frames (float): Share of frames to hide; the number is rounded
            down. The paper's models hide 60 % (P-STMO) and 80 % (P-STMO-S).
            Defaults to 0.8.
        masked_joints (int): Joints to hide in each frame: 3 (P-STMO), 2
            (P-STMO-S), 7 (on ground-truth 2D). Defaults to 2.
        loss_on (str): ``'all'`` or ``'masked'``.
        standardize (bool): As in the encoder that it is for.
        seed (int): Of the masks, which also depend on the iteration and on
            the windows in the batch. Defaults to 0.
        data_preprocessor (dict, optional): As in MMEngine. Defaults to
            ``LiftingDataPreprocessor``.
        init_cfg (dict, optional): Initialisation config.
    """

    iteration: Tensor

    def __init__(self,
                 seq_len: int = 243,
                 num_joints: int = 17,
                 in_channels: int = 2,
                 embed_dims: int = 256,
                 hidden_dims: int = 512,
                 num_layers: int = 4,
                 num_heads: int = 8,
                 dropout: float = 0.1,
                 masked_frames: float = 0.8,
                 masked_joints: int = 2,
                 loss_on: str = 'all',
                 standardize: bool = False,
                 seed: int = 0,
                 data_preprocessor: Optional[dict] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(data_preprocessor or LiftingDataPreprocessor(),
                         init_cfg)
        if loss_on not in TARGETS:
            raise ValueError(f'loss_on should be one of {TARGETS}, got '
                             f'{loss_on!r}')
        if not 0 <= masked_frames < 1:
            raise ValueError('masked_frames should be a share in [0, 1), got '
                             f'{masked_frames}')
        if not 0 <= masked_joints < num_joints:
            raise ValueError('masked_joints should be a number below '
                             f'num_joints ({num_joints}), got {masked_joints}')
        if loss_on == 'masked' and not masked_joints + int(
                seq_len * masked_frames):
            raise ValueError("loss_on='masked' needs something masked, but "
                             'masked_frames and masked_joints are 0')
        self.masked_frames = int(seq_len * masked_frames)
        self.masked_joints = masked_joints
        self.loss_on = loss_on
        self.standardize = standardize
        self.seed = seed
        self.encoder = PoseSequenceEncoder(seq_len, num_joints, in_channels,
                                           embed_dims, hidden_dims, num_layers,
                                           num_heads, dropout)
        width = embed_dims // 2
        self.joint_token = nn.Parameter(torch.randn(in_channels))
        self.frame_token = nn.Parameter(torch.randn(width))
        self.norm = StdLayerNorm(embed_dims)
        self.to_decoder = Linear(embed_dims, width, bias=False)
        self.decoder_pos = nn.Parameter(torch.randn(1, seq_len, width) * 0.1)
        self.decoder = nn.ModuleList(
            PoseTransformerBlock(width, hidden_dims // 2, num_heads, dropout)
            for _ in range(num_layers - 1))
        self.output_norm = nn.BatchNorm1d(width)
        self.output = Linear(width, num_joints * in_channels)
        # A resumed run draws what an uninterrupted one would have drawn.
        self.register_buffer('iteration', torch.tensor(0))
        self._iteration = HostValue(0)

    def forward(self,
                inputs: Union[Tensor, List[Tensor]],
                data_samples: Optional[list] = None,
                mode: str = 'tensor') -> Union[Tensor, dict]:
        """MMEngine's entry.

        Args:
            inputs (Tensor | list[Tensor]): Screen-normalised windows, B of
                (T, J, 2).
            data_samples (list[PoseDataSample], optional): B of them; only
                their ids are read.
            mode (str): ``'loss'`` gives the losses, ``'tensor'`` the
                reconstruction (B, T, J, 2).

        Raises:
            ValueError: For mode ``'predict'``.
        """
        if isinstance(inputs, list):
            inputs = torch.stack(inputs)
        if self.standardize:
            inputs = standardize_window(inputs)
        if mode not in ('loss', 'tensor'):
            raise ValueError('masked pose modelling predicts no 3D poses: '
                             f"mode should be 'loss' or 'tensor', got "
                             f'{mode!r}')
        masks = self.draw_masks(inputs, data_samples)
        output = self.reconstruct(inputs, masks)
        if mode == 'tensor':
            return output
        count = self._iteration.read(self.iteration)
        self._iteration.write(self.iteration, count + 1)
        return dict(
            loss_reconstruction=self.error(output, inputs, masks,
                                           seen_joints(data_samples, inputs)))

    def draw_masks(self,
                   inputs: Tensor,
                   data_samples: Optional[list] = None) -> PoseMasks:
        """Masks of this iteration's windows (B, T, J, 2), on their device."""
        B, T, J, _ = inputs.shape
        ids = [sample.metainfo.get('id') for sample in data_samples or ()]
        count = self._iteration.read(self.iteration)
        generator = torch.Generator().manual_seed(
            seed_from(self.seed, count, *ids))
        masks = draw_pose_masks(B, T, J, self.masked_frames,
                                self.masked_joints, generator)
        return PoseMasks(*(mask.to(inputs.device) for mask in masks))

    def reconstruct(self, inputs: Tensor, masks: PoseMasks) -> Tensor:
        """2D poses (B, T, J, 2) from what the masks leave of them."""
        x = torch.where(masks.joints[..., None], self.joint_token, inputs)
        x = self.to_decoder(self.norm(self.encoder(x, masks.visible)))
        B, T = masks.frames.shape
        index = masks.visible[..., None].expand(-1, -1, x.shape[-1])
        tokens = self.frame_token.to(x.dtype).expand(B, T, -1)
        x = tokens.scatter(1, index, x) + self.decoder_pos
        for block in self.decoder:
            x = block(x)
        x = self.output(self.output_norm(x.flatten(0, 1)))
        return x.reshape(inputs.shape)

    def error(self,
              output: Tensor,
              inputs: Tensor,
              masks: PoseMasks,
              seen: Optional[Tensor] = None) -> Tensor:
        """Mean distance of the joints that count.

        Args:
            output (Tensor): Reconstruction, (B, T, J, 2).
            inputs (Tensor): What was to be reconstructed.
            masks (PoseMasks): What was hidden.
            seen (Tensor, optional): Whether the detector saw a joint,
                (B, T, J); of others nothing is known. All where absent.
        """
        weight = torch.ones_like(inputs[..., 0]) if seen is None else seen
        if self.loss_on != 'all':
            weight = weight * (masks.frames[..., None] | masks.joints)
        return masked_mean((output - inputs).norm(dim=-1), weight)


def seen_joints(data_samples: Optional[list],
                like: Tensor) -> Optional[Tensor]:
    """Whether a detector saw each joint, (B, T, J), 1 or 0, where samples
    tell."""
    name = 'keypoint_labels_visible'
    labels: List[Any] = [
        getattr(sample, 'gt_instance_labels', ())
        for sample in data_samples or ()
    ]
    if not all(name in label for label in labels) or not labels:
        return None
    scores = [label[name] for label in labels]
    return (torch.stack(scores) > 0).to(like)
