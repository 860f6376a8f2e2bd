# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of the study."""

from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure

from mmdiffpose.atomic_files import replacing
from mmdiffpose.skeletons import H36M_17
from .measures import BINS, LEVELS, LIMBS
from .methods import Posteriors
from .rows import CONTROL, make_rows
from .training import look
from .windows import Windows

SHOWN = (CONTROL, 'residual diffusion, angle, 2 evaluations',
         "D3DP's setting, DDIM, 10 evaluations",
         'flow matching, unit noise, 5 evaluations')
MANY = 100
"""Hypotheses of the picture of modes."""
EXAMPLES = 4


def draw_all(results: Sequence[Dict[str, Any]], folder: Path) -> None:
    """Calibration of intervals and of the question which end is nearer."""
    titles = list(results[0])
    figure = Figure(figsize=(4 * len(titles), 7.5), layout='constrained')
    for column, title in enumerate(titles):
        of_seeds = [result[title] for result in results]
        axes = figure.add_subplot(2, len(titles), column + 1)
        for row in SHOWN:
            held = np.mean(
                [result['raw'][row]['covered'] for result in of_seeds], 0)
            axes.plot(LEVELS, held, marker='.', label=row)
        axes.plot((0, 1), (0, 1), 'k:', lw=1)
        axes.set(
            title=title,
            xlabel='nominal share',
            ylabel='coordinates inside (raw)')
        axes = figure.add_subplot(2, len(titles), len(titles) + column + 1)
        for row in SHOWN:
            sums = np.sum([result['reliability'][row] for result in of_seeds],
                          0)[:BINS]
            some = sums[:, 0] > 50
            axes.plot(
                sums[some, 1] / sums[some, 0],
                sums[some, 2] / sums[some, 0],
                marker='.',
                label=row)
        axes.plot((0, 1), (0, 1), 'k:', lw=1)
        axes.set(
            xlabel='hypotheses that point it to the camera',
            ylabel='limbs that do')
        if not column:
            axes.legend(fontsize=6)
    save(figure, folder / 'calibration.png')


class Ambiguous(NamedTuple):
    """A limb of which hypotheses say two things.

    Attributes:
        score: Distance of the two groups over their own spread.
        window, frame, limb: Which.
        cell: Number of the part that has the window.
    """
    score: float
    window: int
    frame: int
    limb: int
    cell: int


@torch.no_grad()
def find_ambiguous(model: Any, rows: Posteriors,
                   windows: Sequence[Windows]) -> List[Ambiguous]:
    """The limbs whose far ends lie in two groups of depths, of the rows'
    residual diffusion; the clearest first, one a window."""
    row = next(row for row in make_rows() if row.name == SHOWN[1])
    found = []
    for cell, part in enumerate(windows):
        generator = torch.Generator().manual_seed(cell)
        B, T, J, _ = part.inputs.shape
        noise = torch.randn(B, 40, 1, J, 3, generator=generator)
        poses = row.sample(rows, look(model, part.inputs), noise)[0].numpy()
        best: Dict[int, Ambiguous] = {}
        for number, (near, far) in enumerate(LIMBS):
            depth = poses[..., far, 2] - poses[..., near, 2]
            score = _separation(depth)
            for b in range(B):
                t = int(score[b].argmax())
                one = Ambiguous(float(score[b, t]), b, t, number, cell)
                if b not in best or one.score > best[b].score:
                    best[b] = one
        found += best.values()
    return sorted(found, reverse=True)


def _separation(depth: np.ndarray) -> np.ndarray:
    """How clearly numbers (B, N, T) fall into two groups by sign, (B, T):
    distance of the groups' means over their mean spread, 0 where one has
    less than a fifth of them."""
    front = depth < 0
    share = front.mean(axis=1)
    count = np.stack([front.sum(axis=1), (~front).sum(axis=1)])
    parts = np.stack([np.where(front, depth, 0), np.where(front, 0, depth)])
    mean = parts.sum(axis=2) / np.maximum(count, 1)
    square = (parts**2).sum(axis=2) / np.maximum(count, 1)
    spread = np.sqrt(np.maximum(square - mean**2, 1e-8)).mean(axis=0)
    clear = (mean[1] - mean[0]) / spread
    return np.where((share > .2) & (share < .8), clear, 0)


