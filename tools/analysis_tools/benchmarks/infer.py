# Copyright (c) mmdiffpose contributors. All rights reserved.
"""`mmdiffpose infer` on a clip: frames a second and processor time.

Two people walk through a clip that is made for the occasion; their joints
come from a file, so that nothing is detected, or, with ``--pose2d``, from a
detector on ``--video``. From the call to the last file, without imports and
the making of models: frames a second by the wall clock, which all else that a
machine does slows down, and processor time of all threads. There is no other
program to compare with: ``--against REV`` compares with another revision.
"""
import argparse
import json
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any, Dict, List, Tuple

import cv2
import numpy as np

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

DEMO = (Path(mmdiffpose.__file__).parent / 'data' / 'demo_track_coco17.json')
SIZE = (1768, 994)
"""Of the demo track's picture."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    parser.add_argument(
        '--model',
        default='mixste_hdm05-cmu-27',
        help='of the zoo; an alias may be of another one in another revision')
    parser.add_argument(
        '--frames', type=int, default=230, help='frames of the clip')
    parser.add_argument(
        '--video', type=Path, help='for --pose2d: the clip with people in it')
    parser.add_argument(
        '--pose2d', help='FILE.py:NAME, a detector to run on --video')
    parser.add_argument('--pose2d-weights', help='its weights')
    parser.add_argument(
        '--repeats', type=int, default=3, help='runs; the median counts')


def run(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Measure; returns the rows."""
    warnings.simplefilter('ignore')
    with tempfile.TemporaryDirectory() as folder:
        drawn = dict(vis_out_dir=f'{folder}/out', **known(animation='mp4'))
        # At the video's own frame rate, as all revisions can.
        own_rate = known(resample=False)
        if args.pose2d is None:
            source, video = make_clip(Path(folder), args.frames)
            jobs = dict(
                poses=own_rate, drawn=dict(own_rate, **drawn, video=video))
            source_text = f'{args.frames} frames, two people from a file'
        else:
            source = args.video
            detected = dict(own_rate, max_frames=args.frames)
            jobs = dict(
                detected=detected, detected_and_drawn=dict(detected, **drawn))
            source_text = f'{args.frames} frames of {source}, {args.pose2d}'
        from mmdiffpose.apis import DiffusionPose3DInferencer
        inferencer = DiffusionPose3DInferencer(
            args.model,
            pose2d=args.pose2d,
            pose2d_weights=args.pose2d_weights,
            device='cpu')
        rows = []
        for name, options in jobs.items():
            rate, seconds = measure(inferencer, source, args.repeats, options)
            title = f'infer, {name.replace("_", " ")}'
            rows += [
                dict(
                    name=title + ending,
                    ours=figure,
                    reference=None,
                    ratio=None,
                    unit=unit,
                    note=f'{args.model}, {source_text}')
                for ending, figure, unit in (('', rate, 'frames/s'),
                                             (', processor', 1000 * seconds,
                                              'ms a frame'))
            ]
        return rows


def known(**options: Any) -> Dict[str, Any]:
    """Those of some options that the revision has."""
    from mmdiffpose.apis.inference_options import InferenceOptions
    return {
        name: value
        for name, value in options.items() if hasattr(InferenceOptions, name)
    }


def measure(inferencer: Any, source: Path, repeats: int,
            options: Dict[str, Any]) -> Tuple[float, float]:
    """Frames a second and processor seconds a frame, medians of some runs
    after one that warms up."""
    found = []
    for _ in range(repeats + 1):
        wall, processor = time.perf_counter(), time.process_time()
        frames = sum(1 for _ in inferencer(str(source), **options))
        found.append((frames / (time.perf_counter() - wall),
                      (time.process_time() - processor) / frames))
    rate, seconds = np.median(found[1:], axis=0).tolist()
    return rate, seconds


def make_clip(folder: Path, frames: int) -> Tuple[Path, Path]:
    """A video, and the joints of two people in it, who walk back and forth."""
    content = json.loads(DEMO.read_text())
    track = content['instance_info']
    steps = np.arange(frames) % (2 * len(track) - 2)
    steps = np.where(steps < len(track), steps, 2 * len(track) - 2 - steps)
    found = []
    for number, step in enumerate(steps.tolist()):
        person, = track[step]['instances']
        other = dict(person, track_id=1)
        other['keypoints'] = [[x + 300, y] for x, y in person['keypoints']]
        found.append(dict(frame_id=number, instances=[person, other]))
    source, video = folder / 'clip.json', folder / 'clip.mp4'
    source.write_text(json.dumps(dict(content, instance_info=found)))
    writer = cv2.VideoWriter(
        str(video), cv2.VideoWriter.fourcc(*'mp4v'), 30., SIZE)
    rng = np.random.default_rng(0)
    noise = cv2.resize(rng.integers(0, 256, (62, 110, 3), np.uint8), SIZE)
    for number in range(frames):
        writer.write(np.roll(noise, 4 * number, axis=1))
    writer.release()
    return source, video
