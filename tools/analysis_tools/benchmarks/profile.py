# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Where the time of each main job goes, stage by stage, as pictures.

A training step of each method of the zoo, testing, ``mmdiffpose infer`` on a
clip with its video drawn, and the import of what it needs. A stage's share is
of the processor's own time, without the stages inside it, on one thread, so
that others' load changes little; ``rest`` is what no stage has. The zoo's
configs train on the motions that come with the package.
"""
import argparse
import resource
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping

import torch

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

TRAINED = dict(
    mixste='mixste_views-27',
    residual='residual_frames_views-27',
    diffpose='diffpose_frames_views-27',
    diffhpe='diffhpe-wrapper_frames_views-27',
    diffhpe_2d='diffhpe-2d_views-27',
    graformer='graformer_views-1')
TESTED = 'diffpose_mixste_mini-27'
"""Its test data come with the package."""
JOBS = (*(f'train_{name}' for name in TRAINED), 'test', 'infer', 'import')
REST = 'rest'

Shares = Dict[str, float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    parser.add_argument('--jobs', nargs='+', choices=JOBS, default=JOBS)
    parser.add_argument(
        '--out-dir', type=Path, help='for a picture of each job and of all')
    parser.add_argument(
        '--steps', type=int, default=10, help='of training, after three more')
    parser.add_argument(
        '--batch-size', type=int, default=64, help='windows of a step')
    parser.add_argument('--frames', type=int, default=230, help='of the clip')
    parser.add_argument('--model', default='diffpose', help='that infers')


def run(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Measure; returns the rows."""
    warnings.simplefilter('ignore')
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = {job: measure(job, args) for job in args.jobs}
    finally:
        torch.set_num_threads(before)
    if args.out_dir is not None:
        args.out_dir.mkdir(parents=True, exist_ok=True)
        for job, stages in found.items():
            draw({job: stages}, args.out_dir / f'profile_{job}.png')
        draw(found, args.out_dir / 'profile.png')
    return [
        dict(
            name=f'profile-{job}: {stage}',
            ours=1000 * seconds,
            reference=1000 * sum(stages.values()),
            ratio=seconds / sum(stages.values()),
            unit='ms',
            note='reference: the whole job') for job, stages in found.items()
        for stage, seconds in ordered(stages)
    ]


def measure(job: str, args: argparse.Namespace) -> Shares:
    """Seconds of each stage of a job."""
    kind, _, name = job.partition('_')
    if kind == 'train':
        return profile_training(TRAINED[name], args)
    others: Dict[str, Callable[[argparse.Namespace], Shares]] = {
        'test': profile_test,
        'infer': profile_infer,
        'import': profile_import
    }
    return others[kind](args)


class Stages:
    """Processor seconds of stages, each without those inside it.

    Attributes:
        seconds: By name, of all threads.
    """

    def __init__(self) -> None:
        self.seconds: Shares = {}
        self._local = threading.local()
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget all that is over."""
        self.seconds.clear()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What happens inside is this stage's."""
        stack = self._local.__dict__.setdefault('stack', [])
        start = time.thread_time()
        stack.append(0.)
        try:
            yield
        finally:
            whole = time.thread_time() - start
            own = whole - stack.pop()
            if stack:
                stack[-1] += whole
            with self._lock:
                self.seconds[name] = self.seconds.get(name, 0.) + own

    def watch(self, owner: Any, method: str, name: str) -> Callable[[], None]:
        """Count a method of an object or class as a stage.

        Returns:
            Callable: Undoes it.
        """
        plain = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return plain(*args, **kwargs)

        own = vars(owner).get(method)
        setattr(owner, method, timed)

        def undo() -> None:
            if own is None:
                delattr(owner, method)
            else:
                setattr(owner, method, own)

        return undo

    def each(self, items: Any, name: str) -> Iterator[Any]:
        """The items, whose making is a stage."""
        items = iter(items)
        while True:
            with self.stage(name):
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item


