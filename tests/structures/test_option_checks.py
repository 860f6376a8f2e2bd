# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Options with impossible values are refused in one sentence, everywhere."""

import numpy as np
import pytest
from fake_lifter import FakeLifter, in_plane, make_track

from mmdiffpose.apis import (DiffusionPose3DInferencer, InferenceOptions,
                             init_model, lift_tracks)
from mmdiffpose.structures.option_checks import (check_flag, check_number,
                                                 check_whole)


def test_numbers_of_any_type_are_numbers():
    for value in (3, 3., np.int64(3), np.float32(3)):
        check_whole('a', value, 3)
        check_number('a', value, 0, 3)
    for value in (True, np.bool_(False)):
        check_flag('a', value)
    for value in (2, 3.5, '3', True, None, np.nan, [3]):
        with pytest.raises(ValueError, match='a should be a whole number fr'):
            check_whole('a', value, 3)
    for value in (4, '3', True, None, np.nan):
        with pytest.raises(ValueError, match='a should be a number from 0 to'):
            check_number('a', value, 0, 3)
    for value in (1, 'no', None):
        with pytest.raises(ValueError, match='a should be True or False'):
            check_flag('a', value)


@pytest.mark.parametrize('option, value', [('overlap', '4'), ('batch_size', 0),
                                           ('batch_size', 2.5),
                                           ('max_gap', '3'), ('max_gap', -1),
                                           ('fit', 'no'), ('resample', 'no'),
                                           ('score_thr', 2),
                                           ('focal_length', 'x')])
def test_lifting(regression_config, option, value):
    model = FakeLifter(regression_config, in_plane)
    name = option.replace('_', '.')
    with pytest.raises(ValueError, match=f'^{name}.*{value}'):
        lift_tracks(model, [make_track(9)], **{option: value})


@pytest.mark.parametrize('option, value', [('image_size', 5),
                                           ('image_size', (0, 4)),
                                           ('score_thr', '0.3'),
                                           ('trc_unseen', 'nothing')])
def test_calls(option, value):
    with pytest.raises(ValueError, match=f'^{option} should be '):
        InferenceOptions.from_call({option: value})


@pytest.mark.parametrize('option, value', [('bbox_thr', 'x'), ('nms_thr', -1),
                                           ('person_thr', 2),
                                           ('show_progress', 'x')])
def test_inferencers(regression_config, option, value):
    with pytest.raises(ValueError, match=f'^{option} should be '):
        DiffusionPose3DInferencer(regression_config, **{option: value})


@pytest.mark.parametrize('options, message', [
    ({
        'lifter_fps': -5
    }, 'lifter_fps should be frames a second.*-5'),
    ({
        'lifter_fps': '30'
    }, "lifter_fps should be frames a second.*'30'"),
    ({
        'model.head': 4
    }, 'model.head should have keys.*got 4'),
])
def test_models(regression_config, options, message):
    with pytest.raises(ValueError, match=message):
        init_model(regression_config, cfg_options=options)


def test_devices(regression_config):
    with pytest.raises(ValueError, match="device: expected.*'gpu7'"):
        init_model(regression_config, device='gpu7')
