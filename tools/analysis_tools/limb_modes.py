# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""Two answers: a limb in front or behind, and one that nobody sees.

    python tools/analysis_tools/limb_modes.py
    python tools/analysis_tools/limb_modes.py --out docs/samplers.md \
        --picture resources/limb_modes.png

A single frame, seen from far away, in which the posterior is known. A limb of
0.3 m seems ``offset`` times as long, so that its end is 0.3 sqrt(1 - offset^2)
nearer or further away than its root, nearer with a probability that the
context tells; of a hidden limb nothing is seen, and its end lies anywhere on a
circle. ``ResidualDiffusion`` is trained on such limbs with the true mean and
std as its regression, so that what is left to learn are the two answers, their
shares and the circle. The control is a Gaussian with the same mean and std.

The table has the share of samples that point to the camera, how many lie in
the gap between the two answers (less than half of the depth from the middle),
and how many lie within a fifth of the limb's length: of the whole limb, which
a Gaussian cannot keep. 2,000 samples. Half a minute of one core.
"""

import argparse
import math
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple

import torch
from matplotlib.figure import Figure
from reporting.documents import write_between
from torch import Tensor

from mmdiffpose.atomic_files import replacing
from mmdiffpose.models.posterior import ResidualDiffusion

MARKERS = ('<!-- limb_modes.py: begin -->', '<!-- limb_modes.py: end -->')
"""Lines of a page that the table stands between."""

LENGTH = 0.3
"""Of the limb, metres."""
NOISE = 0.01
"""Std of where the detector puts its end, metres."""
CASES = ((.5, .5), (.8, .3), (.4, .75), None)
"""Offset and share to the camera; None for a hidden limb."""
EVALUATIONS = (1, 2, 3, 8, 20)
CONTROL = 'Gaussian control'
SAMPLES, DRAWN = 2000, 120
BATCH = 96


class Limbs(NamedTuple):
    """Bodies of a root and the end of one limb, one frame each.

    Attributes:
        features: (n, 1, 2, 4): offset, share, seen.
        mean: The true one, (n, 1, 2, 3), metres.
        std: Likewise.
        target: A draw of the posterior, likewise.
    """
    features: Tensor
    mean: Tensor
    std: Tensor
    target: Tensor


def make_limbs(offset: Tensor, share: Tensor, seen: Tensor,
               generator: torch.Generator) -> Limbs:
    """Draw limbs.

    Args:
        offset (Tensor): Length in the picture over that of the limb, (n,).
        share (Tensor): Probability of an end nearer than the root, (n,).
        seen (Tensor): Whether the detector sees it, bool, (n,).
        generator (Generator): Of the draws.

    Returns:
        Limbs: x across and z along the line of sight.
    """
    depth = LENGTH * (1 - offset**2).sqrt()
    drawn = torch.rand(2, len(offset), generator=generator)
    turn = 2 * math.pi * drawn[1]
    target = torch.zeros(len(offset), 1, 2, 3)
    mean, std = torch.zeros_like(target), torch.full_like(target, NOISE)
    end = target[:, 0, 1]
    end[:, 0] = torch.where(seen, LENGTH * offset, LENGTH * turn.cos())
    end[:, 2] = torch.where(seen, torch.where(drawn[0] < share, -depth, depth),
                            LENGTH * turn.sin())
    mean[:, 0, 1, 0] = torch.where(seen, LENGTH * offset, 0.)
    mean[:, 0, 1, 2] = torch.where(seen, (1 - 2 * share) * depth, 0.)
    # Of a circle: its radius over the root of two.
    round_std = torch.full_like(offset, LENGTH / math.sqrt(2))
    std[:, 0, 1, 0] = torch.where(seen, torch.full_like(offset, NOISE),
                                  round_std)
    std[:, 0, 1,
        2] = torch.where(seen, 2 * depth * (share * (1 - share)).sqrt(),
                         round_std)
    end[:, :2] += NOISE * torch.randn(len(offset), 2, generator=generator)
    features = torch.zeros(len(offset), 1, 2, 4)
    told = torch.stack([offset, share, torch.ones_like(offset)], -1)
    features[:, 0, 1, :3] = told * seen[:, None]
    return Limbs(features, mean, std, target)


def train(steps: int = 800) -> ResidualDiffusion:
    """Train the denoiser on limbs of all offsets and shares, and hidden ones.

    Args:
        steps (int): Of 96 limbs.

    Returns:
        ResidualDiffusion: For evaluation.
    """
    torch.manual_seed(0)
    module = ResidualDiffusion(
        dict(type='mmdiffpose.ResidualMLP', width=64),
        in_channels=4,
        num_joints=2,
        num_draws=4)
    optimizer = torch.optim.Adam(module.parameters(), 3e-3)
    generator = torch.Generator().manual_seed(1)
    for step in range(steps):
        for group in optimizer.param_groups:
            group['lr'] = 3e-3 * (1 - step / steps)
        offset, share, hidden = torch.rand(3, BATCH, generator=generator)
        seen = hidden > .25
        limbs = make_limbs(.2 + .7 * offset, .15 + .7 * share, seen, generator)
        loss = module.loss(
            limbs.features,
            limbs.mean,
            limbs.std,
            limbs.target,
            seen=seen[:, None, None].expand(-1, 1, 2).float(),
            generator=generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return module.eval()


def draw(module: ResidualDiffusion, case: Optional[Tuple[float, float]],
         evaluations: Optional[int]) -> Tensor:
    """Samples of the end of a limb.

    Args:
        module (ResidualDiffusion): Trained.
        case (tuple, optional): Offset and share; None for a hidden limb.
        evaluations (int, optional): None for the control.

    Returns:
        Tensor: (2000, 3), metres.
    """
    generator = torch.Generator().manual_seed(2)
    offset, share = case or (.5, .5)
    seen = torch.tensor([case is not None])
    limbs = make_limbs(
        torch.tensor([offset]), torch.tensor([share]), seen, generator)
    noise = torch.randn(1, SAMPLES, 1, 2, 3, generator=generator)
    if evaluations is None:
        poses = limbs.mean[:, None] + limbs.std[:, None] * noise
    else:
        poses = module.sample(
            limbs.features,
            limbs.mean,
            limbs.std,
            noise,
            seen[:, None, None].expand(1, 1, 2).float(),
            evaluations=evaluations)
    return poses[0, :, 0, 1]


class Shares(NamedTuple):
    """What of some samples lies where.

    Attributes:
        toward: Nearer than the root.
        between: In the gap between the two answers; NaN of hidden limbs.
        length: Within a fifth of the limb's length.
    """
    toward: float
    between: float
    length: float


def shares_of(end: Tensor, case: Optional[Tuple[float, float]]) -> Shares:
    """Shares of samples (n, 3) of the end of a limb, metres."""
    near = (end.norm(dim=-1) - LENGTH).abs() < LENGTH / 5
    gap = math.nan
    if case is not None:
        depth = LENGTH * math.sqrt(1 - case[0]**2)
        gap = float((end[:, 2].abs() < depth / 2).float().mean())
    return Shares(
        float((end[:, 2] < 0).float().mean()), gap, float(near.float().mean()))


def make_table(module: ResidualDiffusion) -> List[str]:
    """Lines of the table."""
    titles = [
        'hidden' if case is None else
        f'seems {case[0]:g} as long, {100 * case[1]:.0f} % nearer'
        for case in CASES
    ]
    lines = [
        '| samples: nearer, in the gap, of the right length | ' +
        ' | '.join(titles) + ' |', '|---|' + '---|' * len(CASES)
    ]
    for evaluations in (None, *EVALUATIONS):
        cells = []
        for case in CASES:
            found = shares_of(draw(module, case, evaluations), case)
            gap = '–' if case is None else f'{100 * found.between:.0f} %'
            cells.append(f'{100 * found.toward:.0f} %, {gap}, '
                         f'{100 * found.length:.0f} %')
        name = CONTROL if evaluations is None else str(evaluations)
        lines.append(f'| {name} | ' + ' | '.join(cells) + ' |')
    return lines


def make_picture(module: ResidualDiffusion, path: Path) -> None:
    """Limbs seen from the side, samples as thin lines."""
    columns = (None, *EVALUATIONS)
    figure = Figure(
        figsize=(2.2 * len(columns), 2.2 * len(CASES)), layout='constrained')
    for row, case in enumerate(CASES):
        for column, evaluations in enumerate(columns):
            axes = figure.add_subplot(
                len(CASES), len(columns), 1 + row * len(columns) + column)
            ends = draw(module, case, evaluations)[:DRAWN].numpy()
            for x, _, z in ends:
                axes.plot((0, z), (0, x), color='tab:blue', lw=.6, alpha=.35)
            if case is None:
                turn = torch.linspace(0, 2 * math.pi, 100)
                axes.plot(LENGTH * turn.sin(), LENGTH * turn.cos(), 'k:', lw=1)
            else:
                depth = LENGTH * math.sqrt(1 - case[0]**2)
                height = LENGTH * case[0]
                axes.plot((-depth, depth), (height, height), 'kx', ms=7)
            axes.set(
                xlim=(-.5, .5),
                ylim=(-.5, .5),
                aspect='equal',
                xticks=(),
                yticks=())
            if not row:
                axes.set_title(
                    CONTROL if evaluations is None else
                    f'{evaluations} evaluation' + 's' * (evaluations > 1),
                    fontsize=9)
            if not column:
                axes.set_ylabel(
                    'hidden'
                    if case is None else f'{100 * case[1]:.0f} % nearer',
                    fontsize=9)
            if row == len(CASES) - 1:
                axes.set_xlabel('depth; camera at the left', fontsize=8)
    with replacing(path) as partial:
        figure.savefig(partial, format='png', dpi=90)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Print the table, or write it into a page; draw the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--steps', type=int, default=800, help='training iterations')
    parser.add_argument(
        '--out', type=Path, help='page with the two markers to write into')
    parser.add_argument('--picture', type=Path, help='PNG to write')
    arguments = parser.parse_args(argv)
    module = train(arguments.steps)
    text = '\n'.join(make_table(module))
    print(text)
    if arguments.picture is not None:
        make_picture(module, arguments.picture)
    if arguments.out is not None:
        write_between(arguments.out, MARKERS, text)


if __name__ == '__main__':
    main()
