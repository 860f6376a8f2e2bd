# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Is a lifter's distribution better than a Gaussian on the same mean?

    python -m projects.posterior_study.run residual \
        --motions data/world_motions.npz --out-dir work_dirs/posterior_study

On a lifter's frozen encoder, trains every way to a distribution that is worth
comparing, at the same time on the same windows, for each seed; then draws
windows of people whom nothing was trained on, after ``hdm05-views``, without
and with missing joints, and measures all on the same windows and noise. The
factor on each row's spread is chosen on the validation actor. What is done is
not done again: interrupted, the same command goes on. Writes ``results.md``
and three pictures.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
import torch

from mmdiffpose.apis import init_model
from mmdiffpose.atomic_files import replace_text
from mmdiffpose.datasets.mocap_views import MocapViewDataset
from mmdiffpose.datasets.views_grid import TEST_ACTORS
from mmdiffpose.datasets.world_motions import WorldMotions, read_motions
from mmdiffpose.evaluation.functional import (cgnf_calibration_error,
                                              mean_pairwise_distance)
from . import pictures, tables
from .measures import (Figures, acceleration, aggregates, as_wide_as_drawn,
                       measure, reliability)
from .methods import Known, Posteriors
from .rows import CONTROL, Row, make_rows, points
from .training import Schedule, look, train
from .windows import CONDITIONS, Windows, draw_windows

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

TRAINED_ON = ('hdm05/bd', 'hdm05/bk', 'cmu/01', 'cmu/02', 'cmu/03',
              'deepmimic/humanoid3d')
CHOSEN_ON = ('hdm05/dg', )
LAW = dict(noise=dict(conventions=.5), variety=dict(straighten=.4))
WEIGHTS = dict(cmu=.5, deepmimic=3.)
"""Of the training windows, as in the configs of drawn views; weights of the
sources that there are."""
SEED, CHOOSING_SEED = 31, 32
"""Of the windows; noise is seeded by the number of the window's cell."""
FACTORS = (.7, .8, .9, .95, 1., 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.6, 2.)
NUMBERS = (1, 5, 10)
"""N beside the full one, for the second table."""
AGGREGATED = (CONTROL, 'the same, not recentred, 2 evaluations',
              "D3DP's setting, DDIM, 10 evaluations",
              'flow matching, unit noise, 5 evaluations')
RELIABLE = (CONTROL, 'residual diffusion, angle, 2 evaluations',
            "D3DP's setting, DDIM, 10 evaluations",
            'flow matching, unit noise, 5 evaluations')


def draw_noise(row: Row, number: int, shape: Sequence[int],
               seed: int) -> torch.Tensor:
    """Standard normal (B, N, T or 1, J, 3), the same for all rows."""
    B, T, J, _ = shape
    generator = torch.Generator().manual_seed(seed)
    frames = 1 if row.share_frames else T
    return torch.randn(B, number, frames, J, 3, generator=generator)


def scaled(poses: np.ndarray, factor: float) -> np.ndarray:
    """Hypotheses (B, N, T, J, 3) with their spread times a factor."""
    middle = poses.mean(axis=1, keepdims=True)
    return middle + factor * (poses - middle)


@torch.no_grad()
def choose_factors(model: Any, rows: Posteriors, windows: Sequence[Windows],
                   number: int) -> Dict[str, float]:
    """The factor on each row's spread with the least energy score."""
    sums: Dict[str, np.ndarray] = {}
    for cell, part in enumerate(windows):
        known = look(model, part.inputs)
        for row in make_rows():
            noise = draw_noise(row, number, part.inputs.shape, cell)
            poses = row.sample(rows, known, noise)[0].numpy()
            found = scaled_energy(poses, part.truth.astype(np.float32),
                                  row.recentred)
            sums[row.name] = sums.get(row.name, 0) + found
    return {name: FACTORS[int(total.argmin())] for name, total in sums.items()}


def scaled_energy(poses: np.ndarray,
                  truth: np.ndarray,
                  recentred: bool = False) -> np.ndarray:
    """Mean energy score of frames at each of :data:`FACTORS`.

    With the residuals r of the hypotheses and the error a of their mean, the
    distance to the truth is the root of a.a + 2 f a.r + f^2 r.r, and that of
    two hypotheses f times what it was.
    """
    frames = poses.swapaxes(1, 2)
    frames = frames.reshape(*frames.shape[:3], -1)
    middle = frames.mean(axis=2, keepdims=True)
    pairs = mean_pairwise_distance(frames).mean()
    frames = as_wide_as_drawn(poses, recentred).swapaxes(1, 2)
    residual = frames.reshape(*frames.shape[:3], -1) - middle
    error = middle - truth.reshape(*truth.shape[:2], 1, -1)
    across = (error * residual).sum(axis=-1)
    square = (residual**2).sum(axis=-1)
    own = (error**2).sum(axis=-1)
    return np.array([
        np.sqrt(np.maximum(own + 2 * f * across + f * f * square, 0)).mean() -
        f * pairs / 2 for f in FACTORS
    ])


