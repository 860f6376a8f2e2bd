# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Names from strangers: in files' names, on pages and in terminals."""
import json
import re
import warnings
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from drawn_people import person
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.files.result_files import write_results
from mmdiffpose.files.result_names import ResultNames, safe_stem
from mmdiffpose.input_files import check_name, printable
from mmdiffpose.skeletons import Skeleton

SCRIPTS = ('</script><script>planted()</script>', '<!--<script>', '<img src=x '
           'onerror=planted()>', '"};planted();//', '&lt;script&gt;',
           ']]><svg onload=planted()>', '\u2028planted()', '__SCENE__')


class Elements(HTMLParser):
    """What a browser sees as elements."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, [name for name, _ in attrs]))


def elements(path):
    parser = Elements()
    parser.feed(path.read_text(encoding='utf-8'))
    return parser.found


def page_of(folder, name):
    """The page of a person one of whose joints has a name."""
    skeleton = Skeleton('odd', ('hook', name), (-1, 0), ())
    whole = person(0, (0, 5), 3)
    names = ('keypoints_3d', 'scores', 'std', 'keypoints_2d', 'scores_2d')
    track = replace(
        whole,
        hypotheses=None,
        skeleton=skeleton,
        source=name,
        **{key: getattr(whole, key)[:, :2]
           for key in names})
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return write_results(track, folder / 'page', ['html'])[0]


@pytest.mark.parametrize('name', SCRIPTS)
def test_no_element_comes_of_a_name(name, tmp_path):
    path = page_of(tmp_path, name)
    assert elements(path) == elements(page_of(tmp_path, 'plain'))
    text = page_of(tmp_path, name).read_text(encoding='utf-8')
    scene, = re.findall(
        r'<script id="scene" type="application/json">(.*?)</script>', text,
        re.DOTALL)
    assert '<' not in scene
    assert json.loads(scene)['joints'] == ['hook', name]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_stems_stay_in_their_folder(name):
    """Whatever an input is called, its results are files of their folder."""
    stem = safe_stem(name)
    path = Path('folder') / f'{stem}_3d.json'
    assert path.parent == Path('folder') and stem
    assert not stem.startswith('.') and '\\' not in stem
    assert len(path.name) < 200
    assert stem == printable(stem) and '\n' not in stem
    assert safe_stem(stem) == stem


@pytest.mark.parametrize('stem, expected',
                         [('video', 'video'), ('山田　太郎', '山田　太郎'),
                          ('été 1', 'été 1'), ('a\x1b[2Jb', 'a_[2Jb'),
                          ('..', '_'), ('.hidden', '_hidden'),
                          ('a/../b', 'a_.._b'), ('c:\\x', 'c__x'),
                          ('a\u202egpj', 'a_gpj'), ('\udcff', '_'), ('', '_'),
                          ('x' * 999, 'x' * 150)])
def test_stems_by_hand(stem, expected):
    assert safe_stem(stem) == expected
    assert ResultNames().free(stem, '_3d', None) == expected


@pytest.mark.parametrize('name', [
    '', '\x00', 'a\nb', '\x1b[2J', '\x9b2J', 'x' * 201, 'a\u2029b', '\u202eb',
    '\ud800', 5, None
])
def test_names_that_are_none(name):
    with pytest.raises(ValueError, match='f.npz: person: expected a name'):
        check_name('f.npz: person', name)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=50))
def test_printed_text_steers_no_terminal(text):
    shown = printable(text)
    assert not re.search('[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]',
                         shown)
    shown.encode('utf-8')
    assert shown == text or len(shown) > len(text)
