# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What CSDI's denoisers share, whatever mixes frames and joints in them."""

import math
from typing import Callable, Optional, Tuple

import torch
from torch import Tensor, nn

from mmdiffpose.diffusion.tracing import can_ask
from mmdiffpose.skeletons.metainfo import SkeletonLike, as_skeleton
from ..layers import FullPrecisionLinear, Linear, StepEmbedding, zero_based
from .denoiser import BaseDenoiser, BoundDenoiser

STEP_CHANNELS = 128
"""Width of the step embedding, whatever the network's."""

CACHED_FLOATS = 1 << 18
"""Activations of one layer that a group has for each thread, about 1 MiB."""


class CSDIBlock(nn.Module):
    """Residual block: step, mixing, gated unit; a residual and a skip.

    Args:
        channels (int): Width C.
        mixer (nn.Module): Mixes (J, T, B, C) over frames and joints.
        side_channels (int): Width of the side information that the gates see
            (CSDI's frame and joint embeddings); 0 for none, as in DiffHPE.
    """

    def __init__(self,
                 channels: int,
                 mixer: nn.Module,
                 side_channels: int = 0) -> None:
        super().__init__()
        self.step_proj = Linear(STEP_CHANNELS, channels)
        self.mixer = mixer
        self.mid_proj = Linear(channels, 2 * channels)
        self.side_proj = (
            Linear(side_channels, 2 * channels) if side_channels else None)
        self.out_proj = Linear(channels, 2 * channels)
        for layer in (self.mid_proj, self.side_proj, self.out_proj):
            if layer is not None:
                nn.init.kaiming_normal_(layer.weight)

    def forward(self,
                x: Tensor,
                step: Tensor,
                side: Optional[Tensor] = None) -> Tuple[Tensor, Tensor]:
        """One block.

        Args:
            x (Tensor): (J, T, B, C).
            step (Tensor): Step embedding, (B, 128) or (1, 128).
            side (Tensor, optional): (J, T, 1, side channels).

        Returns:
            tuple[Tensor, Tensor]: The next block's input and the skip, the
            shape of x.
        """
        y = self.mid_proj(self.mixer(x + self.step_proj(step)))
        if self.side_proj is not None:
            y = y + self.side_proj(side)
        gate, value = y.chunk(2, dim=-1)
        y = self.out_proj(gate.sigmoid() * value.tanh())
        residual, skip = y.chunk(2, dim=-1)
        return (x + residual) / math.sqrt(2), skip


