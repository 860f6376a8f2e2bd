# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""Noise schedules: the cumulative signal level :math:`\alpha_k`.

DiffPose (Gong et al., CVPR 2023, Sec. 3) writes :math:`\alpha_k` for what
DDPM (Ho et al., 2020) writes :math:`\bar\alpha_k`: the *cumulative* product
of :math:`1 - \beta_k`. All schedules here return :math:`\alpha_0 \ldots
\alpha_K` with :math:`\alpha_0 = 1`, computed in float64 and cast once.
"""

import math
from typing import Callable, Dict

import torch
from torch import Tensor


def linear_betas(num_steps: int,
                 beta_start: float = 1e-4,
                 beta_end: float = 0.02) -> Tensor:
    r"""Linearly spaced :math:`\beta_1 \ldots \beta_K` (Ho et al., 2020).

    The defaults are DDPM's for K = 1000; with few steps they leave
    :math:`\alpha_K` far from 0. The released DiffPose code uses
    ``beta_start=1e-4, beta_end=1e-3`` and 51 steps, where
    :math:`\alpha_K = 0.97`: a small-noise refiner rather than a diffusion
    from the prior.

    Returns:
        Tensor: float64, shape (K, ).
    """
    return torch.linspace(beta_start, beta_end, num_steps, dtype=torch.float64)


def quadratic_betas(num_steps: int,
                    beta_start: float = 1e-4,
                    beta_end: float = 0.5) -> Tensor:
    r"""Betas linear in their square root (CSDI, Tashiro et al., 2021).

    Returns:
        Tensor: float64, shape (K, ).
    """
    return torch.linspace(
        beta_start**0.5, beta_end**0.5, num_steps, dtype=torch.float64)**2


def cosine_betas(num_steps: int,
                 offset: float = 0.008,
                 max_beta: float = 0.999) -> Tensor:
    r"""Cosine schedule (Nichol and Dhariwal, 2021, Eq. 17).

    DiffHPE clips at ``max_beta=0.5``, D3DP at 0.999.

    Returns:
        Tensor: float64, shape (K, ).
    """
    steps = torch.arange(num_steps + 1, dtype=torch.float64) / num_steps
    level = torch.cos((steps + offset) / (1 + offset) * math.pi / 2)**2
    return (1 - level[1:] / level[:-1]).clamp(max=max_beta)


_BETAS: Dict[str, Callable[..., Tensor]] = {
    'linear': linear_betas,
    'quadratic': quadratic_betas,
    'cosine': cosine_betas,
}


def make_alphas(schedule: str, num_steps: int, **kwargs: float) -> Tensor:
    r"""Build :math:`\alpha_0 \ldots \alpha_K` by name.

    Args:
        schedule (str): ``'linear'``, ``'quadratic'`` or ``'cosine'``.
        num_steps (int): The number of diffusion steps K, at least 1.
        **kwargs: Parameters of the schedule.

    Returns:
        Tensor: float64, shape (K + 1, ), decreasing, within [0, 1], with
        ``alphas[0] == 1``.

    Raises:
        ValueError: For an unknown schedule, an unknown parameter of it,
            K < 1, or betas outside [0, 1).
    """
    if schedule not in _BETAS:
        raise ValueError(f'schedule should be one of {sorted(_BETAS)}, but '
                         f'got {schedule!r}')
    if num_steps < 1:
        raise ValueError(f'num_steps should be at least 1, got {num_steps}')
    try:
        betas = _BETAS[schedule](num_steps, **kwargs)
    except TypeError as error:
        raise ValueError(
            f'schedule {schedule!r} does not take {kwargs}: {error}') from None
    if not bool(((betas >= 0) & (betas < 1)).all()):
        raise ValueError(f'betas of schedule {schedule!r} with {kwargs} '
                         'should lie in [0, 1), but got values from '
                         f'{betas.min():.3g} to {betas.max():.3g}')
    alphas = torch.ones(num_steps + 1, dtype=torch.float64)
    alphas[1:] = torch.cumprod(1 - betas, dim=0)
    return alphas
