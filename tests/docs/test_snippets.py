# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What README and docs show works: Python runs, commands fit the tools."""
import ast
import re
import shlex
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import Registry

from mmdiffpose import registry

ROOT = Path(__file__).parents[2]
PAGES = sorted([
    *ROOT.glob('*.md'), *ROOT.glob('docs/*.md'), *ROOT.glob('configs/*.md'),
    *ROOT.glob('tools/*/README.md'), *ROOT.glob('projects/*/README.md')
])
BLOCK = re.compile(r'^```(\w+)([^\n]*)\n(.*?)^```', re.MULTILINE | re.DOTALL)
SHAPE = re.compile(r'^(?P<expression>[\w.\[\]]+)\s+# (?P<shape>\([\d, ]+\))',
                   re.MULTILINE)
FILES = re.compile(r'^(configs|tools|projects|examples|mmdiffpose)/')
SNIPPET = 'snippet_of_the_docs'
RUN = 'notest'
"""Python blocks with this word beside the language need what is not here."""


def blocks(language, page):
    """Snippets of a page, without those that cannot run."""
    text = page.read_text(encoding='utf-8')
    return [
        code for name, words, code in BLOCK.findall(text)
        if name == language and RUN not in words
    ]


def commands(page):
    """Command lines of a page, as lists of words."""
    found = []
    for code in blocks('bash', page):
        for line in code.replace('\\\n', ' ').splitlines():
            words = shlex.split(line, comments=True)
            if words:
                found.append(words)
    return found


def page_name(page):
    return str(page.relative_to(ROOT))


@pytest.fixture
def clean_registries():
    """What snippets register is gone afterwards."""
    yield
    for value in vars(registry).values():
        if isinstance(value, Registry):
            for name, item in list(value.module_dict.items()):
                if item.__module__ == SNIPPET:
                    del value.module_dict[name]


@pytest.mark.usefixtures('clean_registries')
@pytest.mark.parametrize(
    'page', [page for page in PAGES if blocks('python', page)], ids=page_name)
def test_python_runs_and_arrays_have_the_shapes_that_are_stated(
        page, monkeypatch, tmp_path):
    # Paths in snippets start at the repository; what they write goes nowhere.
    (tmp_path / 'mmdiffpose').symlink_to(ROOT / 'mmdiffpose')
    monkeypatch.chdir(tmp_path)
    names = {'__name__': SNIPPET}
    for code in blocks('python', page):
        exec(compile(code, page_name(page), 'exec'), names)
        for match in SHAPE.finditer(code):
            value = eval(match['expression'], names)
            assert value.shape == ast.literal_eval(match['shape']), match[0]


def test_the_readme_states_shapes():
    stated = SHAPE.findall('\n'.join(blocks('python', ROOT / 'README.md')))
    assert [expression for expression, _ in stated
            ] == ['person.keypoints_3d', 'person.std', 'person.hypotheses']


def test_the_command_of_the_readme_lifts_a_file(tmp_path):
    words = next(
        words for words in commands(ROOT / 'README.md')
        if 'demo_track' in ' '.join(words))
    assert words[-2:] == ['--out-dir', 'outputs']
    assert words[0] == 'mmdiffpose'
    words = [sys.executable, '-m', 'mmdiffpose.cli', *words[1:-1]]
    subprocess.run([*words, str(tmp_path)],
                   cwd=ROOT,
                   check=True,
                   capture_output=True)
    with np.load(next(tmp_path.glob('*.npz'))) as results:
        assert (98, 17, 3) in [array.shape for array in results.values()]
    assert list(tmp_path.glob('*.png')), 'a picture'


@pytest.mark.parametrize(
    'page', [page for page in PAGES if commands(page)], ids=page_name)
def test_files_in_commands_are_there(page):
    """Configs, tools, examples and data of the package."""
    for words in commands(page):
        for word in words:
            path = word.split(':')[0]
            if FILES.match(path) and '*' not in path and '/' in path:
                assert (ROOT / path).exists(), ' '.join(words)


def script_of(words):
    """The file that a command runs, if it is one of this repository."""
    while words and '=' in words[0]:  # variables before a command
        words = words[1:]
    if words[:1] == ['mmdiffpose']:
        return ROOT / 'mmdiffpose' / 'cli' / f'{words[1]}.py'
    if words[:2] == ['python', '-m']:
        return ROOT / (words[2].replace('.', '/') + '.py')
    if words[:1] in (['python'], ['bash']) and len(words) > 1:
        return ROOT / words[1]
    return None


def options_of(script):
    """Strings that begin with dashes in a script and what it imports."""
    sources = [script]
    if script.suffix == '.py':
        sources += [
            *(ROOT / 'mmdiffpose' / 'cli').glob('*.py'),
            *ROOT.glob('projects/common/*.py'), *script.parent.rglob('*.py')
        ]
    text = '\n'.join(path.read_text(encoding='utf-8') for path in sources)
    return set(re.findall(r'(?<![\w-])--[a-z][a-z0-9-]*', text))


@pytest.mark.parametrize(
    'page', [page for page in PAGES if commands(page)], ids=page_name)
def test_commands_and_their_options_exist(page):
    for words in commands(page):
        script = script_of(words)
        if script is None:
            continue
        assert script.is_file(), ' '.join(words)
        known = options_of(script)
        unknown = {
            word.split('=')[0]
            for word in words if word.startswith('--')
        } - known
        assert not unknown, ' '.join(words)


def test_commands_are_found():
    """The tests above have something to say."""
    assert len(PAGES) > 15
    scripts = {script_of(words) for page in PAGES for words in commands(page)}
    names = {script.name for script in scripts if script is not None}
    assert names >= {'infer.py', 'models.py', 'test.py', 'train.py', 'run.py'}


def test_the_architecture_is_the_contract():
    """The page shows the layers that import-linter checks."""
    contracts = ConfigParser()
    contracts.read(ROOT / 'setup.cfg')
    layers = contracts['importlinter:contract:layers']['layers'].split('\n')
    page = (ROOT / 'docs' / 'architecture.md').read_text(encoding='utf-8')
    assert [line for line in layers if line
            ] in [code.splitlines() for _, _, code in BLOCK.findall(page)]
