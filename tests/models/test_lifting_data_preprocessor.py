# Copyright (c) mmdiffpose contributors. All rights reserved.
import pytest
import torch
from lifter_factory import batch, lifter, regressor
from mmengine.model import BaseDataPreprocessor

from mmdiffpose.models.lifters import LiftingDataPreprocessor


@pytest.mark.parametrize('as_list', [True, False])
def test_inputs_become_one_tensor_and_samples_stay(as_list):
    inputs, samples = batch([0, 1])
    data = dict(inputs=list(inputs) if as_list else inputs, other=3)
    data['data_samples'] = samples
    out = LiftingDataPreprocessor()(data, True)
    assert torch.equal(out['inputs'], inputs)
    assert out['data_samples'] is samples and out['other'] == 3
    assert (data['inputs'] is not out['inputs']) == as_list


def test_inputs_go_to_the_model_s_device():
    made = LiftingDataPreprocessor().to('meta')
    inputs, samples = batch([0])
    out = made(dict(inputs=list(inputs), data_samples=samples))
    assert out['inputs'].is_meta
    labels = out['data_samples'][0].gt_instance_labels
    assert not labels.lifting_target_label.is_meta


def test_a_lifter_learns_and_predicts_the_same_with_mmengine_s():
    model = lifter(target='sample')
    assert isinstance(model.data_preprocessor, LiftingDataPreprocessor)
    inputs, samples = batch([0, 1])
    data = dict(inputs=list(inputs), data_samples=samples)
    poses = []
    for preprocessor in (LiftingDataPreprocessor(), BaseDataPreprocessor()):
        model.data_preprocessor = preprocessor
        with torch.no_grad():
            out = model.test_step(data)
        poses.append(out[1].pred_instances.keypoints)
    assert (poses[0] == poses[1]).all()


def test_a_regressor_takes_it():
    # MMPose's own lifter, whose default is MMEngine's preprocessor.
    model = regressor()
    model.data_preprocessor = LiftingDataPreprocessor()
    inputs, samples = batch([0, 1])
    with torch.no_grad():
        out = model.test_step(dict(inputs=list(inputs), data_samples=samples))
    assert len(out) == 2
