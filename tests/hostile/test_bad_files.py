# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Files from strangers: each gets a sentence, soon and in little memory."""
import sys
import time
from collections import Counter

import pytest

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith('linux'),
    reason='memory is bounded by RLIMIT_AS and measured by /proc')
table = pytest.importorskip('table')


@pytest.fixture(scope='module', autouse=True)
def sound_files():
    """Sound files are read; and what readers import is there, so that no
    import stumbles over the bounds."""
    for name, reader in table.READERS.items():
        table.read(name, table.SEEDS / reader.seed)


@pytest.mark.parametrize(
    'bad', table.TABLE, ids=[f'{b.reader}: {b.what}' for b in table.TABLE])
def test_a_bad_file_gets_its_sentence(bad, tmp_path):
    reading = table.try_file(bad, tmp_path)
    assert not table.complaint(bad, tmp_path, reading)


def test_the_table_is_of_different_files():
    names = Counter((bad.reader, bad.what) for bad in table.TABLE)
    assert max(names.values()) == 1
    assert len(names) >= 600
    assert {bad.reader for bad in table.TABLE} == set(table.READERS)


def test_the_time_of_other_programs_does_not_count():
    with table.limits(seconds=.1):
        time.sleep(.3)
    with pytest.raises(table.TooSlow, match='of a processor'):
        with table.limits(seconds=.1):
            while True:
                pass
    with pytest.raises(table.TooSlow, match='more than 0.1 s$'):
        with table.limits(waited=.1):
            time.sleep(60)
