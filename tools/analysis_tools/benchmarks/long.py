# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Long clips and many people: time and memory as they grow.

Each case runs at several sizes, each in a process of its own. ``--picture``
draws the curves: of linear work in flat memory, time a frame and memory a
frame are level. ``ours`` is the microseconds of processor time that a frame
takes at the largest size and ``reference`` at the smallest; likewise bytes.
For the stream it is the last tenth of the frames against the first.

    python tools/analysis_tools/benchmark.py long --scale 1 --keep long.json \\
        --picture long.png

A scale of 1 goes to 8 hours of 50 frames a second, 10,000 tracks and 100,000
frames of a stream, for an hour and more. What is in the file of ``--keep`` is
not measured again, and everything is put there as soon as it is known.
"""
import argparse
import ctypes
import gc
import json
import subprocess
import sys
import tempfile
import time
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip
from mmdiffpose.atomic_files import replacing  # isort: skip

DEMO = Path(mmdiffpose.__file__).parent / 'data' / 'demo_track_coco17.json'
FPS = 50.
HOURS = 8
STEPS = (1 / 16, 1 / 4, 1)
"""Shares of the largest size at which a case runs."""
CASES = dict(
    lift=(HOURS * 3600 * FPS, 'frames of one person, lifted'),
    people=(50 * 2000, 'frames of 50 people, lifted'),
    tracks=(10_000, 'tracks of 1 to 20 frames, lifted'),
    write=(HOURS * 3600 * FPS, 'frames written as JSON, CSV and npz'),
    read=(HOURS * 3600 * FPS, 'frames read from npz'),
    parse=(HOURS * 3600 * FPS, 'frames read from JSON'),
    stream=(100_000, 'frames of a stream, one by one'))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    parser.add_argument('--model', default='mixste-v1', help='of the zoo')
    parser.add_argument(
        '--cases', nargs='+', choices=CASES, default=list(CASES))
    parser.add_argument(
        '--scale', type=float, default=.01, help='share of the full sizes')
    parser.add_argument(
        '--keep', type=Path, help='file of what was measured before')
    parser.add_argument('--picture', type=Path, help='draw the curves here')


def run(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Measure; returns the rows."""
    found = {name: measure(name, args) for name in args.cases}
    if args.picture:
        draw(found, args)
    return [row for name in found for row in rows_of(name, found[name], args)]


def measure(name: str, args: argparse.Namespace) -> Dict[str, List]:
    """One case: each figure at every size."""
    largest = max(16, round(CASES[name][0] * args.scale))
    sizes = [max(1, round(largest * step)) for step in STEPS]
    if name == 'stream':
        return measure_size(name, largest, args)
    found = [measure_size(name, size, args) for size in sizes]
    return {key: [one[key] for one in found] for key in found[0]}


def measure_size(name: str, size: int, args: argparse.Namespace) -> Dict:
    """A case at one size, in a process of its own: nothing before it counts.
    """
    key = f'{args.model} {name} {size}'
    kept = read_kept(args.keep)
    if key not in kept:
        done = subprocess.run(
            [sys.executable, __file__, name, args.model,
             str(size)],
            capture_output=True,
            text=True,
            check=False)
        if done.returncode:
            raise ValueError(f'{key}: {done.stderr[-2000:]}')
        kept = {
            **read_kept(args.keep), key:
            json.loads(done.stdout.splitlines()[-1])
        }
        if args.keep:
            with replacing(args.keep) as part:
                part.write_text(json.dumps(kept, indent=1) + '\n')
    return kept[key]


def read_kept(path: Optional[Path]) -> Dict[str, Dict]:
    """What was measured before, by model, case and size."""
    return json.loads(path.read_text()) if path and path.is_file() else {}