def profile_training(config: str, args: argparse.Namespace) -> Shares:
    """A training step, the mean of some."""
    from mmengine.hooks import Hook

    from .train import CONFIGS, WARM_UP, train
    stages = Stages()
    marks: List[float] = []

    class Begin(Hook):
        """Watches what there is once training begins."""

        # After the one that replaces the loader's iterator.
        priority = 'LOWEST'

        def before_train(self, runner: Any) -> None:
            loop, model = runner.train_loop, runner.model
            loop.dataloader_iterator = stages.each(loop.dataloader_iterator,
                                                   'loading')
            stages.watch(model, 'extract_feat', 'encoder')
            stages.watch(model.head, 'loss', 'head and losses')
            stages.watch(runner.optim_wrapper, 'backward', 'gradients')
            stages.watch(runner.optim_wrapper, 'step', 'optimiser')

    def watch(step: int, loss: float) -> None:
        if step == WARM_UP - 1:
            stages.clear()
        marks.append(time.process_time())

    with tempfile.TemporaryDirectory() as folder:
        train(
            CONFIGS / f'{config}.py',
            Path(folder),
            args.steps + WARM_UP,
            watch,
            prepare=lambda runner: runner.register_hook(Begin()),
            batch_size=args.batch_size,
            num_workers=0,
            persistent_workers=False)
    whole = (marks[-1] - marks[WARM_UP - 1]) / args.steps
    return with_rest(
        {
            name: value / args.steps
            for name, value in stages.seconds.items()
        }, whole)


def profile_test(args: argparse.Namespace) -> Shares:
    """``mmdiffpose test`` on mocap-mini, weights untrained."""
    from mmengine.config import Config
    from mmengine.runner import Runner

    from .train import CONFIGS
    stages = Stages()
    config = Config.fromfile(CONFIGS / f'{TESTED}.py')
    config.log_level = 'ERROR'
    config.visualizer.name = f'{TESTED}-{time.time_ns()}'
    config.experiment_name = config.visualizer.name
    config.test_dataloader.dataset.max_sequences = 8
    config.default_hooks = dict(checkpoint=None)
    config.custom_hooks = []
    for field in ('dataloader', 'cfg', 'evaluator'):
        config[f'val_{field}'] = None
    with tempfile.TemporaryDirectory() as folder:
        config.work_dir = folder
        runner = Runner.from_cfg(config)
        loop = runner.build_test_loop(runner._test_loop)
        runner._test_loop = loop
        runner.test()  # warm
        loop.dataloader = _Loader(loop.dataloader, stages)
        stages.watch(runner.model, 'extract_feat', 'encoder')
        stages.watch(runner.model.head, 'sample_views', 'sampling')
        stages.watch(runner.model.head, 'predict', 'std, packing')
        stages.watch(loop.evaluator, 'process', 'metrics')
        stages.watch(loop.evaluator, 'evaluate', 'metrics')
        start = time.process_time()
        runner.test()
        whole = time.process_time() - start
    return with_rest(stages.seconds, whole)


class _Loader:
    """A data loader whose batches are a stage."""

    def __init__(self, loader: Any, stages: Stages) -> None:
        self._loader, self._stages = loader, stages

    def __iter__(self) -> Iterator[Any]:
        return self._stages.each(self._loader, 'loading')

    def __len__(self) -> int:
        return len(self._loader)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


