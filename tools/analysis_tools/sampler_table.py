# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""What samplers do to a distribution when the network is perfect.

    python tools/analysis_tools/sampler_table.py
    python tools/analysis_tools/sampler_table.py --out docs/samplers.md

The data are on a line and known, so that the best denoiser is too: Gaussians
(a variance other than 1 is a direction in which correlated residuals are
narrower or wider than the noise) and pairs of modes, mean 0 and unit spread
as a whole. Moments of the samples are integrals over the starts, by the
midpoint rule on the quantiles of the start's components: nothing is drawn.

Steps follow Karras' levels (EDM's, rho = 7, sigma_min = 0.05) or fall from
arctan(sigma_max) to 0 as a power of the time left; power 1 are equal steps in
the angle. With --out the part of the file between the two markers is
replaced.
"""

import argparse
import math
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import torch
from reporting.documents import write_between
from torch import Tensor

from mmdiffpose.diffusion.flow_samplers import FLOW_SAMPLERS
from mmdiffpose.diffusion.schedules import karras_angles, power_angles

QUANTILES = 20000
"""Starts of each component."""

MARKERS = ('<!-- sampler_table.py: begin -->',
           '<!-- sampler_table.py: end -->')
"""Lines of a page that the tables stand between."""

SAMPLERS = {
    'euler': 'Euler in σ (DDIM)',
    'heun': 'Heun in σ',
    'dpmpp_2m': 'DPM-Solver++(2M)',
    'angle': 'Euler in the angle',
    'angle_ab2': 'Adams-Bashforth in the angle',
}

FIRST_STEPS = (('euler', None), ('angle', 1.))
"""All others' single step is one of these two."""


class Mixture(NamedTuple):
    """Gaussians on a line.

    Attributes:
        weights: (M, ), with sum 1.
        means: (M, ).
        variances: (M, ).
    """
    weights: Tensor
    means: Tensor
    variances: Tensor

    def velocity(self, z: Tensor, angle: float) -> Tensor:
        r"""F of the perfect network, :math:`(E[y \mid z] - \cos\phi\, z) /
        \sin\phi`; z has any shape."""
        cos, sin = math.cos(angle), math.sin(angle)
        total = self.variances * cos**2 + sin**2
        offset = z[..., None] - cos * self.means
        log_share = (
            self.weights.log() - total.log() / 2 - offset**2 / (2 * total))
        given = self.means + cos * self.variances / total * offset
        denoised = (log_share.softmax(dim=-1) * given).sum(dim=-1)
        return (denoised - cos * z) / sin

    def starts(self, angle: float) -> Tuple[Tensor, Tensor]:
        """Noisy states and their weights, (M * QUANTILES, ) each."""
        share = (torch.arange(QUANTILES, dtype=torch.float64) +
                 0.5) / QUANTILES
        cos, sin = math.cos(angle), math.sin(angle)
        std = (self.variances * cos**2 + sin**2).sqrt()
        z = cos * self.means[:, None] + std[:,
                                            None] * torch.special.ndtri(share)
        return z.flatten(), (self.weights[:, None] /
                             QUANTILES).expand_as(z).flatten()


def gaussian(variance: float) -> Mixture:
    """One component."""
    one = torch.ones(1, dtype=torch.float64)
    return Mixture(one, 0 * one, variance * one)


def two_modes(weight: float = 0.3, width: float = 0.1) -> Mixture:
    """Two modes, mean 0, variance 1; the first has ``weight``.

    ``width`` is the std of a mode over half the distance of the two.
    """
    weights = torch.tensor([weight, 1 - weight], dtype=torch.float64)
    means = torch.tensor([-1., 1.], dtype=torch.float64)
    mean = (weights * means).sum()
    scale = (width**2 + 1 - mean**2).sqrt()
    return Mixture(weights, (means - mean) / scale,
                   (width / scale)**2 * torch.ones_like(means))


