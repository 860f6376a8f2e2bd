# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The benchmark hdm05-views: what is measured, tables, a picture."""

from dataclasses import replace
from pathlib import Path
from typing import (Any, Callable, Dict, Iterable, List, NamedTuple, Optional,
                    Sequence)

import numpy as np

from mmdiffpose.apis import lift_track, measure_height, scale_to_height
from mmdiffpose.atomic_files import replacing
from mmdiffpose.datasets.simulation.view_simulator import ViewSimulator
from mmdiffpose.datasets.views_grid import (FRAMES, STANDARD, UNITS,
                                            cell_simulator, cells)
from mmdiffpose.datasets.world_motions import WorldMotions
from mmdiffpose.evaluation.functional import (mpjpe, n_mpjpe, p_mpjpe,
                                              region_sizes)
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.structures.keypoint_track import KeypointTrack
from mmdiffpose.structures.lifted_track import LiftedTrack

Figures = Dict[str, float]
METRICS = ('MPJPE', 'P-MPJPE', 'N-MPJPE', 'depth', 'plane', 'knee', '90 % x',
           '90 % y', '90 % z')
NINETY, = region_sizes((.9, ))
"""Half the width of a 90 % interval, in stds of a normal distribution."""
KNEES = [[
    H36M_17.index[f'{side}_{joint}'] for joint in ('hip', 'knee', 'foot')
] for side in ('left', 'right')]


class Drawn(NamedTuple):
    """A window: what a detector sees and what is true.

    Attributes:
        track: T frames.
        focal: True focal length, pixels.
        target: (T, J, 3) root-relative metres in the line of sight's axes.
        rotation: (3, 3) camera axes to those of the line of sight.
    """
    track: KeypointTrack
    focal: float
    target: np.ndarray
    rotation: np.ndarray


def draw(motions: WorldMotions, cell: Dict[str, Any],
         windows: int) -> List[Drawn]:
    """Windows of a cell, always the same."""
    return draw_from(cell_simulator(motions, cell), windows)


def draw_from(simulator: ViewSimulator, windows: int) -> List[Drawn]:
    """A simulator's first windows."""
    batch = simulator.draw(range(windows), 0)
    drawn = []
    for i in range(windows):
        width, height = batch['image_size'][i]
        track = KeypointTrack(
            batch['keypoints'][i].astype(float),
            batch['scores'][i].astype(float),
            (int(round(width)), int(round(height))),
            H36M_17,
            fps=float(batch['fps'][i]))
        drawn.append(
            Drawn(track, float(batch['focal'][i]), batch['targets'][i],
                  batch['rotation'][i]))
    return drawn


def measure(model: Any,
            window: Drawn,
            known_height: bool = False) -> Optional[Figures]:
    """Errors of a window; None where nothing of the person was seen.

    Args:
        model: A lifter.
        window: What it lifts.
        known_height: Whether it is told the true height, that of the true
            skeleton.
    """
    if not (window.track.scores > 0).any():
        return None
    lifted = lift_track(model, window.track, focal_length=window.focal)
    if known_height:
        lifted, = scale_to_height(lifted, height_of(lifted, window.target))
    return figures_of(lifted, window)


def height_of(lifted: LiftedTrack, poses: np.ndarray) -> float:
    """The height of other poses in a window, all joints of which count.

    Args:
        lifted: Its frames are those that count.
        poses: (T, J, 3), metres: of all frames of the window, or of those.

    Returns:
        float: Metres, as :func:`~mmdiffpose.apis.measure_height` measures.
    """
    rows = slice(None)
    if len(poses) != len(lifted):
        rows = np.searchsorted(np.arange(len(poses)), lifted.frame_ids)
    return measure_height(
        replace(
            lifted,
            keypoints_3d=poses[rows],
            scores=np.ones_like(lifted.scores))).metres


