# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The frame rate of a made-up walker, whose rate is known."""
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

JOINTS = ('Hips', 'Neck', 'Head') + tuple(
    f'{side}{part}' for side in ('Left', 'Right')
    for part in ('Arm', 'ForeArm', 'Hand', 'UpLeg', 'Leg', 'Foot', 'ToeBase'))
INDEX = {name: i for i, name in enumerate(JOINTS)}
HEIGHT = 1.0  # of the centre of mass above the toes, metres


@pytest.fixture(scope='module')
def frame_rate():
    path = (
        Path(__file__).parents[2] / 'tools/dataset_converters' /
        'mocap_frame_rate.py')
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[path.stem]


def _sway(fps, noise=0., seed=0):
    """A body that falls sideways over its left foot and back: an inverted
    pendulum, x'' = g x / h, seen at ``fps``."""
    rng = np.random.default_rng(seed)
    times = (np.arange(int(.6 * fps)) - .3 * fps) / fps
    x = .05 * np.cosh(np.sqrt(9.81 / HEIGHT) * times)
    clip = np.zeros((len(times), len(JOINTS), 3))
    clip[..., 0] = x[:, None]
    clip[..., 2] = HEIGHT + .01
    clip[:, [INDEX['LeftFoot'], INDEX['LeftToeBase']]] = [0, 0, .01]
    steps = np.arange(len(times))[:, None]
    # The other foot and the hands move, or it would not be a step.
    swing = [INDEX['RightFoot'], INDEX['RightToeBase']]
    clip[:, swing, 1] = 3e-3 * steps
    hands = [INDEX['LeftHand'], INDEX['RightHand']]
    clip[:, hands, 1] = 1.5e-3 * steps
    clip[:, hands, 2] = HEIGHT
    return clip + noise * rng.standard_normal(clip.shape)


@pytest.mark.parametrize('fps', [100, 120, 240])
def test_rate_of_an_inverted_pendulum(frame_rate, fps):
    clips = [_sway(fps, noise=1e-4, seed=i) for i in range(10)]
    estimate = frame_rate.estimate_frame_rate(clips, INDEX)
    assert estimate.standard == fps
    assert estimate.low <= estimate.high
    assert estimate.low == pytest.approx(fps, rel=.1)
    assert estimate.high == pytest.approx(fps, rel=.1)
    assert estimate.frames > 100


def test_free_fall_bounds_the_rate(frame_rate):
    sway = _sway(120)
    fall = sway.copy()
    fall[..., 2] -= .5 * 9.81 * (np.arange(len(fall)) / 120)[:, None]**2
    estimate = frame_rate.estimate_frame_rate([sway, fall], INDEX)
    assert estimate.upper_bound == pytest.approx(120, rel=.01)


def test_center_of_mass_by_hand(frame_rate):
    clip = np.zeros((1, len(JOINTS), 3))
    clip[:] = [1., 2., 3.]
    np.testing.assert_allclose(
        frame_rate.center_of_mass(clip, INDEX), [[1., 2., 3.]])
    clip[:, INDEX['Head']] += 1  # 8.1 of 100.3 parts of the mass
    np.testing.assert_allclose(
        frame_rate.center_of_mass(clip, INDEX)[0] - [1., 2., 3.],
        .081 / sum(mass for *_, mass, _ in frame_rate._SEGMENTS))
