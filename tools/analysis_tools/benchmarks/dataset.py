# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Memory and speed of the lifting data sets.

Annotation files of so many frames are written to a temporary folder and read
in a fresh process, so that what its resident memory grows by is the data
set's. The same is done, with fewer frames, with MMPose's
``Human36mDataset``, which materialises every window.

``dataset-views`` is ``MocapViewDataset``, all of it: cameras, detector,
bodies, the canonical view, batches as a training loop gets them. Beside it,
what training did before: windows of four fixed cameras whose detections are
drawn anew, through the pipeline.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List

import numpy as np

import mmdiffpose

CLIP_FRAMES = 2500
MMPOSE_FRAMES = 600
"""MMPose takes some 190 kB a frame at 243 frames a window."""

VIEW_FRAMES = 27
"""Frames of the windows of drawn views."""

FILES = dict(
    ann_file='annotation_body3d/fps50/h36m_train.npz',
    camera_param_file='annotation_body3d/cameras.pkl',
    keypoint_2d_src='detection',
    keypoint_2d_det_file='joint_2d_det_files/simulated_train.npy')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    parser.add_argument(
        '--frames', type=int, default=200_000, help='frames of the data set')
    parser.add_argument(
        '--seq-len', type=int, default=243, help='frames of a window')
    parser.add_argument(
        '--samples', type=int, default=5000, help='windows to time')
    parser.add_argument(
        '--repeats', type=int, default=3, help='runs; the median counts')


