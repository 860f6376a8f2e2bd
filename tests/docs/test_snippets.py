# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What README and docs show works: Python runs, the first command lifts."""
import ast
import re
import subprocess
import sys
from configparser import ConfigParser

import numpy as np
import pytest
from docs_pages import BLOCK, PAGES, ROOT, blocks, commands, page_name
from mmengine.registry import Registry

from mmdiffpose import registry

SHAPE = re.compile(r'^(?P<expression>[\w.\[\]]+)\s+# (?P<shape>\([\d, ]+\))',
                   re.MULTILINE)
SNIPPET = 'snippet_of_the_docs'


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


def test_the_architecture_is_the_contract():
    """The page shows the layers that import-linter checks."""
    contracts = ConfigParser()
    contracts.read(ROOT / 'setup.cfg')
    layers = contracts['importlinter:contract:layers']['layers'].split('\n')
    page = (ROOT / 'docs' / 'architecture.md').read_text(encoding='utf-8')
    assert [line for line in layers if line
            ] in [code.splitlines() for _, _, code in BLOCK.findall(page)]
