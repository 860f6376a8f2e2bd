# Copyright (c) mmdiffpose contributors. All rights reserved.
import pytest
import torch
from lifter_factory import T, batch, build


def pose_head():
    """Takes features for poses, so that a test says what it predicts."""
    return build(dict(type='mmdiffpose.PoseFeatureHead'))


def test_the_error_in_the_log_is_in_millimetres():
    """Every joint but the root 0.3, 0.4 and 0 m off: 500 mm of 16 in 17."""
    _, samples = batch([0, 1])
    target = torch.stack(
        [s.gt_instance_labels.lifting_target_label for s in samples])
    poses = target + torch.tensor([0.3, 0.4, 0])
    # Root-relative first: where the root is has no part in it.
    poses[:, :, 0] -= torch.tensor([0.3, 0.4, 0])
    losses = pose_head().loss((poses, poses), samples)
    assert losses['mpjpe_mm'].item() == pytest.approx(500 * 16 / 17, rel=1e-5)
    assert losses['loss_pose3d'].item() == pytest.approx(
        0.5 * 16 / 17, rel=1e-5)
    assert not losses['mpjpe_mm'].requires_grad


def test_the_middle_frame_counts_twice():
    _, samples = batch([0])
    target = samples[0].gt_instance_labels.lifting_target_label[None]
    merged = target.clone()
    merged[:, T // 2] += torch.tensor([0., 0, 2])
    merged[:, 0] += 7  # no matter
    losses = pose_head().loss((target, merged), samples)
    assert losses['loss_pose3d'] == 0
    assert losses['loss_center'].item() == pytest.approx(2)


def test_poses_are_relative_to_the_root_outside_of_the_loss():
    features = torch.randn(2, T, 17, 3) + 4
    out = pose_head()((features, ))
    torch.testing.assert_close(out, features - features[:, :, :1])
    assert torch.equal(pose_head().regress((features, )), features)
