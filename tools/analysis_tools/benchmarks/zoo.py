# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffPose on the scaled residual against its encoder and the older DiffPose.

Presets with random weights lift a person's track; what that costs depends on
the weights' number only. ``zoo-diffpose-sampling`` is the head alone on cached
context, ``zoo-diffpose`` the way from 2D joints to poses (``lift_tracks``),
both against the preset that diffuses poses; ``zoo-diffpose-encoder`` is that
way against the same way with the context encoder alone. The rows
``zoo-mixste243`` are DiffPose at the paper's size, ``zoo-memory`` is the peak
of a process of its own. On one CPU thread its own seconds count, which others'
load leaves alone.
"""

import argparse
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence

import numpy as np
import torch
from torch import nn

from .video import make_track, seconds

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

CONFIGS = Path(mmdiffpose.__file__).resolve().parents[1] / 'configs'
"""Those of the revision that is measured."""
NEW, OLD = 'diffpose_frames_views-27', 'diffpose_mixste_hdm05-cmu-27'
BIG = 'diffpose_mixste_h36m-243'
GIGABYTES = 1.5
"""What hypotheses of a long track may take."""
ROWS = ('diffpose', 'mixste243', 'memory')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    parser.add_argument('--only', nargs='+', choices=ROWS, default=ROWS)
    parser.add_argument(
        '--threads', type=int, default=1, help="PyTorch's, on a CPU")
    parser.add_argument('--frames', type=int, default=1000)
    parser.add_argument(
        '--hypotheses', type=int, default=10, help='of the small presets')
    parser.add_argument(
        '--long', type=int, nargs=2, default=(10_000, 100), metavar=('F', 'N'))
    parser.add_argument(
        '--repeats', type=int, default=5, help='runs; the median counts')


def run(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Measure; returns the rows."""
    from mmengine.registry import init_default_scope
    init_default_scope('mmpose')
    before = torch.get_num_threads()
    torch.set_num_threads(args.threads)
    measures = dict(
        diffpose=measure_preset, mixste243=measure_big, memory=measure_memory)
    try:
        with torch.no_grad():
            return [row for name in args.only for row in measures[name](args)]
    finally:
        torch.set_num_threads(before)


def load(name: str, encoder: bool = False, **options: Any) -> nn.Module:
    """A preset with random weights, or its context encoder as a lifter.

    Args:
        name (str): Of the config.
        encoder (bool): Whether to leave out the head that samples.
        **options: For ``model.test_cfg``.
    """
    from mmengine.config import Config

    from mmdiffpose.apis import init_model
    config = Config.fromfile(CONFIGS / f'{name}.py')
    torch.manual_seed(0)
    if encoder:
        config.model = dict(
            type='PoseLifter',
            data_preprocessor=dict(type='mmdiffpose.LiftingDataPreprocessor'),
            backbone=config.model.backbone,
            head=dict(config.model.coarse_head, decoder=config.codec))
    else:
        config.model.test_cfg = {**config.model.test_cfg, **options}
        config.model.head.decoder = config.codec
    model = init_model(config)
    for value in model.head.parameters():
        # Some start at zero, which no processor has to multiply.
        if value.unique().numel() == 1:
            nn.init.normal_(value, std=0.05)
    return model


def race(functions: Sequence[Callable[[], Any]],
         args: argparse.Namespace) -> List[float]:
    """Median seconds of each, run in turns."""
    clock = time.process_time if args.threads == 1 else time.perf_counter
    for function in functions:
        function()
    times = [[seconds(function, clock) for function in functions]
             for _ in range(args.repeats)]
    return np.median(times, axis=0).tolist()


def make_row(name: str, ours: float, reference: float, unit: str,
             note: str) -> Dict[str, Any]:
    """A row of figures of which more is better."""
    return dict(
        name=name,
        ours=ours,
        reference=reference,
        ratio=ours / reference,
        unit=unit,
        note=note)


