# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Tracks at other frame rates are lifted at the lifter's and come back."""

from functools import partial

import numpy as np
import pytest
from fake_lifter import FakeLifter, in_plane, normalized

from mmdiffpose.apis import KeypointTrack, lift_track
from mmdiffpose.lifting.frame_rate import lifter_fps, resampled
from mmdiffpose.skeletons import H36M_17

SIZE = (1600, 900)


@pytest.fixture
def fake(regression_config):
    return partial(FakeLifter, regression_config)


def swing(seconds):
    """Joints that swing at half a turn a second, (F, 17, 2) pixels."""
    phase = np.arange(17)[:, None] * [.3, .7]
    angle = np.pi * np.asarray(seconds)[:, None, None]
    return [800, 450] + 100 * np.sin(angle + phase)


def track_at(seconds, **kwargs):
    points = swing(seconds)
    return KeypointTrack(points, np.full(points.shape[:2], .9), SIZE, H36M_17,
                         **kwargs)


@pytest.mark.parametrize('fps', [15, 24, 25, 30, 60, 120])
def test_joints_are_where_they_were_in_between(fps):
    track = track_at(np.arange(2 * fps) / fps, fps=fps)
    made = resampled(track, 50)
    steps = np.diff(made.seconds)
    np.testing.assert_allclose(steps, .02)
    assert 0 <= made.seconds[0] < .02 and made.seconds[-1] > 2 - 1 / fps - .02
    assert made.track.fps == 50 and len(made.track) == len(made.seconds)
    found = made.track.keypoints
    assert np.abs(found - swing(made.seconds)).max() < 1
    np.testing.assert_allclose(made.track.scores, .9, rtol=1e-6)


def test_what_needs_no_other_rate_is_left():
    even = np.arange(60)
    for fps in (None, 50, 49.5, 3):
        track = track_at(even / (fps or 30), fps=fps)
        assert resampled(track, 50) is None
    assert resampled(track_at(even[:3] / 30, fps=30), 50) is None
    # Every second frame of 50 a second: 25 of them.
    track = track_at(even / 25, fps=25, frame_ids=2 * even, step=2)
    np.testing.assert_allclose(track.seconds, even / 25)
    assert len(resampled(track, 50).track) == 119


def test_uneven_times_and_pauses():
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(.02, .045, 80))
    times[40:] += .5
    made = resampled(track_at(times, fps=30, times=times), 50)
    seen = made.track.present
    assert np.abs(made.track.keypoints[seen] -
                  swing(made.seconds[seen])).max() < 2
    pause = (made.seconds > times[39] + .06) & (made.seconds < times[40] - .06)
    assert not seen[pause].any() and seen[~pause].mean() > .95


def test_joints_that_were_not_seen():
    track = track_at(np.arange(60) / 30, fps=30)
    track.scores[20:30, 4] = 0
    made = resampled(track, 50)
    seen = made.track.scores[:, 4] > 0
    near = np.round(30 * made.seconds).astype(int)
    clear = np.abs(30 * made.seconds - near) < .4
    np.testing.assert_array_equal(seen[clear], track.scores[near[clear], 4]
                                  > 0)
    assert (np.delete(made.track.scores, 4, 1) > 0).all()


@pytest.mark.parametrize('fps', [15, 30, 60])
def test_poses_come_back_at_the_frames_of_the_track(fake, fps):
    """The identity model gives the 2D joints back, whatever the rate."""
    track = track_at(np.arange(2 * fps) / fps, fps=fps)
    track.frame_ids = track.frame_ids + 7
    track.scores[5, 3] = 0
    model = fake(in_plane)
    lifted = lift_track(model, track)
    np.testing.assert_array_equal(lifted.frame_ids, track.frame_ids)
    assert lifted.fps == fps
    assert np.abs(lifted.keypoints_3d[..., :2] - normalized(track)).max() < .01
    np.testing.assert_array_equal(lifted.scores_2d, track.scores)
    assert lifted.scores[5, 3] == 0 and (np.delete(lifted.scores, 3, 1)
                                         == .5).all()
    steps = [np.abs(np.diff(x, axis=0)).max() for x in model.inputs]
    # At 50 frames a second nothing swings by more than this in a frame.
    assert max(steps) < 2 / 1600 * 100 * np.pi * .02 * 1.05
    as_it_comes = lift_track(fake(in_plane), track, resample=False)
    assert as_it_comes.fps == fps


def test_long_gaps_still_divide_a_track(fake):
    track = track_at(np.arange(90) / 30, fps=30)
    track.scores[30:60] = 0
    with pytest.warns(UserWarning, match='between frames 29 and 60'):
        lifted = lift_track(fake(in_plane), track)
    assert lifted.frame_ids.tolist() == [*range(30), *range(60, 90)]
    near = lift_track(fake(in_plane), track_at(np.arange(30) / 30, fps=30))
    np.testing.assert_allclose(
        lifted.keypoints_3d[:30], near.keypoints_3d, atol=3e-3)


def test_rates_between_those_of_training_are_left():
    even = np.arange(60)
    for fps in (12, 30, 60):
        assert resampled(track_at(even / fps, fps=fps), (12., 60.)) is None
    # Faster and slower ones go to the nearest end.
    assert resampled(track_at(even / 120, fps=120), (12., 60.)).track.fps == 60
    assert resampled(track_at(even / 8, fps=8), (12., 60.)).track.fps == 12


def test_a_config_says_one_rate_or_a_range(fake):
    model = fake(in_plane)
    assert lifter_fps(model) == 50
    model.dataset_meta = dict(fps=100.)
    assert lifter_fps(model) == 100
    model.cfg.lifter_fps = 25
    assert lifter_fps(model) == 25
    model.cfg.lifter_fps = [12, 60]
    assert lifter_fps(model) == (12, 60)


def test_shares_of_the_picture_are_refused(fake):
    """Also of tracks that were made in Python."""
    track = track_at(np.arange(20) / 30)
    shares = KeypointTrack(track.keypoints / SIZE, track.scores, SIZE, H36M_17)
    with pytest.raises(ValueError, match='nearly all between .* as shares'):
        lift_track(fake(in_plane), shares)
