# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lifting a track: what the model is shown and what becomes of its answers."""

from functools import partial

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from fake_lifter import FakeLifter, in_plane, make_track, normalized
from hypothesis import HealthCheck, given, settings

from mmdiffpose.apis import init_model, lift_track, lift_tracks
from mmdiffpose.skeletons import BODY_25, COCO_17, H36M_17


@pytest.fixture
def fake(regression_config):
    return partial(FakeLifter, regression_config)


@pytest.mark.parametrize('frames, overlap', [(1, None), (5, None), (9, None),
                                             (10, 0), (30, 0), (31, 4),
                                             (31, 8)])
def test_identity_model_gives_the_track_back(fake, frames, overlap):
    """No frame is lost, doubled, shifted or read from its neighbour."""
    track = make_track(frames)
    lifted = lift_track(fake(in_plane), track, overlap, batch_size=2)
    assert len(lifted) == frames
    np.testing.assert_allclose(
        lifted.keypoints_3d[..., :2], normalized(track), atol=1e-6)
    assert (lifted.keypoints_3d[..., 2] == 0).all()
    np.testing.assert_allclose(lifted.scores, 0.5, rtol=1e-6)
    assert lifted.std is None and lifted.hypotheses is None


def test_tracks_that_are_no_pixels_are_refused(fake):
    """All tracks of a picture decide: one person may be in its corner."""
    model, track, other = fake(in_plane), make_track(30), make_track(30)
    pixels = track.keypoints.copy()
    for places, unit in ((pixels / [1600, 900],
                          'shares'), (100 * pixels / [1600, 900], 'percents'),
                         (pixels + 3000, 'places in space')):
        track.keypoints = places.astype(np.float32)
        with pytest.raises(ValueError, match=f'keypoints in pix.*{unit}'):
            lift_track(model, track)
        with pytest.raises(ValueError, match='check_units should be'):
            lift_track(model, track, check_units=1)
        assert len(lift_track(model, track, check_units=False)) == 30
    track.keypoints = (pixels / 12).astype(np.float32)
    assert len(lift_tracks(model, [track, other])) == 2


def test_scores_fade_to_that_of_what_nobody_saw(fake):
    """The 2D score below 0.35; the model itself says 0.5 of all."""
    track = make_track(30)
    for joint, score in enumerate((0, .01, .35 / 4, .36)):
        track.scores[:, 3 + joint] = score
    lifted = lift_track(fake(in_plane), track)
    faded = lifted.scores[:, 3:7]
    assert (np.diff(faded, axis=1) > 0).all() and (faded[:, 0] == 0).all()
    assert faded[0, 1] < .1 and (faded[:, 2] <= .25 + 1e-6).all()
    # Only the std of so hardly seen a joint lowers it.
    assert .25 < faded[0, 3] <= .5


def test_one_pass_per_window_with_true_neighbours(fake):
    track = make_track(33)
    model = fake(in_plane)
    seen = []
    lift_track(
        model, track, 3, batch_size=4, progress=lambda *a: seen.append(a))
    assert len(model.inputs) == 5 and seen == [(4, 5), (5, 5)]
    truth = track.keypoints * 2 / 1600 - [1, 900 / 1600]
    for window, start in zip(model.inputs, (0, 6, 12, 18, 24)):
        np.testing.assert_allclose(window, truth[start:start + 9], atol=1e-5)
    clips = {sample.metainfo['clip'] for sample in model.samples}
    assert len(clips) == 1, 'windows of a clip share its noise seed'


def test_answers_are_blended_and_hypotheses_are_not(fake):

    def numbered(x, n):
        pose = np.zeros((*x.shape[:2], 3), np.float32)
        pose[:, 1:] = n
        apart = np.zeros_like(pose)
        apart[:, 1:] = n + 1
        std = np.full(x.shape[:2], n, np.float32)
        return dict(
            keypoints=pose,
            keypoint_scores=np.ones_like(std),
            keypoint_std=std,
            hypotheses=np.stack([pose + apart, pose - apart], 1))

    lifted = lift_track(fake(numbered), make_track(25), 4)
    joint = lifted.keypoints_3d[:, 5, 0]
    assert joint[0] == 0 and joint[-1] == pytest.approx(4, abs=1e-5)
    assert (np.diff(joint) > -1e-6).all() and np.diff(joint).max() < 0.5
    np.testing.assert_allclose(lifted.std[:, 5], joint, rtol=1e-6)
    apart = lifted.hypotheses[:, :, 5, 0] - joint[:, None]
    spread = np.round(apart[:, 0] - apart[:, 1], 4)
    assert set(spread.tolist()) == {2, 4, 6, 8, 10}, 'of one window each'
    np.testing.assert_allclose(apart.sum(1), 0, atol=1e-5)
    assert (lifted.hypotheses[:, :, 0] == 0).all(), 'root-relative too'


