# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""Forward diffusion and the algebra between :math:`h_{k-1}, h_0, \epsilon`.

DiffPose, Eq. 7, diffuses around the mean of a mixture component:

.. math::
    \hat h_k = \mu^G + \sqrt{\alpha_k}(h_0 - \mu^G)
               + \sqrt{1 - \alpha_k}\,\epsilon^G,
    \qquad \epsilon^G \sim \mathcal N(0, \Sigma_{\hat m}).

In :math:`u = h - \mu^G` this is the ordinary process of DDPM with coloured
noise, so every identity of DDPM and DDIM holds there exactly as long as the
component :math:`\hat m` of a sample is kept for all its steps, which is what
the paper prescribes. ``center`` below is :math:`\mu^G`; the standard process
(Eq. 4, "Stand-Diff" in the paper, and DiffHPE) is ``center=0`` with white
noise.
"""

from typing import Dict, List, Literal, Optional, Tuple, Union

import torch
from torch import Tensor

Target = Literal['sample', 'epsilon', 'previous']
TARGETS: Tuple[str, ...] = ('sample', 'epsilon', 'previous')
Center = Union[Tensor, float]
Steps = Union[Tensor, int]
"""Steps k of poses, or one of all."""
Level = Union[Tensor, float]
"""A level of each pose, to broadcast, or one of all."""


class DiffusionProcess:
    r"""The forward process for a schedule :math:`\alpha_0 \ldots \alpha_K`.

    Poses may have any shape that starts with the batch axes of ``k``; ``k``
    is a long tensor of steps in 0..K whose shape is a prefix of the pose's,
    or one step for all poses, a plain number: nobody has to ask a device for
    it, or to wait for one.

    Args:
        alphas (Tensor): Cumulative signal levels, shape (K + 1, ), from
            :func:`~mmdiffpose.diffusion.schedules.make_alphas`.
    """

    def __init__(self, alphas: Tensor) -> None:
        if alphas.ndim != 1 or len(alphas) < 2 or alphas[0] != 1:
            raise ValueError('alphas should be one-dimensional, start with 1 '
                             f'and hold K + 1 >= 2 values, got {alphas}')
        alphas = alphas.double()
        self.alphas = alphas
        signal, noise = alphas.sqrt().float(), (1 - alphas).sqrt().float()
        self._alphas: List[float] = alphas.tolist()
        self._numbers = list(zip(signal.tolist(), noise.tolist()))
        # Signal and noise level of each step, on each device that asked.
        self._tables: Dict[torch.device, Tuple[Tensor, Tensor]] = {
            alphas.device: (signal, noise)
        }

    @property
    def num_steps(self) -> int:
        """The number of diffusion steps K."""
        return len(self.alphas) - 1

    def level(self, k: int) -> float:
        r""":math:`\alpha_k`, as a number."""
        return self._alphas[k]

    def _levels(self, k: Steps, like: Tensor) -> Tuple[Level, Level]:
        """Signal and noise level at ``k``, shaped to broadcast."""
        if isinstance(k, int):
            return self._numbers[k]
        if k.device not in self._tables:
            signal, noise = self._tables[self.alphas.device]
            self._tables[k.device] = signal.to(k.device), noise.to(k.device)
        signal, noise = self._tables[k.device]
        return _shaped(signal[k], like), _shaped(noise[k], like)

    def diffuse(self,
                h0: Tensor,
                k: Steps,
                noise: Tensor,
                center: Center = 0.) -> Tensor:
        r"""Sample :math:`\hat h_k` (Eq. 7; Eq. 4 with ``center=0``).

        Args:
            h0 (Tensor): Clean poses, metres.
            k (Tensor | int): Steps in 0..K.
            noise (Tensor): :math:`\epsilon^G`, already coloured, metres.
            center (Tensor | float): :math:`\mu^G`, metres.

        Returns:
            Tensor: The shape of ``h0``.
        """
        signal, sigma = self._levels(k, h0)
        return center + signal * (h0 - center) + sigma * noise

    def target(self, kind: Target, h0: Tensor, k: Steps, noise: Tensor,
               center: Center) -> Tensor:
        r"""What a network should predict from :math:`\hat h_k`.

        ``'previous'`` is :math:`\hat h_{k-1}` of the same noise (Eq. 9, the
        paper's loss), ``'sample'`` is :math:`h_0`, ``'epsilon'`` is
        :math:`\epsilon^G` (the released code).
        """
        if kind == 'sample':
            return h0
        if kind == 'epsilon':
            return noise
        if kind == 'previous':
            return self.diffuse(h0, k - 1, noise, center)
        raise ValueError(f'target should be one of {TARGETS}, got {kind!r}')

    def to_sample(self,
                  kind: Target,
                  prediction: Tensor,
                  h_k: Tensor,
                  k: Steps,
                  center: Center = 0.) -> Tensor:
        r"""Turn a network's output at step ``k`` into :math:`h_0`.

        For ``'previous'`` the pair :math:`(\hat h_k, \hat h_{k-1})` of one
        noise vector is a linear system in :math:`(h_0, \epsilon^G)`; its
        determinant is small where neighbouring steps differ little, so
        errors of the prediction are amplified (by
        :math:`2 K \sqrt{1 - \alpha_k} / \pi` for a cosine schedule). For
        ``'epsilon'`` they are amplified by
        :math:`\sqrt{(1-\alpha_k)/\alpha_k}`.
        """
        if kind == 'sample':
            return prediction
        signal, sigma = self._levels(k, h_k)
        if kind == 'epsilon':
            return center + (h_k - center - sigma * prediction) / signal
        if kind == 'previous':
            signal_1, sigma_1 = self._levels(k - 1, h_k)
            determinant = sigma * signal_1 - sigma_1 * signal
            return center + (sigma * (prediction - center) - sigma_1 *
                             (h_k - center)) / determinant
        raise ValueError(f'target should be one of {TARGETS}, got {kind!r}')

    def to_noise(self,
                 h0: Tensor,
                 h_k: Tensor,
                 k: Steps,
                 center: Center = 0.) -> Tensor:
        r"""The noise :math:`\epsilon^G` that led from ``h0`` to ``h_k``."""
        signal, sigma = self._levels(k, h_k)
        return (h_k - center - signal * (h0 - center)) / sigma

    def to_velocity(self,
                    h0: Tensor,
                    h_k: Tensor,
                    k: Steps,
                    center: Center = 0.) -> Tensor:
        r"""The velocity F of :mod:`~mmdiffpose.diffusion.flow_samplers`.

        With :math:`\cos\phi = \sqrt{\alpha_k}`, :math:`z = u_k` and
        :math:`D = u_0`, from :math:`D = \cos\phi\, z + \sin\phi\, F`. Minus
        this is the slope of TrigFlow (Lu and Song, ICLR 2025, Sec. 3).
        """
        signal, sigma = self._levels(k, h_k)
        return (h0 - center - signal * (h_k - center)) / sigma

    def posterior(self,
                  h0: Tensor,
                  h_k: Tensor,
                  k: Steps,
                  center: Center = 0.,
                  previous: Optional[Steps] = None) -> Tuple[Tensor, Level]:
        r"""Mean and relative std of :math:`q(h_j \mid h_k, h_0)`, j < k.

        DDPM (Ho et al., 2020), Eq. 6-7, in :math:`u = h - \mu^G` and for any
        earlier step j (``previous``, k - 1 by default). The covariance is
        the returned std squared times :math:`\Sigma_{\hat m}`.

        Returns:
            tuple[Tensor, Tensor | float]: The mean, shaped like ``h_k``, and
            the std, which broadcasts against it.
        """
        j = k - 1 if previous is None else previous
        a_k, a_j = self._alpha(k), self._alpha(j)
        beta = 1 - a_k / a_j
        weight_0 = _shaped(a_j**0.5 * beta / (1 - a_k), h_k)
        weight_k = _shaped((a_k / a_j)**0.5 * (1 - a_j) / (1 - a_k), h_k)
        mean = center + weight_0 * (h0 - center) + weight_k * (h_k - center)
        variance = beta * (1 - a_j) / (1 - a_k)
        if isinstance(variance, float):
            return mean, max(variance, 0.)**0.5
        return mean, _shaped(variance.clamp(min=0).sqrt(), h_k)

    def _alpha(self, k: Steps) -> Level:
        return self._alphas[k] if isinstance(k, int) else self.alphas[k.cpu()]


def _shaped(values: Level, like: Tensor) -> Level:
    """Values of leading axes, to broadcast against ``like``."""
    if isinstance(values, float):
        return values
    return values.to(like).reshape(values.shape + (1, ) *
                                   (like.ndim - values.ndim))


def training_steps(uniform: Tensor,
                   num_steps: int,
                   exponent: float = 1.) -> Tensor:
    r"""Training steps :math:`k = 1 + \lfloor K u^p \rfloor`.

    p = 1 is uniform, the unbiased estimate of Eq. 9. p < 1 draws noisy steps
    more often: a start close to the answer leaks it at middle k, and uniform
    draws then hardly train the regime in which a sampler begins.

    Args:
        uniform (Tensor): u, uniform in [0, 1).
        num_steps (int): K.
        exponent (float): p. Defaults to 1.

    Returns:
        Tensor: long, the shape of ``uniform``, values in 1..K.
    """
    steps = 1 + (num_steps * uniform**exponent).floor().long()
    return steps.clamp(max=num_steps)


def antithetic_steps(steps: Tensor, num_steps: int) -> Tensor:
    """Replace about half of drawn steps by the mirror images of the others.

    With n steps in row-major order, the first n // 2 + 1 stay and the rest
    are K + 1 - k of the first ones, so that noisy and clean steps are in
    balance in every batch. Each step's own distribution stays what it was,
    where that is symmetric (DDPM's and DiffPose's released code).

    Args:
        steps (Tensor): Steps in 1..K, any shape.
        num_steps (int): K.

    Returns:
        Tensor: The shape of ``steps``.
    """
    flat = steps.flatten()
    first = flat[:len(flat) // 2 + 1]
    paired = torch.cat([first, num_steps + 1 - first])[:len(flat)]
    return paired.reshape(steps.shape)