def figures_of(lifted: LiftedTrack, window: Drawn) -> Figures:
    """Errors of a window's poses.

    Returns:
        dict: Of :data:`METRICS`; distances in mm, the knees' flexion in
        degrees (positive: too bent), shares of coordinates of the seventeen
        joints but the root inside 90 % intervals.
    """
    rows = np.searchsorted(np.arange(FRAMES), lifted.frame_ids)
    truth = window.target[rows].astype(float)
    found = lifted.keypoints_3d.astype(float) @ window.rotation.T
    found = found - found[:, :1]
    error = found - truth
    inside = np.full((1, 1, 3), np.nan)
    if lifted.std is not None:
        std = np.broadcast_to(lifted.std[..., None], error.shape)
        if lifted.covariance is not None:
            turned = (window.rotation @ lifted.covariance @ window.rotation.T)
            std = np.sqrt(np.diagonal(turned, axis1=-2, axis2=-1))
        inside = (np.abs(error) <= NINETY * std)[:, 1:]
    covered = inside.mean(axis=(0, 1))
    figures = (mpjpe(found, truth).mean() * 1000,
               p_mpjpe(found, truth).mean() * 1000,
               n_mpjpe(found, truth).mean() * 1000,
               np.abs(error[..., 2]).mean() * 1000,
               np.linalg.norm(error[..., :2], axis=-1).mean() * 1000,
               (flexion(found) - flexion(truth)).mean(), *covered)
    return dict(zip(METRICS, map(float, figures)))


def flexion(poses: np.ndarray) -> np.ndarray:
    """How far knees are bent, degrees: (T, J, 3) to (T, 2), 0 straight."""
    angles = []
    for hip, knee, ankle in KNEES:
        thigh = poses[:, knee] - poses[:, hip]
        shank = poses[:, ankle] - poses[:, knee]
        cosine = (thigh * shank).sum(-1) / np.maximum(
            np.linalg.norm(thigh, axis=-1) * np.linalg.norm(shank, axis=-1),
            1e-9)
        angles.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return np.stack(angles, axis=-1)


def run(models: Dict[str, Any],
        motions: WorldMotions,
        windows: int,
        factors: Sequence[str],
        told: Callable[[Dict[str, Any]], None] = lambda row: None,
        known_height: bool = False) -> List[Dict[str, Any]]:
    """Measure models in all cells of some factors.

    Args:
        models: Names to lifters.
        motions: Of the people to lift.
        windows: Of a cell.
        factors: Keys of :data:`GRID`.
        told: Called with each row as soon as it is there.
        known_height: Whether lifters are told people's heights.

    Returns:
        list[dict]: ``model``, ``factor``, ``value`` and :data:`METRICS`.
    """
    rows = []
    standard: Dict[str, Figures] = {}
    for entry in cells(factors):
        is_standard = entry['cell'] == STANDARD
        drawn = None
        for name, model in models.items():
            if is_standard and name in standard:
                figures = standard[name]
            else:
                drawn = drawn or draw(motions, entry['cell'], windows)
                figures = mean_figures(
                    measure(model, w, known_height) for w in drawn)
                if is_standard:
                    standard[name] = figures
            rows.append(
                dict(
                    model=name,
                    factor=entry['factor'],
                    value=entry['value'],
                    **figures))
            told(rows[-1])
    return rows


def mean_figures(found: Iterable[Optional[Figures]]) -> Figures:
    """Means over the windows in which something was seen."""
    kept = [figures for figures in found if figures]
    return {
        metric: float(np.mean([figures[metric] for figures in kept]))
        for metric in METRICS
    }


def long_table(rows: Sequence[Dict[str, Any]]) -> str:
    """Markdown; one row for each model and cell."""
    lines = [
        '| factor | value | model | ' + ' | '.join(METRICS) + ' |',
        '|---|---|---|' + '---:|' * len(METRICS)
    ]
    for row in rows:
        figures = (f'{100 * row[m]:.0f} %'
                   if m.startswith('90') else f'{row[m]:.1f}' for m in METRICS)
        lines.append(f'| {row["factor"]} | {row["value"]} | `{row["model"]}` '
                     '| ' + ' | '.join(figures) + ' |')
    return '\n'.join(lines) + '\n'


def tables(rows: Sequence[Dict[str, Any]]) -> str:
    """Markdown: a table for each thing of interest, a column for a model."""
    return '\n\n'.join(f'**{title}**\n\n{_wide(rows, show)}'
                       for title, show in SHOWN.items())