class CSDIDenoiser(BaseDenoiser):
    """Base of the denoisers with CSDI's residual blocks and skip sum.

    Tashiro et al., "CSDI: Conditional Score-based Diffusion Models for
    Probabilistic Time Series Imputation", NeurIPS 2021. Inside, poses are
    laid out (J, T, B, C). Subclasses say what mixes frames and joints.

    Args:
        make_mixer (Callable): Makes a module that mixes (J, T, B, C) over
            frames and joints, one for each block.
        seq_len (int): Number of frames T that the network is built for.
            Defaults to 27.
        context_channels (int): Width of the context: 2 for 2D joints.
            Defaults to 2.
        pose_channels (int, optional): Width of a linear embedding of the
            noisy pose (DiffHPE-Wrapper's w_theta) before it meets the
            context. Defaults to None: the coordinates themselves.
        channels (int): Width C. Defaults to 64.
        num_blocks (int): Defaults to 16.
        num_steps (int): Diffusion steps; k is in 0..num_steps, see
            :mod:`~mmdiffpose.models.denoisers.denoiser`. Defaults to 50.
        in_channels (int): Coordinates of a pose. Defaults to 3.
        side_channels (int): See :class:`CSDIBlock`.
        skeleton (str | dict | Skeleton): The joints and their graph. Defaults
            to Human3.6M-17.
        init_cfg (dict, optional): Initialisation config.
    """

    num_steps: int
    seq_len: int

    def __init__(self,
                 make_mixer: Callable[[], nn.Module],
                 seq_len: int = 27,
                 context_channels: int = 2,
                 pose_channels: Optional[int] = None,
                 channels: int = 64,
                 num_blocks: int = 16,
                 num_steps: int = 50,
                 in_channels: int = 3,
                 side_channels: int = 0,
                 skeleton: SkeletonLike = 'h36m',
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.seq_len = seq_len
        self.skeleton = as_skeleton(skeleton)
        self.num_joints = self.skeleton.num_joints
        self.context_channels = context_channels
        self.channels = channels
        self.num_steps = num_steps
        self.in_channels = in_channels
        self.pose_embed = (None if pose_channels is None else Linear(
            in_channels, pose_channels))
        self.pose_width = pose_channels or in_channels
        self.input_proj = Linear(self.pose_width + context_channels, channels)
        self.step_embedding = StepEmbedding(num_steps, STEP_CHANNELS)
        self.blocks = nn.ModuleList(
            CSDIBlock(channels, make_mixer(), side_channels)
            for _ in range(num_blocks))
        self.output1 = Linear(channels, channels)
        self.output2 = FullPrecisionLinear(channels, in_channels)
        for layer in (self.input_proj, self.output1):
            nn.init.kaiming_normal_(layer.weight)
        nn.init.zeros_(self.output2.weight)

    def side_info(self) -> Optional[Tensor]:
        """Side information of the gates, (J, T, 1, side channels)."""
        return None

    def _halves(self) -> Tuple[Tensor, Tensor]:
        """The input projection's weights of the pose and of the context."""
        return self.input_proj.weight.split(
            [self.pose_width, self.context_channels], dim=1)

    def _embed_context(self, context: Tensor) -> Tensor:
        """The context's share of the input, (B, T, J, C') to (J, T, B, C)."""
        self.check('a context', context, self.context_channels)
        _, weight = self._halves()
        return context.permute(2, 1, 0, 3) @ weight.t() + self.input_proj.bias

    def forward(self, x_k: Tensor, k: Tensor, context: Tensor) -> Tensor:
        """Predict from noisy poses.

        Args:
            x_k (Tensor): Noisy poses, (B, T, J, 3), metres.
            k (Tensor): Steps (B, ) in 0..num_steps; the paper's code counts
                them from 0, so that its t is k - 1.
            context (Tensor): (B, T, J, ``context_channels``).

        Returns:
            Tensor: (B, T, J, 3), metres.

        Raises:
            ValueError: For windows of another shape than the network was
                built for.
        """
        return self.output2(self._hidden(x_k, k, context)).permute(2, 1, 0, 3)

    def regress(self, context: Tensor) -> Tuple[Tensor, Tensor]:
        """A pose from the context alone: in place of a noisy one zeros at
        step 0.

        Args:
            context (Tensor): (B, T, J, ``context_channels``).

        Returns:
            tuple[Tensor, Tensor]: Poses (B, T, J, 3), metres, and the
            features before the last layer, (B, T, J, ``channels``).
        """
        blank = context.new_zeros(*context.shape[:-1], self.in_channels)
        steps = context.new_zeros(len(context)).long()
        hidden = self._hidden(blank, steps, context).permute(2, 1, 0, 3)
        return self.output2(hidden), hidden

    def _hidden(self, x_k: Tensor, k: Tensor, context: Tensor) -> Tensor:
        """All but the last layer, to (J, T, B, ``channels``)."""
        self.check('poses', x_k, self.in_channels)
        shared = self._embed_context(context)
        weight, _ = self._halves()
        poses = x_k.permute(2, 1, 0, 3)
        if self.pose_embed is not None:
            poses = self.pose_embed(poses)
        x = (poses @ weight.t() + shared).relu()
        step = self.step_embedding(zero_based(k))
        side = self.side_info()
        total = torch.zeros_like(x)
        for block in self.blocks:
            x, skip = block(x, step, side)
            total = total + skip
        return self.output1(total / math.sqrt(len(self.blocks))).relu()

    @torch.no_grad()
    def bind(self, context: Tensor, num_hypotheses: int) -> BoundDenoiser:
        """See :class:`~mmdiffpose.models.denoisers.Denoiser`.

        In evaluation it gives what ``forward`` gives, with everything that
        depends neither on the noisy pose nor on the step computed here: the
        context's share of the input, the embedded input weights, and what
        the subclass can fold. Embeddings of whole steps are computed once
        for all steps.
        """
        shared = self._embed_context(context)
        weight, _ = self._halves()
        if self.pose_embed is not None:
            shared = shared + weight @ self.pose_embed.bias
            weight = weight @ self.pose_embed.weight
        weight = weight.t().contiguous()
        embeddings = self.step_embedding(
            torch.arange(self.num_steps, device=context.device))
        rest = self.folded()
        windows = torch.arange(context.shape[0], device=context.device)
        windows = windows.repeat_interleave(num_hypotheses)
        size = self._group_size(context)

        @torch.no_grad()
        def bound(x_k: Tensor, k: Tensor) -> Tensor:
            self.check('poses', x_k, self.in_channels)
            poses = x_k.flatten(0, 1).permute(2, 1, 0, 3)
            step = zero_based(k[:1])
            step = (
                self.step_embedding(step)
                if step.is_floating_point() else embeddings[step])
            parts = [(poses, windows)]
            if size is not None:
                parts = list(
                    zip(poses.split(size, dim=2), windows.split(size)))
            outputs = [
                rest((part @ weight).add_(shared[:, :, window]).relu_(), step)
                for part, window in parts
            ]
            output = torch.cat(outputs, dim=2)
            return output.permute(2, 1, 0, 3).reshape(x_k.shape)

        return bound

    def folded(self) -> Callable[[Tensor, Tensor], Tensor]:
        """All that follows the input: (J, T, B, C), (1, 128) to (J, T, B, 3).

        What can be multiplied out for evaluation should be.
        """
        side = self.side_info()

        def rest(x: Tensor, step: Tensor) -> Tensor:
            total = torch.zeros_like(x)
            for block in self.blocks:
                x, skip = block(x, step, side)
                total += skip
            total /= math.sqrt(len(self.blocks))
            return self.output2(self.output1(total).relu_())

        return rest

    def _group_size(self, like: Tensor) -> Optional[int]:
        """Poses that go through the network together; None for all.

        On a CPU about as many as fit its caches: larger groups wait for
        memory, smaller ones repeat the layers' overhead. All on a GPU, and
        in a recorded graph.
        """
        if like.device.type != 'cpu' or not can_ask(like):
            return None
        floats = self.num_joints * self.seq_len * self.channels
        return max(1, CACHED_FLOATS * torch.get_num_threads() // floats)