def rows_of(name: str, found: Dict[str, Any],
            args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Rows of the benchmark, from a case's figures."""
    ends = found['size'][-1], found['size'][0]
    note = f'{args.model}, {ends[0]} {CASES[name][1]}'
    keys = dict(microseconds='us of CPU each', bytes='bytes each')
    if name == 'stream':
        keys = dict(p50_ms='ms, median', p99_ms='ms, 99 %', rss_mb='MB held')
    return [
        dict(
            name=f'{name}, {key}',
            ours=found[key][-1],
            reference=found[key][0],
            ratio=found[key][0] / max(found[key][-1], 1e-9),
            unit=unit,
            note=note) for key, unit in keys.items()
    ]


def draw(found: Dict[str, Dict[str, Any]], args: argparse.Namespace) -> None:
    """The curves of all cases."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    figure = Figure(figsize=(11, 3.4), layout='constrained')
    FigureCanvasAgg(figure)
    time_axes, memory_axes, stream_axes = figure.subplots(1, 3)
    for name, case in found.items():
        if name == 'stream':
            tenths = np.arange(1, len(case['p50_ms']) + 1)
            for key in ('p50_ms', 'p99_ms'):
                stream_axes.plot(tenths, case[key], 'o-', label=key[:3])
            stream_axes.set_title(f'stream of {case["size"][0]:,} frames')
            twin = stream_axes.twinx()
            twin.plot(tenths, case['rss_mb'], 's--', color='grey')
            twin.set_ylim(0, 1.5 * max(case['rss_mb']))
            twin.set_ylabel('MB held (dashed)')
            continue
        share = np.array(case['size']) / case['size'][-1]
        for axes, key in ((time_axes, 'microseconds'), (memory_axes, 'bytes')):
            axes.plot(share, case[key], 'o-', label=name)
    time_axes.set_title('processor time each, µs')
    memory_axes.set_title('memory each at most, bytes')
    for axes in (time_axes, memory_axes):
        axes.set_xscale('log', base=2)
        axes.set_xlabel('share of the largest size')
        if axes.lines:
            axes.set_yscale('log')
    stream_axes.set_xlabel('tenth of the stream')
    stream_axes.set_ylabel('ms of CPU a frame')
    stream_axes.set_ylim(bottom=0)
    for axes in (time_axes, memory_axes, stream_axes):
        if axes.lines:
            axes.legend(frameon=False)
    figure.savefig(args.picture, dpi=90)


@lru_cache(maxsize=None)
def demo_track() -> Any:
    """The demo track, read once for all the tracks that are made of it."""
    from mmdiffpose.apis import read_keypoint_tracks
    track, = read_keypoint_tracks(DEMO)
    return track


def make_track(frames: int, track_id: int = 0, first: int = 0) -> Any:
    """The demo track back and forth, with noise of its own."""
    from mmdiffpose.apis import KeypointTrack
    track = demo_track()
    rows = np.arange(frames) % (2 * len(track) - 2)
    rows = np.where(rows < len(track), rows, 2 * len(track) - 2 - rows)
    noise = np.random.default_rng(track_id).normal(0, 2, (frames, 17, 2))
    return KeypointTrack(track.keypoints[rows] + noise, track.scores[rows],
                         track.image_size, track.skeleton,
                         first + np.arange(frames), FPS, track_id)


def write_keypoints(track: Any, path: Path) -> None:
    """A file of a track, in MMPose's form or as arrays."""
    if path.suffix == '.npz':
        np.savez(
            path,
            keypoints=track.keypoints,
            scores=track.scores,
            image_size=track.image_size,
            fps=FPS)
        return
    meta = dict(
        image_size=track.image_size, fps=FPS, dataset_name=track.skeleton.name)
    with path.open('w') as file:
        file.write(f'{{"meta_info": {json.dumps(meta)}, "instance_info": [')
        for row, (joints,
                  scores) in enumerate(zip(track.keypoints, track.scores)):
            person = dict(
                keypoints=joints.round(2).tolist(),
                keypoint_scores=scores.round(3).tolist(),
                track_id=0)
            frame = dict(frame_id=row, instances=[person])
            file.write((', ' if row else '') + json.dumps(frame))
        file.write(']}')


def prepare(name: str, size: int, model: Any,
            folder: Path) -> Tuple[Callable[[], Any], int]:
    """What is measured, and how many frames or tracks it is of."""
    from mmdiffpose.apis import (lift_tracks, read_keypoint_tracks,
                                 write_results)
    focal = 1700.
    if name == 'lift':
        tracks = [make_track(size)]
    elif name == 'people':
        tracks = [make_track(max(1, size // 50), n) for n in range(50)]
        size = sum(map(len, tracks))
    elif name == 'tracks':
        tracks = [make_track(1 + n % 20, n, n) for n in range(size)]
    elif name in ('read', 'parse'):
        path = folder / ('track.npz' if name == 'read' else 'track.json')
        write_keypoints(make_track(size), path)
        return lambda: read_keypoint_tracks(path), size
    else:
        lifted = lift_tracks(model, [make_track(size)], focal_length=focal)
        return lambda: write_results(lifted, folder / 'x',
                                     ('json', 'csv', 'npz')), size
    return lambda: lift_tracks(model, tracks, focal_length=focal), size


def memory(key: str) -> int:
    """A figure of this process, bytes: ``VmRSS`` or ``VmHWM``."""
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    raise ValueError(f'/proc/self/status has no {key}')


def forget_peak() -> None:
    """Give freed memory back and let the peak begin anew."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path('/proc/self/clear_refs').write_text('5')


def figures(name: str, model: Any, size: int) -> Dict[str, float]:
    """Time and memory each, at one size."""
    with tempfile.TemporaryDirectory() as folder:
        warm, _ = prepare(name, 200, model, Path(folder))
        warm()
        work, count = prepare(name, size, model, Path(folder))
        forget_peak()
        before, start = memory('VmRSS'), time.process_time()
        work()
        seconds = time.process_time() - start
    return dict(
        size=count,
        microseconds=1e6 * seconds / count,
        bytes=(memory('VmHWM') - before) / count)


def stream(model: Any, frames: int) -> Dict[str, List]:
    """Latency and memory of each tenth of a stream."""
    from mmdiffpose.apis import StreamingLifter
    track = make_track(min(frames, 2000))
    lifter = StreamingLifter(
        model, track.image_size, track.skeleton, FPS, focal_length=1700.)
    spent = np.empty(frames)
    held: List[float] = []
    for number in range(frames):
        row = number % len(track)
        start = time.process_time()
        lifter.push(number, {0: (track.keypoints[row], track.scores[row])})
        spent[number] = time.process_time() - start
        if (number + 1) % max(frames // 10, 1) == 0:
            gc.collect()
            held.append(memory('VmRSS') / 1e6)
    tenths = np.array_split(1000 * spent, 10)
    return dict(
        size=[frames],
        p50_ms=[float(np.percentile(t, 50)) for t in tenths],
        p99_ms=[float(np.percentile(t, 99)) for t in tenths],
        rss_mb=held)


def main() -> None:
    """Measure one case at one size and print its figures as JSON."""
    warnings.simplefilter('ignore')
    name, model_name, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    from mmdiffpose.apis import init_model
    model = init_model(model_name)
    found = (
        stream(model, size) if name == 'stream' else figures(
            name, model, size))
    print(json.dumps(found))


if __name__ == '__main__':
    main()
