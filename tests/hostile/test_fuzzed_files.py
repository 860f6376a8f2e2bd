# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Sound files with changes: read, or refused with a sentence."""
import os
import random
import sys
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith('linux'),
    reason='memory is bounded by RLIMIT_AS and measured by /proc')
fuzzing = pytest.importorskip('fuzzing')
SECONDS = 'MMDIFFPOSE_FUZZ_SECONDS'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    for name, reader in fuzzing.READERS.items():
        fuzzing.read(name, fuzzing.SEEDS / reader.seed)
    return tmp_path_factory.mktemp('fuzzed')


@pytest.mark.parametrize('name', fuzzing.targets())
@settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_files_are_read_or_refused(folder, name, data):
    seed = (fuzzing.SEEDS / fuzzing.READERS[name].seed).read_bytes()
    whole = data.draw(st.integers(0, 9)) == 0
    content = data.draw(st.binary(max_size=200)) if whole else fuzzing.change(
        seed, random.Random(data.draw(st.integers(0, 2**32))))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        found = fuzzing.complaint(name, content, folder)
    for path in folder.iterdir():
        path.unlink()
    assert not found, (found, content[:1000])


@pytest.mark.skipif(
    SECONDS not in os.environ,
    reason=f'{SECONDS} says for how many seconds to fuzz all readers')
def test_fuzzed_for_long():
    said = []
    tried = fuzzing.fuzz(
        float(os.environ[SECONDS]), random.randrange(2**32), fuzzing.targets(),
        said.append)
    assert tried['complaints'] == 0, '\n'.join(said)
