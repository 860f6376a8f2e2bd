# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The table of Pythons and packages: what it says of each row."""

import json

import pytest
import version_rows as rows
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
    model=rows.MODEL,
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


def interpreter(folder, name, said, status=0):
    """A program that answers like a Python."""
    path = folder / name
    path.write_text(f'#!/bin/sh\necho {said}\nexit {status}\n')
    path.chmod(0o755)
    return str(path)


def test_pythons_by_version_and_by_path(tmp_path, monkeypatch):
    """One whose ``venv`` is missing is none, and the next is asked."""
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('PATH', str(tmp_path))
    interpreter(tmp_path, 'python3.12', '3.12', status=1)
    interpreter(tmp_path, 'python3', '3.11')
    assert rows.find_python('3.12') == ('3.12', None)
    assert rows.find_python('3.11') == ('3.11', str(tmp_path / 'python3'))
    folder = tmp_path / '.pyenv' / 'versions' / '3.12.4' / 'bin'
    folder.mkdir(parents=True)
    own = interpreter(folder, 'python', '3.12')
    assert rows.find_python('3.12') == ('3.12', own)
    assert rows.find_python('~/.pyenv/versions/3.12.4/bin/python') == ('3.12',
                                                                       own)
    for wanted in (str(tmp_path / 'python3.12'), str(tmp_path), 'nothing'):
        with pytest.raises(ValueError, match='expected a version such as'):
            rows.find_python(wanted)


def test_a_path_that_is_no_python_is_an_error_of_the_command(tmp_path, capsys):
    with pytest.raises(SystemExit):
        tool.main([
            '--json',
            str(tmp_path / 'rows.json'), '--work-dir',
            str(tmp_path), '--pythons',
            str(tmp_path / 'python9')
        ])
    assert 'python9: expected a version' in capsys.readouterr().err


@pytest.mark.parametrize('said, line, broken', [
    ('1 passed in 0.21s', '1 passed', []),
    ('FAILED tests/a.py::test_b[1-2] - assert 0\nERROR tests/c.py::test_d\n'
     '1 failed, 2 passed, 3 warnings, 1 error in 61.02s (0:01:01)',
     '1 failed, 2 passed, 1 error',
     ['tests/a.py::test_b[1-2]', 'tests/c.py::test_d']),
])
def test_what_pytest_said(tmp_path, monkeypatch, said, line, broken):
    monkeypatch.setattr(rows, 'run', lambda *args, **kwargs: said)
    assert rows.test(tmp_path, [], tmp_path / 'log') == (line, broken)


def test_tests_that_do_not_pass_are_named(tmp_path, monkeypatch):
    """And the command ends with 1."""
    for name in ('run', 'lift'):
        monkeypatch.setattr(rows, name, lambda *args, **kwargs: 0)
    monkeypatch.setattr(rows, 'make_environment', lambda *args: tmp_path)
    monkeypatch.setattr(rows, 'versions', lambda python: SEEN)
    monkeypatch.setattr(rows, 'fixes', lambda python, log: [])
    monkeypatch.setattr(
        rows, 'test', lambda python, tests, log:
        ('1 failed, 2 passed', ['tests/a.py::test_b']))
    path = tmp_path / 'rows.json'
    python = interpreter(tmp_path, 'python', '3.12')
    arguments = [
        '--json',
        str(path), '--work-dir',
        str(tmp_path), '--pythons', python, '--stacks', 'newest', '--mmcvs',
        'lite'
    ]
    assert tool.main(arguments) == 1
    row, = json.loads(path.read_text())
    assert row['python'] == '3.12'
    assert row['outcome'] == 'did not pass: tests/a.py::test_b'
    monkeypatch.setattr(rows, 'test', lambda *args: ('3 passed', []))
    assert tool.main(arguments) == 1
    assert tool.main([*arguments, '--again']) == 0


def test_a_full_mmcv_without_a_wheel_is_not_tried(tmp_path, monkeypatch):
    """Wheels of other Pythons do not count."""
    monkeypatch.setattr(rows, 'make_environment', lambda *args: tmp_path)
    wheels = tmp_path / 'wheels'
    wheels.mkdir()
    (wheels / 'mmcv-2.1.0-cp311-cp311-linux_x86_64.whl').touch()
    args = tool.parse_args([
        '--json',
        str(tmp_path / 'rows.json'), '--work-dir',
        str(tmp_path), '--mmcv-wheels',
        str(wheels)
    ])
    row = rows.try_row('3.12', 'pinned', 'full', 'python3.12', args)
    assert row['outcome'].startswith(
        'not tried: no wheel of mmcv==2.1.0 for cp312')
    found = rows.full_mmcv('python3.11', '3.11', args, tmp_path / 'log')
    assert found.name == 'mmcv-2.1.0-cp311-cp311-linux_x86_64.whl'


