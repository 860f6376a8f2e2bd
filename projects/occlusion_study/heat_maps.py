# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of the matrices, after Figs. 3 to 5 of the paper."""

from pathlib import Path
from typing import Dict, Sequence

import matplotlib
import numpy as np

matplotlib.use('Agg')
import matplotlib.pyplot as plt  # noqa: E402 isort: skip

from ..common.reports import save_figure  # noqa: E402

DIFFERENCE = 'difference'


def plot_matrices(matrices: Dict[str, np.ndarray], labels: Sequence[str],
                  title: str, path: Path) -> Path:
    """Matrices side by side.

    All but the one called ``'difference'`` share a scale; that one is blue
    where it is positive and red where it is negative.

    Args:
        matrices (dict): Title to values (n, n), rows are training patterns;
            NaN stays empty.
        labels (sequence): The patterns' names.
        title (str): What the values are.
        path (Path): The picture.
    """
    figure, axes = plt.subplots(
        1,
        len(matrices),
        figsize=(4.1 * len(matrices), 4.3),
        sharey=True,
        layout='constrained')
    both = np.concatenate([
        values.ravel() for name, values in matrices.items()
        if name != DIFFERENCE
    ])
    both = both[np.isfinite(both)]
    low, high = (both.min(), both.max()) if len(both) else (0., 1.)
    for axis, (name, values) in zip(np.atleast_1d(axes), matrices.items()):
        bounds, colours = (low, max(high, low + 1e-6)), 'viridis_r'
        if name == DIFFERENCE:
            finite = np.abs(values[np.isfinite(values)])
            largest = max(finite.max(initial=0), 1e-6)
            bounds, colours = (-largest, largest), 'RdBu'
        _heat_map(axis, values, bounds, colours, name == DIFFERENCE)
        axis.set_title('difference, blue: the wrapper is better' if name ==
                       DIFFERENCE else name)
        axis.set_xticks(
            range(len(labels)), labels, rotation=35, ha='right', fontsize=9)
        axis.set_xlabel('test pattern')
    first = np.atleast_1d(axes)[0]
    first.set_yticks(range(len(labels)), labels, fontsize=9)
    first.set_ylabel('train pattern')
    figure.suptitle(title)
    return save_figure(figure, path)


def _heat_map(axis: 'plt.Axes', values: np.ndarray, bounds: Sequence[float],
              colours: str, signed: bool) -> None:
    """One matrix with its numbers."""
    axis.imshow(values, vmin=bounds[0], vmax=bounds[1], cmap=colours)
    colour_map = matplotlib.colormaps[colours]
    for (row, column), value in np.ndenumerate(values):
        if not np.isfinite(value):
            continue
        shade = (value - bounds[0]) / (bounds[1] - bounds[0])
        red, green, blue, _ = colour_map(shade)
        dark = .3 * red + .6 * green + .1 * blue < .5
        axis.text(
            column,
            row,
            (f'{value:+.1f}' if signed else f'{value:.1f}').replace('-', '−'),
            ha='center',
            va='center',
            fontsize=9,
            color='white' if dark else 'black')
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
