# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lift the same input with two checkouts and compare every number.

For changes that are to leave poses as they are. Both checkouts are used as a
user does, by their inferencers, each in a process of its own::

    git worktree add ../before v0.1
    python tools/analysis_tools/compare_lifting.py ../before \
        mmdiffpose/data/demo_track_coco17.json --config mixste

Compared are the poses in the lifter's own view, and those placed in a scene
(where both undo the view's turn by the same focal length), offline and, for
frames, as a stream. Checkouts from before there were axes named ``lifter``
give the poses of that view in any case.
"""

import argparse
import ast
import os
import subprocess
import sys
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

ROOT = Path(__file__).parents[2]
FIELDS = ('track_id', 'keypoints', 'keypoint_scores', 'keypoint_std',
          'hypotheses', 'keypoints_2d', 'root')
FOCAL_PX = 1500.
"""Of the scene: which one does not matter here, only that it is the same."""


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('other', type=Path, help='the other checkout')
    parser.add_argument('input', help='keypoint file or video')
    parser.add_argument(
        '--config', default='diffpose', help='model of the zoo')
    parser.add_argument('--pose2d', help='2D detector of a video')
    parser.add_argument('--pose2d-weights', help='its weights')
    parser.add_argument(
        '--atol',
        type=float,
        default=1e-6,
        help='largest difference that counts as none (default: 1e-6)')
    parser.add_argument(
        '--options',
        nargs='+',
        default=[],
        metavar='NAME=VALUE',
        help='of the inferencer, for example resample=False; left out in a '
        'checkout that does not know them')
    # For the process in each checkout.
    parser.add_argument('--write', type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def lift(args: argparse.Namespace) -> Dict[str, np.ndarray]:
    """All numbers of all ways to lift the input, by name."""
    from mmdiffpose.apis import DiffusionPose3DInferencer, InferenceOptions
    known = {field.name for field in fields(InferenceOptions)}
    given = dict(option.split('=', 1) for option in args.options)
    chosen = {
        name: ast.literal_eval(value)
        for name, value in given.items() if name in known
    }
    inferencer = DiffusionPose3DInferencer(
        args.config,
        pose2d=args.pose2d,
        pose2d_weights=args.pose2d_weights,
        device='cpu')
    ways: Dict[str, Dict[str, Any]] = dict(
        view=dict(axes='lifter'),
        scene=dict(root_trajectory=True, focal_length=FOCAL_PX))
    if args.pose2d is not None:
        ways['stream'] = dict(axes='lifter', causal=True, latency=4)
    numbers = {}
    for way, options in ways.items():
        results = _results(inferencer, args.input, {**options, **chosen})
        for name in FIELDS:
            rows = [p[name] for r in results for p in r if name in p]
            if rows:
                numbers[f'{way}/{name}'] = np.array(rows)
    return numbers


def _results(inferencer: Any, source: str, options: Dict[str,
                                                         Any]) -> List[list]:
    try:
        found = list(inferencer(source, hypotheses=True, **options))
    except ValueError as error:
        if 'unknown axes' not in str(error):
            raise
        options = {k: v for k, v in options.items() if k != 'axes'}
        found = list(inferencer(source, hypotheses=True, **options))
    return [result['predictions'][0] for result in found]


def compare(one: Dict[str, np.ndarray], other: Dict[str, np.ndarray],
            atol: float) -> List[str]:
    """Print the largest difference of each array; names those that differ."""
    different = sorted(set(one) ^ set(other))
    for name in different:
        print(f'{name}: in one of the checkouts only')
    for name in sorted(set(one) & set(other)):
        if one[name].shape != other[name].shape:
            print(f'{name}: {one[name].shape} and {other[name].shape}')
            different.append(name)
            continue
        largest = float(np.abs(one[name] - other[name]).max(initial=0.))
        same = (one[name] == other[name]).mean()
        print(f'{name} {one[name].shape}: at most {largest:.2g} apart, '
              f'{100 * same:.1f} % to the last bit')
        if not largest <= atol:
            different.append(name)
    return different


def in_checkout(checkout: Path, args: argparse.Namespace,
                path: Path) -> Dict[str, np.ndarray]:
    """What a checkout makes of the input."""
    command = [
        sys.executable, '-W', 'ignore', __file__,
        str(args.other),
        os.path.abspath(args.input), '--config', args.config, '--write',
        str(path)
    ]
    if args.pose2d is not None:
        file, _, name = args.pose2d.rpartition(':')
        command += ['--pose2d', f'{os.path.abspath(file)}:{name}']
    if args.pose2d_weights is not None:
        command += ['--pose2d-weights', os.path.abspath(args.pose2d_weights)]
    if args.options:
        command += ['--options', *args.options]
    folders = [str(checkout.resolve()), os.environ.get('PYTHONPATH', '')]
    subprocess.run(
        command,
        check=True,
        cwd=checkout,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(folders)))
    with np.load(path) as file:
        return dict(file)


def main() -> None:
    """Compare; exit with 1 where something differs."""
    args = parse_args()
    if args.write is not None:
        np.savez(args.write, **lift(args))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = [
            in_checkout(checkout, args,
                        Path(folder) / f'{number}.npz')
            for number, checkout in enumerate((ROOT, args.other))
        ]
    different = compare(found[0], found[1], args.atol)
    sys.exit(f'different: {different}' if different else 0)


if __name__ == '__main__':
    main()
