# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Which variety of motions helps: one thing at a time, on a held-out actor.

Every row trains a small lifter from scratch on as many windows; rows of one
seed have the same first weights. Results of a row and a seed are written as
soon as they are there: interrupted, the same command goes on.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np

from mmdiffpose.atomic_files import replace_text
from mmdiffpose.datasets.mocap_views import MocapViewDataset
from mmdiffpose.evaluation.functional import align_similarity
from mmdiffpose.skeletons import H36M_17
from . import tables
from .training import Schedule, lift, train

TRAINED_ON = ('hdm05/bd', 'hdm05/bk', 'cmu/01', 'cmu/02', 'cmu/03',
              'deepmimic/humanoid3d')
CHOSEN_ON = ('hdm05/dg', )
WEIGHTS = dict(cmu=.5, deepmimic=3.)
"""As in ``configs/_base_/datasets/views_27.py``."""
SHARE = .3
ROWS: Mapping[str, Mapping[str, Any]] = {
    'base': {},
    'crossed limbs': dict(cross=SHARE),
    'tilts': dict(tilt=SHARE),
    'time warps': dict(warp=SHARE),
    'no mirror images': dict(mirror=0.),
}
"""Arguments of :class:`MotionVariety`; base has its defaults, half of all
windows mirrored."""
VALIDATION_SEED = 0


def draw_validation(motions: str, subjects: Sequence[str], seq_len: int,
                    windows: int) -> Dict[str, np.ndarray]:
    """Windows of the held-out actor: the law's defaults, always the same,
    with more children than the validation draw of
    ``configs/views_protocol.md``."""
    dataset = MocapViewDataset(
        motions, seq_len, subjects=subjects, seed=VALIDATION_SEED)
    return dataset.draw_batch(range(windows), 0)


def trunk_lean(targets: np.ndarray, up: np.ndarray) -> np.ndarray:
    """How far trunks are from upright, degrees (B,), mean over a window.

    Args:
        targets: Joints (B, T, J, 3).
        up: The vertical (B, 3) in the same axes.
    """
    trunk = (
        targets[:, :, H36M_17.index['thorax']] - targets[:, :, H36M_17.root])
    cosine = (trunk * up[:, None]).sum(-1) / np.linalg.norm(trunk, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean(-1)


def errors(poses: np.ndarray, truth: np.ndarray) -> Dict[str, List[float]]:
    """MPJPE and P-MPJPE in mm of each window (B, T, J, 3)."""
    aligned = align_similarity(poses.astype(float), truth.astype(float))
    return {
        name: (1000 * np.linalg.norm(some - truth, axis=-1).mean(
            (1, 2))).round(3).tolist()
        for name, some in (('MPJPE', poses), ('P-MPJPE', aligned))
    }


def run_row(name: str, seed: int, validation: Dict[str, np.ndarray],
            args: argparse.Namespace) -> Dict[str, List[float]]:
    """Results of one row and one seed, from its file where it has one."""
    stem = f'{name.replace(" ", "_")}_seed{seed}'
    file = args.out_dir / f'{stem}.json'
    if file.is_file():
        return json.loads(file.read_text(encoding='utf-8'))
    sources = {subject.partition('/')[0] for subject in args.train_subjects}
    weights = {k: v for k, v in WEIGHTS.items() if k in sources}
    dataset = MocapViewDataset(
        args.motions,
        validation['targets'].shape[1],
        subjects=args.train_subjects,
        law=dict(weights=weights, variety=ROWS[name]),
        seed=1000 + seed)
    schedule = Schedule(args.iterations, args.batch, args.width, args.depth)
    model = train(dataset, seed, schedule, args.out_dir / f'{stem}.pth')
    poses = lift(model, validation['inputs'])
    result = dict(
        errors(poses, validation['targets']),
        clip=validation['clip'].tolist(),
        lean=trunk_lean(validation['targets'],
                        validation['up']).round(2).tolist())
    replace_text(file, json.dumps(result))
    return result


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--motions', default='data/world_motions.npz')
    parser.add_argument('--train-subjects', nargs='+', default=TRAINED_ON)
    parser.add_argument(
        '--subjects',
        nargs='+',
        default=CHOSEN_ON,
        help='validation actors (default: hdm05/dg); never test actors, '
        'because something is chosen here')
    parser.add_argument('--rows', nargs='+', choices=ROWS, default=list(ROWS))
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1])
    default = Schedule()
    for name in Schedule._fields:
        value = getattr(default, name)
        parser.add_argument(
            f'--{name}', type=int, default=value, help=f'default: {value}')
    parser.add_argument(
        '--seq-len', type=int, default=27, help='frames (default: 27)')
    parser.add_argument(
        '--windows',
        type=int,
        default=2000,
        help='validation windows (default: 2000)')
    parser.add_argument('--out-dir', type=Path, required=True)
    args = parser.parse_args(argv)
    if 'base' not in args.rows:
        parser.error('--rows: differences are from base, which is not among '
                     f'{args.rows}')
    return args


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Train, measure and write."""
    args = parse_args(argv)
    args.out_dir.mkdir(parents=True, exist_ok=True)
    validation = draw_validation(args.motions, args.subjects, args.seq_len,
                                 args.windows)
    results: Dict[str, List[Dict[str, List[float]]]] = {
        name: []
        for name in args.rows
    }
    for seed in args.seeds:
        for name in args.rows:
            results[name].append(run_row(name, seed, validation, args))
    text = tables.write(results, args.seeds)
    replace_text(args.out_dir / 'results.md', text)
    print(text)


if __name__ == '__main__':
    main()
