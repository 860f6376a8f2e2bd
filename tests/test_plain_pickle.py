# Copyright (c) mmdiffpose contributors. All rights reserved.
import os
import pickle

import numpy as np
import pytest

from mmdiffpose.plain_pickle import load_plain_npz, load_plain_pickle

PLAIN = {
    ('S1', '54138969'):
    dict(R=np.eye(3), f=np.ones((2, 1), np.float32), w=1000, name='x'),
    'number':
    np.float64(3.5),
    'objects': [np.arange(3), None, True, b'bytes', 'text']
}


class Harmful:
    """Runs a command while it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f'touch {self.path}', )


def same(first, second):
    return pickle.dumps(first, 4) == pickle.dumps(second, 4)


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_of_all_protocols(tmp_path, protocol):
    path = tmp_path / 'cameras.pkl'
    path.write_bytes(pickle.dumps(PLAIN, protocol))
    loaded = load_plain_pickle(path)
    assert set(loaded) == set(PLAIN)
    np.testing.assert_array_equal(loaded['S1', '54138969']['R'], np.eye(3))
    assert loaded['number'] == 3.5
    assert loaded['objects'][1:] == PLAIN['objects'][1:]


def test_code_is_refused_before_it_runs(tmp_path):
    path, trace = tmp_path / 'cameras.pkl', tmp_path / 'trace'
    path.write_bytes(pickle.dumps({'S1': Harmful(trace)}))
    with pytest.raises(ValueError, match='cameras.pkl.*system.*not plain'):
        load_plain_pickle(path)
    np.savez(tmp_path / 'a.npz', data=np.array(Harmful(trace), object))
    with pytest.raises(ValueError, match='a.npz.*system.*not plain'):
        load_plain_npz(tmp_path / 'a.npz')
    assert not trace.exists()


def test_npz_of_dicts_and_arrays(tmp_path):
    path = tmp_path / 'data.npz'
    nested = {'S1': {'Walking': [np.ones((3, 17, 2), np.float32)] * 2}}
    cells = np.empty(2, object)
    cells[:] = [np.zeros(2), {'a': 1}]
    np.savez_compressed(path, data=nested, plain=np.arange(4), cells=cells)
    content = load_plain_npz(path)
    np.testing.assert_array_equal(content['plain'], np.arange(4))
    np.testing.assert_array_equal(content['data']['S1']['Walking'][1],
                                  nested['S1']['Walking'][1])
    assert content['cells'][1] == {'a': 1}


@pytest.mark.parametrize('keep', [0, 10, 300, -30])
def test_truncated_files(tmp_path, keep):
    pickled, archive = tmp_path / 'cut.pkl', tmp_path / 'cut.npz'
    pickled.write_bytes(pickle.dumps(PLAIN)[:keep])
    with pytest.raises(ValueError, match='cut.pkl'):
        load_plain_pickle(pickled)
    np.savez(archive, data=PLAIN)
    archive.write_bytes(archive.read_bytes()[:keep])
    with pytest.raises(ValueError, match='cut.npz.*get it again'):
        load_plain_npz(archive)


def test_missing_files(tmp_path):
    for load in (load_plain_pickle, load_plain_npz):
        with pytest.raises(FileNotFoundError, match='gone'):
            load(tmp_path / 'gone')