class Collected:
    """Figures of one row, added cell by cell."""

    def __init__(self) -> None:
        self.parts: List[Figures] = []

    def add(self, figures: Figures) -> None:
        """Take those of further windows."""
        self.parts.append(figures)

    def table(self) -> Dict[str, Any]:
        """Values per window, and what belongs to all windows together."""
        values = {
            key: np.concatenate([part.values[key] for part in self.parts])
            for key in self.parts[0].values
        }
        unseen = np.concatenate([part.unseen for part in self.parts]).sum(0)
        nearer = np.concatenate(
            [part.nearer.reshape(-1, 17) for part in self.parts])
        covered = np.concatenate([part.covered for part in self.parts])
        return dict(
            values={
                k: v.round(4).tolist()
                for k, v in values.items()
            },
            covered=covered.mean(0).tolist(),
            covered_unseen=(unseen[:-1] / max(unseen[-1], 1)).tolist(),
            number_unseen=int(unseen[-1]),
            cgnf=cgnf_calibration_error(nearer[:, 1:]))


@torch.no_grad()
def measure_rows(model: Any, rows: Posteriors, windows: Sequence[Windows],
                 factors: Dict[str, float], number: int) -> Dict[str, Any]:
    """Everything about all rows, one seed, one condition."""
    raw, wide, few = {}, {}, {}  # type: Dict[str, Collected], ...
    seconds: Dict[str, float] = {}
    limbs: Dict[str, np.ndarray] = {}
    made: Dict[str, Dict[str, List[float]]] = {}
    single: Dict[str, List[float]] = {}
    frames = 0
    for cell, part in enumerate(windows):
        known = look(model, part.inputs)
        seen = part.inputs[..., 2].numpy() > 0
        frames += part.inputs.shape[0] * part.inputs.shape[1]
        for name, pose in points(rows, known).items():
            error = np.linalg.norm(pose.numpy() - part.truth, axis=-1)
            single.setdefault(name, []).extend((1000 * error.mean(
                (1, 2))).tolist())
        for row in make_rows():
            noise = draw_noise(row, number, part.inputs.shape, cell)
            begun = time.perf_counter()
            sampled, pose = row.sample(rows, known, noise)
            seconds[row.name] = (
                seconds.get(row.name, 0.) + time.perf_counter() - begun)
            poses = sampled.numpy().astype(float)
            reported = pose.numpy().astype(float)
            rest = reported, part.truth, seen, row.recentred
            raw.setdefault(row.name, Collected()).add(measure(poses, *rest))
            wide.setdefault(row.name, Collected()).add(
                measure(scaled(poses, factors[row.name]), *rest))
            if row.name in RELIABLE:
                limbs[row.name] = limbs.get(row.name, 0) + reliability(
                    poses, part.truth)
            if row.name in AGGREGATED:
                for name, error in aggregates(poses, reported, part.truth,
                                              part.sight).items():
                    made.setdefault(row.name,
                                    {}).setdefault(name,
                                                   []).extend(error.tolist())
            if row.name == CONTROL or row.name.startswith(
                    'residual diffusion, angle'):
                for n in NUMBERS:
                    _few(few, f'{row.name}, N = {n}', row, rows, known,
                         noise[:, :n], part)
    return dict(
        clip=np.concatenate([part.clip for part in windows]).tolist(),
        raw={
            k: v.table()
            for k, v in raw.items()
        },
        scaled={
            k: v.table()
            for k, v in wide.items()
        },
        few=few,
        factors=factors,
        points={
            k: float(np.mean(v))
            for k, v in single.items()
        },
        frames_a_second={
            k: frames / v
            for k, v in seconds.items()
        },
        reliability={
            k: v.tolist()
            for k, v in limbs.items()
        },
        aggregates={
            row: {
                k: float(np.mean(v))
                for k, v in found.items()
            }
            for row, found in made.items()
        },
        acceleration=_smoothness(model, rows, windows))


def _few(few: Dict[str, Dict[str, List[float]]], name: str, row: Row,
         rows: Posteriors, known: Known, noise: torch.Tensor,
         part: Windows) -> None:
    """MPJPE and the best of few hypotheses."""
    poses, pose = row.sample(rows, known, noise)
    error = np.linalg.norm(
        poses.numpy() - part.truth[:, None], axis=-1).mean(axis=-1)
    mine = few.setdefault(name, dict(MPJPE=[], best=[]))
    single = np.linalg.norm(pose.numpy() - part.truth, axis=-1)
    mine['MPJPE'].extend((1000 * single.mean((1, 2))).tolist())
    mine['best'].extend((1000 * error.min(1).mean(-1)).tolist())


