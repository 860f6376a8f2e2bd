# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lifting a video in overlapping windows against a window for each frame.

A small DiffPose with random weights lifts a person's track; what a window
costs depends on the weights' number only. The reference is what MMPose's
inferencer does: for each frame a window with that frame in its middle, one
forward pass for each. Before anything is timed, both have to give the same
pose where their windows are the same. On one CPU thread its own seconds count,
which others' load leaves alone. The streaming rows are latencies on the wall
clock: from a frame's 2D joints to its pose.
"""

import argparse
import time
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
import torch
from torch import nn

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

ROWS = (('video-27', 27, 9), ('video-27-half', 27, 13), ('video-243', 243, 81),
        ('video-243-half', 243, 121))
"""Name, frames of a window, frames that two windows share. A third of a window
is the default; half is slower and a little more exact."""
WIDTH, DEPTH = 32, 2
TOLERANCE = 1e-4
"""Metres by which the same window's poses may differ between batch sizes."""
WARM_UP = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument(
        '--threads', type=int, default=1, help="PyTorch's, on a CPU")
    parser.add_argument(
        '--frames', type=int, default=2000, help='frames of the video')
    parser.add_argument(
        '--reference-frames',
        type=int,
        default=40,
        help='frames that are also lifted with a window of their own')
    parser.add_argument(
        '--stream-frames', type=int, default=100, help='frames to stream')
    parser.add_argument(
        '--repeats', type=int, default=5, help='runs; the median counts')
    parser.add_argument(
        '--lengths',
        type=int,
        nargs='+',
        default=sorted({length
                        for _, length, _ in ROWS}),
        help='frames of a window')


