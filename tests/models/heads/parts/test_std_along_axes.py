# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The predictive std along x, y and z."""

import pytest
import torch
from lifter_factory import T, batch, lifter, regressor

from mmdiffpose.models.heads.parts.sampling import along_axes


def test_share_of_each_axis():
    # Twice as far off in depth as across: 1, 1, 2 have a root mean square of
    # sqrt(6 / 3); a std of 3 is 3 / sqrt(2) times as much.
    shape = torch.tensor([[1., 1., 2.], [0., 0., 0.]])
    found = along_axes(torch.tensor([3., 5.]), shape)
    third = 3 / 2**.5
    torch.testing.assert_close(
        found, torch.tensor([[third, third, 2 * third], [5., 5., 5.]]))


@pytest.mark.parametrize('build', [lifter, regressor])
def test_predictions_say_it(build):
    model = build().eval()
    inputs, samples = batch([0, 1])
    with torch.no_grad():
        found = model.predict(inputs, samples)
    for sample in found:
        std = torch.as_tensor(sample.pred_instances.keypoint_std)
        along = torch.as_tensor(sample.pred_instances.keypoint_std_xyz)
        assert along.shape == (T, 17, 3)
        torch.testing.assert_close((along**2).mean(-1).sqrt(), std)


def test_hypotheses_that_differ_in_depth_alone():
    head = lifter().head
    poses = torch.randn(2, 8, T, 17, 3) * torch.tensor([0., 0., 1.])
    found = along_axes(
        torch.full((2, T, 17), .1), head.predictive_shape(poses, None, {}))
    # All of the variance of the three axes, 3 x 0.01.
    expected = torch.tensor([0., 0., .1 * 3**.5]).expand_as(found)
    torch.testing.assert_close(found, expected)
