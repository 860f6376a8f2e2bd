# Copyright (c) mmdiffpose contributors. All rights reserved.
import zlib
from types import SimpleNamespace

import pytest

from mmdiffpose.models.heads.parts.sampling import clip_seeds, sampling_options


def sample(**meta):
    return SimpleNamespace(metainfo=meta)


def test_a_seed_is_that_of_clip_and_camera():
    samples = [
        sample(clip='walk', camera='v1', id=3),
        sample(clip='walk', camera='v2', id=3),
        sample(clip='walk', camera='v1', id=4),
        sample(id=4)
    ]
    expected = [
        zlib.crc32(name)
        for name in (b'5|walk|v1', b'5|walk|v2', b'5|walk|v1', b'5||')
    ]
    assert clip_seeds(5, samples, 4) == expected
    assert len(set(expected)) == 3
    assert clip_seeds(5, None, 2) == [zlib.crc32(b'5||')] * 2


def test_options_are_those_that_the_head_reads():
    defaults = dict(num_hypotheses=5, seed=0, eta=0.)
    given = dict(eta=1., flip_test=True, output_keypoint_indices=None)
    assert sampling_options(given, defaults) == dict(eta=1.)
    assert sampling_options(None, defaults) == {}
    with pytest.raises(ValueError, match=r"nothing reads: \['clip', 'ets'\]"):
        sampling_options(dict(ets=1., clip=2), defaults)
