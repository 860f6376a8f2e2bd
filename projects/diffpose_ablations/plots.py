# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of the ablations, after Fig. 4 and Table 7 of the paper."""

from pathlib import Path
from typing import Dict, Sequence, Tuple

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt  # noqa: E402 isort: skip

from ..common.reports import save_figure  # noqa: E402

BLUE, RED, GREY = '#2b6cb0', '#c53030', '#718096'


def plot_sweeps(curves: Dict[str, Tuple[Sequence[float], Sequence[float]]],
                baselines: Dict[str, float], path: Path) -> Path:
    """MPJPE against settings, a panel each, on one scale.

    Args:
        curves (dict): Name of the setting to its values and the MPJPE there.
        baselines (dict): Label to an MPJPE drawn as a line.
        path (Path): The picture.
    """
    figure, axes = plt.subplots(
        1, len(curves), figsize=(3.4 * len(curves), 3), sharey=True)
    for axis, (name, (values, errors)) in zip(axes, curves.items()):
        axis.plot(range(len(values)), errors, 'o-', color=BLUE)
        axis.set_xticks(range(len(values)), [f'{v:g}' for v in values])
        axis.set_xlabel(name)
        for (label, error), colour in zip(baselines.items(), (RED, GREY)):
            axis.axhline(error, color=colour, lw=1, ls='--', label=label)
        axis.spines[['top', 'right']].set_visible(False)
        axis.margins(y=0.2)
    axes[0].set_ylabel('MPJPE in mm')
    axes[-1].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    return save_figure(figure, path)


def plot_speed(points: Dict[str, Tuple[float, float]], path: Path) -> Path:
    """MPJPE against frames a second.

    Args:
        points (dict): Sampler to frames a second and MPJPE.
        path (Path): The picture.
    """
    figure, axis = plt.subplots(figsize=(4.6, 3.2))
    for name, (speed, error) in points.items():
        axis.scatter(speed, error, color=BLUE, zorder=2)
        axis.annotate(
            name, (speed, error),
            xytext=(5, 5),
            textcoords='offset points',
            fontsize=8)
    axis.set_xscale('log')
    axis.set_xlabel('frames a second')
    axis.set_ylabel('MPJPE in mm')
    axis.margins(x=0.25, y=0.2)
    axis.grid(color='0.9', zorder=0)
    axis.spines[['top', 'right']].set_visible(False)
    figure.tight_layout()
    return save_figure(figure, path)