def test_missing_joints_are_never_passed_on_as_zeros(fake):
    track = make_track(30)
    truth = track.keypoints.copy()
    elbow, knee = 12, 5
    track.keypoints[10:13, elbow] = track.scores[10:13, elbow] = 0
    track.keypoints[20:, knee] = track.scores[20:, knee] = 0
    model = fake(in_plane)
    lifted = lift_track(model, track, 0)
    np.testing.assert_allclose(
        model.inputs[1][:, elbow], (truth * 2 / 1600 - [1, 900 / 1600])[7:16,
                                                                        elbow],
        atol=0.02)
    assert (lifted.scores[10:13, elbow] == 0).all()
    assert (lifted.scores[20:, knee] == 0).all()
    assert (lifted.scores_2d == track.scores).all()
    assert (np.delete(lifted.scores, [elbow, knee], 1) > 0).all()


def absent(track, *frames):
    """The detector wrote (0, 0) there."""
    track.keypoints[list(frames)] = track.scores[list(frames)] = 0
    return track


def test_long_absence_splits_the_track(fake):
    """The id stays, no pose is invented, each piece has its own windows."""
    model = fake(in_plane)
    track = absent(make_track(45, track_id=3), *range(10, 20), 30, 31, 44)
    truth = normalized(track)
    pieces = lift_tracks(model, [track])
    assert [p.track_id for p in pieces] == [3, 3]
    assert [p.frame_ids.tolist()
            for p in pieces] == [list(range(10)),
                                 list(range(20, 44))]
    for piece in pieces:
        seen = piece.scores_2d.any(1)
        np.testing.assert_allclose(
            piece.keypoints_3d[seen, :, :2],
            truth[piece.frame_ids[seen]],
            atol=1e-6)
    with pytest.warns(UserWarning, match='between frames 9 and 20'):
        joined = lift_track(fake(in_plane), track)
    np.testing.assert_array_equal(
        joined.keypoints_3d, np.concatenate([p.keypoints_3d for p in pieces]))
    assert joined.frame_ids.tolist() == [*range(10), *range(20, 44)]
    assert len(lift_tracks(fake(in_plane), [track], max_gap=10)) == 1


def test_short_absence_is_bridged_not_shown_as_zeros(fake):
    track = make_track(30)
    truth = normalized(track)
    corner = np.array([-1, -900 / 1600])
    model = fake(in_plane)
    lifted = lift_track(model, absent(track, 12, 13))
    assert len(lifted) == 30
    for window in model.inputs:
        assert np.linalg.norm(window - corner, axis=-1).min() > 0.3
    np.testing.assert_allclose(
        lifted.keypoints_3d[12:14, :, :2], truth[12:14], atol=0.03)
    assert (lifted.scores[12:14] == 0).all()
    assert (lifted.keypoints_2d[12:14] > 100).all()


@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    hnp.arrays(bool, st.integers(1, 25)).filter(np.any), st.integers(0, 6),
    st.integers(0, 99))
def test_whatever_is_missing(fake, present, max_gap, seed):
    """Frames seen come out as they went in, in order, once; others only
    within short gaps, with scores of 0; the root may be missing too."""
    track = make_track(len(present), seed=seed)
    truth = normalized(track)
    missing = np.random.default_rng(seed).random(track.scores.shape) < 0.2
    missing[:, 3] = False
    track.scores[missing | ~present[:, None]] = 0
    track.keypoints[track.scores == 0] = 0
    model = fake(in_plane)
    pieces = lift_tracks(model, [track], max_gap=max_gap)
    frames = np.concatenate([piece.frame_ids for piece in pieces])
    assert (np.diff(frames) > 0).all()
    assert set(np.flatnonzero(present)) <= set(frames.tolist())
    for piece in pieces:
        np.testing.assert_array_equal(piece.scores_2d,
                                      track.scores[piece.frame_ids])
        assert np.isfinite(piece.keypoints_3d).all()
        seen = piece.scores_2d > 0
        assert (piece.scores[~seen] == 0).all()
        both = seen & seen[:, :1]
        np.testing.assert_allclose(
            piece.keypoints_3d[both][:, :2],
            truth[piece.frame_ids][both],
            atol=1e-5)
    corner = np.array([-1, -900 / 1600])
    for window in model.inputs:
        assert np.linalg.norm(window - corner, axis=-1).min() > 0.3


def test_several_people_share_batches(fake):
    model = fake(in_plane)
    tracks = [
        make_track(9 + 4 * i, COCO_17 if i % 2 else H36M_17, i, track_id=i)
        for i in range(10)
    ]
    seen = []
    lifted = lift_tracks(
        model, tracks, batch_size=7, progress=lambda *a: seen.append(a))
    assert [person.track_id for person in lifted] == list(range(10))
    assert seen[-1] == (len(model.inputs), ) * 2
    assert all(b[0] - a[0] == 7 for a, b in zip(seen, seen[1:-1]))
    for track, person in zip(tracks, lifted):
        np.testing.assert_allclose(
            person.keypoints_3d[..., :2],
            normalized(track.to_skeleton(H36M_17)),
            atol=1e-6)


