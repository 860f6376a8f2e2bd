# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Commands that README, docs, model cards and docstrings show fit the tools:
the files are there, and the tools' own parsers take the arguments."""

import argparse
import contextlib
import importlib
import io
import os
import re
import runpy
import sys

import pytest
from docs_pages import (CARDS, PAGES, ROOT, commands, docstring_commands,
                        mentions, page_name)

PLACEHOLDER = re.compile(r'\b(COMMAND|NAME)\b')
"""In place of a script."""
FILES = re.compile(r'^(configs|tools|projects|examples|mmdiffpose)/')
NAMED = re.compile(
    r'(?<![\w/.$<-])((?:configs|docs|examples|findings|mmdiffpose'
    r'|projects|requirements|resources|tests|tools)/[\w./*-]+'
    r'\.(?:cfg|csv|jpg|json|md|npz|png|py|sh|toml|txt|yml))\b')
"""Files of the repository within a text."""
SCRIPTS = sorted([
    *ROOT.glob('tools/**/*.py'), *ROOT.glob('projects/**/*.py'),
    *ROOT.glob('examples/*.py'), *ROOT.glob('mmdiffpose/cli/*.py')
])
# Tests of projects have imported them before.
pytestmark = pytest.mark.filterwarnings('ignore:.* found in sys.modules')


class Stop(BaseException):
    """Raised where a command has read its arguments."""


def script_of(words):
    """The file that a command runs, if it is one of this repository."""
    if len(words) < 2 or PLACEHOLDER.search(' '.join(words[:3])):
        return None
    if words[0] == 'mmdiffpose':
        return ROOT / 'mmdiffpose' / 'cli' / f'{words[1]}.py'
    if words[:2] == ['python', '-m']:
        return ROOT / (words[2].replace('.', '/') + '.py')
    if words[0] in ('python', 'bash', '.venv/bin/python'):
        return ROOT / words[1]
    return None


def parser_of(script, monkeypatch):
    """The parser of a script that has one; what follows it is not run."""
    source = script.read_text('utf-8')
    called = re.search(r'from mmdiffpose\.cli\.(\w+) import main\n', source)
    if called or script.parent == ROOT / 'mmdiffpose' / 'cli':
        name = called[1] if called else script.stem
        return importlib.import_module(f'mmdiffpose.cli.{name}').make_parser()
    if '.parse_args(' not in source:
        return None
    found = []

    def stop(parser, *args, **kwargs):
        found.append(parser)
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, 'parse_known_args', stop)
        patch.setattr(sys, 'argv', [str(script)])
        patch.setattr(os, 'environ', dict(os.environ))
        patch.syspath_prepend(script.parent)
        try:
            if script.is_relative_to(ROOT / 'projects'):
                module = script.relative_to(ROOT).with_suffix('')
                runpy.run_module('.'.join(module.parts), run_name='__main__')
            else:
                runpy.run_path(str(script), run_name='__main__')
        except Stop:
            return found[0]
    raise AssertionError(f'{script} reads no arguments')


def prepare(parser, complete):
    """Take no abbreviated options; where a command is not complete, because
    a sentence names it, miss nothing."""
    parser.allow_abbrev = False
    for action in parser._actions:
        action.required &= complete
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                prepare(inner, complete)
    for group in parser._mutually_exclusive_groups:
        group.required &= complete


def complaint(parser, arguments):
    """What a parser says against arguments."""
    said = io.StringIO()
    # How many words a variable of the shell holds, nobody knows.
    arguments = [w for w in arguments if not re.fullmatch(r'\$\w+', w)]
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            parser.parse_args(arguments)
        except SystemExit as end:
            return said.getvalue() if end.code else ''
    return ''


def check(words, monkeypatch, complete=True):
    """Fail where a command's files or arguments do not exist."""
    line = ' '.join(words)
    for word in words:
        path = word.split(':')[0]
        if FILES.match(path) and '*' not in path:
            assert (ROOT / path).exists(), line
    script = script_of(words)
    if script is None:
        return
    assert script.is_file(), line
    if script.suffix == '.sh':
        unknown = {w
                   for w in words if w.startswith('--')} - set(
                       re.findall(r'--[a-z-]+', script.read_text('utf-8')))
        assert not unknown, line
        return
    if script.is_relative_to(ROOT / 'examples') or script.is_relative_to(
            ROOT / 'tests'):
        return
    parser = parser_of(script, monkeypatch)
    if parser is None:
        assert len(words) == 2, line
        return
    if words[-1] == '...':
        words, complete = words[:-1], False
    prepare(parser, complete)
    said = complaint(parser, words[3 if words[:2] == ['python', '-m'] else 2:])
    assert not said, f'{line}: {said}'


@pytest.mark.parametrize(
    'page', [page for page in (*PAGES, *CARDS) if commands(page)],
    ids=page_name)
def test_commands_of_a_page(page, monkeypatch):
    for words in commands(page):
        check(words, monkeypatch)


@pytest.mark.parametrize(
    'page', [page for page in PAGES if mentions(page)], ids=page_name)
def test_commands_within_sentences(page, monkeypatch):
    for words in mentions(page):
        check(words, monkeypatch, complete=False)


@pytest.mark.parametrize(
    'script', [path for path in SCRIPTS if docstring_commands(path)],
    ids=page_name)
def test_commands_of_a_docstring(script, monkeypatch):
    for words in docstring_commands(script):
        check(words, monkeypatch)


@pytest.mark.parametrize('page', PAGES, ids=page_name)
def test_files_that_a_page_names_are_there(page):
    named = set(NAMED.findall(page.read_text('utf-8')))
    missing = {
        name
        for name in named
        if not any(ROOT.glob(name)) and not PLACEHOLDER.search(name)
    }
    assert not missing


def test_commands_are_found():
    """The tests above have something to say."""
    assert len(PAGES) > 15
    scripts = {script_of(words) for page in PAGES for words in commands(page)}
    names = {script.name for script in scripts if script is not None}
    assert names >= {'infer.py', 'models.py', 'test.py', 'train.py', 'run.py'}
    assert sum(bool(docstring_commands(path)) for path in SCRIPTS) > 30
    assert sum(bool(mentions(page)) for page in PAGES) > 10


@pytest.mark.parametrize('line', [
    'python tools/train.py configs/diffpose_mixste_mini-27.py --resum',
    'python tools/train.py configs/diffpose_mixste_mini-28.py',
    'python tools/train.py',
    'python -m projects.occlusion_study.run --study none',
    'bash tools/lint.sh --mend',
    'mmdiffpose hub send outputs/mine',
    'mmdiffpose train configs/diffpose_mixste_mini-27.py --seed one',
])
def test_wrong_commands_are_found(line, monkeypatch):
    with pytest.raises(AssertionError):
        check(line.split(), monkeypatch)
