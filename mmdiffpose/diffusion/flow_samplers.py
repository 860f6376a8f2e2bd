# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""Samplers of the probability flow, on the circle that noise levels lie on.

Write a noisy state of data :math:`y` with white noise :math:`\epsilon` as

.. math::
    z = \cos\phi\; y + \sin\phi\; \epsilon, \qquad
    \tan\phi = \sigma, \quad \cos^2\phi = \alpha .

One state, three names: DDPM's and DiffPose's
:math:`\sqrt{\alpha}\,y + \sqrt{1-\alpha}\,\epsilon`
(:class:`DiffusionProcess` in :math:`u = h - \mu^G`), EDM's
:math:`x = y + \sigma\epsilon = z / \cos\phi` (Karras et al., NeurIPS 2022),
and TrigFlow's (Lu and Song, ICLR 2025, Sec. 3, with :math:`\sigma_d = 1`).
What a network knows about a state is one vector in three forms: the denoised
:math:`D = E[y \mid z]`, the noise :math:`\hat\epsilon`, and

.. math::
    F = \sin\phi\; D - \cos\phi\; \hat\epsilon, \qquad
    D = \cos\phi\; z + \sin\phi\; F, \qquad
    \hat\epsilon = \sin\phi\; z - \cos\phi\; F .

The flow :math:`dx / d\sigma = (x - D) / \sigma` (Karras et al., Eq. 1) is
:math:`dz / d\phi = -F`: since :math:`z = x\cos\phi` and
:math:`d\sigma = d\phi / \cos^2\phi`,

.. math::
    \frac{dz}{d\phi} = \frac{1}{\cos\phi} \hat\epsilon - \tan\phi\; z
    = \frac{\sin\phi\, z - \cos\phi\, F - \sin\phi\, z}{\cos\phi} = -F .

For data that are distributed as the noise is, F is 0, and a step that
multiplies :math:`z` by anything but 1 loses or adds spread: Euler in
:math:`\sigma`, the same as DDIM, multiplies by
:math:`\cos(\phi_k - \phi_{k+1})`, Euler in :math:`\phi` by 1. Data of another
variance :math:`\lambda` have :math:`F = z\,(\lambda - 1) \sin\phi \cos\phi /
(\lambda \cos^2\phi + \sin^2\phi)`.