def test_rows_that_were_not_tried_are_asked_for_again(tmp_path, monkeypatch):
    """What was missing may be there now; what failed is kept."""
    path = tmp_path / 'rows.json'
    asked = []

    def try_row(version, stack, mmcv, base, args):
        asked.append(version)
        return dict(WORKS, python=version)

    monkeypatch.setattr(tool, 'try_row', try_row)
    outcomes = {
        '2.97': 'not tried: no wheel',
        '2.98': 'set-up: no wheel',
        '2.99': 'works'
    }
    path.write_text(
        json.dumps([
            dict(WORKS, python=version, outcome=outcome)
            for version, outcome in outcomes.items()
        ]))
    tool.main([
        '--json',
        str(path), '--work-dir',
        str(tmp_path), '--stacks', 'newest', '--mmcvs', 'lite', '--pythons',
        *outcomes
    ])
    assert asked == ['2.97']


def test_rows_of_another_model_are_tried_again(tmp_path, monkeypatch):
    """Their poses are no measure for those of this one; what failed before
    anything was lifted is kept."""
    path = tmp_path / 'rows.json'
    monkeypatch.setattr(tool, 'try_row',
                        lambda version, *rest: dict(WORKS, python=version))
    others = [
        dict(WORKS, python='2.98', model='residual', apart_mm=180.),
        dict(python='2.97', stack='newest', mmcv='lite', outcome='set-up: x')
    ]
    path.write_text(json.dumps(others))
    assert tool.main([
        '--json',
        str(path), '--work-dir',
        str(tmp_path), '--stacks', 'newest', '--mmcvs', 'lite', '--pythons',
        '2.97', '2.98'
    ]) == 1
    kept, new = json.loads(path.read_text())
    assert kept == others[1]
    assert (new['model'], new['apart_mm']) == (rows.MODEL, .00042)


def test_the_first_poses_stay_beside_their_rows(tmp_path, monkeypatch):
    """Whatever becomes of the folder of environments."""
    lifted = []

    def lift(python, folder, reference, log):
        lifted.append(reference)
        return 0.

    monkeypatch.setattr(rows, 'lift', lift)
    monkeypatch.setattr(rows, 'run', lambda *args, **kwargs: '')
    monkeypatch.setattr(rows, 'make_environment', lambda *args: tmp_path)
    monkeypatch.setattr(rows, 'versions', lambda python: SEEN)
    monkeypatch.setattr(rows, 'fixes', lambda python, log: [])
    (tmp_path / 'work').mkdir()
    args = tool.parse_args([
        '--json',
        str(tmp_path / 'table.json'), '--work-dir',
        str(tmp_path / 'work'), '--tests'
    ])
    row = rows.try_row('3.12', 'pinned', 'lite', 'python3.12', args)
    assert lifted == [tmp_path / f'table_{rows.MODEL}.npz']
    assert row['model'] == rows.MODEL and rows.was_tried(row)


def test_lifting_is_by_a_model_whose_weights_never_change():
    """Those without a version are trained anew."""
    assert rows.MODEL.endswith('-v1')


def test_a_setup_script_that_reads_its_version_from_locals(tmp_path):
    """As MMCV's does; a function's ``locals()`` made anew, which Python 3.13
    gives, has no version."""
    script = tmp_path / 'setup.py'
    (tmp_path / 'version.py').write_text("__version__ = '2.1.0'\n")
    script.write_text('def get_version():\n'
                      f'    version_file = {str(tmp_path / "version.py")!r}\n'
                      '    with open(version_file) as f:\n'
                      "        exec(compile(f.read(), version_file, 'exec'))\n"
                      "    return locals()['__version__']\n")
    rows.say_version(script)
    names = dict(locals=lambda: {})
    exec(script.read_text(), names)
    assert names['get_version']() == '2.1.0'


def test_the_page_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(tool, 'ROOT', tmp_path)
    monkeypatch.setattr(tool, 'PAGE', tmp_path / 'page.md')
    page = tmp_path / 'page.md'
    page.write_text('\n'.join(tool.MARKERS))
    path = tmp_path / 'rows.json'
    path.write_text(json.dumps([WORKS]))
    assert tool.main([
        '--json',
        str(path), '--work-dir',
        str(tmp_path), '--page', '--pythons'
    ]) == 0
    assert '| 3.12.1 | newest |' in page.read_text()


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
    assert rows.last_error(said) == (
        'ERROR: No matching distribution found for x')
    assert rows.last_error('a\nb\n\n') == 'b'
