# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""Noise schedules: the signal level :math:`\alpha_k`, or the angle.

DiffPose (Gong et al., CVPR 2023, Sec. 3) writes :math:`\alpha_k` for what
DDPM (Ho et al., 2020) writes :math:`\bar\alpha_k`: the *cumulative* product
of :math:`1 - \beta_k`. :func:`make_alphas` returns :math:`\alpha_0 \ldots
\alpha_K` with :math:`\alpha_0 = 1`, computed in float64 and cast once.

Samplers of the probability flow take angles, :math:`\tan\phi = \sigma`:
:func:`power_angles` and, for EDM's levels, :func:`karras_angles`.
"""

import math
from typing import Callable, Dict, Tuple

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


def power_angles(evaluations: int,
                 sigma_max: float,
                 exponent: float = 1.) -> Tuple[float, ...]:
    r"""Angles that fall from :math:`\arctan\sigma_{max}` to 0 by a power.

    :math:`\phi_k = \arctan\sigma_{max}\,(1 - k / K)^p`: equal steps for
    p = 1, shorter ones towards the end for p > 1, where modes part.

    Args:
        evaluations (int): Steps K, at least 1.
        sigma_max (float): Noise at the start, in units of the data's spread.
        exponent (float): p.

    Returns:
        tuple[float]: K + 1 angles, radians.

    Raises:
        ValueError: For fewer than one step, or noise or an exponent that
            isn't positive.
    """
    if evaluations < 1 or not 0 < sigma_max < math.inf or not exponent > 0:
        raise ValueError(
            'at least one evaluation, a positive sigma_max and a positive '
            f'exponent expected, got {evaluations}, {sigma_max}, {exponent}')
    first = math.atan(sigma_max)
    return tuple(first * (1 - k / evaluations)**exponent
                 for k in range(evaluations + 1))


def karras_angles(evaluations: int,
                  sigma_max: float,
                  sigma_min: float = 0.05,
                  rho: float = 7.) -> Tuple[float, ...]:
    r"""Angles of EDM's noise levels (Karras et al., 2022, Eq. 5).

    :math:`\sigma_i = (\sigma_{max}^{1/\rho} + \tfrac{i}{n-1}
    (\sigma_{min}^{1/\rho} - \sigma_{max}^{1/\rho}))^\rho` for i < n, then 0.

    Args:
        evaluations (int): n, the levels above 0; one is ``sigma_max``.
        sigma_max (float): In units of the data's spread.
        sigma_min (float): Likewise, at most ``sigma_max``.
        rho (float): :math:`\rho`.

    Returns:
        tuple[float]: n + 1 angles, radians.

    Raises:
        ValueError: For levels that don't fall.
    """
    if (evaluations < 1 or not 0 < sigma_min < sigma_max < math.inf
            or rho <= 0):
        raise ValueError(
            'at least one evaluation, 0 < sigma_min < sigma_max and rho > 0 '
            f'expected, got {evaluations}, {sigma_min}, {sigma_max}, {rho}')
    high, low = sigma_max**(1 / rho), sigma_min**(1 / rho)
    last = max(evaluations - 1, 1)
    levels = ((high + i / last * (low - high))**rho
              for i in range(evaluations))
    return (*map(math.atan, levels), 0.)