def distributions() -> Dict[str, Mixture]:
    """What samplers are compared on from a start at N(0, 1)."""
    shifted = gaussian(1.)
    return {
        'variance 1': shifted,
        'variance 0.2': gaussian(0.2),
        'variance 0.5': gaussian(0.5),
        'variance 2': gaussian(2.),
        'mean 0.4': shifted._replace(means=shifted.means + 0.4),
        'modes 30:70, sharp': two_modes(0.3, 0.1),
        'modes 50:50': two_modes(0.5, 0.33),
        'modes 20:80, wide': two_modes(0.2, 0.5),
    }


class Setting(NamedTuple):
    """A sampler and its steps.

    Attributes:
        sampler: A name of ``FLOW_SAMPLERS``.
        power: Of the angles; None for Karras' levels.
        sigma_max: Noise at the start.
    """
    sampler: str
    power: Optional[float]
    sigma_max: float

    def run(self, data: Mixture, evaluations: int,
            start: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
        """Samples and their weights.

        Args:
            data (Mixture): The distribution asked for.
            evaluations (int): Of the network.
            start (Tensor, optional): States to start from, all of one
                weight. Defaults to the exact ones.

        Raises:
            ValueError: For a number of evaluations that the sampler can't
                make.
        """
        flow = FLOW_SAMPLERS[self.sampler]
        steps = flow.steps(evaluations)
        if self.power is None:
            angles = karras_angles(steps, self.sigma_max)
        else:
            angles = power_angles(steps, self.sigma_max, self.power)
        if start is None:
            z, weight = data.starts(angles[0])
        else:
            z, weight = start, torch.full_like(start, 1 / len(start))

        def velocity(z: Tensor, level: int) -> Tensor:
            return data.velocity(z, angles[level])

        return flow.integrate(velocity, z, angles), weight

    def label(self) -> str:
        """For a table's first column."""
        steps = ('Karras' if self.power is None else
                 'equal' if self.power == 1 else f'power {self.power:g}')
        return f'{SAMPLERS[self.sampler]}, {steps}'


class Moments(NamedTuple):
    """Of samples.

    Attributes:
        std: Of all.
        share: Of the first of two modes.
        mode_std: Of the modes, over the true one, mean by weight.
    """
    std: float
    share: float
    mode_std: float


def moments(data: Mixture, samples: Tensor, weight: Tensor) -> Moments:
    """Moments of weighted samples; modes part at their middle."""

    def spread(part: Tensor) -> float:
        inner = weight * part
        mean = (inner * samples).sum() / inner.sum()
        square = (inner * (samples - mean)**2).sum() / inner.sum()
        return float(square.sqrt())

    first = (samples < data.means.mean()).double()
    mode = sum(
        float(share) * spread(part) / float(variance)**0.5
        for share, part, variance in zip(data.weights, (
            first, 1 - first), data.variances))
    return Moments(
        spread(torch.ones_like(samples)), float((weight * first).sum()), mode)


def energy_distance(data: Mixture, samples: Tensor) -> float:
    """Twice the integral of the squared difference of the CDFs.

    0 for the data's own distribution; the energy score (CRPS) that samples
    lose against it is half of this.
    """
    grid = torch.linspace(-8, 8, 8001, dtype=torch.float64)
    offset = (grid[:, None] - data.means) / data.variances.sqrt()
    true = (data.weights * torch.special.ndtr(offset)).sum(dim=-1)
    found = torch.searchsorted(
        samples.sort().values, grid, right=True) / len(samples)
    return float(2 * (true - found).square().sum() * (grid[1] - grid[0]))


def table(title: str, columns: Sequence[str],
          rows: Sequence[Tuple[str, Sequence[Callable[[], str]]]]) -> str:
    """A markdown table; a cell that can't be made is a dash."""

    def text(cell: Callable[[], str]) -> str:
        try:
            return cell()
        except ValueError:
            return '-'

    lines = [
        f'| {" | ".join([title, *columns])} |',
        '|---' * (len(columns) + 1) + '|'
    ]
    lines += [
        f'| {" | ".join([label, *map(text, cells)])} |'
        for label, cells in rows
    ]
    return '\n'.join(lines)


def spread_table() -> str:
    """Std over the true one for unit Gaussians, from sigma_max 3 (6)."""
    evaluations = (1, 2, 3, 5, 7)

    def cell(sampler: str, power: Optional[float], n: int) -> str:
        unit = gaussian(1.)
        three, six = (
            moments(unit,
                    *Setting(sampler, power, sigma).run(unit, n, None)).std
            for sigma in (3., 6.))
        return f'{three:.2f} ({six:.2f})'

    rows = [(Setting(sampler, power, 3.).label(),
             [partial(cell, sampler, power, n) for n in evaluations])
            for sampler in SAMPLERS for power in (None, 1.)
            if power or not sampler.startswith('angle')]
    return table('evaluations', [str(n) for n in evaluations], rows)


def shape_table(evaluations: Sequence[int] = (1, 2, 3, 5)) -> str:
    """Two modes and other variances, exact starts at sigma_max 3."""
    variances = (0.05, 0.28, 0.5, 2., 4.)
    pair = two_modes()

    def modes(setting: Setting, n: int) -> str:
        found = moments(pair, *setting.run(pair, n, None))
        return f'{found.share:.2f}, {found.std:.2f}, {found.mode_std:.1f}'

    def other(setting: Setting, n: int, variance: float) -> str:
        data = gaussian(variance)
        found = moments(data, *setting.run(data, n, None)).std
        return f'{found / variance**0.5:.2f}'

    rows = []
    for n in evaluations:
        for sampler in SAMPLERS:
            powers = (1., 1.6) if sampler.startswith('angle') else (None, )
            for power in powers:
                setting = Setting(sampler, power, 3.)
                if (n - 1) % FLOW_SAMPLERS[sampler].per_step:
                    continue
                if n == 1 and (sampler, power) not in FIRST_STEPS:
                    continue
                cells: List[Callable[[], str]] = [partial(modes, setting, n)]
                cells += [partial(other, setting, n, v) for v in variances]
                rows.append((f'{n}: {setting.label()}', cells))
    columns = [
        'two modes 30:70: share, std, std of a mode',
        *(f'variance {v:g}' for v in variances)
    ]
    return table('evaluations and sampler', columns, rows)


def distance_table() -> str:
    """From a start at N(0, 1): energy distance, mean over distributions, and
    how much of a mean's offset is found."""
    evaluations = (1, 2, 3, 5)
    share = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    start = torch.special.ndtri(share)

    def cell(setting: Setting, n: int) -> str:
        samples = {
            name: setting.run(data, n, start)[0]
            for name, data in distributions().items()
        }
        distances = [
            energy_distance(data, samples[name])
            for name, data in distributions().items()
        ]
        found = float(samples['mean 0.4'].mean()) / 0.4
        return f'{1000 * sum(distances) / len(distances):.1f} ({found:.2f})'

    settings = [
        Setting(sampler, power, sigma) for sampler in SAMPLERS
        for power, sigma in (((1., 6.), (1., 3.), (1.6, 6.),
                              (1.6,
                               3.)) if sampler.startswith('angle') else ((None,
                                                                          6.),
                                                                         (None,
                                                                          3.),
                                                                         (1.,
                                                                          3.)))
    ]
    rows = [(f'{s.label()}, from {s.sigma_max:g}',
             [partial(cell, s, n) for n in evaluations]) for s in settings]
    return table('evaluations', [str(n) for n in evaluations], rows)


def report() -> str:
    """All tables, as markdown."""
    return '\n\n'.join([
        '**Std of samples over the true one, data N(0, 1), exact start at '
        'σ_max 3 (6)**',
        spread_table(), '**Other distributions, exact start at σ_max 3; a '
        "mode's std and the std of other variances are over the true ones**",
        shape_table(), '**Energy distance to the truth x 1000, start N(0, 1) '
        'in z, mean over ' + ', '.join(distributions()) + '; in brackets '
        'the share found of a mean of 0.4**',
        distance_table()
    ])


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Print the tables, or write them into a page."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--out', type=Path, help='page with the two markers to write into')
    arguments = parser.parse_args(argv)
    if arguments.out is None:
        print(report())
    else:
        write_between(arguments.out, MARKERS, report())


if __name__ == '__main__':
    main()