def _smoothness(model: Any, rows: Posteriors,
                windows: Sequence[Windows]) -> Dict[str, float]:
    """Acceleration of the truth and of the refined pose, mm a frame
    squared."""
    found: Dict[str, List[float]] = dict(truth=[], mean=[])
    for part in windows:
        mean = rows.regress(look(model, part.inputs))[0].numpy()
        found['truth'].extend(1000 * acceleration(part.truth))
        found['mean'].extend(1000 * acceleration(mean))
    return {name: float(np.mean(value)) for name, value in found.items()}


def motions_of(file: str, subjects: Sequence[str]) -> WorldMotions:
    """World motions of some people."""
    return read_motions(file, list(subjects))


def _weights(subjects: Sequence[str]) -> Dict[str, float]:
    sources = {subject.partition('/')[0] for subject in subjects}
    return {name: WEIGHTS[name] for name in WEIGHTS if name in sources}


def run_seed(model: Any, seed: int, args: argparse.Namespace) -> Dict:
    """Results of one seed, from its file where it has one."""
    file = args.out_dir / f'seed{seed}.json'
    if file.is_file():
        return json.loads(file.read_text(encoding='utf-8'))
    dataset = MocapViewDataset(
        args.motions,
        model.backbone.seq_len,
        subjects=args.train_subjects,
        law=dict(LAW, weights=_weights(args.train_subjects)),
        seed=seed)
    rows = train(model, dataset, seed, Schedule(args.iterations, args.batch),
                 args.out_dir / f'seed{seed}.pth')
    chosen = []
    motions = motions_of(args.motions, args.choose_subjects)
    for missing in CONDITIONS.values():
        chosen += draw_windows(motions, model.backbone.seq_len, CHOOSING_SEED,
                               max(1, args.windows // 4), missing)
    factors = choose_factors(model, rows, chosen, args.hypotheses)
    tested = motions_of(args.motions, args.subjects)
    results = {
        title:
        measure_rows(
            model, rows,
            draw_windows(tested, model.backbone.seq_len, SEED, args.windows,
                         missing), factors, args.hypotheses)
        for title, missing in CONDITIONS.items()
    }
    replace_text(file, json.dumps(results))
    return results


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'model',
        help='whose encoder all rows are trained on: of the zoo, or '
        'CONFIG:CHECKPOINT; with a first regression and the mask channel')
    parser.add_argument('--motions', default='data/world_motions.npz')
    parser.add_argument('--train-subjects', nargs='+', default=TRAINED_ON)
    parser.add_argument(
        '--choose-subjects',
        nargs='+',
        default=CHOSEN_ON,
        help='validation actors, who choose the factor on the spread')
    parser.add_argument(
        '--subjects',
        nargs='+',
        default=TEST_ACTORS,
        help='default: the test actors; choose nothing on them')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument(
        '--iterations', type=int, default=3000, help='default: 3000')
    parser.add_argument(
        '--batch', type=int, default=64, help='windows a step (default: 64)')
    parser.add_argument(
        '--windows',
        type=int,
        default=12,
        help='of each cell of the grid (default: 12)')
    parser.add_argument(
        '--hypotheses', type=int, default=20, help='N (default: 20)')
    parser.add_argument('--out-dir', type=Path, required=True)
    return parser.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Train, measure and write."""
    args = parse_args(argv)
    args.out_dir.mkdir(parents=True, exist_ok=True)
    config, _, checkpoint = args.model.partition(':')
    model = init_model(config, checkpoint or None)
    results = [run_seed(model, seed, args) for seed in args.seeds]
    text = tables.write(results, args.seeds)
    replace_text(args.out_dir / 'results.md', text)
    pictures.draw_all(results, args.out_dir)
    draw_modes(model, args)
    print(text)


def draw_modes(model: Any, args: argparse.Namespace) -> None:
    """Picture of the validation actor's frames with two answers."""
    rows = Posteriors(model.head.refined_channels)
    saved = torch.load(
        args.out_dir / f'seed{args.seeds[0]}.pth', weights_only=True)
    rows.load_state_dict({
        name.partition('module.')[2]: value
        for name, value in saved['averaged'].items() if 'module.' in name
    })
    windows = draw_windows(
        motions_of(args.motions, args.choose_subjects), model.backbone.seq_len,
        CHOOSING_SEED, max(1, args.windows // 4), 'mixture')
    pictures.draw_modes(model, rows.eval(), windows,
                        args.out_dir / 'two_modes.png')


if __name__ == '__main__':
    main()
