# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lifting a track: what the model is shown and what becomes of its answers."""

from functools import partial

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmdiffpose.apis import KeypointTrack, init_model, lift_track
from mmdiffpose.skeletons import COCO_17, H36M_17

SIZE = (1600, 900)


def make_track(frames=30, skeleton=H36M_17, seed=0):
    rng = np.random.default_rng(seed)
    pose = rng.uniform(-150, 150, (1, 17, 2)) + [800, 450]
    drift = np.cumsum(rng.normal(0, 4, (frames, 17, 2)), 0)
    return KeypointTrack(pose + drift, np.full((frames, 17), 0.9), SIZE,
                         skeleton)


class FakeLifter(torch.nn.Module):
    """Answers each window with a known function of what it was shown.

    ``answer(x, n)`` takes the inputs (T, J, 2) and the number of the window
    and returns the fields of a prediction.
    """

    def __init__(self, cfg, answer):
        super().__init__()
        self.cfg = cfg
        self.dataset_meta = {}
        self.answer = answer
        self.inputs, self.samples = [], []

    def test_step(self, data):
        for x, sample in zip(data['inputs'], data['data_samples']):
            sample.pred_instances = InstanceData(
                **self.answer(x.numpy(), len(self.inputs)))
            self.inputs.append(x.numpy())
            self.samples.append(sample)
        return data['data_samples']


@pytest.fixture
def fake(regression_config):
    return partial(FakeLifter, regression_config)


def in_plane(x, n=0):
    """The identity: the 2D input as a pose without depth."""
    pose = np.concatenate([x, np.zeros_like(x[..., :1])], -1)
    scores = np.full(pose.shape[:2], 0.5, np.float32)
    return dict(keypoints=pose, keypoint_scores=scores)


def normalized(track):
    w, h = track.image_size
    points = track.keypoints * 2 / w - [1, h / w]
    return points - points[:, :1]


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


def test_long_absence_is_said(fake):
    track = make_track(40)
    track.scores[10:20] = 0
    with pytest.warns(UserWarning, match='between frames 9 and 20'):
        lifted = lift_track(fake(in_plane), track)
    assert lifted.frame_ids.tolist() == [*range(10), *range(20, 40)]


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
