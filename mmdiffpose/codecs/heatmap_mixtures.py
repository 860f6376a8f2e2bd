# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A detector's heatmaps as mixtures of Gaussians (DiffPose, Sec. 4.1).

A heatmap is read as a discrete distribution: each cell is a sample at its
centre whose weight is the cell's value. A mixture is an array (..., M, 5):
weight, mean u, mean v, std u, std v. It comes in heatmap cells, u to the
right, v down, with (0, 0) at the *centre* of the first cell;
:func:`heatmap_to_image` takes it to image pixels,
:func:`~mmdiffpose.skeletons.mixture_mapping.map_mixtures` to a lifter's
joints.

*Background.* Networks put small values everywhere, and thousands of cells of
them outweigh the one peak. Cells below ``threshold`` times the joint's
highest value are background and count nothing. That cuts a Gaussian's tails
too; as it cuts them at a known level, the moments are corrected for it in
closed form (:func:`_undo_truncation`).

*Masked joints.* A joint whose highest value isn't above ``min_peak`` has no
mixture: its weights are all 0. It stays masked in everything made of it.

The width of a heatmap is not only the detector's doubt: it was trained on
Gaussians of the codec's ``sigma`` (2 cells mostly), so that is about the
least width to expect. DiffPose takes the heatmap as it is, and so does this.
"""

from dataclasses import dataclass
from typing import NamedTuple, Optional, Sequence, Union

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mmdiffpose.diffusion.gmm import fit_gmm
from mmdiffpose.skeletons.mixture_mapping import (fill_masked, map_mixtures,
                                                  mask_joints)

__all__ = [
    'HeatmapFit', 'fill_masked', 'fit_heatmap_mixtures', 'heatmap_to_image',
    'map_mixtures', 'mask_joints'
]

METHODS = ('em', 'peaks')
CONVENTIONS = ('msra', 'udp', 'megvii')

MIN_STD = 12**-0.5
"""Least std of a component in cells: of a uniform density over one cell."""
# A component whose top is lower than twice the cut can't tell how wide it is.
_HIGHEST_CUT = 0.5


@dataclass(frozen=True)
class HeatmapFit:
    """How heatmaps become mixtures.

    Attributes:
        n_components: M.
        method: ``'em'``: weighted EM on the cells. ``'peaks'``: in closed
            form, local maxima and the moments of the cells nearest to each.
            It doesn't iterate: 2 (M = 2) to 6 times (M = 5) as fast where
            there are several modes. But modes that overlap cut each other
            off, and there are at most as many components as maxima.
        threshold: Share of a joint's highest value below which a cell is
            background, in [0, 1).
        min_peak: A joint whose highest value is not above this is masked.
            In the heatmap's own units, mostly [0, 1]; 255 times that in
            Megvii's.
        peak_radius: For ``'peaks'``: a maximum is the highest cell of a
            square of that many cells to each side.
        max_iter: For ``'em'``: iterations at most.
    """
    n_components: int = 2
    method: str = 'em'
    threshold: float = 0.1
    min_peak: float = 0.
    peak_radius: int = 3
    max_iter: int = 50

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(
                f'method should be one of {METHODS}, got {self.method!r}')
        if self.n_components < 1:
            raise ValueError('n_components should be at least 1, got '
                             f'{self.n_components}')
        if not 0 <= self.threshold < 1:
            raise ValueError('threshold should be a share in [0, 1), got '
                             f'{self.threshold}')
        if self.peak_radius < 1:
            raise ValueError('peak_radius should be at least 1, got '
                             f'{self.peak_radius}')


class _Cells(NamedTuple):
    """The cells of P heatmaps that are not background.

    Attributes:
        xy: (P, n, 2), the cells' columns and rows.
        value: (P, n), 0 where a heatmap has fewer than n cells.
        cut: (P, ), the value below which a cell is background.
    """
    xy: Tensor
    value: Tensor
    cut: Tensor


@torch.no_grad()
def fit_heatmap_mixtures(heatmaps: Union[np.ndarray, Tensor],
                         n_components: int = 2,
                         method: str = 'em',
                         fit: Optional[HeatmapFit] = None) -> np.ndarray:
    """Fits a mixture to each heatmap.

    Each heatmap is fitted by itself: neither its place in the batch nor the
    others matter. Negative values count as 0.

    Args:
        heatmaps (np.ndarray | Tensor): (..., K, h, w), for K joints; any
            positive scale.
        n_components (int): M.
        method (str): ``'em'`` or ``'peaks'``, see :class:`HeatmapFit`.
        fit (HeatmapFit, optional): All options; then ``n_components`` and
            ``method`` are not read.

    Returns:
        np.ndarray: (..., K, M, 5) float32 in heatmap cells, the heaviest
        component first, weights with sum 1, or all 0 for a masked joint,
        whose means and stds are those of the whole map. Components that a
        heatmap doesn't need are copies of the first one with weight 0.

    Raises:
        ValueError: For other shapes, NaN or infinite values.
    """
    fit = fit or HeatmapFit(n_components, method)
    maps = torch.as_tensor(heatmaps).detach().float()
    if maps.dim() < 3 or 0 in maps.shape[-2:]:
        raise ValueError('heatmaps should have the shape (..., K, h, w), got '
                         f'{tuple(maps.shape)}')
    if not bool(maps.isfinite().all()):
        raise ValueError('heatmaps hold NaN or infinite values')
    lead, (h, w) = maps.shape[:-2], maps.shape[-2:]
    maps = maps.reshape(-1, h, w).clamp_min(0)
    highest = maps.amax((1, 2))
    seen = highest > max(fit.min_peak, 0.)
    whole = maps.new_tensor(
        [0, (w - 1) / 2, (h - 1) / 2, w * MIN_STD, h * MIN_STD])
    mixtures = whole.repeat(len(maps), fit.n_components, 1)
    if bool(seen.any()):
        maps = maps[seen] / highest[seen, None, None]
        cells = _foreground(maps, fit)
        parts = _fit_em(cells, fit) if fit.method == 'em' else _fit_peaks(
            maps, cells, fit)
        mixtures[seen] = _tidy(_undo_truncation(parts, maps, cells.cut))
    return mixtures.reshape(*lead, fit.n_components, 5).cpu().numpy()


def heatmap_to_image(mixtures: np.ndarray,
                     input_size: Sequence[float],
                     input_center: Sequence[float],
                     input_scale: Sequence[float],
                     heatmap_size: Sequence[int],
                     convention: str = 'msra') -> np.ndarray:
    """Takes mixtures from heatmap cells to image pixels.

    Mirrors what MMPose does with the decoded joints of a top-down crop: the
    codec takes cells to the network's input, the estimator
    (``TopdownPoseEstimator.add_pred_to_datasample``) takes the input to the
    image, through the crop's centre and scale and without rotation.

    Args:
        mixtures (np.ndarray): (..., M, 5), heatmap cells.
        input_size (Sequence): Width and height of the network's input.
        input_center (Sequence): The crop's centre (x, y) in the image, px.
        input_scale (Sequence): The crop's width and height in the image, px.
        heatmap_size (Sequence): Width and height of the heatmaps, cells.
        convention (str): Where a cell lies in the input. ``'msra'``
            (``MSRAHeatmap``): cell i at i * input / heatmap. ``'megvii'``
            (``MegviiHeatmap``): half a cell further. ``'udp'``
            (``UDPHeatmap``): first and last cell at the input's borders.

    Returns:
        np.ndarray: (..., M, 5), image pixels.

    Raises:
        ValueError: For an unknown convention or another shape.
    """
    if convention not in CONVENTIONS:
        raise ValueError(f'convention should be one of {CONVENTIONS}, got '
                         f'{convention!r}')
    mixtures = np.array(mixtures, np.float32)
    if mixtures.ndim < 2 or mixtures.shape[-1] != 5:
        raise ValueError('mixtures should have the shape (..., M, 5), got '
                         f'{mixtures.shape}')
    size, scale, center, cells = (
        np.asarray(value, np.float64)
        for value in (input_size, input_scale, input_center, heatmap_size))
    per_cell = size / (cells - 1 if convention == 'udp' else cells)
    shift = 0.5 * per_cell if convention == 'megvii' else 0.
    inputs = mixtures[..., 1:3] * per_cell + shift
    mixtures[..., 1:3] = inputs / size * scale + center - 0.5 * scale
    mixtures[..., 3:] *= per_cell / size * scale
    return mixtures


def _foreground(maps: Tensor, fit: HeatmapFit) -> _Cells:
    """The cells at or above the threshold, of maps (P, h, w) with peak 1."""
    w = maps.shape[2]
    flat = maps.flatten(1)
    flat = torch.where(flat >= fit.threshold, flat, 0.)
    count = max(int((flat > 0).sum(1).max()), fit.n_components)
    count = min(count, flat.shape[1])
    value, index = flat.topk(count, dim=1)
    xy = torch.stack([index % w, index.div(w, rounding_mode='floor')], -1)
    # A map without values just above the threshold ended by itself before
    # it, as a single lit cell does: nothing was cut.
    lowest = torch.where(value > 0, value, 1.).amin(1)
    cut = torch.where(lowest < 2 * fit.threshold, fit.threshold, 0.)
    return _Cells(xy.float(), value, cut)


def _fit_em(cells: _Cells, fit: HeatmapFit) -> Tensor:
    """Mixtures (P, M, 5) by weighted EM, from the same start each time."""
    mixture, _ = fit_gmm(
        cells.xy,
        n_components=fit.n_components,
        covariance_type='diag',
        weights=cells.value,
        max_iter=fit.max_iter,
        tol=1e-4,
        reg_covar=1e-3)
    return torch.cat(
        [mixture.weights[..., None], mixture.means, mixture.scale], -1)


def _fit_peaks(maps: Tensor, cells: _Cells, fit: HeatmapFit) -> Tensor:
    """Mixtures (P, M, 5): each cell belongs to the nearest maximum."""
    number = min(fit.n_components, cells.value.shape[1])
    some = _highest(maps, cells, 1, min(4 * number, cells.value.shape[1]))
    peaks = _highest(maps, some, fit.peak_radius, number)
    distance = (cells.xy[:, None] - peaks.xy[:, :, None]).square().sum(-1)
    distance.masked_fill_((peaks.value <= 0)[..., None], torch.inf)
    nearest = F.one_hot(distance.argmin(1), number).transpose(1, 2)
    mass = nearest * cells.value[:, None]  # (P, M, n)
    total = mass.sum(-1, keepdim=True)
    share = mass / total.clamp_min(torch.finfo(mass.dtype).tiny)
    mean = share @ cells.xy
    offset = cells.xy[:, None] - mean[:, :, None]
    std = (share[..., None] * offset.square()).sum(2).sqrt()
    parts = torch.cat([total / total.sum(1, keepdim=True), mean, std], -1)
    return F.pad(parts, (0, 0, 0, fit.n_components - number))


def _highest(maps: Tensor, cells: _Cells, radius: int, number: int) -> _Cells:
    """The highest of those cells that top the squares around them.

    Of a plateau the first cell does. Where there are fewer, the value is 0.
    """
    side = 2 * radius + 1
    padded = F.pad(maps, (radius, ) * 4)
    row = padded.shape[2]
    steps = torch.arange(side, device=maps.device)
    window = (steps[:, None] * row + steps).flatten()
    corner = cells.xy[..., 1].long() * row + cells.xy[..., 0].long()
    around = padded.flatten(1).gather(
        1, (corner[..., None] + window).flatten(1)).view(*corner.shape, -1)
    before, after = around.split([side**2 // 2, side**2 // 2 + 1], -1)
    value = cells.value[..., None]
    tops = (value > before).all(-1) & (value >= after).all(-1)
    height, index = torch.where(tops, cells.value, 0.).topk(number, 1)
    xy = cells.xy.gather(1, index[..., None].expand(-1, -1, 2))
    return _Cells(xy, height, cells.cut)


def _undo_truncation(parts: Tensor, maps: Tensor, cut: Tensor) -> Tensor:
    r"""Moments of whole Gaussians from those above a level.

    A Gaussian bump cut at the share t of its height keeps the mass 1 - t and
    the variance :math:`\sigma^2 (1 - t \ln(1/t) / (1 - t))` on each axis,
    whatever its widths (integrate over its elliptic level sets).

    Args:
        parts (Tensor): Mixtures (P, M, 5) of the cells above the cut.
        maps (Tensor): (P, h, w), for the components' heights.
        cut (Tensor): (P, ).
    """
    h, w = maps.shape[1:]
    column = parts[..., 1].round().long().clamp(0, w - 1)
    row = parts[..., 2].round().long().clamp(0, h - 1)
    height = maps.flatten(1).gather(1, row * w + column)
    level = cut[:, None] / height.clamp_min(torch.finfo(maps.dtype).tiny)
    level = level.clamp(1e-6, _HIGHEST_CUT)
    kept = 1 - level * -level.log() / (1 - level)
    weight = parts[..., 0] / (1 - level)
    return torch.cat(
        [(weight / weight.sum(1, keepdim=True))[..., None], parts[..., 1:3],
         parts[..., 3:] / kept.sqrt()[..., None]], -1)


def _tidy(parts: Tensor) -> Tensor:
    """Sorts components by weight, floors stds, replaces empty ones."""
    order = parts[..., 0].argsort(dim=1, descending=True, stable=True)
    parts = parts.gather(1, order[..., None].expand_as(parts))
    parts[..., 3:].clamp_(min=MIN_STD)
    empty = (parts[..., :1] <= 0).expand_as(parts).clone()
    empty[..., 0] = False
    return torch.where(empty, parts[:, :1].expand_as(parts), parts)
