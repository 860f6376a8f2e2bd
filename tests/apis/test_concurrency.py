# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Several at once: the same poses, bit for bit."""

import multiprocessing
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pytest
import torch
from people import PaintedJoints, paint, walkers

from mmdiffpose.apis import (DiffusionPose3DInferencer, StreamingLifter,
                             init_model, lift_tracks, read_keypoint_tracks)
from mmdiffpose.apis.inferencer import _MadeOnce
from mmdiffpose.detection.pose2d import Pose2DStage

DEMO = (
    Path(__file__).parents[2] / 'mmdiffpose' / 'data' /
    'demo_track_coco17.json')
FRAMES = 14
CLIPS = 4


def clips():
    """Frames of some clips that differ."""
    points = walkers(FRAMES + CLIPS)
    return [[paint(frame, 320) for frame in points[start:start + FRAMES]]
            for start in range(CLIPS)]


def numbers(results):
    """All poses, stds and hypotheses of a clip's results, one array each."""
    people = [p for result in results for p in result['predictions'][0]]
    assert people
    return [
        np.array([person[name] for person in people])
        for name in ('keypoints', 'keypoint_std', 'hypotheses')
    ]


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def diffusing(make_inferencer, diffusion_config):
    return make_inferencer(diffusion_config)


def lifted(inferencer, frames, **options):
    return numbers(inferencer(frames, hypotheses=True, **options))


@pytest.mark.parametrize('causal', [False, True])
def test_threads_share_an_inferencer(diffusing, causal):
    inputs = clips()
    alone = [lifted(diffusing, frames, causal=causal) for frames in inputs]
    with ThreadPoolExecutor(CLIPS) as pool:
        found = list(
            pool.map(lambda frames: lifted(diffusing, frames, causal=causal),
                     2 * inputs))
    for one, other in zip(found, 2 * alone):
        assert_same(one, other)


@pytest.mark.parametrize('causal', [False, True])
def test_interleaved_generators(diffusing, causal):
    one, other = clips()[:2]
    alone = [
        lifted(diffusing, frames, causal=causal) for frames in clips()[:2]
    ]
    running = [
        diffusing(frames, hypotheses=True, causal=causal)
        for frames in (one, other)
    ]
    pairs = list(zip_longest(*running))
    for index in range(2):
        assert_same(numbers([pair[index] for pair in pairs]), alone[index])


class Follower(PaintedJoints):
    """A detector that remembers the frame before."""

    def reset(self):
        self.before = None


def test_a_detector_that_follows_people_takes_one_clip_at_a_time(
        regression_config):
    inferencer = DiffusionPose3DInferencer.from_parts(
        init_model(regression_config), Pose2DStage(Follower()))
    one, other = clips()[:2]
    running = inferencer(one, causal=True)
    next(running)
    with pytest.raises(ValueError, match='Follower.*middle of another clip'):
        next(inferencer(other, causal=True))
    assert len(list(running)) == FRAMES - 1
    assert len(list(inferencer(other, causal=True))) == FRAMES
    # One that was left early is over, too.
    next(inferencer(one, causal=True))
    assert len(list(inferencer(other, causal=True))) == FRAMES


def lift_demo(_=None):
    """Poses of the demo track, by a model of one's own."""
    track, = lift_tracks(
        init_model('mixste-v1'),
        read_keypoint_tracks(DEMO),
        focal_length=1700.)
    return track.keypoints_3d


def test_threads_each_make_a_model():
    alone = lift_demo()
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lift_demo, range(4)):
            np.testing.assert_array_equal(found, alone)


SERVED = {}


def serve(name):
    """A request to a worker whose model was there before it was made, or is
    made at the first request."""
    if not SERVED:
        SERVED['model'] = init_model('mixste-v1')
    track, = lift_tracks(
        SERVED['model'], read_keypoint_tracks(DEMO), focal_length=1700.)
    return track.keypoints_3d


