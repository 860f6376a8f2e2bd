# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What a lifter guesses of people's size, and what their known height gives.

    python tools/analysis_tools/height_table.py residual \
        --motions data/world_motions.npz

The standard cell of the benchmark hdm05-views
(configs/hdm05_views_protocol.md) with people of several sizes: the actors at
the scales of the grid, then the same motions with the bodies of adults whom
ANSUR II measured, and with those of the training's law, children and people of
unusual size among them. Each window is lifted as a user's track is, and then
scaled to the true height (``scale_to_height``), which is that of the true
skeleton by the same definition, and to one that is 3 % too large.
"""

import argparse
from dataclasses import replace
from typing import (Any, Dict, Iterator, List, NamedTuple, Optional, Sequence,
                    Tuple)

import numpy as np

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401

# isort: split
from reporting.views import Drawn, Figures, draw_from, figures_of

from mmdiffpose.apis import (LiftedTrack, init_model, lift_track,
                             measure_height, scale_to_height)
from mmdiffpose.datasets.mocap_views import build_law
from mmdiffpose.datasets.simulation.view_simulator import ViewSimulator
from mmdiffpose.datasets.views_grid import (FRAMES, GRID, SEED, STANDARD,
                                            TEST_ACTORS, cell_simulator,
                                            law_of)
from mmdiffpose.datasets.world_motions import WorldMotions, read_motions

BODIES: Dict[str, Dict[str, Any]] = {
    'adults of ANSUR II': dict(children=0, scaled=0),
    'bodies of the law': {},
}
"""Names of rows to arguments of ``BodySampler``."""
OFF = 1.03
"""A height that is not quite the true one, over the true one."""


class Sized(NamedTuple):
    """What one window says.

    Attributes:
        true: True height, metres.
        guess: The lifter's, of its pose.
        spread: Standard deviation of the logarithm of the hypotheses'
            heights; NaN where there are none.
        figures: Errors as guessed, at the true height, and at one that is
            :data:`OFF`.
    """
    true: float
    guess: float
    spread: float
    figures: Tuple[Figures, Figures, Figures]


def simulators(motions: WorldMotions) -> Iterator[Tuple[str, ViewSimulator]]:
    """The rows: names, and what draws their windows."""
    for scale in GRID['scale']:
        yield f'actors, scale {scale:g}', cell_simulator(
            motions, {
                **STANDARD, 'scale': scale
            })
    for name, bodies in BODIES.items():
        law = build_law(**{**law_of(STANDARD), 'bodies': bodies})
        yield name, ViewSimulator(motions, FRAMES, law, SEED)


def measure(model: Any, window: Drawn) -> Optional[Sized]:
    """A window; None where nothing of the person was seen."""
    if not (window.track.scores > 0).any():
        return None
    lifted = lift_track(model, window.track, focal_length=window.focal)
    true = measure_height(_with(lifted, window.target)).metres
    spread = float('nan')
    if lifted.hypotheses is not None:
        heights = [
            measure_height(_with(lifted, poses)).metres
            for poses in lifted.hypotheses.swapaxes(0, 1)
        ]
        spread = float(np.std(np.log(heights), ddof=1))
    known, = scale_to_height(lifted, true)
    off, = scale_to_height(lifted, OFF * true)
    return Sized(true,
                 measure_height(lifted).metres,
                 spread, (figures_of(lifted, window), figures_of(
                     known, window), figures_of(off, window)))


def _with(lifted: LiftedTrack, poses: np.ndarray) -> LiftedTrack:
    """The frames with other poses, all joints of which count."""
    rows = slice(None)
    if len(poses) != len(lifted):
        rows = np.searchsorted(np.arange(len(poses)), lifted.frame_ids)
    return replace(
        lifted, keypoints_3d=poses[rows], scores=np.ones_like(lifted.scores))


def table(rows: Dict[str, List[Sized]]) -> str:
    """The table as Markdown."""
    lines = [
        '| people | true height, m | guess, m | log size: off by, %, and '
        'spread of that | spread of hypotheses, % | MPJPE, mm: guess | known '
        f'| known, {100 * (OFF - 1):.0f} % off | 90 % intervals hold, %, x, '
        'y, z: guess | known |', '|---|' + '---:|' * 9
    ]
    for name, found in rows.items():
        off = 100 * np.log([one.guess / one.true for one in found])
        mpjpe = [
            np.mean([one.figures[i]['MPJPE'] for one in found])
            for i in range(3)
        ]
        cells = [
            f'{np.mean([one.true for one in found]):.2f}',
            f'{np.mean([one.guess for one in found]):.2f}',
            f'{off.mean():+.1f} ± {off.std(ddof=1):.1f}',
            f'{100 * np.mean([one.spread for one in found]):.1f}',
            *(f'{error:.1f}' for error in mpjpe),
            *(_inside([one.figures[i] for one in found]) for i in (0, 1))
        ]
        lines.append(f'| {name} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


def _inside(figures: Sequence[Figures]) -> str:
    return ', '.join(
        f'{100 * np.mean([one[f"90 % {axis}"] for one in figures]):.0f}'
        for axis in 'xyz')


def main(argv: Optional[Sequence[str]] = None) -> Dict[str, List[Sized]]:
    """Measure and print; returns what each window said."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model', help='name of the zoo, or CONFIG:CHECKPOINT')
    parser.add_argument('--motions', default='data/world_motions.npz')
    parser.add_argument(
        '--subjects',
        nargs='+',
        default=list(TEST_ACTORS),
        help='default: the test actors; choose nothing on them')
    parser.add_argument(
        '--windows', type=int, default=96, help='of a row (default: 96)')
    args = parser.parse_args(argv)
    config, _, checkpoint = args.model.partition(':')
    model = init_model(config, checkpoint or None)
    motions = read_motions(args.motions, args.subjects)
    rows = {}
    for name, simulator in simulators(motions):
        found = [
            measure(model, window)
            for window in draw_from(simulator, args.windows)
        ]
        rows[name] = [one for one in found if one is not None]
    print(table(rows))
    return rows


if __name__ == '__main__':
    main()
