# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A text takes its place whole, or what was there stays."""

import pytest

from mmdiffpose.atomic_files import replace_text


def test_a_text_is_replaced_whole(tmp_path):
    path = tmp_path / 'new folder' / 'page.md'
    for text in ('3,2 mm ± 0,1\n', 'µ\n'):
        replace_text(str(path), text)
        assert path.read_bytes() == text.encode('utf-8')
    with pytest.raises(UnicodeEncodeError):
        replace_text(path, 'begun, then a lone surrogate \ud800')
    assert path.read_bytes() == 'µ\n'.encode()
    assert list(path.parent.iterdir()) == [path]
