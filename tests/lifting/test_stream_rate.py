# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A stream is shown to a lifter at the frame rate of its training."""

from functools import partial

import numpy as np
import pytest
from fake_lifter import SIZE, FakeLifter, in_plane

from mmdiffpose.lifting.stream_rate import StreamRate
from mmdiffpose.lifting.streaming import StreamingLifter

T = 9
SPEED = 300.
"""Pixels a second of somebody who walks to the right."""
PIXEL = 2 / SIZE[0]
"""What the model is shown of a pixel."""


@pytest.fixture
def fake(regression_config):
    return partial(FakeLifter, regression_config)


def person(seconds):
    """Joints in a row that walk, and their scores."""
    x = 400 + 10 * np.arange(17) + SPEED * seconds
    return np.stack([x, np.full(17, 300.)], -1), np.full(17, .9)


def run(model, times, latency=0, told=True, ids=None, **kwargs):
    """Frame to its pose and its window, of one person."""
    lifter = StreamingLifter(
        model, SIZE, 'h36m', latency=latency, max_gap=3, **kwargs)
    found = {}

    def keep(lifted):
        for track in lifted:
            window = model.inputs[-1]
            for row, frame in enumerate(track.frame_ids.tolist()):
                assert frame not in found
                found[frame] = track.part(row, row + 1), window

    for number, seconds in enumerate(times):
        frame = number if ids is None else ids[number]
        keep(
            lifter.push(frame, {4: person(seconds)},
                        seconds if told else None))
    keep(lifter.flush())
    return found


def where(points):
    """Seconds at which the walker is there, by the joint in front."""
    x = np.asarray(points)[..., 0, 0]
    return ((x + 1) / PIXEL - 400) / SPEED


@pytest.mark.parametrize('told', [True, False])
@pytest.mark.parametrize('latency', [0, 1])
@pytest.mark.parametrize('fps', [12.5, 15, 25, 30, 120])
def test_windows_are_at_the_rate_of_training(fake, fps, latency, told):
    """Rows of a window are 20 ms apart, and one is at the frame's time."""
    times = np.arange(40) / fps
    found = run(fake(in_plane), times, latency, told, fps=fps)
    assert sorted(found) == list(range(40))
    for frame in range(22, 38):
        track, window = found[frame]
        shown = where(window)
        np.testing.assert_allclose(np.diff(shown), .02, atol=1e-4)
        ahead = shown[-1] - times[frame]
        assert np.abs(shown - times[frame]).min() < 1e-4
        # As much of the future as there is, in whole rows.
        assert ahead == pytest.approx(
            np.floor(latency / fps * 50 + 1e-6) / 50, abs=1e-4)
        # in_plane gives the 2D joints back: those of the frame.
        expected = person(times[frame])[0]
        np.testing.assert_allclose(
            track.keypoints_3d[0, :, :2], (expected - expected[0]) * PIXEL,
            atol=1e-5)
        np.testing.assert_allclose(track.keypoints_2d[0], expected, atol=.01)
        assert track.seconds == pytest.approx(times[frame])


def test_a_stream_at_the_rate_of_training_is_shown_as_it_comes(fake):
    times = np.arange(20) / 50
    plain, told = (run(fake(in_plane), times, 2, False, fps=fps, resample=r)
                   for fps, r in ((None, False), (50, True)))
    for frame in range(20):
        np.testing.assert_array_equal(plain[frame][1], told[frame][1])
    slow = run(fake(in_plane), times * 2, 2, fps=25, resample=False)
    np.testing.assert_allclose(np.diff(where(slow[15][1])), .04, atol=1e-4)


def test_uneven_times(fake):
    """Steps of 20, 40, 60 ms, 20, ..., which no frame rate tells."""
    times = np.r_[0, np.cumsum(np.tile([.02, .04, .06], 12))]
    for fps in (None, 25., 1000.):
        found = run(fake(in_plane), times, fps=fps)
        for frame in range(10, 30):
            track, window = found[frame]
            shown = where(window)
            np.testing.assert_allclose(np.diff(shown), .02, atol=1e-4)
            assert shown[-1] == pytest.approx(times[frame], abs=1e-4)
            assert track.times[0] == times[frame]