@pytest.mark.parametrize('method', ['fork', 'spawn'])
def test_processes(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f'no {method} here')
    SERVED.clear()
    # With fork the workers have the model of this process.
    alone = serve('here')
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, context) as pool:
        found = list(pool.map(serve, range(3), timeout=300))
    SERVED.clear()
    for poses in found:
        np.testing.assert_array_equal(poses, alone)


FORKED = '''
import multiprocessing, sys
import numpy as np, torch
torch.set_num_threads(2)
sys.path_hooks  # the child inherits all of this process
from test_concurrency import serve
alone = serve('here')
reader, writer = multiprocessing.Pipe(False)
child = multiprocessing.get_context('fork').Process(
    target=lambda: writer.send(serve('child')))
child.start()
assert reader.poll(240), 'the child hangs'
print(float(np.abs(reader.recv() - alone).max()))
'''


@pytest.mark.skipif(
    'fork' not in multiprocessing.get_all_start_methods(), reason='needs fork')
def test_fork_after_a_pool_of_threads_has_worked():
    """OpenMP's threads do not survive a fork; what waits for them hangs."""
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, '-c', FORKED],
        capture_output=True,
        text=True,
        timeout=280,
        env={
            'OMP_NUM_THREADS':
            '2',
            'PYTHONPATH':
            ':'.join(
                map(str, (tests / 'apis', tests / 'helpers', tests.parent)))
        })
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout.split()[-1]) < 1e-5


def test_checkpoints_are_read_by_threads(tmp_path):
    """torch's list of classes is the whole process's."""
    from mmengine.logging import HistoryBuffer
    from mmengine.runner.checkpoint import CheckpointLoader
    path = tmp_path / 'epoch_1.pth'
    torch.save(dict(history=HistoryBuffer(), numbers=np.arange(3.)), path)
    before = set(torch.serialization.get_safe_globals())

    def load(_):
        return CheckpointLoader.load_checkpoint(str(path), 'cpu')['numbers']

    with ThreadPoolExecutor(8) as pool:
        for values in pool.map(load, range(64)):
            np.testing.assert_array_equal(values, [0, 1, 2])
    assert set(torch.serialization.get_safe_globals()) == before


def test_the_2d_stage_is_made_once():
    made = []

    def make():
        made.append(Pose2DStage(PaintedJoints()))
        time.sleep(.01)
        return made[-1]

    stage = _MadeOnce(make)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: stage(), range(8)))
    assert len(made) == 1 and all(one is made[0] for one in found)


def test_a_service(tmp_path):
    """Requests of all sizes, bad ones between them, again and again in one
    process: each is answered as if it were the only one."""
    whole, = read_keypoint_tracks(DEMO)
    spoiled = tmp_path / 'spoiled.json'
    spoiled.write_text(DEMO.read_text()[:1000])
    model = init_model('mixste-v1')

    def answer(frames, model=model):
        track, = lift_tracks(
            model, [whole.part(0, frames)], focal_length=1700.)
        return track.keypoints_3d

    def too_late(causal_frames):
        lifter = StreamingLifter(
            model, whole.image_size, whole.skeleton, 50., focal_length=1700.)
        for number in (*range(causal_frames), 0):
            lifter.push(number,
                        {0: (whole.keypoints[number], whole.scores[number])})

    bad = [
        lambda: read_keypoint_tracks(spoiled),
        lambda: lift_tracks(model, [whole], focal_length=-1.),
        lambda: too_late(5)
    ]
    sizes = (1, 40, 3, 27, 28, 2, 60)
    # Each by a model that never answered another request.
    alone = {size: answer(size, init_model('mixste-v1')) for size in sizes}
    for turn in range(3):
        for size in sizes[turn:] + sizes[:turn]:
            np.testing.assert_array_equal(answer(size), alone[size])
            with pytest.raises(ValueError):
                bad[size % 3]()
