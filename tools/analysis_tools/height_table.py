# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What a lifter guesses of people's size, and what their known height gives.

    python tools/analysis_tools/height_table.py residual \
        --motions data/world_motions.npz --out docs/lifting.md

The standard cell of the benchmark hdm05-views
(configs/hdm05_views_protocol.md) with people of several sizes: the actors at
the scales of the grid, then the same motions with the bodies of adults whom
ANSUR II measured, and with those of the training's law, children and people of
unusual size among them. Each window is lifted as a user's track is, and then
scaled to the true height (``scale_to_height``), which is that of the true
skeleton by the same definition, to one that is 3 % too large, and to that of
adults whose heights nobody knows. Heights in rows are in metres; energy scores
are those of whole poses, of as many hypotheses as the model draws.
"""

import argparse
from pathlib import Path
from typing import (Any, Dict, Iterator, List, NamedTuple, Optional, Sequence,
                    Tuple)

import numpy as np

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401

# isort: split
from reporting.documents import write_between
from reporting.views import Drawn, Figures, draw_from, figures_of, height_of

from mmdiffpose.apis import (LiftedTrack, init_model, lift_track,
                             measure_height, scale_to_height)
from mmdiffpose.datasets.mocap_views import build_law
from mmdiffpose.datasets.simulation.view_simulator import ViewSimulator
from mmdiffpose.datasets.views_grid import (FRAMES, GRID, SEED, STANDARD,
                                            TEST_ACTORS, cell_simulator,
                                            law_of)
from mmdiffpose.datasets.world_motions import WorldMotions, read_motions
from mmdiffpose.evaluation.functional import energy_score

MARKERS = ('<!-- height_table.py: begin -->', '<!-- height_table.py: end -->')
"""Lines of a page that the tables stand between."""
BODIES: Dict[str, Dict[str, Any]] = {
    'adults of ANSUR II': dict(children=0, scaled=0),
    'one in ten a child, one in five scaled': {},
}
"""Names of rows to arguments of ``BodySampler``."""
OFF = 1.03
"""A height that is not quite the true one, over the true one."""
ADULT = (1.69, .1)
"""Metres: mean and standard deviation of ANSUR II's women and men together
(half of either), by the package's table of limbs, 1.69 and 0.096, and what a
lifter's skeleton adds."""


class Sized(NamedTuple):
    """What one window says.

    Attributes:
        true: True height, metres.
        guess: The lifter's, of its pose.
        spread: Standard deviation of the logarithm of the hypotheses'
            heights; NaN where there are none.
        figures: Errors as guessed, at the true height, at one that is
            :data:`OFF`, and at :data:`ADULT`'s.
        energy: Energy scores of the hypotheses, mm, of the same; NaN where
            there are none.
    """
    true: float
    guess: float
    spread: float
    figures: Tuple[Figures, ...]
    energy: Tuple[float, ...]


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
    true = height_of(lifted, window.target)
    spread = float('nan')
    if lifted.hypotheses is not None:
        heights = [
            height_of(lifted, poses)
            for poses in lifted.hypotheses.swapaxes(0, 1)
        ]
        spread = float(np.std(np.log(heights), ddof=1))
    ways = (lifted, *scale_to_height(lifted, true),
            *scale_to_height(lifted, OFF * true),
            *scale_to_height(lifted, ADULT))
    return Sized(true,
                 measure_height(lifted).metres, spread,
                 tuple(figures_of(way, window) for way in ways),
                 tuple(_energy(way, window) for way in ways))


def _energy(lifted: LiftedTrack, window: Drawn) -> float:
    """The energy score of whole poses, mm, mean over frames."""
    if lifted.hypotheses is None:
        return float('nan')
    rows = np.searchsorted(np.arange(len(window.target)), lifted.frame_ids)
    truth = window.target[rows].astype(float)
    found = lifted.hypotheses.astype(float) @ window.rotation.T
    found = found - found[:, :, :1]
    return 1000 * float(
        energy_score(
            found.reshape(*found.shape[:2], -1), truth.reshape(len(truth),
                                                               -1)).mean())


def table(rows: Dict[str, List[Sized]]) -> str:
    """Two tables as Markdown: sizes and errors, then spreads."""
    adult = f'{ADULT[0]} ± {ADULT[1]} m'
    sizes = [
        '| people | true height, m | guess, m | log size: off by, %, and '
        'spread of that | spread of hypotheses, % | MPJPE, mm: guess | known '
        f'| known, {100 * (OFF - 1):.0f} % off | {adult} |',
        '|---|' + '---:|' * 8
    ]
    spreads = [
        '| people | 90 % intervals hold, %, x, y, z: guess | known | '
        f'{adult} | energy score, mm: guess | known | {adult} |',
        '|---|' + '---:|' * 6
    ]
    for name, found in rows.items():
        off = 100 * np.log([one.guess / one.true for one in found])
        mpjpe = np.mean([[f['MPJPE'] for f in one.figures] for one in found],
                        axis=0)
        energy = np.mean([one.energy for one in found], axis=0)
        sizes.append(
            _row(name, f'{np.mean([one.true for one in found]):.2f}',
                 f'{np.mean([one.guess for one in found]):.2f}',
                 f'{off.mean():+.1f} ± {off.std(ddof=1):.1f}',
                 f'{100 * np.mean([one.spread for one in found]):.1f}',
                 *(f'{error:.1f}' for error in mpjpe)))
        spreads.append(
            _row(
                name,
                *(_inside([one.figures[i]
                           for one in found]) for i in (0, 1, 3)),
                *(f'{energy[i]:.0f}' for i in (0, 1, 3))))
    return '\n'.join([*sizes, '', *spreads]) + '\n'


def _row(*cells: str) -> str:
    return f'| {" | ".join(cells)} |'


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
    parser.add_argument(
        '--out', type=Path, help='page with the two markers to write into')
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
    if args.out is not None:
        write_between(args.out, MARKERS, table(rows).rstrip('\n'))
    return rows


if __name__ == '__main__':
    main()
