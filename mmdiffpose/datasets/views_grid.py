# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The grid of the benchmark hdm05-views: what is varied, and how.

The protocol is ``configs/hdm05_views_protocol.md``.
"""

from dataclasses import replace
from typing import Any, Dict, Iterator, Sequence

import numpy as np

from .mocap_views import build_law
from .simulation.view_simulator import ViewSimulator
from .world_motions import WorldMotions

TEST_ACTORS = ('hdm05/mm', 'hdm05/tr')
"""Whom no model was trained on. Choose nothing on them: hdm05/dg is for
that."""
SEED = 20
"""Of all draws; part of the protocol, like the numbers below."""
FRAMES = 27
STANDARD = dict(
    pitch=5.5,
    roll=0.,
    distance=5.3,
    share=.5,
    fps=50.,
    scale=1.,
    noise=1.,
    missing='none')
GRID: Dict[str, tuple] = dict(
    pitch=(-15., 0., 5.5, 10., 20., 30., 45.),
    roll=(0., 10., 20., 30.),
    distance=(2., 2.5, 3.3, 5.3, 10.),
    share=(.25, .5, .9),
    fps=(12., 15., 25., 30., 50., 60.),
    scale=(.75, .9, 1., 1.1, 1.2),
    noise=(0., 1., 2., 3.),
    missing=('none', 'random', 'leg_arm', 'consecutive_leg',
             'consecutive_frames', 'mixture'))
UNITS = dict(
    pitch='degrees',
    roll='degrees',
    distance='m',
    share='of the picture',
    fps='frames a second',
    scale='of the own body',
    noise='of the detector',
    missing='pattern')


def law_of(cell: Dict[str, Any]) -> Dict[str, Any]:
    """The cell's law, arguments of ``build_law``."""
    return dict(
        cameras=dict(
            pitch=(cell['pitch'], ) * 2,
            roll_mean=cell['roll'],
            roll_std=0.,
            distance=(cell['distance'], ) * 2,
            person_share=(cell['share'], ) * 2,
            shapes=(1., ),
            longer_side=(1000., 1000.),
            center_std=0.,
            cut_off=0.,
            followed=0.,
            focal_unknown=0.),
        noise=dict(scale=cell['noise']),
        bodies=None,
        occlusion=cell['missing'],
        fps=(cell['fps'], ) * 2,
        variety=dict(mirror=0.))


def cells(factors: Sequence[str]) -> Iterator[Dict[str, Any]]:
    """All cells of the grid's factors: one value changed at a time."""
    for factor in factors:
        for value in GRID[factor]:
            yield dict(
                factor=factor, value=value, cell={
                    **STANDARD, factor: value
                })


def cell_simulator(motions: WorldMotions,
                   cell: Dict[str, Any],
                   seq_len: int = FRAMES,
                   seed: int = SEED) -> ViewSimulator:
    """What draws a cell's windows.

    Args:
        motions: Of the people.
        cell: A value for each factor, as :func:`cells` gives it.
        seq_len: Frames T of a window.
        seed: Of all draws; the protocol's unless something else is studied.
    """
    scaled = replace(
        motions, positions=motions.positions * np.float32(cell['scale']))
    return ViewSimulator(scaled, seq_len, build_law(**law_of(cell)), seed)
