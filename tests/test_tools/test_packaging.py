# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Wheel and sdist hold what is needed, and lift from an empty folder."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch
import yaml

from mmdiffpose.apis import init_model, list_models

ROOT = Path(__file__).parents[2]
CONFIG = 'mixste_mini-27'
LEFT_OUT = ('.git', '.venv*', 'data', 'work_dirs', 'outputs', 'build', 'dist',
            '*.egg-info', '__pycache__', '.pytest_cache', '.hypothesis',
            'tests', 'shared')

HOOK = """
import sys
from setuptools import build_meta
print(getattr(build_meta, sys.argv[1])(sys.argv[2]))
"""

LIFT = """
import runpy
import socket
import sys
from pathlib import Path


def refuse(*args, **kwargs):
    raise AssertionError('the network was used')


socket.socket.connect = socket.getaddrinfo = refuse
package, alias = Path(sys.argv[1]) / 'mmdiffpose', sys.argv[2]
import mmdiffpose
assert Path(mmdiffpose.__file__).parent == package, mmdiffpose.__file__
track = package / 'data' / 'demo_track_coco17.json'
arguments = [str(track), '--config', alias, '--no-animation',
             '--panel-size', '120', '--device', 'cpu', '--out-dir']
from mmdiffpose.cli.__main__ import main
main(['infer', *arguments, 'out'])
sys.argv = ['infer.py', *arguments, 'of_the_tool']
tool = package / '.mim' / 'tools' / 'infer.py'
runpy.run_path(str(tool), run_name='__main__')
"""


def run(*command, cwd, **environment):
    result = subprocess.run([sys.executable, *map(str, command)],
                            cwd=cwd,
                            capture_output=True,
                            text=True,
                            timeout=600,
                            env=dict(
                                os.environ,
                                PIP_NO_INDEX='1',
                                PIP_DISABLE_PIP_VERSION_CHECK='1',
                                **environment))
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope='module')
def tree(tmp_path_factory):
    """A copy of the checkout; its data folder at the root stays behind."""
    for package in ('pip', 'setuptools', 'wheel'):
        # Importing setuptools changes distutils for all other tests.
        if importlib.util.find_spec(package) is None:
            pytest.skip(f'{package} is not installed')
    tree = tmp_path_factory.mktemp('tree') / 'mmdiffpose'
    ignore = shutil.ignore_patterns(*LEFT_OUT)

    def left_out(folder, names):
        # The names are those at the root; the package has a data folder.
        at_root = Path(folder) == ROOT
        return ignore(folder, names) if at_root else {'__pycache__'}

    shutil.copytree(ROOT, tree, ignore=left_out)
    if not list_models(tree):
        publish_untrained(tree)
    return tree


def publish_untrained(tree):
    """A stand-in where the checkout has no trained model."""
    path = tree.parent / 'untrained.pth'
    state = init_model(tree / f'configs/{CONFIG}.py').state_dict()
    torch.save(dict(state_dict=state, meta=dict(seed=0)), path)
    (tree.parent / 'scalars.json').write_text('{"lr": 0.1, "loss": 1.0}\n')
    spec = importlib.util.spec_from_file_location(
        'publish', ROOT / 'tools/model_converters/publish.py')
    tool = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        # The tool's own additions go with it.
        patch.syspath_prepend(str(tree.parent))
        spec.loader.exec_module(tool)
    tool.publish(
        tool.parse_args([
            str(tree / f'configs/{CONFIG}.py'),
            str(path), '--collection', 'MixSTE', '--alias', 'untrained',
            '--data', 'mocap-mini', '--root',
            str(tree), '--log',
            str(tree.parent / 'scalars.json')
        ]))


@pytest.fixture(scope='module')
def wheel(tree, tmp_path_factory):
    target = tmp_path_factory.mktemp('wheel')
    run('-m',
        'pip',
        'wheel',
        '.',
        '--no-deps',
        '--no-build-isolation',
        '--wheel-dir',
        target,
        cwd=tree,
        PYTHONPATH='')
    wheel, = target.glob('*.whl')
    return wheel


def names_in(wheel):
    with zipfile.ZipFile(wheel) as file:
        return sorted(file.namelist())


def test_wheel_holds_everything(tree, wheel):
    names = set(names_in(wheel))
    mim = 'mmdiffpose/.mim'
    assert {f'{mim}/model-index.yml', f'{mim}/tools/train.py'} <= names
    with zipfile.ZipFile(wheel) as file:
        entry, = (name for name in names if name.endswith('entry_points.txt'))
        points = file.read(entry).decode()
    assert 'mmdiffpose = mmdiffpose.cli.__main__:main' in points
    for pattern, prefix in (('mmdiffpose/**/*', ''), ('configs/**/*.*',
                                                      f'{mim}/')):
        for path in tree.glob(pattern):
            name = path.relative_to(tree).as_posix()
            if path.is_file() and '__pycache__' not in name:
                assert f'{prefix}{name}' in names, name
    index = yaml.safe_load((tree / 'model-index.yml').read_text())
    assert all(f'{mim}/{name}' in names for name in index['Import'])
    for model in list_models(tree):
        for path in (model.weights, model.card, model.log):
            assert path.relative_to(tree).as_posix() in names
    outside = {name.split('/')[0] for name in names}
    assert outside == {'mmdiffpose', wheel.name.split('-py3')[0] +
                       '.dist-info'}  # yapf: disable


def test_sdist_makes_the_same_wheel(tree, wheel, tmp_path):
    name = run('-c', HOOK, 'build_sdist', tmp_path, cwd=tree).split()[-1]
    with tarfile.open(tmp_path / name) as file:
        file.extractall(tmp_path / 'sdist', filter='data')
    source, = (tmp_path / 'sdist').iterdir()
    name = run('-c', HOOK, 'build_wheel', tmp_path, cwd=source).split()[-1]
    assert names_in(tmp_path / name) == names_in(wheel)


def test_wheel_lifts_by_alias_from_an_empty_folder(tree, wheel, tmp_path):
    site, empty = tmp_path / 'site', tmp_path / 'empty'
    empty.mkdir()
    with zipfile.ZipFile(wheel) as file:
        file.extractall(site)
    alias = list_models(tree)[0].aliases[0]
    run('-c', LIFT, site, alias, cwd=empty, PYTHONPATH=str(site))
    for folder in ('out', 'of_the_tool'):
        written = {path.suffix for path in (empty / folder).iterdir()}
        assert written == {'.json', '.npz', '.png'}
