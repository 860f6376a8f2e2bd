# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Two inputs of one name never overwrite each other."""

import json
import os

import numpy as np
import pytest

from mmdiffpose.files.result_names import ResultNames, source_name, written_by


def test_a_name_says_which_file_not_where(tmp_path, monkeypatch):
    path = tmp_path / 'a' / 'walk.mp4'
    name = source_name(path)
    assert name.startswith('walk.mp4#') and str(tmp_path) not in name
    monkeypatch.chdir(tmp_path)
    assert source_name('a/walk.mp4') == name == source_name(str(path))
    assert source_name([path, 'b.png']) == name
    assert source_name(tmp_path / 'b' / 'walk.mp4') != name
    assert source_name(np.zeros(3)) is None and source_name(0) is None


def test_names_within_a_process(tmp_path):
    names = ResultNames()
    a, b = 'walk.mp4#1', 'walk.mp4#2'
    pred, vis = tmp_path / 'p', tmp_path / 'v'
    assert names.free('walk', '_3d', a, pred, vis) == 'walk'
    assert names.free('walk', '_3d', b, pred, vis) == 'walk_2'
    assert names.free('walk', '_3d', 'walk.json#3', '', vis) == 'walk_3'
    assert names.free('walk', '_3d', b, pred, vis) == 'walk_2'
    assert names.free('walk', '_3d', a, pred, vis) == 'walk'
    assert names.free('walk', '_3d', b, tmp_path / 'q') == 'walk'
    assert names.free('walk', '_3d', None, pred) == 'walk'
    assert names.free('walk', '_3d', b, '', '') == 'walk'


@pytest.mark.parametrize('ending', ['json', 'npz'])
def test_names_across_processes(tmp_path, ending):
    """What an earlier run left says whose it is."""
    meta = dict(axes='camera', source='wälk.mp4#1')
    path = tmp_path / f'walk.{ending}'
    if ending == 'json':
        text = json.dumps(
            dict(meta_info=meta, instance_info=[]), separators=(',', ':'))
        path.write_text(text)
    else:
        np.savez(path, meta=np.array(json.dumps(meta)))
    assert written_by(path) == 'wälk.mp4#1'
    assert ResultNames().free('walk', '', 'wälk.mp4#1', tmp_path) == 'walk'
    assert ResultNames().free('walk', '', 'wälk.mp4#2', tmp_path) == 'walk_2'
    path.write_bytes(os.urandom(50))
    assert written_by(path) is None


def test_names_where_no_file_tells(tmp_path):
    """Of tables and animations a note tells in a later process."""
    assert ResultNames().free('w', '', 'w#1', tmp_path / 'p', note=True) == 'w'
    assert (tmp_path / 'p/.w.source').read_text() == 'w#1'
    assert ResultNames().free('w', '', 'w#2', tmp_path / 'p') == 'w_2'
    assert ResultNames().free('w', '', 'w#1', tmp_path / 'p') == 'w'
    # A note that a power cut left is somebody's.
    (tmp_path / 'p/.w.source').write_bytes(b'\xff\xfe\x93')
    assert ResultNames().free('w', '', 'w#1', tmp_path / 'p') == 'w_2'
