# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Say where a lifter breaks: the benchmark hdm05-views.

    python tools/analysis_tools/views_benchmark.py diffpose residual \
        --motions data/world_motions.npz --out-dir outputs/hdm05-views

Actors whom no model was trained on are seen by drawn cameras, one thing
varied at a time: pitch, roll, distance, size in the picture, frame rate, body
size, detector noise and missing joints; the protocol is
configs/hdm05_views_protocol.md. Models are names of the zoo, or
CONFIG:CHECKPOINT. Each window goes through ``lift_track``, the front door, as
a user's track does, with the true focal length, and with the person's height
if asked for (``--known-height``). Writes ``results.json``, a
table (``results.md``) and one page of curves (``results.png``).
"""

import argparse
import json
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401

# isort: split
from reporting.views import long_table, picture, run

from mmdiffpose.apis import init_model
from mmdiffpose.atomic_files import replace_text
from mmdiffpose.datasets.views_grid import GRID, TEST_ACTORS
from mmdiffpose.datasets.world_motions import read_motions


def load(name: str) -> Any:
    """A model of the zoo, or of CONFIG:CHECKPOINT."""
    config, _, checkpoint = name.partition(':')
    return init_model(config, checkpoint or None)


def tell(row: Dict[str, Any]) -> None:
    """One line of progress."""
    print(
        f'{row["factor"]} {row["value"]}: {row["model"]}',
        f'{row["MPJPE"]:.1f} mm',
        flush=True)


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'models', nargs='+', help='names of the zoo, or CONFIG:CHECKPOINT')
    parser.add_argument(
        '--motions',
        default='data/world_motions.npz',
        help='of tools/dataset_converters/world_motions.py')
    parser.add_argument(
        '--subjects',
        nargs='+',
        default=list(TEST_ACTORS),
        help='whom no model was trained on (default: the test actors; choose '
        'nothing on them: hdm05/dg is for that)')
    parser.add_argument(
        '--factors',
        nargs='+',
        choices=list(GRID),
        default=list(GRID),
        help='what is varied (default: everything)')
    parser.add_argument(
        '--windows', type=int, default=256, help='of a cell (default: 256)')
    parser.add_argument(
        '--known-height',
        action='store_true',
        help="tell the lifter each person's true height (scale_to_height)")
    parser.add_argument('--out-dir', type=Path, required=True)
    return parser.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Measure and write."""
    args = parse_args(argv)
    models = {name: load(name) for name in args.models}
    motions = read_motions(args.motions, args.subjects)
    rows = run(models, motions, args.windows, args.factors, tell,
               args.known_height)
    args.out_dir.mkdir(parents=True, exist_ok=True)
    replace_text(args.out_dir / 'results.json',
                 json.dumps(rows, indent=1) + '\n')
    replace_text(args.out_dir / 'results.md', long_table(rows))
    picture(rows, args.out_dir / 'results.png')
    print(long_table(rows))


if __name__ == '__main__':
    main()
