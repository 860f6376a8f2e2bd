# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Reverse diffusion: plain functions that take a callable.

Both samplers run in ``u = h - center`` (see
:mod:`mmdiffpose.diffusion.process`), so they serve the mixture-shifted
process of DiffPose and the standard one alike.
"""

from typing import Callable, List, Optional, Sequence

import torch
from torch import Tensor

from .process import Center, DiffusionProcess, Target

DenoiseFn = Callable[[Tensor, Tensor], Tensor]
"""``denoise(h_k (B, ...), k (B, ))`` returns the prediction (B, ...)."""
NoiseFn = Callable[[], Tensor]
"""Draws coloured noise of the pose's shape, metres."""
Callback = Callable[[int, Tensor, Tensor], None]
"""Called as ``callback(k, h_k, h0_estimate)`` at each step."""


def step_sequence(num_steps: int, num_sampling_steps: int) -> List[int]:
    """Evenly spaced steps from K down to 0, both included.

    Unlike the released DiffPose code, which starts at ``K - K // steps``,
    the first one is K, where the start really is distributed as H_K.

    Args:
        num_steps (int): K.
        num_sampling_steps (int): How many network evaluations, in 1..K.

    Returns:
        list[int]: ``num_sampling_steps + 1`` strictly decreasing steps.
    """
    if not 1 <= num_sampling_steps <= num_steps:
        raise ValueError(f'the number of sampling steps should be in '
                         f'1..{num_steps}, got {num_sampling_steps}')
    return [
        round(num_steps * left / num_sampling_steps)
        for left in range(num_sampling_steps, -1, -1)
    ]


def estimate(denoise: DenoiseFn, process: DiffusionProcess, target: Target,
             h_k: Tensor, k: int, center: Center,
             clip: Optional[float]) -> Tensor:
    r"""What the network takes :math:`h_0` for at step k.

    Arguments as for :func:`ddim`.

    Returns:
        Tensor: The shape of ``h_k``, metres.
    """
    steps = torch.full((h_k.shape[0], ),
                       k,
                       dtype=torch.long,
                       device=h_k.device)
    prediction = denoise(h_k, steps)
    h0 = process.to_sample(target, prediction, h_k, k, center)
    return h0 if clip is None else h0.clamp(-clip, clip)


def ddim(denoise: DenoiseFn,
         h_start: Tensor,
         process: DiffusionProcess,
         num_sampling_steps: int = 5,
         target: Target = 'sample',
         center: Center = 0.,
         eta: float = 0.,
         noise: Optional[NoiseFn] = None,
         clip: Optional[float] = None,
         callback: Optional[Callback] = None,
         sequence: Optional[Sequence[int]] = None) -> Tensor:
    r"""DDIM (Song et al., 2021, Eq. 12) around :math:`\mu^G`.

    With ``eta=0`` the path is deterministic, and hypotheses differ only
    through their starts; ``eta=1`` on all K steps is DDPM.

    Args:
        denoise (Callable): The network, see ``DenoiseFn``.
        h_start (Tensor): Samples of :math:`H_K`, shape (B, ...), metres.
        process (DiffusionProcess): The forward process.
        num_sampling_steps (int): Network evaluations. Defaults to 5.
        target (str): What the network predicts.
        center (Tensor | float): :math:`\mu^G` of each sample's component.
        eta (float): 0 for the deterministic path, 1 for ancestral noise.
        noise (Callable, optional): Draws :math:`\epsilon^G`; needed for
            ``eta > 0``.
        clip (float, optional): Bound on each coordinate of the estimate of
            :math:`h_0`, metres.
        callback (Callable, optional): See ``Callback``.
        sequence (Sequence[int], optional): The steps themselves, from at
            most K down to 0; ``num_sampling_steps`` isn't read then.

    Returns:
        Tensor: Samples of :math:`H_0`, the shape of ``h_start``, metres.

    Raises:
        ValueError: For ``eta > 0`` without ``noise``, a number of steps
            outside 1..K, or a sequence that doesn't go down to 0.
    """
    if eta > 0 and noise is None:
        raise ValueError('eta > 0 needs a noise function')
    if sequence is None:
        sequence = step_sequence(process.num_steps, num_sampling_steps)
    elif (not 0 < sequence[0] <= process.num_steps or sequence[-1] != 0
          or any(k <= j for k, j in zip(sequence[:-1], sequence[1:]))):
        raise ValueError('the sequence of steps should go down from at most '
                         f'{process.num_steps} to 0, got {list(sequence)}')
    h = h_start
    for k, j in zip(sequence[:-1], sequence[1:]):
        h0 = estimate(denoise, process, target, h, k, center, clip)
        if callback is not None:
            callback(k, h, h0)
        a_k, a_j = process.level(k), process.level(j)
        sigma = eta * ((1 - a_j) / (1 - a_k) * (1 - a_k / a_j))**0.5
        direction = process.to_noise(h0, h, k, center)
        h = (
            center + a_j**0.5 * (h0 - center) +
            max(1 - a_j - sigma**2, 0.)**0.5 * direction)
        if noise is not None and sigma > 0:
            h = h + sigma * noise()
    return h


def ddpm(denoise: DenoiseFn,
         h_start: Tensor,
         process: DiffusionProcess,
         noise: NoiseFn,
         target: Target = 'sample',
         center: Center = 0.,
         clip: Optional[float] = None,
         callback: Optional[Callback] = None) -> Tensor:
    r"""Ancestral sampling over all K steps (Ho et al., 2020, Alg. 2).

    The variance is the posterior's, :math:`\tilde\beta_k \Sigma_{\hat m}`.
    Arguments as for :func:`ddim`.

    Returns:
        Tensor: Samples of :math:`H_0`, the shape of ``h_start``, metres.
    """
    h = h_start
    for k in range(process.num_steps, 0, -1):
        h0 = estimate(denoise, process, target, h, k, center, clip)
        if callback is not None:
            callback(k, h, h0)
        h, std = process.posterior(h0, h, k, center)
        if k > 1:
            h = h + std * noise()
    return h
