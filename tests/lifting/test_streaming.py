# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Streaming: what each frame is made of, and what is kept."""

import pickle
from functools import partial

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from fake_lifter import FakeLifter, in_plane, make_track, normalized
from hypothesis import HealthCheck, given, settings

from mmdiffpose.apis import StreamingLifter, init_model, lift_track
from mmdiffpose.skeletons import COCO_17

T = 9


@pytest.fixture
def fake(regression_config):
    return partial(FakeLifter, regression_config)


def stream(model, tracks, latency=0, frames=None, **kwargs):
    """Everything that comes out: {(track id, frame): one frame}."""
    lifter = StreamingLifter(
        model,
        tracks[0].image_size,
        tracks[0].skeleton,
        latency=latency,
        **kwargs)
    lifted = {}

    def keep(results, latest):
        for track in results:
            for row, frame in enumerate(track.frame_ids):
                assert (track.track_id, frame) not in lifted
                assert latest is None or frame == latest
                lifted[track.track_id, frame] = track.part(row, row + 1)

    for frame in frames or range(len(tracks[0])):
        people = {
            index: sighting(track, frame)
            for index, track in enumerate(tracks)
            if (track.scores[frame] > 0).any()
        }
        keep(lifter.push(frame, people), frame - latency)
    keep(lifter.flush(), None)
    return lifted


def sighting(track, frame):
    seen = [track.keypoints[frame], track.scores[frame]]
    return seen if track.mixtures is None else [*seen, track.mixtures[frame]]


@pytest.mark.parametrize('latency', [0, 1, 4])
@pytest.mark.parametrize('frames', [1, 3, 9, 25])
def test_every_frame_comes_out_once_after_its_latency(fake, frames, latency):
    track = make_track(frames)
    lifted = stream(fake(in_plane), [track], latency)
    assert sorted(lifted) == [(0, f) for f in range(frames)]
    poses = np.concatenate([lifted[0, f].keypoints_3d for f in range(frames)])
    np.testing.assert_allclose(poses[..., :2], normalized(track), atol=1e-6)


@pytest.mark.parametrize('latency', [0, 3])
def test_windows_end_latency_frames_after_the_frame(fake, latency):
    model, track = fake(in_plane), make_track(20)
    stream(model, [track], latency)
    truth = track.keypoints * 2 / 1600 - [1, 900 / 1600]
    full = model.inputs[T - 1 - latency:-1 if latency else None]
    assert len(full) == 12
    for start, window in enumerate(full):
        np.testing.assert_allclose(window, truth[start:start + T], atol=1e-5)


@settings(
    deadline=None,
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 4), st.integers(0, 13), st.data())
def test_the_future_beyond_the_latency_changes_nothing(fake, latency, last,
                                                       data):
    """Whatever is changed after frame + latency: joints, gaps, people."""

    def mixes_all(x, n):
        pose = np.repeat(x.mean(0, keepdims=True), T, 0)
        return in_plane(np.concatenate([pose[:, :1] * 0, pose[:, 1:]], 1))

    first, second = make_track(14), make_track(14, seed=3)
    for track in (first, second):
        for frame in data.draw(st.sets(st.integers(0, 13), max_size=6)):
            track.scores[frame] = 0
    before = stream(fake(mixes_all), [first, second], latency)
    later = slice(last + latency + 1, None)
    first.keypoints[later] += 50
    for track in (first, second):
        for frame in data.draw(st.sets(st.integers(0, 13), max_size=6)):
            if frame > last + latency:
                track.scores[frame] = 0.9 if data.draw(st.booleans()) else 0
    after = stream(fake(mixes_all), [first, second], latency)
    due = [key for key in before if key[1] <= last]
    assert due == [key for key in after if key[1] <= last]
    for key in due:
        np.testing.assert_array_equal(before[key].keypoints_3d,
                                      after[key].keypoints_3d)