def profile_infer(args: argparse.Namespace) -> Shares:
    """Two people of a keypoint file, drawn over their video."""
    from mmdiffpose.apis import DiffusionPose3DInferencer, overlap
    from mmdiffpose.apis.pipeline import LiftingPipeline
    from mmdiffpose.visualization.clip_renderer import ClipRenderer
    from mmdiffpose.visualization.mp4_writer import Mp4Writer
    from .infer import make_clip
    stages = Stages()
    images_at = overlap.images_at
    with tempfile.TemporaryDirectory() as folder:
        source, video = make_clip(Path(folder), args.frames)
        inferencer = DiffusionPose3DInferencer(args.model, device='cpu')
        undo = [
            stages.watch(owner, method, name)
            for owner, method, name in ((LiftingPipeline, 'read_tracks',
                                         'reading keypoints'),
                                        (LiftingPipeline, 'lift', 'lifting'),
                                        (LiftingPipeline, 'place',
                                         'placing'), (LiftingPipeline, 'write',
                                                      'writing poses'),
                                        (ClipRenderer, '__init__', 'drawing'),
                                        (ClipRenderer, 'render', 'drawing'),
                                        (Mp4Writer, 'put',
                                         'encoding'), (Mp4Writer, 'close',
                                                       'encoding'))
        ]
        overlap.images_at = lambda *given: stages.each(
            images_at(*given), 'decoding')
        try:
            for _ in range(2):  # the first is for warmth
                stages.clear()
                start = time.process_time()
                for _ in inferencer(
                        str(source),
                        video=video,
                        vis_out_dir=f'{folder}/out',
                        pred_out_dir=f'{folder}/out',
                        animation='mp4'):
                    pass
                whole = time.process_time() - start
        finally:
            overlap.images_at = images_at
            for function in undo:
                function()
    # Encoders have threads of their own.
    return with_rest(stages.seconds, whole, 'rest, other threads')


def profile_import(args: argparse.Namespace) -> Shares:
    """``import mmdiffpose.apis`` and its inferencer, by package."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    said = subprocess.run([
        sys.executable, '-X', 'importtime', '-c',
        'from mmdiffpose.apis import DiffusionPose3DInferencer'
    ],
                          check=True,
                          capture_output=True,
                          cwd=Path(mmdiffpose.__file__).parents[1],
                          text=True).stderr
    spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    # Python tells by the wall clock, which runs while others have the core.
    shares = import_shares(said)
    scale = spent / sum(shares.values())
    return {name: scale * seconds for name, seconds in shares.items()}


def import_shares(said: str, number: int = 8) -> Shares:
    """Seconds of packages from what ``-X importtime`` says.

    Args:
        said (str): Lines ``import time: self | cumulative | name``, in
            microseconds.
        number (int): Packages to name; others are the rest.
    """
    packages: Shares = {}
    for line in said.splitlines():
        parts = line.partition('import time:')[2].split('|')
        if len(parts) != 3 or not parts[0].strip().isdigit():
            continue
        package = parts[2].strip().partition('.')[0]
        packages[package] = packages.get(package,
                                         0.) + int(parts[0]) / 1_000_000
    named = dict(ordered(packages)[:number])
    return with_rest(named, sum(packages.values()))


def with_rest(seconds: Mapping[str, float],
              whole: float,
              name: str = REST) -> Shares:
    """Stages, and what of the whole is none's."""
    return {**seconds, name: max(0., whole - sum(seconds.values()))}


def ordered(stages: Mapping[str, float]) -> List[Any]:
    """Names and seconds, the longest first, the rest last."""
    return sorted(
        stages.items(), key=lambda item: (item[0].startswith(REST), -item[1]))


def draw(found: Mapping[str, Shares], path: Path) -> None:
    """A panel for each job: bars of its stages' shares."""
    import matplotlib
    matplotlib.use('agg')
    from matplotlib import pyplot as plt
    columns = min(3, len(found))
    rows = -(-len(found) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(4.2 * columns, 2.2 * rows),
        squeeze=False,
        layout='constrained')
    for panel in axes.flat[len(found):]:
        panel.set_axis_off()
    for panel, (job, stages) in zip(axes.flat, found.items()):
        whole = sum(stages.values())
        names, seconds = zip(*ordered(stages))
        shares = [100 * value / whole for value in seconds]
        bars = panel.barh(range(len(names)), shares, color='tab:blue')
        panel.bar_label(bars, fmt='%.0f %%', padding=2, fontsize=8)
        panel.set_yticks(range(len(names)), names, fontsize=8)
        panel.invert_yaxis()
        panel.set_xlim(0, 1.2 * max(shares))
        panel.set_xticks([])
        panel.set_title(
            f'{job.replace("_", ": ", 1).replace("_", "-")}, '
            f'{1000 * whole:.0f} ms',
            fontsize=9)
        for side in ('top', 'right', 'bottom'):
            panel.spines[side].set_visible(False)
    figure.savefig(path, dpi=80)
    plt.close(figure)
