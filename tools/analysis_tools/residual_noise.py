# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""White noise against noise with the residuals' covariance, once trained.

    python tools/analysis_tools/residual_noise.py
    python tools/analysis_tools/residual_noise.py --out docs/samplers.md

Trains ``ResidualDiffusion`` with both kinds of noise on residuals whose
distribution given the context is known: 17 joints that eight hidden numbers
move together, so that few directions hold most of the variance, as in poses.
One of the eight has two modes whose shares depend on the context, another a
width that does; the regression's mean and std are the true ones. What is left
to learn is modes and correlations.

The control needs no training: a Gaussian with the std of each pose and the
correlation of the training residuals. 3,000 poses that training has not seen,
20 hypotheses each, the same data, starts and seed for both; energy score
(fair) in mm over 51 coordinates, the mean joint error of the best hypothesis,
and the std of samples over the true one. Some minutes of one core.
"""

import argparse
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple

import torch
from reporting.documents import write_between
from torch import Tensor

from mmdiffpose.evaluation.functional import energy_score
from mmdiffpose.models.posterior import ResidualDiffusion

MARKERS = ('<!-- residual_noise.py: begin -->',
           '<!-- residual_noise.py: end -->')
"""Lines of a page that the table stands between."""

J, CHANNELS, HIDDEN = 17, 16, 8
METRES = 0.05
"""Per unit of a hidden number."""
OWN_STD = 0.15
"""Of each coordinate's own noise, in units of a hidden number."""
BATCH, TEST_POSES, HYPOTHESES = 128, 3000, 20

SETTINGS = ((1, 3., 1., 'angle'), (1, 6., 1., 'angle'), (2, 6., 1., 'angle'),
            (2, 6., 1., 'angle_ab2'), (2, 3., 1.6, 'angle'),
            (3, 3., 1.6, 'angle'), (20, 6., 1.3, 'angle'))
"""Evaluations, sigma_max, exponent and sampler."""


class Poses(NamedTuple):
    """Residuals around a mean of 0, and what they depend on.

    Attributes:
        features: (n, 1, J, C).
        target: (n, 1, J, 3), metres.
        std: The true one, (n, 1, J, 3), metres.
    """
    features: Tensor
    target: Tensor
    std: Tensor


def draw(number: int, generator: torch.Generator) -> Poses:
    """Poses from the known distribution."""
    mixing = torch.randn(
        HIDDEN, 3 * J, generator=torch.Generator().manual_seed(7))
    mixing = mixing * torch.logspace(0, -0.8, HIDDEN)[:, None]
    features = 2 * torch.rand(number, 1, J, CHANNELS, generator=generator) - 1
    share = 0.5 + 0.4 * features[:, 0, 0, 1]
    width = 1 + 0.6 * features[:, 0, 1, 2]
    hidden = torch.randn(number, HIDDEN, generator=generator)
    first = torch.rand(number, generator=generator) < share
    centre = 2 * share - 1
    # Modes at 0.95 and -0.95 of std 0.31, around their mean.
    hidden[:, 0] = 0.95 * (first * 2. - 1 - centre) + 0.31 * hidden[:, 0]
    hidden[:, 1] *= width
    own = torch.randn(number, 3 * J, generator=generator)
    poses = hidden @ mixing + OWN_STD * own
    variances = torch.ones_like(hidden)
    variances[:, 0] = 0.95**2 * (1 - centre**2) + 0.31**2
    variances[:, 1] = width**2
    std = (variances @ mixing**2 + OWN_STD**2).sqrt()
    shape = (number, 1, J, 3)
    return Poses(features, METRES * poses.view(shape),
                 METRES * std.view(shape))


def train(noise: str, steps: int, seed: int = 0) -> ResidualDiffusion:
    """The denoiser of a kind of noise, in evaluation."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    module = ResidualDiffusion(
        dict(type='mmdiffpose.ResidualMLP'), CHANNELS, J, noise=noise)
    optimizer = torch.optim.AdamW(module.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        poses = draw(BATCH, generator)
        loss = module.loss(
            poses.features,
            torch.zeros_like(poses.target),
            poses.std,
            poses.target,
            generator=generator)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.)
        optimizer.step()
        schedule.step()
    return module.eval()


def scores(samples: Tensor, poses: Poses) -> Tuple[float, float, float]:
    """Energy score and best hypothesis in mm, and std over the true one.

    Args:
        samples (Tensor): (n, N, 1, J, 3), metres.
        poses (Poses): n of them.
    """
    energy = energy_score(
        samples.flatten(2).numpy(), poses.target.flatten(1).numpy(), fair=True)
    error = (samples - poses.target[:, None]).norm(dim=-1).mean(dim=(2, 3))
    scaled = samples / poses.std[:, None]
    return (1000 * float(energy.mean()),
            1000 * float(error.amin(dim=1).mean()), float(scaled.std()))


def study(steps: int) -> List[str]:
    """Lines of a markdown table."""
    test = draw(TEST_POSES, torch.Generator().manual_seed(99))
    mean = torch.zeros_like(test.target)
    white = torch.randn(
        TEST_POSES,
        HYPOTHESES,
        1,
        J,
        3,
        generator=torch.Generator().manual_seed(5))
    modules = {noise: train(noise, steps) for noise in ('white', 'residual')}
    control = test.std[:, None] * modules['residual'].colour(white)
    rows = [('control', [scores(control, test)])]
    for evaluations, sigma_max, exponent, sampler in SETTINGS:
        found = [
            scores(
                module.sample(
                    test.features,
                    mean,
                    test.std,
                    white,
                    evaluations=evaluations,
                    sampler=sampler,
                    sigma_max=sigma_max,
                    exponent=exponent,
                    recentre=True), test) for module in modules.values()
        ]
        rows.append((f'{evaluations}: {sampler}, from {sigma_max:g}, power '
                     f'{exponent:g}', found))
    lines = [
        '| evaluations | white: energy, best of 20, std | residual: energy, '
        'best of 20, std |', '|---|---|---|'
    ]
    for label, found in rows:
        cells = [f'{e:.1f}, {b:.1f}, {s:.2f}' for e, b, s in found]
        # The control is what noise with the covariance starts from.
        cells = ['-', *cells] if len(cells) == 1 else cells
        lines.append(f'| {label} | {cells[0]} | {cells[1]} |')
    return lines


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Print the table, or write it into a page."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--steps', type=int, default=1200, help='training iterations')
    parser.add_argument(
        '--out', type=Path, help='page with the two markers to write into')
    arguments = parser.parse_args(argv)
    text = '\n'.join(study(arguments.steps))
    if arguments.out is None:
        print(text)
        return
    write_between(arguments.out, MARKERS, text)


if __name__ == '__main__':
    main()
