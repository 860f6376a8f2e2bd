# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Training steps of the bundled configs, loading included.

MMEngine's runner trains as ``tools/train.py`` does, with the config's hooks,
logging and gradient clipping, on the motions that come with the package.
Windows are loaded and collated in the training process, so that a step's
seconds are all that it costs; with ``--workers`` they are loaded beside it.
Neither validation nor a checkpoint falls into what is measured. On one thread
and without workers the processor's own seconds count, which others' load
leaves alone. There is no other program to compare with: ``--against REV``
compares with another revision. ``train-mixste`` and ``train-diffpose`` are the
same mathematics in all of them; ``train-zoo-...`` is what the revision's zoo
has under that name, whose networks may differ. The rows ``...-bf16`` are
``--amp`` against float32.
"""
import argparse
import contextlib
import io
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

import numpy as np
import torch

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

CONFIGS = Path(mmdiffpose.__file__).resolve().parents[1] / 'configs'
"""Those of the revision that is measured."""
MODELS: Dict[str, Sequence[str]] = {
    'mixste': ['mixste_mini-27'],
    'diffpose': ['diffpose_mixste_mini-27'],
    'zoo-mixste': ['mixste_views-27', 'mixste_mini-27'],
    'zoo-diffpose': ['diffpose_frames_views-27', 'diffpose_mixste_mini-27'],
}
"""The first config that there is. Before there were drawn views, the zoo's
networks were those that mocap-mini has, on other data."""
WARM_UP = 3

Watch = Callable[[int, float], None]
"""Told the number and the loss of each step."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    parser.add_argument(
        '--models', nargs='+', choices=list(MODELS), default=list(MODELS))
    parser.add_argument(
        '--amp', action='store_true', help='measure bfloat16, too')
    parser.add_argument(
        '--threads', type=int, default=1, help="PyTorch's, on a CPU")
    parser.add_argument(
        '--workers', type=int, default=0, help='processes that load windows')
    parser.add_argument(
        '--batch-size', type=int, default=32, help='windows of a step')
    parser.add_argument('--steps', type=int, default=20, help='to measure')


def run(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Measure; returns the rows."""
    before = torch.get_num_threads()
    torch.set_num_threads(args.threads)
    try:
        return [row for name in args.models for row in measure(name, args)]
    finally:
        torch.set_num_threads(before)


def measure(name: str, args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Rows of a config: steps a second, by the median step."""
    own = args.threads == 1 and args.workers == 0
    clock = time.process_time if own else time.perf_counter
    note = (f'{config_of(name).stem}, {args.batch_size} windows a step, '
            f'{args.threads} thread(s), {args.workers} worker(s), '
            f'{"processor" if own else "wall"} seconds, median of '
            f'{args.steps} steps; loss after them ')
    rates: List[float] = []
    losses: List[float] = []
    amps = [False, True][:1 + (args.amp and knows_amp())]
    for amp in amps:
        times: List[float] = []

        def watch(step: int, loss: float) -> None:
            times.append(clock())
            losses.append(loss)

        with tempfile.TemporaryDirectory() as folder:
            train(
                config_of(name),
                Path(folder),
                args.steps + WARM_UP,
                watch,
                amp=amp,
                batch_size=args.batch_size,
                num_workers=args.workers,
                persistent_workers=args.workers > 0)
        rates.append(1 / float(np.median(np.diff(times)[WARM_UP - 1:])))
        note += f'{losses[-1]:.6f}{" in bfloat16" if amp else ""} '
    rows = [
        dict(
            name=f'train-{name}',
            ours=rates[0],
            reference=None,
            ratio=None,
            unit='steps/s',
            note=note.strip())
    ]
    if len(amps) > 1:
        rows.append(
            dict(
                rows[0],
                name=f'train-{name}-bf16',
                ours=rates[1],
                reference=rates[0],
                ratio=rates[1] / rates[0]))
    return rows


def knows_amp() -> bool:
    """Whether the revision can train in bfloat16 on a CPU."""
    from mmdiffpose import engine
    return hasattr(engine, 'CpuAmpOptimWrapper')


def config_of(name: str) -> Path:
    """The config of one of :data:`MODELS`."""
    files = [CONFIGS / f'{config}.py' for config in MODELS[name]]
    return next(file for file in files if file.is_file())


def train(file: Path,
          folder: Path,
          steps: int,
          watch: Watch,
          amp: bool = False,
          prepare: Optional[Callable[[Any], None]] = None,
          **loader: Any) -> None:
    """Train a config for so many steps.

    Args:
        file (Path): Of the config.
        folder (Path): For all that it writes.
        steps (int): After which training ends.
        watch (callable): See :data:`Watch`.
        amp (bool): In bfloat16.
        prepare (callable, optional): Given the runner before it trains.
        **loader: What the training loader has in place of the config's.
    """
    from mmengine.config import Config
    from mmengine.hooks import Hook
    from mmengine.runner import Runner
    config = Config.fromfile(file)
    first_stage = config.train_cfg.get('context_config')
    if first_stage is not None:
        config.model.context_checkpoint = encoder_checkpoint(
            Path(first_stage), folder)
    config.train_dataloader.update(loader)
    if config.train_dataloader.dataset.type.endswith('MocapViewDataset'):
        from .dataset import write_motions_file
        write_motions_file(folder, frames=10_000)
        config.train_dataloader.dataset.update(
            ann_file=str(folder / 'motions.npz'), subjects=None)
        config.train_dataloader.dataset.law.pop('weights')
    if amp:
        config.optim_wrapper.type = 'mmdiffpose.CpuAmpOptimWrapper'
    # The learning rate's warm-up alone: what follows it counts epochs.
    config.param_scheduler = config.param_scheduler[:1]
    config.train_cfg = dict(
        type='IterBasedTrainLoop', max_iters=steps, val_interval=10**6)
    for part in ('val', 'test'):
        for field in ('dataloader', 'cfg', 'evaluator'):
            config[f'{part}_{field}'] = None
    config.custom_hooks = [
        hook for hook in config.custom_hooks
        if 'Calibration' not in hook['type']
    ]
    config.default_hooks.checkpoint = None
    config.default_hooks.logger.log_metric_by_epoch = False
    config.log_processor.by_epoch = False
    # There is one visualizer of each name in a process.
    config.visualizer.name = f'{file.stem}-{time.time_ns()}'
    config.experiment_name = config.visualizer.name
    config.log_level = 'ERROR'
    config.work_dir = str(folder)

    class Last(Hook):
        """After all other hooks."""

        priority = 'LOWEST'

        def after_train_iter(self,
                             runner: Any,
                             batch_idx: int,
                             data_batch: Any = None,
                             outputs: Any = None) -> None:
            watch(batch_idx, float(outputs['loss']))  # waits for a GPU

    runner = Runner.from_cfg(config)
    runner.register_hook(Last())
    if prepare is not None:
        prepare(runner)
    with contextlib.redirect_stderr(io.StringIO()):  # a progress bar
        runner.train()


def encoder_checkpoint(file: Path, folder: Path) -> str:
    """A context encoder without training, as a first stage would leave it."""
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    from mmdiffpose.registry import MODELS as REGISTRY
    init_default_scope('mmpose')
    torch.manual_seed(0)
    model = REGISTRY.build(Config.fromfile(file).model)
    path = folder / 'encoder.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return str(path)