@torch.no_grad()
def draw_modes(model: Any, rows: Posteriors, windows: Sequence[Windows],
               file: Path) -> None:
    """Frames in which a limb points to the camera or away from it: what was
    seen, and hypotheses from the side, of the control and of diffusion."""
    examples = find_ambiguous(model, rows, windows)[:EXAMPLES]
    shown = [row for row in make_rows() if row.name in SHOWN[:2]]
    columns = len(shown) + 2
    figure = Figure(
        figsize=(3 * columns, 3.2 * len(examples)), layout='constrained')
    for line, one in enumerate(examples):
        part = windows[one.cell]
        inputs = part.inputs[one.window:one.window + 1]
        known = look(model, inputs)
        truth = part.truth[one.window, one.frame]
        near, far = LIMBS[one.limb]
        first = line * columns
        axes = figure.add_subplot(len(examples), columns, first + 1)
        seen = inputs[0, one.frame].numpy()
        draw_skeleton(axes, seen[:, 0], seen[:, 1], seen[:, 2] > 0, 'k')
        axes.set_title(f'seen; {H36M_17.joints[far]}', fontsize=9)
        histogram = figure.add_subplot(len(examples), columns, first + columns)
        for place, row in enumerate(shown):
            noise = torch.randn(
                1, MANY, 1, 17, 3, generator=torch.Generator().manual_seed(1))
            poses = row.sample(rows, known, noise)[0][0, :, one.frame].numpy()
            axes = figure.add_subplot(
                len(examples), columns, first + 2 + place)
            for pose in poses[:30]:
                draw_skeleton(axes, pose[:, 2], pose[:, 1], None, 'C0', .15)
            draw_skeleton(axes, truth[:, 2], truth[:, 1], None, 'C3', 1.)
            depth = 1000 * (poses[:, far, 2] - poses[:, near, 2])
            toward = (depth < 0).mean()
            axes.set_title(
                f'{"control" if row.name == CONTROL else "diffusion"}: '
                f'{100 * toward:.0f} % towards the camera',
                fontsize=9)
            histogram.hist(
                depth,
                bins=np.linspace(-450, 450, 31),
                histtype='step',
                label=('control', 'diffusion')[place])
        histogram.axvline(
            1000 * (truth[far, 2] - truth[near, 2]), color='C3', label='truth')
        histogram.set_title('depth of the limb, mm', fontsize=9)
        histogram.legend(fontsize=6)
    save(figure, file)


def draw_skeleton(axes: Any,
                  x: np.ndarray,
                  y: np.ndarray,
                  shown: Any,
                  color: str,
                  alpha: float = 1.) -> None:
    """Bones as lines; y points down as in a picture.

    Args:
        axes: Of matplotlib.
        x: (J,).
        y: (J,).
        shown: Which joints are known, (J,) bool; None for all.
        color: Of matplotlib.
        alpha: Opacity.
    """
    bones = [(a, b) for a, b in H36M_17.bones
             if shown is None or (shown[a] and shown[b])]
    # One line with gaps: a line a bone takes matplotlib ten times as long.
    across, down = (
        np.array([(way[a], way[b], np.nan) for a, b in bones]).ravel()
        for way in (x, y))
    axes.plot(across, down, color=color, alpha=alpha, lw=1.2)
    axes.set_aspect('equal')
    if not axes.yaxis_inverted():
        axes.invert_yaxis()
    axes.set(xticks=(), yticks=())


def save(figure: Figure, file: Path) -> None:
    """Write a PNG, in one piece."""
    with replacing(file) as partial:
        figure.savefig(partial, dpi=110, format='png')
