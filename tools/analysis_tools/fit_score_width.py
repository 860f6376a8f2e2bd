# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Calibrate the width that a joint without a heatmap gets from its score.

    python tools/analysis_tools/fit_score_width.py

``GMMDiffusionPose(score_sigma=(at_one, at_zero))`` gives a joint of score s a
Gaussian of std ``at_zero * (at_one / at_zero)**s`` per axis, as a share of
the person's size in the image. This measures that share on a split of
mocap-mini, whose 2D errors are known: the joints are sorted by score into
bins of equal number, each bin has the root of the mean squared error per axis,
and a line through the logarithms, by least squares, is the answer. A Gaussian
of that width has the right second moment at any score.

Errors of a detector have tails (joints taken for others), so that this is
wide for most joints: ``--robust`` fits the median error instead (over 0.674,
the median of a standard normal's absolute value). The table says how often
the truth lies within one and two stds of each axis (a Gaussian: 68.3 % and
95.4 %), and the mean negative log-likelihood of the errors.
"""

import argparse
from typing import Dict, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from rich.console import Console
from rich.table import Table

from mmdiffpose.codecs import GMMDiffusionPose
from mmdiffpose.datasets import MocapMiniDataset
from mmdiffpose.datasets.cameras import VIRTUAL_CAMERAS
from mmdiffpose.skeletons.score_width import person_size

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

NORMAL_MEDIAN = 0.67449
"""Median of the absolute value of a standard normal variable."""

Widths = Tuple[float, float]
"""Share of the person's size at score 1 and at score 0."""


class Errors(NamedTuple):
    """Errors of n joints.

    Attributes:
        scores: (n, ) in [0, 1].
        shares: (n, 2), error per axis over the person's size.
    """
    scores: np.ndarray
    shares: np.ndarray


def measure(split: str, window: int, noise_seed: int = 0) -> Errors:
    """Errors of mocap-mini's detector, window by window as the codec sees
    them."""
    dataset = MocapMiniDataset(
        seq_len=window, split=split, noise_seed=noise_seed)
    dataset.full_init()
    cameras = {camera.name: camera for camera in VIRTUAL_CAMERAS}
    scores, shares = [], []
    for sequence in dataset.sequences:
        truth = cameras[sequence.camera].project(sequence.keypoints_3d)
        for start in range(0, len(truth), window):
            frames = slice(start, start + window)
            found = sequence.keypoints_2d[frames]
            size = person_size(found)
            scores.append(sequence.scores[frames].ravel())
            shares.append(((found - truth[frames]) / size).reshape(-1, 2))
    return Errors(np.concatenate(scores), np.concatenate(shares))


def fit_widths(errors: Errors, bins: int = 20, robust: bool = False) -> Widths:
    """The line through the bins' log widths.

    Raises:
        ValueError: If there are fewer joints than bins, or all scores are
            the same.
    """
    if len(errors.scores) < bins:
        raise ValueError(f'{bins} bins need as many joints at least, found '
                         f'{len(errors.scores)}')
    order = np.argsort(errors.scores, kind='stable')
    score, width = [], []
    for part in np.array_split(order, bins):
        score.append(errors.scores[part].mean())
        square = errors.shares[part]**2
        width.append(
            np.sqrt(np.median(square)) /
            NORMAL_MEDIAN if robust else np.sqrt(square.mean()))
    if np.ptp(score) < 1e-6:
        raise ValueError('all scores are the same, they say nothing about '
                         'the width')
    slope, at_zero = np.polyfit(score, np.log(width), 1)
    return float(np.exp(slope + at_zero)), float(np.exp(at_zero))


def width_at(scores: np.ndarray, widths: Widths) -> np.ndarray:
    """The codec's width for each score, as a share of the size."""
    at_one, at_zero = widths
    return at_zero * (at_one / at_zero)**np.clip(scores, 0, 1)


def judge(errors: Errors, widths: Widths) -> Dict[str, float]:
    """Coverage in percent, negative log-likelihood per axis in nats."""
    sigma = width_at(errors.scores, widths)[:, None]
    z = np.abs(errors.shares) / sigma
    log_density = -0.5 * z**2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)
    return dict(
        within_1=100 * float((z < 1).mean()),
        within_2=100 * float((z < 2).mean()),
        nll=-float(log_density.mean()))


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Measure, fit and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--split', choices=('train', 'val'), default='val', help='(val)')
    parser.add_argument(
        '--window', type=int, default=27, help='frames of a window (27)')
    parser.add_argument(
        '--bins', type=int, default=20, help='of the scores (20)')
    parser.add_argument(
        '--robust',
        action='store_true',
        help='recommend the fit to median errors')
    args = parser.parse_args(argv)
    errors = measure(args.split, args.window)
    rows = {
        'codec default': GMMDiffusionPose().score_sigma,
        'root mean square': fit_widths(errors, args.bins),
        'median (robust)': fit_widths(errors, args.bins, robust=True),
    }
    table = Table(title=f'mocap-mini, {args.split}: {len(errors.scores)} '
                  'joints; widths as shares of the size')
    table.add_column('')
    for name in ('at score 1', 'at score 0', 'within 1 std, %',
                 'within 2 std, %', 'neg. log-likelihood'):
        table.add_column(name, justify='right')
    for name, widths in rows.items():
        result = judge(errors, widths)
        table.add_row(name, *(f'{width:.4f}' for width in widths),
                      f'{result["within_1"]:.1f}', f'{result["within_2"]:.1f}',
                      f'{result["nll"]:.3f}')
    Console().print(table)
    best = rows['median (robust)' if args.robust else 'root mean square']
    print(f'score_sigma=({best[0]:.3g}, {best[1]:.3g})')


if __name__ == '__main__':
    main()
