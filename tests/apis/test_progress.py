# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Bars in a terminal, a log and a notebook."""

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

import importlib.util
import io
import sys
from types import SimpleNamespace

import pytest

from mmdiffpose.apis import progress
from mmdiffpose.apis.progress import StageBar


class Terminal(io.StringIO):

    def isatty(self):
        return True


def drawn(monkeypatch, stream):
    monkeypatch.setattr(sys, 'stderr', stream)
    with StageBar('lifted', total=300) as bar:
        for _ in range(300):
            bar.advance()
    return stream.getvalue()


def test_a_log_gets_the_first_and_the_last_state(monkeypatch):
    text = drawn(monkeypatch, io.StringIO())
    assert 1 <= text.count('\r') <= 4 and '300/300' in text


def test_a_terminal_moves(monkeypatch):
    assert '300/300' in drawn(monkeypatch, Terminal())


def notebook(monkeypatch, widgets):
    shell = type('ZMQInteractiveShell', (), {})()
    monkeypatch.setitem(sys.modules, 'IPython',
                        SimpleNamespace(get_ipython=lambda: shell))
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, 'find_spec', lambda name: widgets
        if name == 'ipywidgets' else find(name))


def test_a_notebook_without_widgets(monkeypatch):
    notebook(monkeypatch, None)
    text = drawn(monkeypatch, io.StringIO())
    # One line, which goes on where it began, of a width that fits.
    assert '300/300' in text and text.count('\n') == 1
    assert max(map(len, text.replace('\n', '\r').split('\r'))) <= 80


def test_a_notebook_with_widgets(monkeypatch):
    notebook(monkeypatch, True)
    made = []
    widget = SimpleNamespace(
        update=lambda number: made.append(number), close=lambda: None)
    monkeypatch.setitem(
        sys.modules, 'tqdm.notebook',
        SimpleNamespace(tqdm=lambda **options: made.append(options) or widget))
    assert drawn(monkeypatch, io.StringIO()) == ''
    assert made[0]['desc'] == 'lifted' and made[1:] == [1] * 300


def test_quiet(monkeypatch, capsys):
    with StageBar('lifted', quiet=True) as bar:
        bar.advance()
    assert capsys.readouterr() == ('', '')


@pytest.mark.parametrize('name, expected',
                         [('ZMQInteractiveShell', True),
                          ('TerminalInteractiveShell', False)])
def test_which_shell(monkeypatch, name, expected):
    shell = type(name, (), {})()
    monkeypatch.setitem(sys.modules, 'IPython',
                        SimpleNamespace(get_ipython=lambda: shell))
    assert progress.in_notebook() is expected