def test_the_future_within_the_latency_counts(fake):

    def newest(x, n):
        return in_plane(np.repeat(x[-1:], T, 0))

    track = make_track(20)
    lifted = stream(fake(newest), [track], 3)
    np.testing.assert_allclose(
        lifted[0, 12].keypoints_3d[0, :, :2], normalized(track)[15], atol=1e-6)


def test_ten_people_keep_their_ids_and_windows(fake):
    tracks = [make_track(14, seed=i) for i in range(10)]
    lifted = stream(fake(in_plane), tracks, 2)
    assert len(lifted) == 140
    for index, track in enumerate(tracks):
        poses = [lifted[index, f].keypoints_3d[0, :, :2] for f in range(14)]
        np.testing.assert_allclose(poses, normalized(track), atol=1e-6)


def test_gaps(fake):
    """Bridged if they end in time; a long absence starts anew."""
    model, track = fake(in_plane), make_track(40)
    truth = normalized(track)
    track.scores[[10, 11, *range(20, 27)]] = 0
    track.keypoints[track.scores == 0] = 0
    lifted = stream(model, [track], 2)
    present = {frame for _, frame in lifted}
    assert present == set(range(40)) - set(range(20, 27))
    assert (lifted[0, 10].scores == 0).all()
    np.testing.assert_allclose(
        lifted[0, 10].keypoints_3d[0, :, :2], truth[10], atol=0.03)
    corner = np.array([-1, -900 / 1600])
    for window in model.inputs:
        assert np.linalg.norm(window - corner, axis=-1).min() > 0.3
    # The window of frame 27 holds 27, 28 and 29, and repeats its ends.
    window = model.inputs[[f for _, f in sorted(lifted)].index(27)]
    assert len(np.unique(window[:, 5, 0].round(5))) == 3
    without_future = stream(fake(in_plane), [track], 0)
    assert not {10, 11} & {frame for _, frame in without_future}


def test_bridged_frames_are_less_sure(diffusion_config):
    torch.manual_seed(0)
    model, track = init_model(diffusion_config), make_track(20)
    track.scores[10:12] = 0
    lifted = stream(model, [track], 4)
    seen = np.max([lifted[0, f].std[0, 1:] for f in (8, 9, 12, 13)], 0)
    for frame in (10, 11):
        assert (lifted[0, frame].std[0, 1:] > seen).all()


def test_memory_does_not_grow(fake):
    """What is kept after 90 frames is as much as after 30."""
    track = make_track(T)
    model = fake(in_plane)
    lifter = StreamingLifter(model, track.image_size, 'h36m', latency=2)
    sizes = []
    for frame in range(90):
        ids = frame // 30, 1000 + frame // 30  # people come and go
        lifter.push(frame, {i: sighting(track, frame % T) for i in ids})
        model.inputs.clear(), model.samples.clear()
        kept = {k: v for k, v in vars(lifter).items() if k != 'model'}
        sizes.append(len(pickle.dumps(kept)))
    assert sizes[29] == pytest.approx(sizes[89], abs=50)
    assert max(sizes[30:]) < 2.5 * sizes[29], 'two may come back, two are new'


def known(lifter):
    """Ids of people who are in view or may come back."""
    return {person.track_id for person in lifter._people}


def test_people_who_vanish_are_dropped(fake):
    track = make_track(30)
    lifter = StreamingLifter(fake(in_plane), track.image_size, 'h36m')
    lifter.push(0, {1: sighting(track, 0), 2: sighting(track, 0)})
    for frame in range(1, 6):
        lifter.push(frame, {2: sighting(track, frame)})
        assert known(lifter) == ({1, 2} if frame <= lifter.max_gap else {2})
    assert lifter.push(6, {}) == [] and known(lifter) == {2}


