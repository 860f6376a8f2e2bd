# Copyright (c) mmdiffpose contributors. All rights reserved.
"""One door to all samplers, by name."""

from typing import Optional

from torch import Tensor

from .flow_samplers import FLOW_SAMPLERS, process_angles
from .process import Center, DiffusionProcess, Target
from .samplers import (Callback, DenoiseFn, NoiseFn, ddim, ddpm, estimate,
                       step_sequence)

SAMPLERS = ('ddim', 'ddpm', *FLOW_SAMPLERS)
"""Names that :func:`run` knows."""


def run(sampler: str,
        denoise: DenoiseFn,
        start: Tensor,
        process: DiffusionProcess,
        num_sampling_steps: int = 5,
        target: Target = 'sample',
        center: Center = 0.,
        eta: float = 0.,
        noise: Optional[NoiseFn] = None,
        clip: Optional[float] = None,
        callback: Optional[Callback] = None) -> Tensor:
    r"""Sample with the sampler of a name.

    A network that was trained on a process, whatever it predicts, can be
    sampled with each of them: ``'ddim'`` and ``'ddpm'`` of
    :mod:`~mmdiffpose.diffusion.samplers`, and those of
    :mod:`~mmdiffpose.diffusion.flow_samplers` (``'angle'``, ``'angle_ab2'``,
    ``'euler'``, ``'heun'``, ``'dpmpp_2m'``) at the angles
    :math:`\arccos\sqrt{\alpha_k}` of the process' own steps, in
    :math:`u = h - \mu^G`. ``'euler'`` is ``'ddim'`` with ``eta=0``.

    Args:
        sampler (str): One of :data:`SAMPLERS`.
        denoise (Callable): ``denoise(h_k (B, ...), k (B, ))`` returns the
            prediction (B, ...).
        start (Tensor): Samples of :math:`H_K`, (B, ...), metres.
        process (DiffusionProcess): The forward process.
        num_sampling_steps (int): Network evaluations, in 1..K; odd for
            ``'heun'``. ``'ddpm'`` takes all K steps and doesn't read it.
        target (str): What the network predicts.
        center (Tensor | float): :math:`\mu^G` of each sample's component.
        eta (float): Of ``'ddim'``; ``'ddpm'`` doesn't read it.
        noise (Callable, optional): Draws :math:`\epsilon^G` in the shape of
            ``start``, metres, from the caller's generators. ``'ddpm'`` and
            ``eta > 0`` need it.
        clip (float, optional): Bound on each coordinate of the estimate of
            :math:`h_0`, metres.
        callback (Callable, optional): Called as ``callback(k, h_k,
            h0_estimate)`` at each evaluation.

    Returns:
        Tensor: Samples of :math:`H_0`, the shape of ``start``, metres.

    Raises:
        ValueError: For an unknown name, ``eta`` with a sampler that draws
            nothing, missing ``noise``, or a number of evaluations that the
            sampler can't make.
    """
    if sampler == 'ddim':
        return ddim(
            denoise,
            start,
            process,
            num_sampling_steps=num_sampling_steps,
            target=target,
            center=center,
            eta=eta,
            noise=noise,
            clip=clip,
            callback=callback)
    if sampler == 'ddpm':
        if noise is None:
            raise ValueError("sampler='ddpm' needs a noise function")
        return ddpm(
            denoise,
            start,
            process,
            noise,
            target=target,
            center=center,
            clip=clip,
            callback=callback)
    if sampler not in FLOW_SAMPLERS:
        raise ValueError(f'sampler should be one of {SAMPLERS}, got '
                         f'{sampler!r}')
    if eta != 0:
        raise ValueError(f'sampler={sampler!r} draws no noise on its way, so '
                         f"eta should be 0, got {eta}; 'ddim' has it")
    flow = FLOW_SAMPLERS[sampler]
    steps = step_sequence(process.num_steps, flow.steps(num_sampling_steps))
    angles = process_angles(process, steps)

    def velocity(u: Tensor, level: int) -> Tensor:
        k = steps[level]
        h = center + u
        h0 = estimate(denoise, process, target, h, k, center, clip)
        if callback is not None:
            callback(k, h, h0)
        return process.to_velocity(h0, h, k, center)

    return center + flow.integrate(velocity, start - center, angles)
