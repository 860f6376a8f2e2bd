# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What heads and samplers may expect of a denoiser.

Steps count as in the diffusion process, in every network: k = 1 is the least
noise, k = K the most. k = 0 says that a pose is not noisy; regressors, which
run the same networks without diffusion, pass it. Published networks whose
weights know steps 0..K - 1 turn k into theirs inside
(:func:`~mmdiffpose.models.layers.zero_based`).
"""

from typing import (Any, Callable, Dict, Mapping, Optional, Protocol,
                    runtime_checkable)

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmdiffpose.diffusion.tracing import can_ask
from mmdiffpose.registry import MODELS, accepted_arguments
from mmdiffpose.skeletons import Skeleton

BoundDenoiser = Callable[[Tensor, Tensor], Tensor]
"""``bound(x_k (B, N, T, J, C), k (B, ))``, one step k for all poses, returns
the prediction, of the shape of x_k."""


@runtime_checkable
class Denoiser(Protocol):
    """A network that predicts something clean from noisy poses.

    Attributes:
        temporal: Whether all frames of a window are denoised together. If
            not, frames are independent of each other given the context.
        num_steps: The largest k that it knows; None where any will do.
        in_channels: Coordinates C of a pose, 3 but for the released DiffPose.
        context_channels: Width C' of the context; 0 where it takes none.
    """
    temporal: bool
    num_steps: Optional[int]
    in_channels: int
    context_channels: int

    def __call__(self, x_k: Tensor, k: Tensor, context: Tensor) -> Tensor:
        """Predict from noisy poses.

        Args:
            x_k (Tensor): (B, T, J, C), in the head's units.
            k (Tensor): Steps (B, ), see this module.
            context (Tensor): (B, T, J, C').

        Returns:
            Tensor: (B, T, J, C), in the head's units.
        """

    def bind(self, context: Tensor, num_hypotheses: int) -> BoundDenoiser:
        """The network on N hypotheses per window, for a reverse process.

        What depends neither on the noisy poses nor on the step is computed
        once, here, with the weights as they are now, without gradients.

        Args:
            context (Tensor): (B, T, J, C').
            num_hypotheses (int): N.

        Returns:
            Callable: ``bound(x_k (B, N, T, J, C), k (B, ))``.
        """


def told_joints(config: Mapping[str, Any],
                skeleton: Optional[Skeleton]) -> Dict[str, Any]:
    """A network's config with the joints of the head that builds it.

    Args:
        config (Mapping): With ``type``.
        skeleton (Skeleton, optional): Filled in where the network asks for
            one and its config names none.
    """
    kind = config['type']
    kind = MODELS.get(kind) if isinstance(kind, str) else kind
    told = dict(config)
    if kind is not None and skeleton is not None and config.get(
            'skeleton') is None and 'skeleton' in accepted_arguments(kind):
        told['skeleton'] = skeleton
    return told


def build_denoiser(config: Mapping[str, Any],
                   num_steps: int,
                   skeleton: Optional[Skeleton] = None) -> Denoiser:
    """Build a head's network.

    Args:
        config (Mapping): Of a registered :class:`Denoiser`.
        num_steps (int): Steps K that the head will ask for.
        skeleton (Skeleton, optional): The head's joints.

    Raises:
        TypeError: For a module that is no :class:`Denoiser`.
        ValueError: For one that knows fewer steps.
    """
    network = MODELS.build(told_joints(config, skeleton))
    if not isinstance(network, Denoiser):
        missing = [
            name for name in ('temporal', 'num_steps', 'in_channels',
                              'context_channels', 'bind')
            if not hasattr(network, name)
        ]
        raise TypeError(f'{type(network).__name__} is no denoiser: '
                        'mmdiffpose.models.denoisers.Denoiser also has '
                        f'{", ".join(missing)}')
    if network.num_steps is not None and network.num_steps < num_steps:
        raise ValueError('the denoiser was built for num_steps='
                         f'{network.num_steps}, the head for {num_steps}')
    return network


def denoise_hypotheses(network: Denoiser, x_k: Tensor, k: Tensor,
                       context: Tensor) -> Tensor:
    """Run a network on all hypotheses of all windows in one batch.

    Args:
        network (Denoiser): The network.
        x_k (Tensor): Noisy poses, (B, N, T, J, C).
        k (Tensor): Steps (B, N, T); a temporal network takes each window's
            first.
        context (Tensor): (B, T, J, C').

    Returns:
        Tensor: (B, N, T, J, C).
    """
    context = _repeat(context, x_k.shape[1])
    return _run(network, x_k, k, _fold(context, network.temporal))


class BaseDenoiser(BaseModule):
    """A :class:`Denoiser` whose ``bind`` computes nothing in advance.

    Args:
        init_cfg (dict, optional): Initialisation config.
    """

    temporal: bool = True
    num_steps: Optional[int] = None
    in_channels: int
    context_channels: int
    num_joints: int
    seq_len: Optional[int] = None
    """Frames T that the network was built for; None for any."""

    cpu_group: Optional[int] = None
    """Single frames that a frame-wise network takes at once on a CPU without
    gradients, where more do not fit the caches; None for all."""

    def check(self, name: str, values: Tensor, channels: int) -> None:
        """Refuse windows of another shape than the network was built for.

        Args:
            name (str): What they are.
            values (Tensor): Should be (..., T, J, C) with at least one axis
                in front.
            channels (int): C.

        Raises:
            ValueError: Where they are not.
        """
        found = tuple(values.shape[-3:])
        frames = found[0] if self.seq_len is None else self.seq_len
        if values.ndim < 4 or found != (frames, self.num_joints, channels):
            expected = ('T' if self.seq_len is None else self.seq_len,
                        self.num_joints, channels)
            raise ValueError(
                f'{type(self).__name__} was built for {name} of shape '
                f'(..., T, J, C) = (..., {", ".join(map(str, expected))}), '
                f'but got {tuple(values.shape)}; seq_len of the dataset and '
                'of the network should agree')

    @torch.no_grad()
    def bind(self, context: Tensor, num_hypotheses: int) -> BoundDenoiser:
        """See :class:`Denoiser`."""
        folded = _fold(_repeat(context, num_hypotheses), self.temporal)

        @torch.no_grad()
        def bound(x_k: Tensor, k: Tensor) -> Tensor:
            steps = k[:, None, None].expand(x_k.shape[:3])
            return _run(self, x_k, steps, folded)

        return bound


def _repeat(context: Tensor, num_hypotheses: int) -> Tensor:
    """(B, T, J, C') as a view (B, N, T, J, C')."""
    return context[:, None].expand(-1, num_hypotheses, -1, -1, -1)


def _fold(values: Tensor, temporal: bool) -> Tensor:
    """(B, N, T, J, C) as windows, or as windows of one frame each."""
    if temporal:
        return values.flatten(0, 1)
    return values.flatten(0, 2)[:, None]


def _run(network: Denoiser, x_k: Tensor, k: Tensor, context: Tensor) -> Tensor:
    """On poses (B, N, T, J, C) with steps (B, N, T) and a folded context."""
    temporal = network.temporal
    arguments = (_fold(x_k, temporal),
                 (k[..., 0] if temporal else k).reshape(-1), context)
    size = getattr(network, 'cpu_group', None)
    if (size is None or x_k.device.type != 'cpu' or torch.is_grad_enabled()
            or not can_ask(x_k)):
        return network(*arguments).reshape(x_k.shape)
    parts = zip(*(argument.split(size) for argument in arguments))
    output = torch.cat([network(*part) for part in parts])
    return output.reshape(x_k.shape)