def run(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Measure; returns the rows."""
    before = torch.get_num_threads()
    torch.set_num_threads(args.threads)
    try:
        return [row for T in args.lengths for row in measure(T, args)]
    finally:
        torch.set_num_threads(before)


def measure(length: int, args: argparse.Namespace) -> List[Dict[str, Any]]:
    """The rows of one window length."""
    from mmdiffpose.apis import lift_track
    model, track = build_model(length, args.device), make_track(args.frames)
    centred = CentredWindows(model, track)
    frames, difference = check(model, track, centred, args.reference_frames)
    overlaps = {name: n for name, T, n in ROWS if T == length}
    clock, clock_name = time.perf_counter, 'wall clock'
    if args.device == 'cpu' and args.threads == 1:
        clock, clock_name = time.process_time, 'CPU time'
    times: Dict[str, List[float]] = {name: [] for name in overlaps}
    reference: List[float] = []
    for part in np.array_split(frames, args.repeats):
        for name, overlap in overlaps.items():  # in turns, under one load
            times[name].append(
                seconds(lambda: lift_track(model, track, overlap), clock) /
                args.frames)
        reference += [seconds(lambda: centred(frame), clock) for frame in part]
    small = (f'MixSTE of {length} frames, width {WIDTH}, depth {DEPTH}, and '
             f'DiffPose head (N = 5, 2 DDIM steps), random weights, '
             f'{args.device}, {args.threads} thread(s)')
    rows = [
        row(
            name, np.median(times[name]), np.median(reference), 'frames/s',
            f'{args.frames} frames offline, windows share {overlap} of '
            f'{length} frames, {clock_name}; {small}. Reference: a window'
            ' centred on each frame, one pass each, median of '
            f'{len(frames)} frames; where windows are the same, poses are at '
            f'most {1000 * difference:.1g} mm apart')
        for name, overlap in overlaps.items()
    ]
    waits, own = stream(model, track, centred, args.stream_frames)
    return rows + [
        row(
            f'video-{length}-stream-p{percent}', np.percentile(waits, percent),
            np.percentile(own, percent), 'ms',
            f'one person, {len(waits)} frames streamed without waiting for '
            f'the future, percentile {percent} of the wall clock from 2D '
            f'joints to pose; {small}. Reference: a window centred on the '
            'frame, in turns') for percent in (50, 99)
    ]


def row(name: str, ours: float, reference: float, unit: str,
        note: str) -> Dict[str, Any]:
    """A row from two times in seconds."""

    def figure(value: float) -> float:
        return float(1000 * value if unit == 'ms' else 1 / value)

    return dict(
        name=name,
        ours=figure(ours),
        reference=figure(reference),
        ratio=float(reference / ours),
        unit=unit,
        note=note)


def build_model(length: int, device: str) -> nn.Module:
    """A small lifter with random weights."""
    from mmengine.config import Config

    from mmdiffpose.apis import init_model
    codec = dict(type='mmdiffpose.GMMDiffusionPose')
    pipeline = [
        dict(type='GenerateTarget', encoder=codec),
        dict(
            type='PackPoseInputs',
            meta_keys=('id', 'category_id', 'target_img_path', 'flip_indices',
                       'camera_param', 'clip', 'camera', 'target_frame'))
    ]
    dataset = dict(
        type='mmdiffpose.MocapMiniDataset',
        split='test',
        seq_len=length,
        test_mode=True,
        pipeline=pipeline)
    model = dict(
        type='mmdiffpose.DiffusionPoseLifter',
        backbone=dict(
            type='mmdiffpose.MixSTE',
            seq_len=length,
            embed_dims=WIDTH,
            depth=DEPTH,
            num_heads=4),
        coarse_head=dict(
            type='mmdiffpose.LiftingRegressionHead', in_channels=WIDTH),
        head=dict(
            type='mmdiffpose.DiffPoseHead',
            in_channels=WIDTH,
            denoiser=dict(type='mmdiffpose.GCNAttention', channels=WIDTH),
            num_gmm_samples=64,
            target='sample',
            decoder=codec),
        test_cfg=dict(num_hypotheses=5, num_sampling_steps=2))
    torch.manual_seed(0)
    model = init_model(
        Config(
            dict(
                default_scope='mmpose',
                model=model,
                train_dataloader=dict(dataset=dataset),
                test_dataloader=dict(dataset=dataset))),
        device=device)
    for weight in model.head.parameters():
        # Some start at zero, and the head would repeat the encoder's pose.
        nn.init.normal_(weight, std=0.05)
    return model


def make_track(frames: int) -> Any:
    """Joints that swing about a person's, in a picture of 1000 x 1000."""
    from mmdiffpose.apis import KeypointTrack
    from mmdiffpose.skeletons import H36M_17
    rng = np.random.default_rng(0)
    pose = rng.uniform(-150, 150, (1, 17, 2)) + 500
    phase = rng.uniform(0, 6, (1, 17, 2))
    swing = 30 * np.sin(np.arange(frames)[:, None, None] / 10 + phase)
    scores = rng.uniform(0.5, 1, (frames, 17))
    return KeypointTrack(pose + swing, scores, (1000, 1000), H36M_17, fps=50)


class CentredWindows:
    """The reference: lifts a frame with a window of its own.

    Args:
        model (nn.Module): The lifter.
        track (KeypointTrack): A track without gaps.
    """

    def __init__(self, model: nn.Module, track: Any) -> None:
        from mmdiffpose.lifting.window_inference import (prepare_clip,
                                                         window_length)
        self.model = model
        self.length = window_length(model)
        self.clip = prepare_clip(model, track, max_gap=0, fit=True)

    def __call__(self, frame: int) -> np.ndarray:
        """The frame's pose (J, 3), metres."""
        from mmdiffpose.lifting.window_inference import run_windows
        from mmdiffpose.lifting.windows import WindowPlan
        half = self.length // 2
        plan = WindowPlan(
            len(self.clip.track), self.length, np.array([frame - half]),
            np.empty(0))
        (fields, ), = run_windows(self.model, self.clip.windows(plan), 1)
        return fields['keypoints'][half]


def check(model: nn.Module, track: Any, centred: CentredWindows,
          number: int) -> Tuple[np.ndarray, float]:
    """Compare poses where both ways look at the same window.

    Returns:
        tuple[np.ndarray, float]: Frames to time the reference on, these
        among them, and the largest difference, metres.

    Raises:
        RuntimeError: If a pose differs.
    """
    from mmdiffpose.apis import lift_track
    from mmdiffpose.lifting.windows import plan_windows

    # Without overlap no window but its own says anything of its middle.
    plan = plan_windows(len(track), centred.length, 0)
    same = (plan.starts + centred.length // 2)[:number]
    # As it comes, and in the axes that the network has it in.
    lifted = lift_track(
        model, track, overlap=0, resample=False).in_axes('lifter')
    difference = max(
        float(np.abs(centred(frame) - lifted.keypoints_3d[frame]).max())
        for frame in same)
    if not difference < TOLERANCE:
        raise RuntimeError(
            f'poses of the same window differ by {difference} m')
    others = np.random.default_rng(0).permutation(len(track))
    return np.unique(np.append(same, others[:number]))[:number], difference


def stream(model: nn.Module, track: Any, centred: CentredWindows,
           frames: int) -> Tuple[List[float], List[float]]:
    """Time streaming and the reference in turns.

    Returns:
        tuple[list[float], list[float]]: Seconds from each frame's 2D joints
        to its pose, and of the frame's own window.
    """
    from mmdiffpose.apis import StreamingLifter
    lifter = StreamingLifter(model, track.image_size, track.skeleton)
    waits, own = [], []
    for frame in range(frames + WARM_UP):
        seen = {0: (track.keypoints[frame], track.scores[frame])}
        waits.append(seconds(lambda: lifter.push(frame, seen)))
        own.append(seconds(lambda: centred(frame)))
    return waits[WARM_UP:], own[WARM_UP:]


def seconds(function: Callable[[], Any],
            clock: Callable[[], float] = time.perf_counter) -> float:
    """Time of a call; results are NumPy arrays, so a GPU is waited for."""
    start = clock()
    function()
    return clock() - start
