# Copyright (c) mmdiffpose contributors. All rights reserved.
"""`mmdiffpose infer` on a clip: frames a second and processor time.

Two people walk through a clip that is made for the occasion; their joints
come from a file, so that nothing is detected, or, with ``--detector-ms``, from
a detector that takes so long a picture on one thread; or, with ``--pose2d``,
from a real one on ``--video``. The lifter works at the video's own frame rate.
From the call to the last file, without imports and
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
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

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
        '--detector-ms',
        type=float,
        help='also detect people in the made clip: processor time a picture')
    parser.add_argument(
        '--repeats', type=int, default=3, help='runs; the median counts')


def run(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Measure; returns the rows."""
    warnings.simplefilter('ignore')
    with tempfile.TemporaryDirectory() as folder:
        drawn = dict(vis_out_dir=f'{folder}/out', **known(animation='mp4'))
        # At the video's own frame rate, as all revisions can.
        own_rate = known(resample=False)
        jobs: List[Job] = []
        if args.pose2d is None:
            source, video = make_clip(Path(folder), args.frames)
            people = f'{args.frames} frames, two people '
            jobs += [
                Job('poses', source, own_rate, people + 'from a file'),
                Job('drawn', source, dict(own_rate, **drawn, video=video),
                    people + 'from a file')
            ]
            detector: Any = None
            if args.detector_ms is not None:
                detector = StandIn(args.detector_ms)
                people += f'found in {args.detector_ms:g} ms a picture'
        else:
            video, detector = args.video, args.pose2d
            people = f'{args.frames} frames of {video}, {detector}'
        if detector is not None:
            found = dict(own_rate, max_frames=args.frames)
            jobs += [
                Job('detected', video, found, people),
                Job('detected and drawn', video, dict(found, **drawn), people)
            ]
        from mmdiffpose.apis import DiffusionPose3DInferencer
        inferencer = DiffusionPose3DInferencer(
            args.model,
            pose2d=detector,
            pose2d_weights=args.pose2d_weights,
            device='cpu')
        return [
            row for job in jobs
            for row in rows_of(job, inferencer, args.model, args.repeats)
        ]


class Job(NamedTuple):
    """What is measured: an input, a call's options, and words for them."""
    name: str
    source: Path
    options: Dict[str, Any]
    note: str


def rows_of(job: Job, inferencer: Any, model: str,
            repeats: int) -> List[Dict[str, Any]]:
    """Frames a second and processor time of a job."""
    rate, seconds = measure(inferencer, job.source, repeats, job.options)
    return [
        dict(
            name=f'infer, {job.name}{ending}',
            ours=figure,
            reference=None,
            ratio=None,
            unit=unit,
            note=f'{model}, {job.note}')
        for ending, figure, unit in (('', rate, 'frames/s'),
                                     (', processor', 1000 * seconds,
                                      'ms a frame'))
    ]


class StandIn:
    """A detector of the made clip's people that takes its time.

    On one thread and without Python's lock, as others do.

    Args:
        milliseconds (float): Of processor time a picture.
    """
    skeleton = 'coco'

    def __init__(self, milliseconds: float) -> None:
        self._seconds = milliseconds / 1000
        self._track = demo_track()
        self.reset()

    def reset(self) -> None:
        """Begin with the first frame."""
        self._frame = 0

    def __call__(
            self,
            image: np.ndarray,
            boxes: Optional[np.ndarray] = None
    ) -> Tuple[np.ndarray, np.ndarray]:
        """Keypoints (2, 17, 2), pixels, and scores (2, 17)."""
        end = time.thread_time() + self._seconds
        part = np.ascontiguousarray(image[:100, :100])
        while time.thread_time() < end:
            part = cv2.medianBlur(part, 5)
        people = two_people(self._track, self._frame)
        self._frame += 1
        keypoints, scores = (
            np.array([person[key] for person in people], np.float32)
            for key in ('keypoints', 'keypoint_scores'))
        return keypoints, scores


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


def demo_track() -> List[Dict[str, Any]]:
    """Frames of the package's keypoint file, of one person each."""
    track: List[Dict[str, Any]] = json.loads(DEMO.read_text())['instance_info']
    return track


def two_people(track: List[Dict[str, Any]],
               frame: int) -> List[Dict[str, Any]]:
    """The track's person and another one beside them, who go back where it
    ends."""
    step = frame % (2 * len(track) - 2)
    person, = track[min(step, 2 * len(track) - 2 - step)]['instances']
    other = dict(person, track_id=1)
    other['keypoints'] = [[x + 300, y] for x, y in person['keypoints']]
    return [person, other]


def make_clip(folder: Path, frames: int) -> Tuple[Path, Path]:
    """A video, and the joints of two people in it, who walk back and forth."""
    track = demo_track()
    found = [
        dict(frame_id=number, instances=two_people(track, number))
        for number in range(frames)
    ]
    content = json.loads(DEMO.read_text())
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