def run(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Measure; returns the rows."""
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), args.frames)
        ours = measure(folder, 'ours', args)
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), MMPOSE_FRAMES)
        theirs = measure(folder, 'mmpose', args)
    with tempfile.TemporaryDirectory() as folder:
        raw = write_motions_file(Path(folder))
        views = measure(folder, 'views', args)
        before = measure(folder, 'pipeline', args)
    note = (f'{args.frames} frames, windows of {args.seq_len} at stride 1; '
            'ratio: raw array bytes / resident bytes added; '
            f'{ours["samples_per_second"]:.0f} samples/s; MMPose adds '
            f'{theirs["resident"] / MMPOSE_FRAMES / 1e3:.0f} kB a frame, ours '
            f'{ours["resident"] / args.frames / 1e3:.2f} kB')
    return [
        dict(
            name='dataset-memory',
            ours=ours['resident'] / 1e6,
            reference=ours['raw'] / 1e6,
            ratio=ours['raw'] / ours['resident'],
            unit='MB',
            note=note),
        dict(
            name='dataset-samples',
            ours=ours['samples_per_second'],
            reference=theirs['samples_per_second'],
            ratio=ours['samples_per_second'] / theirs['samples_per_second'],
            unit='samples/s',
            note=f'windows of {args.seq_len} frames drawn at random, one '
            "process, no transforms; MMPose's windows hold one target frame "
            f'each and come from {MMPOSE_FRAMES} frames'),
        dict(
            name='dataset-views',
            ours=views['samples_per_second'],
            reference=before['samples_per_second'],
            ratio=views['samples_per_second'] / before['samples_per_second'],
            unit='windows/s',
            note=f'{VIEW_FRAMES} frames a window, one process, CPU time; '
            'reference: MocapMiniDataset with LiftingFlip and '
            'RedrawDetectorNoise; the data set adds '
            f'{views["resident"] / 1e6:.0f} MB for motions of '
            f'{raw / 1e6:.0f} MB')
    ]


def write_motions_file(root: Path, frames: int = 150_000) -> int:
    """Write motions, by default as many as HDM05's and CMU's.

    Args:
        root (Path): Where ``motions.npz`` is written.
        frames (int): About so many.

    Returns:
        int: Their bytes.
    """
    from mmdiffpose.datasets.mocap_mini_file import load_mocap_mini
    from mmdiffpose.datasets.world_motions import make_motions, write_motions
    motions, fps = load_mocap_mini()
    clips = [
        dict(
            positions=motion.positions,
            fps=fps,
            subject=motion.subject,
            action=motion.action,
            clip=motion.clip,
            source='mini') for motion in motions
    ]
    bundled = sum(len(motion.positions) for motion in motions)
    collection = make_motions(clips * max(1, frames // bundled))
    write_motions(root / 'motions.npz', collection)
    return collection.positions.nbytes


def write_files(root: Path, frames: int) -> None:
    """Write annotation files of a person who moves at random."""
    from mmdiffpose.datasets.annotation_files.annotation_writer import (
        ClipRecord, write_split)
    from mmdiffpose.datasets.annotation_files.annotations import \
        AnnotationPaths
    from mmdiffpose.datasets.annotation_files.camera_files import write_cameras
    from mmdiffpose.datasets.annotation_files.image_names import Track
    from mmdiffpose.datasets.cameras import VIRTUAL_CAMERAS
    from mmdiffpose.datasets.mocap_mini_file import load_mocap_mini
    camera = VIRTUAL_CAMERAS[0]
    rng = np.random.default_rng(0)
    pose = camera.world_to_camera(load_mocap_mini()[0][0].positions[:1])
    cameras, records = {}, []
    for start in range(0, frames, CLIP_FRAMES):
        size = min(CLIP_FRAMES, frames - start)
        clip = pose + rng.normal(size=(size, 1, 3)) * .05
        points = camera.project(clip)
        noise = rng.normal(size=points.shape) * 5
        track = Track(f'S{len(records) + 1}', 'Walking', camera.name)
        cameras[track.subject, track.camera] = camera.as_param()
        records.append(
            ClipRecord(
                track,
                points,
                clip,
                detections=np.concatenate(
                    [points + noise, np.ones((size, 17, 1))], axis=-1)))
    paths = AnnotationPaths(root, 'h36m')
    write_split(paths, 'train', records, cameras, detector='simulated')
    write_cameras(paths.cameras, cameras)


def measure(folder: str, which: str,
            args: argparse.Namespace) -> Dict[str, float]:
    """Medians of several measurements, each in a fresh process."""
    # Not as a file: its folder would hide Python's own `profile`.
    command = [
        sys.executable, '-m', 'benchmarks.dataset', folder, which,
        str(args.seq_len),
        str(args.samples)
    ]
    # The package may be a checkout that is not installed. MMPose looks its
    # joint sets up below the working directory first: not here, then.
    paths = [
        str(Path(mmdiffpose.__file__).parents[1]),
        str(Path(__file__).resolve().parents[1])
    ]
    paths += filter(None, [os.environ.get('PYTHONPATH')])
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(paths))
    results = []
    for _ in range(args.repeats):
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True)
        if done.returncode:
            raise RuntimeError(f'{" ".join(command)} failed:\n{done.stderr}')
        results.append(json.loads(done.stdout.splitlines()[-1]))
    return {
        key: float(np.median([result[key] for result in results]))
        for key in results[0]
    }


def resident_bytes() -> int:
    """Resident memory of this process (Linux)."""
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith('VmRSS'):
            return int(line.split()[1]) * 1024
    raise RuntimeError('/proc/self/status does not tell VmRSS')


def build(folder: str, which: str, seq_len: int) -> Any:
    """The data set to measure."""
    if which == 'ours':
        from mmdiffpose.datasets import Human36MLiftingDataset
        return Human36MLiftingDataset(
            data_root=folder, seq_len=seq_len, stride=1, **FILES)
    from mmpose.datasets.datasets import Human36mDataset
    return Human36mDataset(
        data_root=folder,
        seq_len=seq_len,
        pad_video_seq=True,
        causal=False,
        **FILES)


def measure_here(folder: str, which: str, seq_len: int,
                 samples: int) -> Dict[str, float]:
    """Build a data set in this process and draw windows from it."""
    import mmdiffpose.datasets  # noqa: F401 - not part of the data set
    before = resident_bytes()
    if which in ('views', 'pipeline'):
        return measure_views(folder, which, samples)
    dataset = build(folder, which, seq_len)
    resident = resident_bytes() - before
    raw = 0
    if which == 'ours':
        raw = sum(sequence.nbytes for sequence in dataset.sequences)
    order = np.random.default_rng(0).integers(len(dataset), size=samples)
    start = time.perf_counter()
    for index in order:
        dataset[int(index)]
    seconds = time.perf_counter() - start
    return dict(
        resident=resident, raw=raw, samples_per_second=samples / seconds)


def measure_views(folder: str, which: str, samples: int) -> Dict[str, float]:
    """Batches of a training loop over drawn views, or of one before them."""
    import torch
    from torch.utils.data import DataLoader

    from mmdiffpose.datasets import (MocapMiniDataset, MocapViewDataset,
                                     ViewSampler, compact_collate,
                                     view_collate)
    torch.set_num_threads(1)
    loader: Any
    before = resident_bytes()
    if which == 'views':
        views = MocapViewDataset(
            f'{folder}/motions.npz', seq_len=VIEW_FRAMES, windows=samples)
        loader = DataLoader(
            views, 256, sampler=ViewSampler(views), collate_fn=view_collate)
    else:
        steps = [
            dict(type='mmdiffpose.LiftingFlip'),
            dict(type='mmdiffpose.RedrawDetectorNoise'),
            dict(
                type='GenerateTarget',
                encoder=dict(type='mmdiffpose.GMMDiffusionPose')),
            dict(type='PackPoseInputs')
        ]
        windows = MocapMiniDataset(
            split='train', seq_len=VIEW_FRAMES, stride=1, pipeline=steps)
        windows.get_subset_(min(samples, len(windows)))
        loader = DataLoader(windows, 256, collate_fn=compact_collate)
    resident = resident_bytes() - before
    start = time.process_time()
    count = sum(len(batch['inputs']) for batch in loader)
    seconds = time.process_time() - start
    return dict(resident=resident, samples_per_second=count / seconds)


if __name__ == '__main__':
    _, root, kind, length, count = sys.argv
    print(json.dumps(measure_here(root, kind, int(length), int(count))))