Every sampler here takes ``velocity(z, level) -> F``, a start, and angles
:math:`\phi_0 > \dots > \phi_K = 0`; ``level`` is the index of the state's
angle, so that a network may prepare each level once. Tensors have any shape
and any unit.
"""

import math
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from torch import Tensor

from .process import DiffusionProcess

Velocity = Callable[[Tensor, int], Tensor]
"""``velocity(z, level)`` returns F, the shape of z."""


def process_angles(process: DiffusionProcess,
                   steps: Sequence[int]) -> List[float]:
    r"""Angles :math:`\arccos\sqrt{\alpha_k}` of steps of a process.

    Args:
        process (DiffusionProcess): With levels :math:`\alpha_k`.
        steps (Sequence[int]): k, from at most K down to 0.

    Returns:
        list[float]: Radians, as many as ``steps``.
    """
    alphas = [process.level(k) for k in steps]
    return [math.atan2((1 - a)**0.5, a**0.5) for a in alphas]


def check_angles(angles: Sequence[float]) -> None:
    r"""Refuse angles that no sampler can walk along.

    Raises:
        ValueError: Where they don't fall strictly from at most
            :math:`\pi / 2` to 0.
    """
    pairs = zip(angles[:-1], angles[1:])
    if (len(angles) < 2 or not angles[0] <= math.pi / 2 + 1e-9
            or angles[-1] != 0 or not all(a > b for a, b in pairs)):
        raise ValueError('angles should fall strictly from at most pi / 2 to '
                         f'0, got {list(angles)}')


def angle_euler(velocity: Velocity, z: Tensor,
                angles: Sequence[float]) -> Tensor:
    r"""Euler's steps in the angle.

    :math:`z \leftarrow z + (\phi_k - \phi_{k+1}) F(z, \phi_k)`. For Gaussian
    data with the covariance of the noise, one step already has the right
    spread.

    Args:
        velocity (Callable): See ``Velocity``.
        z (Tensor): Start at ``angles[0]``, any shape.
        angles (Sequence[float]): Radians, falling to 0.

    Returns:
        Tensor: Samples, the shape of ``z``.

    Raises:
        ValueError: For angles that don't fall to 0.
    """
    check_angles(angles)
    for level, (start, end) in enumerate(zip(angles[:-1], angles[1:])):
        z = z + (start - end) * velocity(z, level)
    return z


def angle_adams_bashforth(velocity: Velocity, z: Tensor,
                          angles: Sequence[float]) -> Tensor:
    r"""Adams and Bashforth's second-order steps in the angle.

    With :math:`r = (\phi_k - \phi_{k+1}) / (\phi_{k-1} - \phi_k)` the step
    uses :math:`(1 + r/2) F_k - (r/2) F_{k-1}`; the first one is Euler's. One
    evaluation a step, as Euler. Arguments as for :func:`angle_euler`.
    """
    check_angles(angles)
    before: Optional[Tensor] = None
    width_before = 0.
    for level, (start, end) in enumerate(zip(angles[:-1], angles[1:])):
        width = start - end
        current = velocity(z, level)
        slope = current
        if before is not None:
            slope = current + width / (2 * width_before) * (current - before)
        z = z + width * slope
        before, width_before = current, width
    return z


def sigma_euler(velocity: Velocity, z: Tensor,
                angles: Sequence[float]) -> Tensor:
    r"""Euler's steps in :math:`\sigma`, which are DDIM's with eta = 0.

    Euler's step of :math:`dx / d\sigma = \hat\epsilon` keeps D and
    :math:`\hat\epsilon`: :math:`x' = D + \sigma'\hat\epsilon`, that is
    :math:`z' = \cos\phi' D + \sin\phi' \hat\epsilon`, DDIM's step (Song et
    al., 2021, Eq. 12). With D and :math:`\hat\epsilon` written through z and
    F it is a turn by :math:`\Delta = \phi - \phi'`:

    .. math:: z' = \cos\Delta\; z + \sin\Delta\; F .

    Arguments as for :func:`angle_euler`.
    """
    check_angles(angles)
    for level, (start, end) in enumerate(zip(angles[:-1], angles[1:])):
        turn = start - end
        z = math.cos(turn) * z + math.sin(turn) * velocity(z, level)
    return z


def heun(velocity: Velocity, z: Tensor, angles: Sequence[float]) -> Tensor:
    r"""Heun's steps in :math:`\sigma`: EDM's deterministic sampler.

    Karras et al., NeurIPS 2022, Alg. 1: the step from :math:`\sigma` to
    :math:`\sigma'` follows the mean of the slopes :math:`\hat\epsilon` at
    both ends; the last one, to 0, is Euler's. In z, with
    :math:`\cos\phi' (\tan\phi' - \tan\phi) = -\sin(\phi - \phi')/\cos\phi`,

    .. math::
        z' = \big(\cos\phi'\; z - \sin(\phi - \phi')\,
        (\hat\epsilon + \hat\epsilon') / 2\big) \,/\, \cos\phi .

    Two evaluations a step but for the last. The first angle has to stay away
    from :math:`\pi / 2`, where :math:`\sigma` has no end. Arguments as for
    :func:`angle_euler`.
    """
    check_angles(angles)
    for level, (start, end) in enumerate(zip(angles[:-1], angles[1:])):
        turn = start - end
        slope = velocity(z, level)
        euler = math.cos(turn) * z + math.sin(turn) * slope
        if end == 0:
            return euler
        noise = math.sin(start) * z - math.cos(start) * slope
        ahead = velocity(euler, level + 1)
        noise = (noise + math.sin(end) * euler - math.cos(end) * ahead) / 2
        z = (math.cos(end) * z - math.sin(turn) * noise) / math.cos(start)
    return z


def dpm_solver_pp_2m(velocity: Velocity, z: Tensor,
                     angles: Sequence[float]) -> Tensor:
    r"""DPM-Solver++(2M) (Lu et al., 2022, Alg. 2).

    With :math:`\lambda = \log(\cos\phi / \sin\phi)`,
    :math:`h_k = \lambda_{k+1} - \lambda_k` and
    :math:`r = h_{k-1} / h_k`,

    .. math::
        \bar D = D_k + \frac{1}{2r} (D_k - D_{k-1}), \qquad
        z' = \frac{\sin\phi'}{\sin\phi} z
        - \cos\phi'\,(e^{-h_k} - 1)\, \bar D .

    The first step is of first order, which is DDIM's, and so is the last,
    whose h is infinite: z' = D. One evaluation a step. Arguments as for
    :func:`angle_euler`.
    """
    check_angles(angles)
    before: Optional[Tensor] = None
    width_before = 0.
    for level, (start, end) in enumerate(zip(angles[:-1], angles[1:])):
        denoised = (math.cos(start) * z + math.sin(start) * velocity(z, level))
        if end == 0:
            return denoised
        width = (
            math.log(math.cos(end) / math.sin(end)) -
            math.log(math.cos(start) / math.sin(start)))
        ahead = denoised
        if before is not None:
            ahead = denoised + width / (2 * width_before) * (denoised - before)
        z = (
            math.sin(end) / math.sin(start) * z -
            math.cos(end) * math.expm1(-width) * ahead)
        before, width_before = denoised, width
    return z


class FlowSampler(NamedTuple):
    """A sampler of the flow.

    Attributes:
        integrate: ``integrate(velocity, z, angles)``.
        per_step: Network evaluations a step, but for the last step's one.
    """
    integrate: Callable[[Velocity, Tensor, Sequence[float]], Tensor]
    per_step: int = 1

    def steps(self, evaluations: int) -> int:
        """How many steps the evaluations make.

        Raises:
            ValueError: Where they make no whole number of steps.
        """
        steps, rest = divmod(evaluations - 1, self.per_step)
        if evaluations < 1 or rest:
            raise ValueError(
                f'{self.integrate.__name__} takes {self.per_step} network '
                'evaluations a step and one in the last: their number should '
                f'be 1 or {self.per_step} more and so on, got {evaluations}')
        return steps + 1


FLOW_SAMPLERS: Dict[str, FlowSampler] = {
    'angle': FlowSampler(angle_euler),
    'angle_ab2': FlowSampler(angle_adams_bashforth),
    'euler': FlowSampler(sigma_euler),
    'heun': FlowSampler(heun, per_step=2),
    'dpmpp_2m': FlowSampler(dpm_solver_pp_2m),
}
"""By the names that ``test_cfg`` uses."""
