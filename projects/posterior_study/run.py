# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Is a lifter's distribution better than a Gaussian on the same mean?

    python -m projects.posterior_study.run residual \
        --motions data/world_motions.npz --out-dir work_dirs/posterior_study

Draws windows of people whom the model was not trained on, without and with
missing joints, and compares, on the same mean and predicted std, the samples
of residual diffusion with two Gaussians: independent coordinates, and the full
correlation of the residuals, which is the control. Every row gets the same
standard normal noise, one draw for all frames of a window where not said
otherwise. Writes ``results.json`` and ``results.md``.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

import numpy as np
import torch
from torch import Tensor

from mmdiffpose.apis import init_model
from mmdiffpose.atomic_files import replacing
from mmdiffpose.datasets.mocap_views import MocapViewDataset
from mmdiffpose.evaluation.functional import crps_ensemble, energy_score, mpjpe
from mmdiffpose.models.heads.parts.base import LiftingContext
from mmdiffpose.skeletons import H36M_17

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

SEED = 31
"""Of the windows; the noise is seeded by the window's number."""
NINETY = 1.6448536
CONTROL = 'Gaussian, predicted std x full correlation (control)'
EVALUATIONS = (1, 2, 3, 5, 8)
LOWER_IS_BETTER = ('MPJPE', 'energy', 'energy of the window', 'CRPS',
                   'best of N')
COLUMNS = (*LOWER_IS_BETTER, '90 % x', '90 % y', '90 % z', 'ECE',
           'bone spread', 'acceleration')
LEVELS = np.linspace(.05, .95, 19)

Sampler = Callable[[LiftingContext, Tensor], Tensor]


class Row(NamedTuple):
    """A way to draw hypotheses.

    Attributes:
        name: For the table.
        evaluations: Of the denoiser.
        sample: From a prepared context of B windows and noise (B, N, T or 1,
            J, 3) to (B, N, T, J, 3), metres.
        share_frames: Whether a hypothesis has one draw for all frames.
    """
    name: str
    evaluations: int
    sample: Sampler
    share_frames: bool = True


def make_rows(head: Any, spread: float) -> List[Row]:
    """All rows of a model with a residual diffusion head."""
    diffusion = head.diffusion

    def residual(context: LiftingContext, noise: Tensor,
                 factor: float) -> Tensor:
        mean, std = head.mean_and_std(context)
        poses = mean[:, None] + factor * std[:, None] * noise
        return head.to_root_relative(recentred(poses, mean))

    def diffused(factor: float = 1., **options: Any) -> Sampler:

        def sample(context: LiftingContext, noise: Tensor) -> Tensor:
            mean, std = head.mean_and_std(context)
            return head.to_root_relative(
                diffusion.sample(
                    context.features,
                    mean,
                    std,
                    noise,
                    context.seen,
                    recentre=True,
                    spread=factor,
                    **options))

        return sample

    rows = [
        Row('Gaussian, predicted std, independent', 0,
            lambda context, noise: residual(context, noise, 1.)),
        Row(
            CONTROL, 0, lambda context, noise: residual(
                context, diffusion.colour(noise), 1.)),
    ]
    if spread != 1:
        rows.append(
            Row(
                f'the same, spread x {spread:g}', 0, lambda context, noise:
                residual(context, diffusion.colour(noise), spread)))
    rows += [
        Row(
            f'residual diffusion, angle, {number} evaluation'
            f'{"s" if number > 1 else ""}', number,
            diffused(evaluations=number)) for number in EVALUATIONS
    ]
    if spread != 1:
        rows.append(
            Row(f'angle, 2 evaluations, spread x {spread:g}', 2,
                diffused(factor=spread, evaluations=2)))
    rows += [
        Row('angle, 2 evaluations, noise of each frame', 2,
            diffused(evaluations=2), False),
        Row('Euler in sigma (DDIM), 3 evaluations', 3,
            diffused(sampler='euler', evaluations=3)),
        Row('Heun in sigma, 3 evaluations', 3,
            diffused(sampler='heun', evaluations=3)),
        Row('DPM-Solver++ 2M, 3 evaluations', 3,
            diffused(sampler='dpmpp_2m', evaluations=3)),
    ]
    return rows


