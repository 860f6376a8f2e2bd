# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Is diffusion worth it? DiffPose, its encoder and the control, by seed.

For each seed: train the context encoder and DiffPose on it, train the same
network as a single-pass regressor on the same encoder (Baseline A of the
paper), and test all three on mocap-mini's test split. Finished steps are
reused, so an interrupted study goes on where it stopped.

    python tools/analysis_tools/mini_study.py --seeds 0 1 2
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

from rich.console import Console
from rich.table import Table

TOOLS = Path(__file__).resolve().parents[1]
CONFIGS = TOOLS.parent / 'configs'
DIFFPOSE = CONFIGS / 'diffpose_mixste_mini-27.py'
CONTROL = CONFIGS / 'baseline-a_mixste_mini-27.py'
HYPOTHESES = 20


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/mini_study'))
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=[],
        help='passed to every training and test of DiffPose and the control')
    return parser.parse_args()


def run(tool: str, *arguments: object) -> None:
    """Run one of the tools; a failure ends the study."""
    command = [sys.executable, str(TOOLS / tool), *map(str, arguments)]
    subprocess.run(command, check=True)


def train(config: Path, work_dir: Path, seed: int, options: List[str]) -> Path:
    """Train unless that is done; return the best checkpoint."""
    marker = work_dir / 'trained'
    if not marker.exists():
        run('train.py', config, '--work-dir', work_dir, '--resume',
            '--cfg-options', f'randomness.seed={seed}', *options)
        marker.touch()
    best = sorted(work_dir.glob('best_*.pth'))
    if not best:
        raise FileNotFoundError(f'{work_dir} has no best_*.pth')
    return best[-1]


def test(config: Path, checkpoint: Path, name: str,
         options: List[str]) -> Dict[str, float]:
    """Test unless that is done; return the metrics."""
    out = checkpoint.parent / f'{name}.json'
    if not out.exists():
        run('test.py', config, checkpoint, '--work-dir', checkpoint.parent,
            '--out', out, *(['--cfg-options', *options] if options else []))
    return json.loads(out.read_text())


def study(seed: int, work_dir: Path, options: List[str]) -> Dict[str, float]:
    """Train and test everything of one seed; return one row."""
    diffpose_dir = work_dir / f'seed{seed}' / 'diffpose'
    diffpose = train(DIFFPOSE, diffpose_dir, seed, options)
    context = diffpose_dir / 'context' / 'context.pth'
    control = train(CONTROL, work_dir / f'seed{seed}' / 'control', seed,
                    [*options, f'model.context_checkpoint={context}'])
    metrics = test(DIFFPOSE, diffpose, f'n{HYPOTHESES}',
                   [*options, f'model.test_cfg.num_hypotheses={HYPOTHESES}'])
    default = test(DIFFPOSE, diffpose, 'default', options)
    single = test(CONTROL, control, 'single', options)
    return {
        'encoder': default['context/MPJPE_mm'],
        'control': single['MPJPE_mm'],
        'N=1': metrics['hypotheses/MPJPE_mm@1'],
        'N=5': metrics['hypotheses/MPJPE_mm@5'],
        'N=10': default['MPJPE_mm'],
        'N=20': metrics['MPJPE_mm'],
        'spread': metrics['hypotheses/spread_mm'],
        'oracle': metrics['oracle/P-Best_mm'],
    }


def main() -> None:
    """Run the study and print its table."""
    args = parse_args()
    rows = {
        seed: study(seed, args.work_dir, args.cfg_options)
        for seed in args.seeds
    }
    table = Table(
        title='mocap-mini, test split: MPJPE in mm, frame mean',
        caption='N: DiffPose, mean of the first N hypotheses. spread: mean '
        'distance of two hypotheses. oracle: the best of 20 in each frame, '
        'picked by the ground truth; not a result.')
    table.add_column('seed')
    for name in next(iter(rows.values())):
        table.add_column(name, justify='right')
    for seed, row in rows.items():
        table.add_row(str(seed), *(f'{value:.1f}' for value in row.values()))
    Console().print(table)
    out = args.work_dir / 'study.json'
    out.write_text(json.dumps(rows, indent=2) + '\n')
    print(f'written to {out}')


if __name__ == '__main__':
    main()
