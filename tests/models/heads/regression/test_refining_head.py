# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A refined pose with a predicted std, without sampling."""
import numpy as np
import torch
from head_cases import RESIDUAL, make, predict
from lifter_factory import batch


def test_it_is_the_mean_and_std_of_the_head_that_samples():
    """The same weights in either head: the control by construction."""
    sampling = make('ResidualDiffusionHead')
    control = make('RefiningHead')
    weights = {
        key: value
        for key, value in sampling.state_dict().items()
        if key in control.state_dict()
    }
    assert set(weights) == set(control.state_dict())
    control.load_state_dict(weights)
    inputs, samples = batch([0, 1])
    for one, other in zip(
            predict(control, inputs, samples),
            predict(sampling, inputs, samples)):
        np.testing.assert_allclose(one.keypoints, other.keypoints, atol=1e-6)
        np.testing.assert_allclose(
            one.keypoint_std_xyz, other.keypoint_std_xyz, atol=1e-6)
        np.testing.assert_array_equal(one.coarse_keypoints,
                                      other.coarse_keypoints)


def test_without_a_second_regression_it_is_the_encoders_pose():
    model = make('RefiningHead', **dict(RESIDUAL, refine=None))
    out = predict(model, *batch([0]))[0]
    np.testing.assert_allclose(out.keypoints, out.coarse_keypoints, atol=1e-6)


def test_flips_make_the_std_the_root_mean_square(monkeypatch):
    """3 and 4 cm: the root of 12.5; a side's std is the other side's there."""
    model = make('RefiningHead')
    inputs, samples = batch([0])
    views = iter((0.03, 0.04))
    view = model.head._view

    def known(context):
        mean, std = view(context)
        value = next(views)
        std = torch.full_like(std, value)
        std[:, :, 1 if value == 0.03 else 4] *= 2  # the right hip's
        return mean, std

    monkeypatch.setattr(model.head, '_view', known)
    out = predict(model, inputs, samples, flip_test=True)[0]
    expected = np.full((5, 17, 3), np.sqrt((0.03**2 + 0.04**2) / 2))
    expected[:, 1] *= 2
    np.testing.assert_allclose(out.keypoint_std_xyz, expected, rtol=1e-5)
