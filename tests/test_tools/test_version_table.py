# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The table of Pythons and packages: what it says of each row."""

import json

import pytest
import version_table as tool

SEEN = dict(
    python='3.12.1',
    torch='2.13.0',
    numpy='2.4.6',
    matplotlib='3.11.2',
    setuptools='84.0.0')
SEEN['opencv-python-headless'] = '5.0.0.93'
WORKS = dict(
    python='3.12',
    stack='newest',
    mmcv='lite',
    seen=SEEN,
    apart_mm=.00042,
    tests='362 passed, 1 skipped',
    fixes=['a', 'b'],
    outcome='works')


def test_a_row_that_works():
    line = tool.table([WORKS]).splitlines()[-1]
    assert line == ('| 3.12.1 | newest | lite | 2.13.0 | 2.4.6 | 5.0.0.93 | '
                    '3.11.2 | 84.0.0 | 0.00042 mm | 362 passed, 1 skipped | '
                    '2 | works |')


def test_a_python_that_is_not_there_is_not_tried(tmp_path, capsys):
    """Its rows say so; they fail nothing."""
    path = tmp_path / 'rows.json'
    assert tool.main([
        '--json',
        str(path), '--work-dir',
        str(tmp_path / 'work'), '--pythons', '2.99', '--stacks', 'newest',
        '--mmcvs', 'lite'
    ]) == 0
    row, = json.loads(path.read_text())
    assert row['outcome'] == 'not tried: no Python 2.99 was found'
    assert '2.99' in capsys.readouterr().out


def test_rows_that_are_there_are_kept(tmp_path, monkeypatch):
    path = tmp_path / 'rows.json'
    broken = dict(WORKS, python='3.10', outcome='set-up: no wheel')
    path.write_text(json.dumps([WORKS, broken]))
    monkeypatch.setattr(tool, 'try_row', None)
    arguments = [
        '--json',
        str(path), '--work-dir',
        str(tmp_path), '--stacks', 'newest', '--mmcvs', 'lite', '--pythons'
    ]
    assert tool.main([*arguments, '3.12']) == 0
    assert tool.main([*arguments, '3.12', '3.10']) == 1


def test_the_table_goes_between_its_markers(tmp_path):
    page = tmp_path / 'page.md'
    begin, end = tool.MARKERS
    page.write_text(f'before\n{begin}\nold\n{end}\nafter\n')
    tool.put_table([WORKS], page)
    text = page.read_text()
    assert text.startswith(f'before\n{begin}\n') and text.endswith(
        f'{end}\nafter\n')
    assert 'old' not in text and '5.0.0.93' in text
    page.write_text(f'{end}\n{begin}\n')
    with pytest.raises(ValueError, match='each once'):
        tool.put_table([WORKS], page)


def test_the_line_that_says_what_went_wrong():
    said = 'Collecting x\nERROR: No matching distribution found for x\nhint\n'
    assert tool.last_error(said) == (
        'ERROR: No matching distribution found for x')
    assert tool.last_error('a\nb\n\n') == 'b'
