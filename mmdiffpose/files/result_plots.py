# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Plots of one person over time, for notebooks."""

import io
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np

from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.visualization.palette import joint_color
from .result_angles import seen_angles

USUAL = ('left_knee', 'right_knee', 'left_elbow', 'right_elbow')
STDS = 2.
"""How many of them the band around a curve is wide on either side."""


def person_angles(
    pieces: Sequence[LiftedTrack]
) -> Tuple[np.ndarray, List[str], np.ndarray, np.ndarray]:
    """Joint angles of one person, with a gap where they were away.

    Args:
        pieces (sequence[LiftedTrack]): In order of time.

    Returns:
        tuple: (F, ) seconds, or frames where no rate is known; names of A
        angles; (F, A) degrees and their std over the hypotheses; NaN where a
        joint was not seen, and in a row between two pieces.
    """
    times: List[np.ndarray] = []
    values: List[np.ndarray] = []
    stds: List[np.ndarray] = []
    for piece in pieces:
        names, angles, std = seen_angles(piece)
        seconds = _times(piece)
        gaps = np.flatnonzero(np.diff(piece.frame_ids) > piece.step) + 1
        empty = np.full((1, len(names)), np.nan)
        times.append(
            np.append(np.insert(seconds, gaps, seconds[gaps]), seconds[-1]))
        for rows, kept in ((angles, values), (std, stds)):
            kept.append(
                np.concatenate([np.insert(rows, gaps, np.nan, axis=0), empty]))
    return (np.concatenate(times), names, np.concatenate(values),
            np.concatenate(stds))


def plot_angles(pieces: Sequence[LiftedTrack],
                names: Optional[Sequence[str]] = None) -> Any:
    """See :meth:`~.pose3d_result.Pose3DResult.plot_angles`."""
    times, known, degrees, stds = person_angles(pieces)
    if names is None:
        names = [name for name in USUAL if name in known] or known
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(f'angles: expected some of {known}, found {unknown}')
    figure, axes = _figure(pieces)
    for name in names:
        column = known.index(name)
        curve, std = degrees[:, column], STDS * stds[:, column]
        style = '--' if name.startswith('right_') else '-'
        line, = axes.plot(times, curve, style, label=name.replace('_', ' '))
        axes.fill_between(
            times,
            np.clip(curve - std, 0, 180),
            np.clip(curve + std, 0, 180),
            color=line.get_color(),
            alpha=0.15,
            linewidth=0)
    axes.set_ylabel('degrees (0: straight)')
    axes.legend(frameon=False, ncols=2)
    return figure


def plot_confidence(pieces: Sequence[LiftedTrack]) -> Any:
    """See :meth:`~.pose3d_result.Pose3DResult.plot_confidence`."""
    figure, axes = _figure(pieces)
    skeleton = pieces[0].skeleton
    image = None
    for piece in pieces:
        times = _times(piece)
        step = float(np.median(np.diff(times))) if len(times) > 1 else 1.
        # Frames in which the person was away stay white.
        rows = np.round((times - times[0]) / step).astype(int)
        scores = np.full((rows[-1] + 1, skeleton.num_joints), np.nan)
        scores[rows] = piece.scores
        image = axes.imshow(
            scores.T,
            aspect='auto',
            vmin=0,
            vmax=1,
            cmap='viridis',
            interpolation='nearest',
            extent=(times[0] - step / 2, times[-1] + step / 2,
                    skeleton.num_joints - 0.5, -0.5))
    starts, ends = zip(*((_times(p)[0], _times(p)[-1]) for p in pieces))
    axes.set_xlim(min(starts), max(max(ends), min(starts) + 1e-3))
    axes.set_yticks(range(skeleton.num_joints), skeleton.joints, fontsize=8)
    for label, joint in zip(axes.get_yticklabels(), skeleton.joints):
        label.set_color([part / 255 for part in joint_color(joint)])
    figure.colorbar(image, ax=axes, label='score')
    return figure


def _times(piece: LiftedTrack) -> np.ndarray:
    seconds = piece.seconds
    return piece.frame_ids.astype(float) if seconds is None else seconds


def _figure(pieces: Sequence[LiftedTrack]) -> Tuple[Any, Any]:
    """A figure that notebooks show, and that no window belongs to."""
    from matplotlib.figure import Figure

    class NotebookFigure(Figure):
        """Shown also where pyplot was never imported."""

        def _repr_png_(self) -> bytes:
            content = io.BytesIO()
            self.savefig(content, format='png', dpi=100)
            return content.getvalue()

    figure = NotebookFigure(figsize=(9, 3.6), layout='constrained')
    axes = figure.subplots()
    known = pieces[0].seconds is not None
    axes.set_xlabel('seconds' if known else 'frame')
    return figure, axes
