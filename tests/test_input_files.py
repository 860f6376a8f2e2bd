# Copyright (c) mmdiffpose contributors. All rights reserved.
"""JSON whose long lists of numbers come as arrays."""
import json

import numpy as np
import pytest

from mmdiffpose.input_files import read_json


def read(tmp_path, document, **options):
    path = tmp_path / 'x.json'
    path.write_text(
        document if isinstance(document, str) else json.dumps(document))
    return read_json(path, **options)


@pytest.mark.parametrize('values',
                         [[0.5], [1, 2.5, float('nan')], [[1., 2], [3, 4.5]],
                          [[[1.5, 2]], [[3, 4]]]])
def test_numbers_come_as_arrays_where_asked_for(tmp_path, values):
    found = read(
        tmp_path, [dict(joints=values, other=values)], packed=('joints', ))[0]
    assert found['joints'].dtype == np.float64
    np.testing.assert_array_equal(found['joints'], np.array(values))
    assert isinstance(found['other'], list)
    assert isinstance(read(tmp_path, dict(joints=values))['joints'], list)


@pytest.mark.parametrize(
    'values', [[], [1, 2, 3], [0.5, None], [0.5, True], [0.5, '1'],
               [0.5, [1.]], [[0.5], [1., 2]], [[0.5], 1.], [[0.5], []],
               [0.5, 10**400], ['a'], [{}], 0.5, 'text', None, {
                   'x': 0.5
               }])
def test_everything_else_stays_as_it_is(tmp_path, values):
    found = read(tmp_path, dict(joints=values), packed=('joints', ))
    assert found == dict(joints=values)
    assert type(found['joints']) is type(values)


def test_keys_that_are_there_twice_are_refused_all_the_same(tmp_path):
    with pytest.raises(ValueError, match="x.json: .* key 'joints' twice"):
        read(
            tmp_path,
            '{"joints": [0.5], "joints": [0.5]}',
            packed=('joints', ))