def sampling(model: nn.Module, frames: int) -> Callable[[], Any]:
    """The head on windows whose context is known, as in lifting."""
    length = model.backbone.seq_len
    windows = max(1, frames // length)
    inputs = torch.rand(windows, length, 17,
                        getattr(model.backbone, 'in_channels', 2))
    context = model.extract_feat(inputs)
    if hasattr(model.head, 'prepare'):
        context = model.head.prepare(context)
    mixtures = None
    if model.head.reads_mixtures:
        mixtures = torch.rand(windows, length, 17, 1, 5)
        mixtures[..., 0] = 1
    options = {
        key: value
        for key, value in model.test_cfg.items() if key != 'flip_test'
    }
    return lambda: model.head.sample(context, mixtures, **options)


def measure_preset(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """The small preset."""
    from mmdiffpose.apis import lift_tracks
    many = dict(num_hypotheses=args.hypotheses)
    new, old = load(NEW, **many), load(OLD, **many)
    encoder = load(NEW, encoder=True)
    track = make_track(args.frames)

    def lift(model: nn.Module) -> Callable[[], Any]:
        return lambda: lift_tracks(model, [track], resample=False)

    times = race([
        sampling(new, args.frames),
        sampling(old, args.frames),
        lift(new),
        lift(old),
        lift(encoder)
    ], args)
    rates = [args.frames / value for value in times]
    where = (f'N = {args.hypotheses}, {args.frames} frames, {args.threads} '
             'thread(s), random weights')
    return [
        make_row(
            'zoo-diffpose-sampling', rates[0], rates[1], 'frames/s',
            f'{NEW}, the head on cached context; reference: {OLD}; '
            f'{where}'),
        make_row('zoo-diffpose', rates[2], rates[3], 'frames/s',
                 f'{NEW}, lift_tracks; reference: {OLD}; {where}'),
        make_row(
            'zoo-diffpose-encoder', rates[2], rates[4], 'frames/s',
            f'{NEW}, lift_tracks; reference: the same with its context '
            f'encoder alone; {where}'),
    ]


def measure_big(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """The paper's size: one window of MixSTE-243."""
    from mmengine.config import Config

    from mmdiffpose.registry import MODELS
    config = Config.fromfile(CONFIGS / f'{BIG}.py').model
    config.head = dict(
        type='mmdiffpose.DiffPoseHead',
        in_channels=config.head.in_channels,
        denoiser=dict(type='mmdiffpose.ResidualMLP', width=128),
        xy='context',
        residual_diffusion=dict())
    config.pop('test_cfg', None)
    torch.manual_seed(0)
    model = MODELS.build(config).eval()
    inputs = torch.rand(1, model.backbone.seq_len, 17, 2)
    mixtures = torch.rand(*inputs.shape[:3], 1, 5)
    mixtures[..., 0] = 1

    def whole(number: int) -> Callable[[], Any]:
        return lambda: model.head.sample(
            model.extract_feat(inputs), mixtures, num_hypotheses=number)

    numbers = (5, 20)
    alone, *times = race(
        [lambda: model.extract_feat(inputs), *map(whole, numbers)], args)
    rate = inputs.shape[1] / alone
    return [
        make_row(
            f'zoo-mixste243-n{number}', inputs.shape[1] / value, rate,
            'frames/s', f'MixSTE of 243 frames, 512 channels, depth 8, and '
            f'the residual by a light network, N = {number}, 2 evaluations, '
            f'{args.threads} thread(s); reference: its context encoder alone')
        for number, value in zip(numbers, times)
    ]


def measure_memory(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Peak of a process that lifts a long track with many hypotheses."""
    frames, hypotheses = args.long
    with ProcessPoolExecutor(1, mp_context=get_context('spawn')) as pool:
        peak = pool.submit(peak_memory, frames, hypotheses).result()
    row = make_row(
        'zoo-memory', peak, GIGABYTES, 'GB',
        f'peak of a process that lifts {frames} frames with N = {hypotheses} '
        f'({NEW}), all that it has loaded included; reference: the limit')
    return [dict(row, ratio=GIGABYTES / peak)]


def peak_memory(frames: int, hypotheses: int) -> float:
    """Of this process after lifting, in 10^9 bytes."""
    from mmdiffpose.apis import lift_tracks
    torch.set_num_threads(1)
    model = load(NEW, num_hypotheses=hypotheses)
    with torch.no_grad():
        lift_tracks(model, [make_track(frames)], resample=False)
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9