def recentred(poses: Tensor, mean: Tensor) -> Tensor:
    """Hypotheses (B, N, T, J, 3) with the mean (B, T, J, 3)."""
    return poses - poses.mean(dim=1, keepdim=True) + mean[:, None]


def figures(poses: np.ndarray, truth: np.ndarray) -> Dict[str, np.ndarray]:
    """What is measured of B windows, a number each.

    Args:
        poses: (B, N, T, J, 3) metres.
        truth: (B, T, J, 3) metres.

    Returns:
        dict: Of :data:`COLUMNS`, (B,); distances in mm. The best of N is
        another one in each frame: an oracle.
    """
    B, N, T, J, _ = poses.shape
    mean = poses.mean(axis=1)
    std = poses.std(axis=1, ddof=1)
    frames = poses.transpose(0, 2, 1, 3, 4).reshape(B, T, N, J * 3)
    error = np.abs(mean - truth)[:, :, 1:]
    inside = (error <= NINETY * std[:, :, 1:]).mean(axis=(1, 2))
    rank = (poses < truth[:, None])[..., 1:, :].mean(axis=1)
    # Central intervals between quantiles of the samples.
    covered = np.stack([(np.abs(rank - .5) <= level / 2).mean(axis=(1, 2, 3))
                        for level in LEVELS], -1)
    distances = np.linalg.norm(poses - truth[:, None], axis=-1)
    return {
        'MPJPE':
        1000 * mpjpe(mean, truth).mean(axis=-1),
        'energy':
        1000 *
        energy_score(frames, truth.reshape(B, T, -1), fair=True).mean(axis=-1),
        'energy of the window':
        1000 *
        energy_score(poses.reshape(B, N, -1), truth.reshape(B, -1), fair=True),
        'CRPS':
        1000 * crps_ensemble(np.moveaxis(poses, 1, -1), truth,
                             fair=True)[:, :, 1:].mean(axis=(1, 2, 3)),
        'best of N':
        1000 * distances.mean(axis=-1).min(axis=1).mean(axis=-1),
        '90 % x':
        inside[:, 0],
        '90 % y':
        inside[:, 1],
        '90 % z':
        inside[:, 2],
        'ECE':
        np.abs(covered - LEVELS).mean(axis=-1),
        'bone spread':
        1000 * bone_lengths(poses).std(axis=1, ddof=1).mean(axis=(1, 2)),
        'acceleration':
        1000 * np.linalg.norm(np.diff(poses, n=2, axis=2),
                              axis=-1).mean(axis=(1, 2, 3)),
    }


def bone_lengths(poses: np.ndarray) -> np.ndarray:
    """(..., J, 3) to (..., bones), metres."""
    return np.stack([
        np.linalg.norm(poses[..., a, :] - poses[..., b, :], axis=-1)
        for a, b in H36M_17.bones
    ], -1)


def measure(model: Any, dataset: MocapViewDataset, rows: Sequence[Row],
            args: argparse.Namespace) -> List[Dict[str, Any]]:
    """All rows on the same windows."""
    sums: List[Dict[str, List[np.ndarray]]] = [{} for _ in rows]
    seconds = [0.] * len(rows)
    clips: List[np.ndarray] = []
    for start in range(0, args.windows, args.batch):
        batch = dataset.draw_batch(range(start, start + args.batch), 0)
        inputs = torch.from_numpy(dataset.inputs(batch))
        truth = batch['targets'].astype(float)
        clips.append(batch['clip'])
        context = model.head.prepare(model.extract_feat(inputs))
        for i, row in enumerate(rows):
            generator = torch.Generator().manual_seed(start)
            frames = 1 if row.share_frames else inputs.shape[1]
            noise = torch.randn(
                len(inputs),
                args.hypotheses,
                frames,
                inputs.shape[2],
                3,
                generator=generator)
            begun = time.perf_counter()
            poses = row.sample(context, noise)
            seconds[i] += time.perf_counter() - begun
            for key, value in figures(poses.numpy().astype(float),
                                      truth).items():
                sums[i].setdefault(key, []).append(value)
    clip = np.concatenate(clips)
    joined = [{
        k: np.concatenate(v)
        for k, v in found.items()
    } for found in sums]
    control = joined[[row.name for row in rows].index(CONTROL)]
    out = []
    for row, found, spent in zip(rows, joined, seconds):
        entry: Dict[str, Any] = dict(
            row=row.name,
            evaluations=row.evaluations,
            frames_a_second=len(clip) * dataset.simulator.seq_len / spent)
        for key in COLUMNS:
            entry[key] = float(found[key].mean())
        for key in LOWER_IS_BETTER:
            change = found[key] - control[key]
            entry[f'{key} change'] = float(change.mean())
            entry[f'{key} error'] = clustered_error(change, clip)
        out.append(entry)
    return out


