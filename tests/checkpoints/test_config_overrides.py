# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Overrides that nothing would read, and impossible values, are refused."""

import pytest

from mmdiffpose.apis import init_model


@pytest.mark.parametrize('options, message', [
    ({
        'num_hypotheses': 4
    }, "reads the key 'num_hypotheses'; did you mean model.test_cfg.num_hyp"),
    ({
        'test_cfg.num_hypotheses': 4
    }, "reads the key 'test_cfg.num_hypotheses'; did you mean model.test_cfg"),
    ({
        'model.test_cfg.num_hypothesis': 4
    }, "'model.test_cfg' has no key 'num_hypothesis'; did you mean num_hypot"),
    ({
        'model.head.num_setps': 4
    }, "'model.head' has no key 'num_setps'; did you mean num_steps"),
    ({
        'model.heads.num_steps': 4
    }, "'model' has no key 'heads'; did you mean head"),
    ({
        'model.head.num_steps.more': 4
    }, "'model.head.num_steps' has no keys, found 'more'"),
    ({
        'modle.test_cfg.seed': 4
    }, 'did you mean model.test_cfg.seed'),
    ({
        'model.test_cfg.num_hypotheses': 0
    }, 'num_hypotheses should be a whole number from 1 on, got 0'),
    ({
        'model.test_cfg.num_hypotheses': '4'
    }, "num_hypotheses should be a whole number from 1 on, got '4'"),
    ({
        'model.test_cfg.num_hypotheses': True
    }, 'should be a whole number from 1 on, got True'),
    ({
        'model.test_cfg.sampler': 'dimd'
    }, "sampler should be one of .*ddim.*, got 'dimd'"),
    ({
        'model.test_cfg.eta': float('nan')
    }, 'eta should be a number, 0 or more, got nan'),
    ({
        'model.test_cfg.clip': 0
    }, 'clip should be None or a number above 0'),
    ({
        'model.test_cfg.flip_test': 1
    }, 'flip_test should be True or False, got 1'),
    ({
        7: 1
    }, 'expected keys as text, found 7'),
])
def test_refused(options, message):
    with pytest.raises(ValueError, match=message) as caught:
        init_model('diffpose-v1', cfg_options=options)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('options', [
    {
        'model.test_cfg.num_hypotheses': 2
    },
    {
        'model.test_cfg.eta': 1,
        'model.test_cfg.flip_test': False
    },
    {
        'model.test_cfg': dict(num_hypotheses=3)
    },
    {
        'lifter_fps': 25
    },
])
def test_taken(options):
    model = init_model('diffpose-v1', cfg_options=options)
    for key, value in options.items():
        if key.startswith('model.test_cfg.'):
            assert model.test_cfg[key.rsplit('.', 1)[1]] == value


def test_a_lifter_without_hypotheses_has_none_to_count():
    with pytest.raises(ValueError, match="has no key 'num_hypotheses'"):
        init_model(
            'mixste-v1', cfg_options={'model.test_cfg.num_hypotheses': 2})
