# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What lifting costs, by frames, people, hypotheses, steps and window length.

Processor seconds of one thread from 2D joints to poses (``lift_tracks``), of
the DiffPose that the revision's zoo has under that name, with random weights;
window lengths are those of a small MixSTE and DiffPose on it. One axis changes
at a time.
"""
import argparse
import time
from inspect import signature
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence, Tuple

import numpy as np
import torch
from torch import nn

from .video import build_model, make_track, seconds
from .zoo import CONFIGS, NEW, OLD, load

AXES: Dict[str, Tuple[str, Sequence[int]]] = dict(
    frames=('frames of one person', (125, 250, 500, 1000, 2000)),
    people=('people, {half} frames each', (1, 2, 4, 8)),
    hypotheses=('hypotheses N, {frames} frames', (1, 5, 10, 20, 50)),
    steps=('network evaluations K, {frames} frames', (1, 2, 4, 8)),
    window=('frames T of a window, 486 frames', (9, 27, 81, 243)))
"""What the axis counts, and where it is measured."""
FRAMES = 500
"""Of the track, where they are not what changes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    parser.add_argument(
        '--axes', nargs='+', choices=list(AXES), default=list(AXES))
    parser.add_argument(
        '--frames',
        type=int,
        default=FRAMES,
        help='of the track, where they are not what changes')
    parser.add_argument('--out', type=Path, help='a picture of the curves')
    parser.add_argument(
        '--repeats', type=int, default=3, help='runs; the median counts')


def run(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Measure; returns the rows."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            curves = {
                axis: measure(axis, args.repeats, args.frames)
                for axis in args.axes
            }
    finally:
        torch.set_num_threads(before)
    if args.out is not None:
        draw(curves, args.out, args.frames)
    return [
        dict(
            name=f'cost-{axis}-{value}',
            ours=1000 * spent,
            reference=None,
            ratio=None,
            unit='ms',
            note=f'{title(axis, args.frames)}; processor time of one thread' +
            (f'; {preset()}' if axis != 'window' else ''))
        for axis, curve in curves.items() for value, spent in curve.items()
    ]


def title(axis: str, frames: int) -> str:
    """What an axis counts."""
    return AXES[axis][0].format(frames=frames, half=frames // 2)


def measure(axis: str, repeats: int, frames: int) -> Dict[int, float]:
    """Median seconds at each value of an axis; values take turns."""
    jobs = {value: job(axis, value, frames) for value in AXES[axis][1]}
    for lift in jobs.values():
        lift()
    times = {
        value: [seconds(lift, time.process_time)]
        for value, lift in jobs.items()
    }
    for _ in range(repeats - 1):
        for value, lift in jobs.items():
            times[value].append(seconds(lift, time.process_time))
    return {value: float(np.median(spent)) for value, spent in times.items()}


def job(axis: str, value: int, frames: int) -> Callable[[], Any]:
    """What is measured at a value of an axis."""
    from mmdiffpose.apis import lift_tracks
    given = dict(frames=frames, people=1, hypotheses=10, steps=2)
    if axis == 'window':
        model, given['frames'] = build_model(value, 'cpu'), 486
    else:
        given[axis] = value
        if axis == 'people':
            given['frames'] = frames // 2
        model = zoo_model(given['hypotheses'], given['steps'])
    tracks = [make_track(given['frames']) for _ in range(given['people'])]
    # At the track's own rate; earlier revisions know no other.
    options = {}
    if 'resample' in signature(lift_tracks).parameters:
        options['resample'] = False
    return lambda: lift_tracks(model, tracks, **options)


def preset() -> str:
    """The config of the zoo's DiffPose."""
    return next(
        name for name in (NEW, OLD) if (CONFIGS / f'{name}.py').is_file())


def zoo_model(hypotheses: int, steps: int) -> nn.Module:
    """The zoo's DiffPose with random weights."""
    return load(preset(), num_hypotheses=hypotheses, num_sampling_steps=steps)


def draw(curves: Dict[str, Dict[int, float]], path: Path, frames: int) -> None:
    """A panel for each axis."""
    import matplotlib
    matplotlib.use('agg')
    from matplotlib import pyplot as plt
    figure, axes = plt.subplots(
        1,
        len(curves),
        figsize=(2.6 * len(curves), 2.4),
        squeeze=False,
        layout='constrained')
    for panel, (axis, curve) in zip(axes[0], curves.items()):
        panel.plot(
            list(curve), [1000 * spent for spent in curve.values()],
            marker='o',
            markersize=4,
            color='tab:blue')
        panel.set_xlabel(title(axis, frames), fontsize=8)
        panel.set_xlim(0, 1.05 * max(curve))
        panel.set_ylim(0, 1080 * max(curve.values()))
        panel.tick_params(labelsize=8)
        panel.grid(alpha=0.3)
        for side in ('top', 'right'):
            panel.spines[side].set_visible(False)
    axes[0, 0].set_ylabel('ms, one CPU thread', fontsize=8)
    figure.savefig(path, dpi=80)
    plt.close(figure)
