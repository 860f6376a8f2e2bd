# Copyright (c) mmdiffpose contributors. All rights reserved.
import pytest
import torch

from mmdiffpose.models.losses import MixSTELoss, MPJPELoss, SquaredErrorLoss


def poses():
    torch.manual_seed(0)
    return torch.randn(2, 4, 17, 3), torch.randn(2, 4, 17, 3)


def test_mpjpe_and_squared_error_against_a_loop():
    pred, target = poses()
    distances = [(pred[b, t, j] - target[b, t, j]).norm() for b in range(2)
                 for t in range(4) for j in range(17)]
    assert MPJPELoss()(pred, target).item() == pytest.approx(
        sum(distances).item() / len(distances), rel=1e-5)
    assert SquaredErrorLoss()(pred, target).item() == pytest.approx(
        sum(d**2 for d in distances).item() / len(distances), rel=1e-5)


def test_weights_leave_joints_out():
    pred, target = poses()
    weight = torch.ones(2, 4, 17)
    weight[1, 2, 5] = 0
    broken = pred.clone()
    broken[1, 2, 5] = 1e3
    for loss in (MPJPELoss(), SquaredErrorLoss(), MixSTELoss()):
        torch.testing.assert_close(
            loss(broken, target, weight), loss(pred, target, weight))


def test_mixste_terms_by_hand():
    """One joint moves by 2 per frame, the target stands still."""
    target = torch.zeros(1, 3, 17, 3)
    pred = target.clone()
    pred[0, :, 0, 0] = torch.tensor([0., 2., 4.])
    loss = MixSTELoss()(pred, target)
    position = (0 + 2 + 4) / (3 * 17)
    consistency = 2 * (4 / 3) / (2 * 17)
    velocity = 2 * 2 / (2 * 17)
    assert loss.item() == pytest.approx(position + 0.5 * consistency +
                                        2 * velocity)


def test_a_single_frame_has_no_velocity():
    target = torch.zeros(1, 1, 17, 3)
    assert MixSTELoss()(target + 1, target).isfinite()
    with pytest.raises(ValueError, match='17 joint'):
        MixSTELoss()(torch.zeros(1, 1, 14, 3), torch.zeros(1, 1, 14, 3))
