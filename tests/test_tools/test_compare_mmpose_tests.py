# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MMPose's tests with and without mmdiffpose: what is said of them."""

import json

import compare_mmpose_tests as tool
import pytest

SUITE = '''
import sys
import pytest

HERE = 'mmdiffpose' in sys.modules


def test_always():
    pass


def test_broken():
    assert not HERE


def test_mended():
    assert HERE


@pytest.mark.skipif(HERE, reason='')
def test_skipped():
    raise ValueError
'''


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / 'tests' / 'test_a').mkdir(parents=True)
    (tmp_path / 'tests' / 'test_a' / 'test_x.py').write_text(SUITE)
    # As MMPose's, whose plugin not everybody has.
    (tmp_path / 'pytest.ini').write_text('[pytest]\naddopts = --xdoctest\n')
    return tmp_path


def test_tests_are_told_apart(checkout, capsys, tmp_path):
    out = tmp_path / 'out.json'
    assert tool.main([str(checkout), '--tests', 'test_a', '--out',
                      str(out)]) == 1
    found = json.loads(out.read_text())
    name = 'tests.test_a.test_x::test_'
    assert found['broken'] == [f'{name}broken: passed -> failed']
    assert found['mended'] == [f'{name}mended: failed -> passed']
    assert found['other'] == [f'{name}skipped: failed -> skipped']
    said = capsys.readouterr().out
    assert 'with_mmdiffpose: 1 failed, 2 passed, 1 skipped' in said
    assert 'without_mmdiffpose: 2 failed, 2 passed' in said


def test_folders_are_run_once(checkout, capsys, tmp_path, monkeypatch):
    late = checkout / 'tests' / 'test_late'
    late.mkdir()
    (late / 'test_y.py').write_text(
        'import urllib.request, urllib.error\n'
        'def test_offline():\n'
        "    urllib.request.urlopen('http://localhost:1/x')\n")
    asked, run = [], tool.run

    def counted(mmpose, plugin, name, timeout):
        asked.append(name)
        if asked == ['test_a', 'test_a', 'test_late']:
            raise tool.subprocess.TimeoutExpired('pytest', timeout)
        return run(mmpose, plugin, name, timeout)

    monkeypatch.setattr(tool, 'run', counted)
    arguments = [
        str(checkout), '--tests', 'test_a', 'test_late', '--out',
        str(tmp_path / 'out.json')
    ]
    assert tool.main(arguments) == 1
    assert "took more than 3600 s: ['test_late']" in capsys.readouterr().out
    tool.main(arguments)
    assert asked == ['test_a'] * 2 + ['test_late'] * 3
    assert 'without_mmdiffpose: 3 failed, 2 passed' in capsys.readouterr().out


def test_tests_that_are_gone_are_broken():
    found = tool.compare(dict(a='passed', b='failed'), dict(c='passed'))
    assert found == dict(
        broken=['a: passed -> missing'],
        mended=['c: missing -> passed'],
        other=['b: failed -> missing'])


def test_no_checkout(tmp_path):
    with pytest.raises(FileNotFoundError, match='checkout of MMPose'):
        tool.main([str(tmp_path)])
