# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What importing the package brings along, counted in modules."""
import ast
import json
import subprocess
import sys

import pytest

import mmdiffpose.models
import mmdiffpose.visualization
from mmdiffpose import apis, registry
from mmdiffpose.lazy_exports import lazy_exports

COUNT = """
import importlib, json, sys
import mmdiffpose
before = set(sys.modules)
{statement}
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def new_modules(statement):
    """Modules that a statement imports beyond ``import mmdiffpose``."""
    done = subprocess.run(
        [sys.executable, '-c',
         COUNT.format(statement=statement)],
        capture_output=True,
        text=True,
        check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_importing_apis_imports_little():
    modules = new_modules('import mmdiffpose.apis')
    assert len(modules) <= 20, modules


def test_all_public_names_import_less_than_700_modules():
    modules = new_modules(
        'import mmdiffpose.apis\n'
        'for name in mmdiffpose.apis.__all__: getattr(mmdiffpose.apis, name)')
    assert 'mmdiffpose.apis.inferencer' in modules
    assert len(modules) <= 700, len(modules)
    heavy = {'mmpose.apis', 'mmpose.models', 'mmdet', 'matplotlib', 'sympy'}
    assert not heavy & set(modules)


@pytest.mark.parametrize('statement', [
    'import mmdiffpose.visualization, mmdiffpose.models',
    'from mmdiffpose.models import MixSTE',
    'import mmdiffpose.structures.keypoint_track',
    'import mmdiffpose.evaluation.functional',
    'import mmdiffpose.skeletons',
])
def test_a_room_imports_no_framework(statement):
    modules = new_modules(statement)
    assert not {'mmpose.apis', 'mmpose.models', 'mmdet'} & set(modules)


WITHOUT_MMPOSE = """
import importlib, importlib.abc, pkgutil, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('mmpose', 'mmdet'):
            raise ModuleNotFoundError(f'No module named {name!r}')

sys.meta_path.insert(0, Absent())
spec = importlib.util.find_spec
importlib.util.find_spec = (
    lambda name, *rest: None if name == 'mmpose' else spec(name, *rest))
import mmdiffpose
assert not mmdiffpose.HAS_MMPOSE
for room in ('diffusion', 'skeletons', 'structures', 'evaluation.functional',
             'files', 'lifting', 'models.encoders', 'models.denoisers',
             'models.layers', 'models.losses', 'models.pretraining'):
    package = importlib.import_module(f'mmdiffpose.{room}')
    for module in pkgutil.walk_packages(package.__path__,
                                        f'{package.__name__}.'):
        importlib.import_module(module.name)
from mmdiffpose.registry import MODELS
assert MODELS.get('MixSTE') and MODELS.get('DiffPoseHead') is None
"""


def test_rooms_import_where_there_is_no_mmpose():
    done = subprocess.run([sys.executable, '-c', WITHOUT_MMPOSE],
                          capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    'package', [apis, mmdiffpose.models, mmdiffpose.visualization],
    ids=lambda package: package.__name__)
def test_every_lazy_name_is_there(package):
    assert package.__all__ == sorted(set(package.__all__))
    assert set(package.__all__) <= set(dir(package))
    for name in package.__all__:
        assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match=f'{package.__name__}.*lift_trak'):
        package.lift_trak


def test_a_lazy_package_shows_all_that_it_imports():
    with open(apis.__file__, encoding='utf-8') as file:
        tree = ast.parse(file.read())
    guarded = {
        name.name
        for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    assert guarded - {'TYPE_CHECKING', 'lazy_exports'} == set(apis.__all__)


def test_a_lazy_name_is_imported_once(tmp_path, monkeypatch):
    package = tmp_path / 'lazy_example'
    (package / 'room').mkdir(parents=True)
    (package / '__init__.py').write_text(
        'from typing import TYPE_CHECKING\n'
        'from mmdiffpose.lazy_exports import lazy_exports\n'
        'from .now import NOW\n'
        'if TYPE_CHECKING:\n'
        '    from .room.later import LATER\n'
        'else:\n'
        '    __getattr__, __dir__ = lazy_exports(__name__)\n')
    (package / 'now.py').write_text('NOW = 1\n')
    (package / 'room' / '__init__.py').write_text('')
    (package / 'room' / 'later.py').write_text('LATER = object()\n')
    monkeypatch.syspath_prepend(tmp_path)
    import lazy_example
    assert lazy_example.NOW == 1
    assert 'lazy_example.room.later' not in sys.modules
    assert 'LATER' in dir(lazy_example)
    first = lazy_example.LATER
    assert vars(lazy_example)['LATER'] is first
    assert sys.modules['lazy_example.room.later'].LATER is first
    with pytest.raises(AttributeError):
        lazy_example.NEVER
    assert lazy_exports('lazy_example')[0]('LATER') is first


@pytest.mark.parametrize('name, kind', [
    ('MODELS', 'MixSTE'),
    ('MODELS', 'DiffPoseHead'),
    ('MODELS', 'DiffusionPoseLifter'),
    ('MODELS', 'MPJPELoss'),
    ('MODELS', 'MaskedPoseModel'),
    ('VISUALIZERS', 'Pose3dLifterVisualizer'),
])
def test_registries_find_what_packages_import_lazily(name, kind):
    code = (f'from mmpose.registry import {name} as upstream\n'
            f'found = upstream.get("mmdiffpose.{kind}")\n'
            f'assert found is not None and found.__name__ == "{kind}"')
    assert new_modules(code)
    assert getattr(registry, name).get(kind).__name__ == kind