def test_whole_window_is_the_offline_result(diffusion_config):
    """With the same window, streaming and offline lifting agree; mixtures
    of a detector with other joints included."""
    torch.manual_seed(0)
    model = init_model(diffusion_config)
    for weight in model.head.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    track = make_track(T, COCO_17)
    track.mixtures = np.ones((T, 17, 2, 5), np.float32)
    track.mixtures[..., 1:3] = track.keypoints[:, :, None]
    track.mixtures[..., 1, 1:3] += 30
    track.mixtures[..., 3:] = np.random.default_rng(0).uniform(
        2, 30, (T, 17, 2, 2))
    offline = lift_track(model, track)
    lifted = stream(model, [track], 4)
    for frame in range(4, T):
        for name in ('keypoints_3d', 'std', 'hypotheses', 'scores',
                     'keypoints_2d'):
            np.testing.assert_allclose(
                getattr(lifted[0, frame], name)[0],
                getattr(offline, name)[frame],
                atol=1e-5)


def test_flush_starts_anew(fake):
    track = make_track(6)
    lifter = StreamingLifter(
        fake(in_plane), track.image_size, 'h36m', fps=25, latency=4)
    assert lifter.push(7, {1: sighting(track, 0)}) == []
    ended, = lifter.flush()
    assert ended.frame_ids.tolist() == [7] and ended.fps == 25
    assert lifter.flush() == [] and not known(lifter)
    lifter.push(0, {1: sighting(track, 1)})
    assert lifter.flush()[0].frame_ids.tolist() == [0]


def test_bad_input_is_refused_and_nothing_seen_is_nobody(fake):
    track = make_track(3)
    keypoints, scores = sighting(track, 0)

    def lifter(**kwargs):
        kwargs = {'skeleton': 'h36m', **kwargs}
        return StreamingLifter(fake(in_plane), track.image_size, **kwargs)

    for latency in (-1, 5):
        with pytest.raises(ValueError, match='from 0 to 4, half of'):
            lifter(latency=latency)
    with pytest.raises(ValueError, match="unknown skeleton 'body'.*coco"):
        lifter(skeleton='body')
    one = lifter()
    assert one.push(0, {1: (keypoints, scores * 0)}) == []
    assert one.push(1, {}) == [] and not known(one)
    with pytest.raises(ValueError, match='increase, found 1 after 1'):
        one.push(1, {})
    nowhere = np.full_like(keypoints, np.nan)
    for place in (nowhere, nowhere * 0, np.full_like(keypoints, -1)):
        assert lifter().push(2, {8: (place, scores)}) == []
    with pytest.raises(ValueError, match='person 8: expected 17 joints'):
        one.push(2, {8: (keypoints[:5], scores[:5])})
    with pytest.raises(ValueError, match='person 8: expected keypoints, sc'):
        one.push(2, {8: (keypoints, )})
    # A frame that was refused is not in the stream.
    assert len(one.push(2, {8: (keypoints, scores)})) == 1
    with pytest.raises(ValueError, match='expected mixtures of None comp'):
        one.push(3, {8: (keypoints, scores, np.ones((17, 2, 5)))})


def test_frames_that_the_stream_dropped_are_a_gap(fake):
    """The same as pushing frames without people, in frames of any stride."""
    track = make_track(12)
    kept = (0, 1, 2, 5, 6, 30)

    def lifter(step=1):
        return StreamingLifter(
            fake(in_plane), track.image_size, 'h36m', latency=2, step=step)

    def rows(lifted):
        return [(t.frame_ids.tolist(), t.keypoints_3d.round(5).tolist())
                for t in lifted]

    told, dropped, every_fifth = lifter(), lifter(), lifter(5)
    expected, found, strided = [], [], []
    for frame in range(31):
        people = {}
        if frame in kept:
            people = {3: sighting(track, frame % 12)}
            found += dropped.push(frame, people)
            strided += every_fifth.push(5 * frame, people)
        expected += told.push(frame, people)
    for one, other in ((expected, told), (found, dropped), (strided,
                                                            every_fifth)):
        one += other.flush()
    assert rows(found) == rows(expected)
    assert [t.frame_ids[0] for t in found] == [0, 1, 2, 3, 4, 5, 6, 30]
    assert [t.frame_ids[0] / 5 for t in strided] == [0, 1, 2, 3, 4, 5, 6, 30]