def _per_size(row: Dict[str, Any]) -> str:
    size = row['value'] if row['factor'] == 'scale' else 1.
    return f'{row["N-MPJPE"] / size:.0f}'


def _intervals(row: Dict[str, Any]) -> str:
    return ', '.join(f'{100 * row[f"90 % {axis}"]:.0f}' for axis in 'xyz')


SHOWN: Dict[str, Callable[[Dict[str, Any]], str]] = {
    'MPJPE, mm': lambda row: f'{row["MPJPE"]:.0f}',
    'N-MPJPE, mm, over the scale of the body': _per_size,
    'P-MPJPE, mm': lambda row: f'{row["P-MPJPE"]:.0f}',
    'Error along the line of sight, and across it, mm':
    lambda row: f'{row["depth"]:.0f}, {row["plane"]:.0f}',
    'Knees bent too much by, degrees': lambda row: f'{row["knee"]:+.0f}',
    '90 % intervals hold, %, along x, y and z (line of sight)': _intervals,
}


def _wide(rows: Sequence[Dict[str, Any]], show: Callable[[Dict[str, Any]],
                                                         str]) -> str:
    names = list(dict.fromkeys(row['model'] for row in rows))
    found = {
        (row['factor'], row['value'], row['model']): show(row)
        for row in rows
    }
    cells_ = dict.fromkeys((row['factor'], row['value']) for row in rows)
    lines = [
        '| varied | value | ' + ' | '.join(f'`{name}`'
                                           for name in names) + ' |',
        '|---|---|' + '---:|' * len(names)
    ]
    lines += [
        f'| {factor} | {value} | ' +
        ' | '.join(found.get((factor, value, name), '-')
                   for name in names) + ' |' for factor, value in cells_
    ]
    return '\n'.join(lines)


def picture(rows: Sequence[Dict[str, Any]],
            path: Path,
            dashed: Sequence[str] = ()) -> None:
    """Curves of MPJPE, knees and coverage over each factor, one page.

    Args:
        rows: Of :func:`run`.
        path: PNG to write.
        dashed: Models whose curves are dashed.
    """
    import matplotlib
    matplotlib.use('agg')
    import matplotlib.pyplot as plt
    factors = list(dict.fromkeys(row['factor'] for row in rows))
    names = list(dict.fromkeys(row['model'] for row in rows))
    # There are ten colours: dashed curves and others have them anew.
    colours = {
        name: f'C{number}'
        for group in (True, False)
        for number, name in enumerate(
            one for one in names if (one in dashed) == group)
    }
    shown = ('MPJPE', 'knee', '90 % z')
    titles = ('MPJPE, mm', 'knees too bent by, degrees',
              'depth inside 90 % intervals')
    figure, axes = plt.subplots(
        len(shown),
        len(factors),
        figsize=(2.6 * len(factors), 7),
        squeeze=False,
        sharey='row')
    for column, factor in enumerate(factors):
        for axis, metric, title in zip(axes[:, column], shown, titles):
            for name in names:
                points = [(str(row['value']), row[metric]) for row in rows
                          if (row['factor'], row['model']) == (factor, name)]
                if not points:
                    continue
                axis.plot(
                    *zip(*points),
                    marker='.',
                    label=name,
                    color=colours[name],
                    linestyle='--' if name in dashed else '-',
                    linewidth=1)
            axis.tick_params(axis='x', labelrotation=60, labelsize=7)
            axis.grid(alpha=.3)
            if column == 0:
                axis.set_ylabel(title)
            if metric == '90 % z':
                axis.axhline(.9, color='grey', linewidth=.8)
        axes[-1, column].set_xlabel(f'{factor}, {UNITS[factor]}')
    axes[0, 0].set_ylim(bottom=0)
    curves, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(curves, labels, loc='upper center', ncol=len(names))
    figure.tight_layout(rect=(0, 0, 1, .96))
    with replacing(path) as partial:
        figure.savefig(partial, dpi=110, format='png')
    plt.close(figure)
