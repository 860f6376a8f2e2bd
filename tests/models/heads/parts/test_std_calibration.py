# Copyright (c) mmdiffpose contributors. All rights reserved.
import logging

import numpy as np
import pytest
import torch
from lifter_factory import lifter, sample
from mmengine.logging import MMLogger

from mmdiffpose.diffusion.aggregation import score_from_std
from mmdiffpose.models.heads.parts.std_calibration import StdCalibration


def predict(model, **test_cfg):
    model.test_cfg.update(test_cfg)
    inputs, data_sample = sample(0)
    with torch.no_grad():
        out = model.predict(inputs[None], [data_sample])
    return out[0].pred_instances


def test_the_std_and_the_scores_follow_the_calibration():
    model = lifter(test_cfg=dict(num_hypotheses=4))
    raw = predict(model).keypoint_std
    scale, floor = torch.linspace(0, 2, 17), torch.linspace(0.03, 0, 17)
    model.head.std_calibration.set(scale, floor)
    out = predict(model)
    expected = np.sqrt((scale.numpy() * raw)**2 + floor.numpy()**2)
    np.testing.assert_allclose(out.keypoint_std, expected, rtol=1e-5)
    np.testing.assert_allclose(
        out.keypoint_scores,
        score_from_std(torch.from_numpy(expected)),
        atol=1e-5)


def test_one_hypothesis_keeps_the_encoders_std():
    model = lifter(test_cfg=dict(num_hypotheses=1))
    model.coarse_head.set_residual_std(torch.full((17, 3), 0.07))
    model.head.std_calibration.set(torch.ones(17), torch.full((17, ), 0.5))
    np.testing.assert_allclose(predict(model).keypoint_std, 0.07, rtol=1e-5)


def test_a_checkpoint_without_calibration_loads_strictly_as_not_fitted():
    old = {
        key: value
        for key, value in lifter().state_dict().items()
        if 'std_calibration' not in key
    }
    model = lifter()
    model.head.std_calibration.set(torch.ones(17), torch.ones(17))
    missing, unexpected = model.load_state_dict(old, strict=True)
    assert not missing and not unexpected
    assert not bool(model.head.std_calibration.fitted)
    assert len(old) < len(model.state_dict())


def test_a_calibration_is_saved_and_loaded():
    model, other = lifter(), lifter()
    model.head.std_calibration.set(torch.rand(17), torch.rand(17))
    other.load_state_dict(model.state_dict(), strict=True)
    spread = torch.rand(2, 5, 17)
    assert torch.equal(
        model.head.std_calibration(spread, {}),
        other.head.std_calibration(spread, {}))


@pytest.mark.parametrize('other', [
    dict(num_sampling_steps=2),
    dict(flip_test=True),
    dict(sampler='angle'),
])
def test_other_sampling_options_are_named_once(other):
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = MMLogger.get_instance('std_calibration_test')
    model = lifter(test_cfg=dict(num_hypotheses=4))
    logger.addHandler(handler)
    try:
        predict(model)
        model.head.std_calibration.set(torch.ones(17), torch.ones(17))
        predict(model, seed=3)
        assert not messages
        predict(model, **other)
        predict(model, **other)
    finally:
        logger.removeHandler(handler)
    assert len(messages) == 1 and 'calibrate.py' in messages[0]


@pytest.mark.parametrize('scale, message', [(torch.ones(3), 'shape'),
                                            (-torch.ones(17), 'negative'),
                                            (torch.full(
                                                (17, ), torch.nan), 'finite')])
def test_bad_values_are_refused(scale, message):
    with pytest.raises(ValueError, match=message):
        StdCalibration(17).set(scale, torch.zeros(17))
