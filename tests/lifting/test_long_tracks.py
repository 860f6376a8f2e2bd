# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Long tracks and many: memory grows with what comes out, and not more."""

import numpy as np
import pytest
from fake_lifter import make_track
from long_clips import kept_bytes, lifted_track, peak_bytes

from mmdiffpose.apis import StreamingLifter, init_model, lift_tracks
from mmdiffpose.apis.stream_inference import StreamRecord
from mmdiffpose.lifting import unseen_joints
from mmdiffpose.lifting.unseen_joints import widen_unsure
from mmdiffpose.lifting.windows import plan_single_frames, plan_windows
from mmdiffpose.skeletons import H36M_17


@pytest.mark.parametrize('way', ['blending', 'picking'])
@pytest.mark.parametrize('clip', [(83, 27, 9), (83, 27, 26), (3, 8, 0),
                                  (8, 8, 0), (5, 1, 0)])
def test_windows_join_as_they_come(way, clip):
    """The definition, with all windows in memory and frame by frame."""
    plan = plan_windows(*clip)
    rng = np.random.default_rng(0)
    values = rng.normal(size=(*plan.weights.shape, 2)).astype(np.float32)
    joined = getattr(plan, way)()
    for window in values:
        joined.add(window)
    for frame in range(plan.num_frames):
        at = [(w, t) for w, t in np.ndindex(plan.weights.shape)
              if plan.positions[w, t] == frame]
        weights = np.array([plan.weights[place] for place in at])
        results = np.array([values[place] for place in at], np.float64)
        expected = results[weights.argmax()]
        if way == 'blending':
            expected = weights @ results / weights.sum()
        np.testing.assert_allclose(
            joined.per_frame()[frame], expected, rtol=1e-6, atol=1e-7)


def test_windows_of_one_pose_join_in_order():
    joined = plan_single_frames(4, 9, 4).blending()
    for number in range(4):
        joined.add(np.full((1, 2), number))
    assert joined.per_frame().tolist() == [[0, 0], [1, 1], [2, 2], [3, 3]]


def test_missing_windows_are_an_error():
    joined = plan_windows(40, 10, 5).blending()
    joined.add(np.zeros((10, 2)))
    with pytest.raises(ValueError, match='expected 7 windows, found 1'):
        joined.per_frame()


def test_windows_are_not_kept():
    """What is held is the result, and one window of sums."""
    frames, window = 2000, np.ones((20, 100), np.float32)
    joined = plan_windows(frames, 20, 16).blending()
    peak = peak_bytes(lambda: [joined.add(window) for _ in range(496)])
    assert joined.per_frame().shape == (frames, 100)
    assert peak < 1.1 * joined.per_frame().nbytes


def test_hypotheses_move_in_pieces(monkeypatch):
    rng = np.random.default_rng(0)
    poses = rng.normal(size=(300, 17, 3)).astype(np.float32)
    std = np.full((300, 17), .05, np.float32)
    hypotheses = rng.normal(size=(300, 20, 17, 3)).astype(np.float32)
    scores = rng.uniform(0, .6, (300, 17)).astype(np.float32)

    def widened():
        return widen_unsure(poses, std, hypotheses, scores, H36M_17).hypotheses

    at_once = widened()
    monkeypatch.setattr(unseen_joints, '_ROWS', 7)
    np.testing.assert_array_equal(widened(), at_once)
    # In double precision a single array of all would be twice as large.
    assert peak_bytes(widened) < 2 * hypotheses.nbytes


def test_stream_of_any_length_takes_the_same_memory(regression_config):
    model = init_model(regression_config)
    lifter = StreamingLifter(model, (1600, 900), 'h36m', fps=50., latency=2)
    track = make_track(200)
    row = 0

    def push(count):
        nonlocal row
        for _ in range(count):
            lifter.push(
                row, {
                    person: (track.keypoints[row], track.scores[row])
                    for person in (0, row // 7)
                })
            row += 1

    push(14)
    # What was held before is replaced; no pose of the 126 more is kept.
    few, many = (kept_bytes(lambda: push(count)) for count in (21, 147))
    assert many < few + 126 * 17 * 3 * 4


def test_record_of_a_stream_keeps_numbers_not_objects():
    record = StreamRecord()
    whole = lifted_track(1000, track_id=3)
    for row in range(1000):
        record.add(whole.part(row, row + 1))
    track, = record.tracks()
    np.testing.assert_array_equal(track.keypoints_3d, whole.keypoints_3d)
    np.testing.assert_array_equal(track.frame_ids, whole.frame_ids)
    assert sum(map(len, record._parts.values())) < StreamRecord.AT_ONCE


def test_many_tracks_of_one_frame(regression_config):
    model = init_model(regression_config)
    tracks = [make_track(1, seed=n, track_id=n) for n in range(60)]
    lifted = lift_tracks(model, tracks, focal_length=1000.)
    assert [track.track_id for track in lifted] == list(range(60))
    for number in (0, 31, 59):
        alone, = lift_tracks(model, [tracks[number]], focal_length=1000.)
        np.testing.assert_allclose(
            lifted[number].keypoints_3d, alone.keypoints_3d, atol=1e-6)