def clustered_error(values: np.ndarray, groups: np.ndarray) -> float:
    """Standard error of a mean of values that come in groups.

    Windows of one clip are alike: the sum of each clip's deviations is one
    independent number (the sandwich estimator of clustered errors).
    """
    deviations = values - values.mean()
    sums = np.array(
        [deviations[groups == group].sum() for group in np.unique(groups)])
    return float(np.sqrt((sums**2).sum()) / len(values))


def table(rows: Sequence[Dict[str, Any]]) -> str:
    """Markdown of one condition."""
    lines = [
        '| row | evaluations | ' + ' | '.join(COLUMNS) +
        ' | energy against the control | frames a second |',
        '|---|---:|' + '---:|' * (len(COLUMNS) + 2)
    ]
    for row in rows:
        cells = []
        for key in COLUMNS:
            if key.startswith('90'):
                cells.append(f'{100 * row[key]:.0f} %')
            elif key == 'ECE':
                cells.append(f'{row[key]:.3f}')
            elif key == 'best of N':
                cells.append(f'*{row[key]:.1f}*')
            else:
                cells.append(f'{row[key]:.1f}')
        change = '–'
        if row['row'] != CONTROL:
            change = (f'{row["energy change"]:+.1f} '
                      f'± {row["energy error"]:.1f}')
        lines.append(f'| {row["row"]} | {row["evaluations"]} | ' +
                     ' | '.join(cells) +
                     f' | {change} | {row["frames_a_second"]:.0f} |')
    return '\n'.join(lines) + '\n'


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'model',
        help='with a residual diffusion head: of the zoo, or '
        'CONFIG:CHECKPOINT')
    parser.add_argument('--motions', default='data/world_motions.npz')
    parser.add_argument(
        '--subjects',
        nargs='+',
        default=['hdm05/mm', 'hdm05/tr'],
        help='default: the test actors; choose nothing on them')
    parser.add_argument(
        '--windows', type=int, default=512, help='default: 512')
    parser.add_argument(
        '--hypotheses', type=int, default=20, help='N (default: 20)')
    parser.add_argument('--batch', type=int, default=32)
    parser.add_argument(
        '--spread',
        type=float,
        default=1.,
        help='a further row for each with the residuals times this, a number '
        'chosen on a validation actor')
    parser.add_argument('--out-dir', type=Path, required=True)
    return parser.parse_args(argv)


@torch.no_grad()
def main(argv: Optional[Sequence[str]] = None) -> None:
    """Measure and write."""
    args = parse_args(argv)
    config, _, checkpoint = args.model.partition(':')
    model = init_model(config, checkpoint or None)
    rows = make_rows(model.head, args.spread)
    results, text = {}, ''
    for title, occlusion in (('without further missing joints', None),
                             ('with joints missing', 'mixture')):
        dataset = MocapViewDataset(
            args.motions,
            model.backbone.seq_len,
            subjects=args.subjects,
            law=dict(occlusion=occlusion),
            seed=SEED)
        results[title] = measure(model, dataset, rows, args)
        text += f'**{title[0].upper() + title[1:]}**\n\n' + table(
            results[title]) + '\n'
    args.out_dir.mkdir(parents=True, exist_ok=True)
    with replacing(args.out_dir / 'results.json') as partial:
        Path(partial).write_text(json.dumps(results, indent=1) + '\n')
    with replacing(args.out_dir / 'results.md') as partial:
        Path(partial).write_text(text)
    print(text)


if __name__ == '__main__':
    main()
