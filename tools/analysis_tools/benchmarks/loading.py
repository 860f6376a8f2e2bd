# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Batches from a data loader's worker: bytes against shared memory.

The training data of a config, mocap-mini's by default, come from one worker
process, once with ``compact_collate`` and once with MMEngine's
``pseudo_collate``. The training process has nothing else to do, so that what
it spends on a sample is what receiving costs it.
"""

import argparse
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

ROOT = Path(__file__).resolve().parents[3]
COLLATES = dict(ours='mmdiffpose.compact_collate', reference='pseudo_collate')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    parser.add_argument(
        '--config',
        type=Path,
        default=ROOT / 'configs' / 'mixste_mini-27.py',
        help='whose train_dataloader is read')
    parser.add_argument(
        '--batch-size', type=int, default=128, help='samples of a batch')
    parser.add_argument(
        '--batches', type=int, default=8, help='batches of a run')
    parser.add_argument(
        '--repeats', type=int, default=5, help='runs; the median counts')


def run(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Measure; returns the rows."""
    init_default_scope('mmpose')
    loaders = {name: build(args, kind) for name, kind in COLLATES.items()}
    times: Dict[str, List[Tuple[float, float]]] = {
        name: []
        for name in loaders
    }
    for repeat in range(args.repeats + 1):
        for name, loader in loaders.items():
            measured = measure(loader, args.batches * args.batch_size)
            if repeat:  # the first starts the worker
                times[name].append(measured)
    medians = {name: np.median(runs, axis=0) for name, runs in times.items()}
    (wall, cpu), (wall_ref, cpu_ref) = medians['ours'], medians['reference']
    note = (f'{args.config.stem}, batches of {args.batch_size}, one worker; '
            'ours compact_collate, reference pseudo_collate')
    return [
        dict(
            name='loading-samples',
            ours=1 / wall,
            reference=1 / wall_ref,
            ratio=wall_ref / wall,
            unit='samples/s',
            note=note),
        dict(
            name='loading-training-process',
            ours=cpu * 1e3,
            reference=cpu_ref * 1e3,
            ratio=cpu_ref / cpu,
            unit='ms/sample',
            note=f'processor time of the training process; {note}')
    ]


def build(args: argparse.Namespace,
          collate: str) -> torch.utils.data.DataLoader:
    """The config's training data from one worker."""
    cfg = Config.fromfile(args.config).train_dataloader
    cfg.update(
        num_workers=1,
        persistent_workers=True,
        batch_size=args.batch_size,
        collate_fn=dict(type=collate))
    loader = Runner.build_dataloader(cfg, seed=0)
    needed = args.batches * args.batch_size
    if len(loader.dataset) < needed:
        raise ValueError(f'{args.config}: expected at least {needed} samples '
                         f'for --batches and --batch-size, found '
                         f'{len(loader.dataset)}')
    return loader


def measure(loader: torch.utils.data.DataLoader,
            samples: int) -> Tuple[float, float]:
    """Seconds and processor seconds of this process per sample."""
    batches = iter(loader)
    wall, cpu = time.perf_counter(), time.process_time()
    received = 0
    while received < samples:
        received += len(next(batches)['inputs'])
    return ((time.perf_counter() - wall) / samples,
            (time.process_time() - cpu) / samples)
