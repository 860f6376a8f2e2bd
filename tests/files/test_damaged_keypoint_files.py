# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Whatever is wrong with a file, it is a sentence that says so."""

import copy
import json

import hypothesis.strategies as st
import numpy as np
import pytest
from foreign_files import SIZE, crowd, document
from hypothesis import given, settings

from mmdiffpose.apis import read_keypoint_tracks
from mmdiffpose.files.keypoint_files import FORMATS

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 99) | st.text(max_size=3)
    | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.text(max_size=3), inner, max_size=2),
    max_leaves=6)


@pytest.fixture(scope='module')
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp('junk') / 'junk.json'


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(['mmpose', 'coco', 'results', 'alphapose', 'openpose']),
    st.data())
def test_damaged_files_are_read_or_refused(scratch, kind, data):
    """Any value of a sound file replaced by anything: a track of finite
    numbers or a ValueError, nothing else."""
    content = copy.deepcopy(document(kind, crowd(kind, 2, 1)))
    if kind == 'openpose':
        content = next(iter(content.values()))
    at = content
    while True:
        keys = list(at) if isinstance(at, dict) else range(len(at))
        key = data.draw(st.sampled_from(keys))
        inner = at[key]
        if not isinstance(inner, (dict, list)) or not inner or data.draw(
                st.integers(0, 2)) == 0:
            break
        at = inner
    at[key] = data.draw(JUNK)
    scratch.write_text(json.dumps(content))
    named = data.draw(st.sampled_from([None, *FORMATS]))
    try:
        tracks = read_keypoint_tracks(scratch, SIZE, file_format=named)
    except ValueError as error:
        assert 'junk.json' in str(error)
    else:
        for track in tracks:
            assert np.isfinite(track.keypoints).all()
            assert track.present.any()
