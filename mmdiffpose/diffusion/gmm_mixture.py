# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Gaussian mixtures as tensors, batched over any leading dimensions.

The axis letters are n samples, M components, D dimensions (D = 3J for a pose
of J joints, joint-major: x0, y0, z0, x1, ...). Units are those of the data.
"""
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Optional, Tuple, Union

import torch
from torch import Tensor

CovarianceType = Literal['diag', 'joint', 'full']
COVARIANCE_TYPES = ('diag', 'joint', 'full')

# The two ends of the open unit interval in float64: the normal quantile of
# anything between them is finite.
_SMALLEST_UNIFORM = 2.0**-54
_LARGEST_UNIFORM = 1.0 - 2.0**-53


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """A batch of Gaussian mixtures (Gong et al., DiffPose, CVPR 2023, Eq. 6).

    Every draw takes a CPU ``torch.Generator``, is made in float64 on the CPU,
    and uses the generator's stream one mixture after another in row-major
    order of the leading dimensions. Cutting a batch into consecutive parts
    and drawing from them in turn with one generator therefore gives the same
    numbers as one draw from the whole batch, on every device and dtype.

    Attributes:
        weights (Tensor): Probabilities of the components, (..., M).
        means (Tensor): (..., M, D).
        covariance (Tensor): For 'diag' the variances (..., M, D); for 'joint'
            one 3x3 block a joint (..., M, J, 3, 3) with D = 3J; for 'full'
            the matrices (..., M, D, D).
        covariance_type (str): 'diag', 'joint' or 'full'.

    Raises:
        ValueError: If the type is unknown or the shapes don't fit together.
    """
    weights: Tensor
    means: Tensor
    covariance: Tensor
    covariance_type: CovarianceType = 'diag'

    def __post_init__(self) -> None:
        if self.means.dim() < 2 or self.means.shape[:-1] != self.weights.shape:
            raise ValueError(
                'weights (..., M) and means (..., M, D) expected, got '
                f'{tuple(self.weights.shape)} and {tuple(self.means.shape)}')
        expected = self.weights.shape + covariance_shape(
            self.covariance_type, self.num_dims)
        if self.covariance.shape != expected:
            raise ValueError(f'a {self.covariance_type!r} covariance of shape '
                             f'{tuple(expected)} expected, got '
                             f'{tuple(self.covariance.shape)}')

    @property
    def batch_shape(self) -> torch.Size:
        """The leading dimensions."""
        return self.weights.shape[:-1]

    @property
    def num_components(self) -> int:
        """M."""
        return self.weights.shape[-1]

    @property
    def num_dims(self) -> int:
        """D."""
        return self.means.shape[-1]

    def to(self,
           device: Optional[Union[str, torch.device]] = None,
           dtype: Optional[torch.dtype] = None) -> 'GaussianMixture':
        """The same mixtures on another device or in another dtype."""
        return replace(
            self,
            weights=self.weights.to(device=device, dtype=dtype),
            means=self.means.to(device=device, dtype=dtype),
            covariance=self.covariance.to(device=device, dtype=dtype))

    @cached_property
    def scale(self) -> Tensor:
        """Square roots of the covariances, in the shape of `covariance`.

        Standard deviations for 'diag', lower Cholesky factors otherwise.

        Raises:
            ValueError: If a covariance isn't positive definite.
        """
        if self.covariance_type == 'diag':
            if not bool((self.covariance >= 0).all()):
                raise ValueError('variances must not be negative or NaN')
            return self.covariance.sqrt()
        factor, info = torch.linalg.cholesky_ex(self.covariance)
        if bool((info != 0).any()):
            raise ValueError(
                f'{int((info != 0).sum())} of {info.numel()} covariance '
                'matrices are not positive definite')
        return factor

    # ------------------------------------------------------------- sampling

    def sample_component(self, n: int, generator: torch.Generator) -> Tensor:
        """Draws n components m of each mixture.

        Returns:
            Tensor: Indices, (..., n), int64.
        """
        return self._pick_component(self._uniform((n, ), generator))

    def sample(self, n: int,
               generator: torch.Generator) -> Tuple[Tensor, Tensor]:
        """Draws n samples of each mixture.

        The stream holds, for each sample, one number for the component and D
        for the noise; so the draws differ from those of `sample_component`
        followed by `noise`.

        Returns:
            tuple[Tensor, Tensor]: The samples (..., n, D) and the component
            that each came from (..., n).
        """
        uniform = self._uniform((n, 1 + self.num_dims), generator)
        component = self._pick_component(uniform[..., 0])
        noise = self.colour(component, _normal(uniform[..., 1:], self.means))
        return self.component_mean(component) + noise, component

    def noise(self, component: Tensor, generator: torch.Generator) -> Tensor:
        """Draws the centred noise of Eq. 7, eps^G ~ N(0, Sigma_m).

        Args:
            component (Tensor): The component of each sample, (..., n).
            generator (torch.Generator): On the CPU.

        Returns:
            Tensor: (..., n, D).
        """
        shape = (component.shape[-1], self.num_dims)
        white = _normal(self._uniform(shape, generator), self.means)
        return self.colour(component, white)

    def colour(self, component: Tensor, white: Tensor) -> Tensor:
        """Gives standard normal noise the covariance of a component.

        Args:
            component (Tensor): The component of each sample, (..., n).
            white (Tensor): Draws of N(0, I), (..., n, D).

        Returns:
            Tensor: L_m z with L_m L_m^T = Sigma_m, (..., n, D).
        """
        if self.covariance_type == 'diag':
            return white * self._gather(self.scale, component)
        noise = torch.zeros_like(white)
        for m in range(self.num_components):
            factor = self.scale.select(len(self.batch_shape), m)
            shaped = _colour(factor, white, self.covariance_type == 'joint')
            noise = torch.where((component == m)[..., None], shaped, noise)
        return noise

    def _uniform(self, shape: Tuple[int, ...],
                 generator: torch.Generator) -> Tensor:
        """Uniform numbers ``(..., *shape)`` in float64, on the CPU.

        `torch.rand` fills in row-major order, one number after another;
        `torch.randn` does not (it works in blocks of 16), which would make a
        draw depend on the batch around it.
        """
        return torch.rand(
            self.batch_shape + shape, generator=generator, dtype=torch.float64)

    def _pick_component(self, uniform: Tensor) -> Tensor:
        """Inverts the distribution of the components at (..., n) points."""
        cumulative = self.weights.detach().double().cpu().cumsum(-1)
        cumulative = cumulative / cumulative[..., -1:]
        component = (uniform[..., None] >= cumulative[..., None, :]).sum(-1)
        return component.to(self.means.device)

    @staticmethod
    def _gather(values: Tensor, component: Tensor) -> Tensor:
        """Rows of (..., M, D) picked by (..., n)."""
        return values.gather(
            -2, component[..., None].expand(*component.shape,
                                            values.shape[-1]))

    # -------------------------------------------------------------- moments

    def component_mean(self, component: Tensor) -> Tensor:
        """mu_m of each sample's component: (..., n) -> (..., n, D)."""
        return self._gather(self.means, component)

    def mean(self) -> Tensor:
        """Mean of each mixture, (..., D)."""
        return (self.weights[..., None] * self.means).sum(-2)

    def variance(self) -> Tensor:
        """Variance of each dimension of each mixture, (..., D)."""
        within = self.covariance
        if self.covariance_type == 'full':
            within = within.diagonal(dim1=-2, dim2=-1)
        elif self.covariance_type == 'joint':
            within = within.diagonal(dim1=-2, dim2=-1).flatten(-2)
        between = (self.means - self.mean()[..., None, :]).square()
        return (self.weights[..., None] * (within + between)).sum(-2)

    def covariance_matrix(self) -> Tensor:
        """Covariance of each mixture as a whole, (..., D, D)."""
        offset = self.means - self.mean()[..., None, :]
        weighted = self.weights[..., None] * offset
        between = weighted.transpose(-1, -2) @ offset
        weights = self.weights.reshape(
            self.weights.shape + (1, ) *
            (self.covariance.dim() - self.weights.dim()))
        within = (weights * self.covariance).sum(len(self.batch_shape))
        return between + dense_covariance(within, self.covariance_type)

    # ----------------------------------------------------------- likelihood

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of each sample: (..., n, D) -> (..., n).

        Raises:
            ValueError: If x has another number of dimensions D.
        """
        return self.component_log_prob(x).logsumexp(-1)

    def component_posterior(self, x: Tensor) -> Tensor:
        """p(m | x) of each sample: (..., n, D) -> (..., n, M)."""
        return self.component_log_prob(x).softmax(-1)

    def component_log_prob(self, x: Tensor) -> Tensor:
        """log(pi_m N(x; mu_m, Sigma_m)): (..., n, D) -> (..., n, M).

        Differences to the means are formed first: exact where the data lie
        far from the origin, unlike the expanded square.
        """
        if x.dim() < 2 or x.shape[-1] != self.num_dims:
            raise ValueError(f'samples of shape (..., n, {self.num_dims}) '
                             f'expected, got {tuple(x.shape)}')
        axis = len(self.batch_shape)
        log_probs = []
        for m in range(self.num_components):
            scale = self.scale.select(axis, m)
            offset = x - self.means[..., m, None, :]
            if self.covariance_type == 'diag':
                log_det = scale.log().sum(-1)
                white = offset / scale[..., None, :]
            else:
                log_det = scale.diagonal(
                    dim1=-2, dim2=-1).log().flatten(axis).sum(-1)
                white = _whiten(scale, offset, self.covariance_type == 'joint')
            log_probs.append(-0.5 * white.square().sum(-1) -
                             log_det[..., None])
        constant = 0.5 * self.num_dims * math.log(2 * math.pi)
        return (torch.stack(log_probs, -1) + self.weights.log()[..., None, :] -
                constant)


def covariance_shape(covariance_type: str, num_dims: int) -> Tuple[int, ...]:
    """Shape of one component's covariance.

    Raises:
        ValueError: If the type is unknown, or 'joint' and D isn't 3J.
    """
    if covariance_type == 'diag':
        return (num_dims, )
    if covariance_type == 'full':
        return (num_dims, num_dims)
    if covariance_type != 'joint':
        raise ValueError(f'covariance_type must be one of {COVARIANCE_TYPES}, '
                         f'got {covariance_type!r}')
    if num_dims % 3:
        raise ValueError("a 'joint' covariance needs D = 3 * joints "
                         f'dimensions, got D = {num_dims}')
    return (num_dims // 3, 3, 3)


def dense_covariance(covariance: Tensor, covariance_type: str) -> Tensor:
    """Covariances of one type, ``(..., *shape)``, as (..., D, D)."""
    if covariance_type == 'full':
        return covariance
    if covariance_type == 'diag':
        return torch.diag_embed(covariance)
    num_joints = covariance.shape[-3]
    dense = covariance.new_zeros(covariance.shape[:-3] +
                                 (num_joints, 3, num_joints, 3))
    index = torch.arange(num_joints, device=covariance.device)
    # Index tensors around a slice: their axis comes first.
    dense[..., index, :, index, :] = covariance.movedim(-3, 0)
    return dense.flatten(-4, -3).flatten(-2, -1)


def _normal(uniform: Tensor, like: Tensor) -> Tensor:
    """Standard normal numbers from uniform ones, placed as `like`."""
    return torch.special.ndtri(
        uniform.clamp(_SMALLEST_UNIFORM, _LARGEST_UNIFORM)).to(like)


def _colour(factor: Tensor, white: Tensor, joint: bool) -> Tensor:
    """L z for factors (..., D, D) or (..., J, 3, 3) and z (..., n, D)."""
    if not joint:
        return white @ factor.transpose(-1, -2)
    blocks = white.unflatten(-1, (-1, 3))
    return torch.einsum('...jab,...njb->...nja', factor, blocks).flatten(-2)


def _whiten(factor: Tensor, offset: Tensor, joint: bool) -> Tensor:
    """L^-1 d for factors (..., D, D) or (..., J, 3, 3) and d (..., n, D)."""
    if not joint:
        return torch.linalg.solve_triangular(
            factor, offset.transpose(-1, -2), upper=False).transpose(-1, -2)
    blocks = offset.unflatten(-1, (-1, 3)).movedim(-3, -1)
    white = torch.linalg.solve_triangular(factor, blocks, upper=False)
    return white.movedim(-1, -3).flatten(-2)
