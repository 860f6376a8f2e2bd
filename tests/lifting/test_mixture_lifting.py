# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What a detector's heatmaps say reaches the codec and H_K."""

from functools import partial

import numpy as np
import pytest
import torch
from fake_lifter import FakeLifter, in_plane, make_track

from mmdiffpose.apis import init_model, lift_track
from mmdiffpose.skeletons import COCO_17, H36M_17, Skeleton
from mmdiffpose.skeletons.mixture_mapping import map_mixtures


@pytest.fixture
def fake(regression_config):
    return partial(FakeLifter, regression_config)


def coco_track(frames=9):
    """Two modes a joint, of different widths in u and v."""
    track = make_track(frames, COCO_17)
    rng = np.random.default_rng(1)
    track.mixtures = rng.uniform(2, 20, (frames, 17, 2, 5)).astype(np.float32)
    track.mixtures[..., 0] = 0.7, 0.3
    track.mixtures[..., 1:3] += track.keypoints[:, :, None]
    return track


def labels(model):
    return model.samples[0].gt_instance_labels.mixture_labels.numpy()


def test_codec_gets_the_mixtures_of_the_lifters_joints(fake):
    model, track = fake(in_plane), coco_track()
    lift_track(model, track)
    expected = map_mixtures(track.mixtures, COCO_17, H36M_17, 2)
    expected[..., 1:3] = expected[..., 1:3] * 2 / 1600 - [1, 900 / 1600]
    expected[..., 3:] *= 2 / 1600
    np.testing.assert_allclose(labels(model), expected, rtol=1e-4, atol=1e-5)


def test_mixtures_move_into_the_training_view_with_the_joints(fake):
    model, track = fake(in_plane), coco_track()
    lift_track(model, track)
    plain = labels(model)
    model = fake(in_plane)
    model.dataset_meta = dict(
        stats_info=dict(bbox_center=(528., 427.), bbox_scale=200.))
    lift_track(model, track)
    fitted = labels(model)
    joints = model.inputs[0]
    size = [np.ptp(x[..., 0]) for x in (joints, plain[..., 1], fitted[..., 1])]
    zoom = size[2] / size[1]
    np.testing.assert_allclose(fitted[..., 3:], plain[..., 3:] * zoom, 1e-3)
    np.testing.assert_allclose(fitted[..., 0], plain[..., 0])
    # The modes stay where they were about the joint.
    spread = np.ptp(fitted[..., 1:3], axis=2)
    np.testing.assert_allclose(
        spread, np.ptp(plain[..., 1:3], axis=2) * zoom, atol=1e-4)


def test_bridged_and_masked_joints(fake):
    """Bridged: one wide Gaussian where the joint is taken to be. Masked: as
    the codec has it for every masked joint."""
    track = make_track(20)
    track.mixtures = np.full((20, 17, 2, 5), 4, np.float32)
    track.mixtures[..., 0] = 0.5
    track.mixtures[..., 1:3] = track.keypoints[:, :, None]
    elbow, knee = 12, 5
    track.scores[4, elbow] = track.scores[:, knee] = 0
    model = fake(in_plane)
    lift_track(model, track, overlap=0)
    found = labels(model)
    np.testing.assert_allclose(found[3, elbow, :, 3], 4 * 2 / 1600, rtol=1e-5)
    assert found[4, elbow, :, 0].tolist() == [1, 0]
    assert found[4, elbow, 0, 3] > 10 * found[3, elbow, 0, 3]
    middle = found[[3, 5], elbow, 0, 1:3].mean(0)
    np.testing.assert_allclose(found[4, elbow, 0, 1:3], middle, atol=1e-4)
    assert (found[:, knee, 0, 3] > 10 * found[3, elbow, 0, 3]).all()


def test_wider_heatmaps_make_wider_hypotheses(diffusion_config):
    """H_K is what the hypotheses start from."""
    diffusion_config.model.head.start = 'joint'
    diffusion_config.model.test_cfg.num_hypotheses = 10
    torch.manual_seed(0)
    model = init_model(diffusion_config)
    wrist = H36M_17.index['left_wrist']
    track = make_track(9)
    track.mixtures = np.full((9, 17, 1, 5), 5, np.float32)
    track.mixtures[..., 0] = 1
    track.mixtures[..., 1:3] = track.keypoints[:, :, None]
    # An encoder that is right in the plane: H_K takes its scale from it.
    coarse = torch.from_numpy(track.keypoints[None] - 500) / 300
    coarse = torch.nn.functional.pad(coarse, (0, 1))
    model.coarse_head.regress = lambda feats: coarse
    sure = lift_track(model, track)
    track.mixtures[:, wrist, :, 3:] = 80
    unsure = lift_track(model, track)
    more = unsure.std.mean(0) / np.maximum(sure.std.mean(0), 1e-6)
    assert more[wrist] > 1.2
    assert more[wrist] == more[1:].max()


def test_joints_that_the_detector_has_not_are_masked():
    legs = Skeleton('legs', ('left_hip', 'right_hip'), (-1, 0), ((0, 1), ))
    mapped = map_mixtures(np.ones((3, 2, 1, 5)), legs, H36M_17)
    seen = mapped[0, ..., 0].sum(-1) > 0
    assert [H36M_17.joints[j] for j in np.flatnonzero(seen)
            ] == ['root', 'right_hip', 'left_hip']