def test_a_window_does_not_reach_over_a_pause(fake):
    """The stream stops for a second: nobody knows what happened in it."""
    times = np.r_[np.arange(20) / 25, 1.8 + np.arange(20) / 25]
    found = run(fake(in_plane), times, 1, fps=25)
    assert where(found[19][1]).max() < times[19] + 1e-4
    for frame in (20, 21, 22):
        assert where(found[frame][1]).min() > times[20] - 1e-4
    # Frames that were dropped, which their numbers tell, are bridged.
    ids = [*range(10), *range(12, 30)]
    found = run(
        fake(in_plane), np.array(ids) / 25, 3, told=False, ids=ids, fps=25)
    assert sorted(found) == list(range(30))
    assert not found[11][0].scores.any()
    np.testing.assert_allclose(
        where(found[11][0].keypoints_2d * PIXEL - 1), 11 / 25, atol=.01)


def test_more_future_than_a_window_has_room_for(fake):
    """80 ms of 9 rows of 20 ms are half a window; 3 frames at 12.5 are 240."""
    found = run(fake(in_plane), np.arange(20) / 12.5, 3, fps=12.5)
    for frame in range(8, 16):
        shown = where(found[frame][1])
        assert np.abs(shown - frame / 12.5).min() < 1e-4
        assert shown[-1] == pytest.approx(frame / 12.5 + .08, abs=1e-4)


def test_what_a_stream_holds(fake):
    assert StreamRate(50., 27, 50).capacity == 27
    assert StreamRate(50., 27, 15).capacity == 27
    # 27 rows of 20 ms are 64.8 frames at 120.
    assert StreamRate(50., 27, 120).capacity == 67
    assert StreamRate(50., 27, 120).most_latency == 31
    assert StreamRate(50., 27, 15).most_latency == 13
    # 13 rows of 20 ms are 3.9 frames at 15; half a second are 7.5.
    assert StreamRate(50., 27, 15).longest_gap == 3
    assert StreamRate(None, 27, 15).longest_gap == 8
    assert StreamRate((10., 60.), 27, 15).longest_gap == 8
    lifter = StreamingLifter(fake(in_plane), SIZE, 'h36m', 25., latency=2)
    assert lifter.delay == .08
    with pytest.raises(ValueError, match='latency should be from 0 to 9'):
        StreamingLifter(fake(in_plane), SIZE, 'h36m', 120., latency=10)


def test_an_unknown_rate_is_said_once(fake):
    with pytest.warns(UserWarning, match='neither fps nor times') as said:
        run(fake(in_plane), np.arange(5) / 25, told=False)
    assert len(said) == 1


def test_times_that_are_none(fake):
    lifter = StreamingLifter(fake(in_plane), SIZE, 'h36m', 25.)
    lifter.push(0, {}, .5)
    with pytest.raises(ValueError, match='times that increase, found 0.5 s'):
        lifter.push(1, {}, .5)
    with pytest.raises(ValueError, match='of all frames or of none'):
        lifter.push(1, {})
    lifter.flush()
    lifter.push(0, {}, .1)


def test_joints_that_were_not_seen(fake):
    """By a place of (0, 0) or (-1, -1), NaN or None, or a score of 0."""
    keypoints, scores = person(0)
    lifter = StreamingLifter(fake(in_plane), SIZE, 'h36m', 50.)
    places, marks = keypoints.tolist(), scores.tolist()
    places[1], places[2] = [0, 0], [-1, -1]
    places[3], places[4] = [np.nan, 3], [None, None]
    marks[5], marks[6], marks[7] = 0, None, -1
    track, = lifter.push(0, {0: (places, marks)})
    expected = np.where((np.arange(17) >= 1) & (np.arange(17) <= 7), 0, .9)
    np.testing.assert_allclose(track.scores_2d[0], expected, atol=1e-6)


def test_shares_and_percents_of_the_picture(fake):
    keypoints, scores = person(0)
    lifter = StreamingLifter(fake(in_plane), SIZE, 'h36m', 50.)
    share = keypoints / SIZE
    share[3] = 1.4, 1.2  # outside of the picture
    with pytest.raises(ValueError, match='person 7: .*as shares of the pic'):
        lifter.push(0, {7: (share, scores)})
    # Somebody may be in the corner for a while.
    for frame in range(24):
        lifter.push(frame, {7: (100 * keypoints / SIZE, scores)})
    with pytest.raises(ValueError, match='as percents of the picture'):
        lifter.push(24, {7: (100 * keypoints / SIZE, scores)})
    sure = StreamingLifter(
        fake(in_plane), SIZE, 'h36m', 50., check_units=False)
    for frame in range(30):
        assert sure.push(frame, {7: (100 * keypoints / SIZE, scores)})
