# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The page that lifts: how it is built, and what it does in a browser."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from foreign_files import crowd, document
from formula_lifter import Formula

from projects.web_lifter import build, check
from projects.web_lifter.chromium import find_chromium

pytest.importorskip(
    'onnxruntime', reason='onnxruntime is not installed (extra "export")')

NODE = shutil.which('node')
NODE_MODULES = os.environ.get('MMDIFFPOSE_NODE_MODULES', '')


def test_models_that_the_page_cannot_lift_with():
    for lifter, message in ((Formula('mixste-v1'), 'mask channel'),
                            (Formula('residual', 'heatmaps'), 'heatmaps')):
        with pytest.raises(ValueError, match=message):
            build.lifter_facts(lifter)


def test_a_page_of_one_file_and_one_of_several():
    assets = dict(model=build.Asset(b'weights', 'lifter.onnx'))
    told = dict(
        build.page_facts(Formula(), 'a formula'),
        model='</script><script>alert(1)')
    for inline in (True, False):
        page = build.render(told, assets, inline)
        assert '__' not in re.sub('__SCENE__', '',
                                  page.split('\n<script id')[0])
        assert page.count('</script>') == page.count('<script') == 2 + inline
        assert 'alert(1)' in page and '<script>alert' not in page
        policy = re.search('Content-Security-Policy" content="(.*?)"', page)[1]
        assert policy.startswith("default-src 'none'; ")
        assert ('connect-src' in policy) == (not inline)
        model = check.model_in(page)
        assert model == (b'weights' if inline else None)


def test_the_modules_become_one_script(tmp_path):
    (tmp_path / 'a.mjs').write_text(
        "import {b} from './b.mjs';\nimport {c} from './c.mjs';\nb(c);\n")
    (tmp_path /
     'b.mjs').write_text("import {c} from './c.mjs';\nexport const b = c;\n")
    (tmp_path / 'c.mjs').write_text('export function c() {}\n')
    assert build.bundle(
        'a.mjs',
        tmp_path).split() == ('function c() {} const b = c; b(c);').split()
    if NODE:
        (tmp_path / 'page.mjs').write_text(build.bundle())
        done = subprocess.run([NODE, '--check', tmp_path / 'page.mjs'],
                              capture_output=True,
                              text=True)
        assert done.returncode == 0, done.stderr


def test_without_onnxruntime_web(tmp_path):
    with pytest.raises(FileNotFoundError, match='npm install'):
        build.read_runtime(tmp_path)


# ----------------------------------------------------------------- browser


@pytest.fixture(scope='module')
def pages(tmp_path_factory):
    """Makes a page of a model of the zoo."""
    if find_chromium() is None:
        pytest.skip('Chromium is not installed')
    if not NODE_MODULES or not Path(NODE_MODULES, 'onnxruntime-web').is_dir():
        pytest.skip('needs onnxruntime-web in the folder that '
                    'MMDIFFPOSE_NODE_MODULES names')
    pytest.importorskip('onnxscript')

    def make(model):
        path = tmp_path_factory.mktemp('page') / 'lifter.html'
        build.build(model, path, Path(NODE_MODULES))
        return path

    return make


@pytest.fixture(scope='module')
def page(pages):
    """The zoo's residual in a page."""
    return pages('residual')


@pytest.mark.parametrize('model', ['residual', 'diffpose'])
def test_chromium_lifts_as_python_does(model, pages, request, tmp_path,
                                       capsys):
    page = (
        request.getfixturevalue('page')
        if model == 'residual' else pages(model))
    found = check.check(page, model, tmp_path)
    print(found.lines())
    assert found.distance < 1e-3
    assert found.std_distance < 1e-3
    # Nothing but the page itself, and the module in it.
    assert [r.split(':')[0] for r in found.requests] == ['file', 'blob']
    assert found.messages == []
    assert len(found.pictures) == 2
    assert 15e6 < page.stat().st_size < 25e6


def test_a_file_that_is_chosen_and_one_that_is_none(page, tmp_path):
    content = document('alphapose', crowd('alphapose', 30, 2))
    path = tmp_path / '<img src=x onerror=alert(1)>.json'
    path.write_text(json.dumps(content))
    broken = tmp_path / 'broken.json'
    broken.write_text('{')
    with check.opened(page) as browser:
        browser.choose_file('#file', path)
        status = browser.wait("picture's size")
        assert status.startswith(path.name)
        browser.run('width.value = 1000; height.value = 800;'
                    'form.requestSubmit()')
        assert '60 poses of 2 people' in browser.wait('poses of 2')
        assert browser.run('document.querySelector("img")') is None
        browser.choose_file('#file', broken)
        assert 'not a JSON file' in browser.wait('not a JSON')
        assert browser.messages == []