def test_nobody_and_people_without_joints_of_the_lifters(fake):
    assert lift_tracks(fake(in_plane), []) == []
    toes = make_track(3, BODY_25, track_id=5)
    toes.scores[:, :19] = 0
    with pytest.warns(UserWarning, match='person 5: left out: none of the'):
        lifted = lift_tracks(fake(in_plane), [toes, make_track(3)])
    assert len(lifted) == 1
    with pytest.raises(ValueError, match='found none of them in any frame'):
        lift_track(fake(in_plane), toes)


def test_view_is_fitted_where_the_data_set_says_its_own(fake):
    model = fake(in_plane)
    model.dataset_meta = dict(
        stats_info=dict(bbox_center=(500., 500.), bbox_scale=400.))
    track = make_track(9)
    lift_track(model, track)
    pixels = (model.inputs[0] + 1) * 500
    assert np.ptp(pixels, axis=1).max(1) == pytest.approx(400, rel=0.1)
    lift_track(model, track, fit=False)
    truth = track.keypoints * 2 / 1600 - [1, 900 / 1600]
    np.testing.assert_allclose(model.inputs[1], truth, atol=1e-5)


def test_no_data_set_takes_a_tracks_place(fake):
    """Whatever a checkpoint says of its data is beside what is lifted."""
    track, model = make_track(6), fake(in_plane)
    model.dataset_meta = dict(
        keypoints=np.zeros((9, 17, 2), np.float32), frame_ids=[7], clip='x')
    found = lift_track(model, track, fit=False)
    np.testing.assert_allclose(
        found.keypoints_3d[..., :2], normalized(track), atol=1e-5)


def test_coco_track_is_mapped(fake):
    model = fake(in_plane)
    track = make_track(9, COCO_17)
    lifted = lift_track(model, track)
    assert lifted.skeleton is H36M_17
    hips = [COCO_17.index['left_hip'], COCO_17.index['right_hip']]
    np.testing.assert_allclose(
        lifted.keypoints_2d[:, 0], track.keypoints[:, hips].mean(1), rtol=1e-6)


def test_bad_models_are_refused(fake):

    def middle_frame_only(x, n):
        return dict(keypoints=np.zeros((1, 17, 3), np.float32))

    def broken(x, n):
        return dict(keypoints=np.full((9, 17, 3), np.nan, np.float32))

    with pytest.raises(ValueError, match=r'\(9, 17, 3\).*found \(1, 17, 3\)'):
        lift_track(fake(middle_frame_only), make_track(9))
    with pytest.raises(ValueError, match='predicts NaN'):
        lift_track(fake(broken), make_track(9))
    with pytest.raises(ValueError, match='overlap should be from 0 to 8'):
        lift_track(fake(in_plane), make_track(9), overlap=9)


def test_plain_lifter(regression_config):
    model = init_model(regression_config)
    lifted = lift_track(model, make_track(20))
    assert lifted.keypoints_3d.shape == (20, 17, 3)
    assert lifted.hypotheses is None
    assert (lifted.keypoints_3d[:, 0] == 0).all()


def test_diffusion_lifter(diffusion_config):
    """Same track, same poses, whatever the batch size."""
    model = init_model(diffusion_config)
    torch.manual_seed(0)
    # Untrained, a head may answer with the encoder's pose alone.
    for weight in model.head.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    track = make_track(20, COCO_17)
    lifted = lift_track(model, track)
    assert lifted.keypoints_3d.shape == (20, 17, 3)
    assert lifted.hypotheses.shape == (20, 3, 17, 3)
    assert lifted.std.shape == lifted.scores.shape == (20, 17)
    assert (lifted.std[:, 1:] > 0).all() and lifted.scores[:, 1:].mean() < 1
    again = lift_track(model, track, batch_size=1)
    np.testing.assert_allclose(
        again.keypoints_3d, lifted.keypoints_3d, atol=1e-5)


@pytest.mark.parametrize('kind', ['frames', 'joint'])
@pytest.mark.parametrize('with_mixtures', [False, True])
def test_what_was_bridged_is_less_sure(diffusion_config, kind, with_mixtures):
    """Its std and its hypotheses are wider than around it."""
    torch.manual_seed(0)
    model = init_model(diffusion_config)
    track = make_track(30)
    if with_mixtures:
        track.mixtures = np.ones((30, 17, 1, 5), np.float32)
        track.mixtures[..., 1:3] = track.keypoints[:, :, None]
        track.mixtures[..., 3:] = 5
    gap, joints = slice(14, 17), slice(1, 17) if kind == 'frames' else 12
    track.scores[gap, slice(None) if kind == 'frames' else joints] = 0
    lifted = lift_track(model, track)
    spread = lifted.hypotheses.std(1).mean(-1)
    for value in (lifted.std, spread):
        around = value[[12, 13, 17, 18]][:, joints]
        assert (value[gap, joints] > around.max(0)).all()
        middle = value[gap, joints][1]
        assert (middle >= value[gap, joints].max(0) - 1e-6).all()
    if kind == 'joint':
        whole = lift_track(model, make_track(30))
        others = np.delete(lifted.std[gap], joints, 1)
        expected = np.delete(whole.std[gap], joints, 1)
        np.testing.assert_allclose(others, expected, rtol=0.5)
