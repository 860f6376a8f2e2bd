# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Public names, config keys and options change on purpose only."""
import json
from pathlib import Path

import pytest

SURFACE = Path(__file__).parent / 'api_surface.json'
COMMAND = 'python tools/api_surface.py'


def leaves(node, path=()):
    """Every entry of the surface as a tuple of keys."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    elif not node:
        yield path
    else:
        yield from ((*path, item) for item in node)


@pytest.fixture
def tool(load_tool):
    return load_tool('api_surface')


def test_nothing_public_has_changed(tool):
    locked = set(leaves(json.loads(SURFACE.read_text())))
    found = set(leaves(tool.api_surface()))
    gone, new = sorted(locked - found), sorted(found - locked)
    assert not gone and not new, (
        f'gone: {gone}\nnew: {new}\nWhere that is meant, run "{COMMAND}" and '
        'say it in CHANGELOG.md')


def test_the_surface_has_what_users_write(tool):
    surface = json.loads(SURFACE.read_text())
    assert 'init_model' in surface['packages']['mmdiffpose.apis']
    models = surface['registries']['MODELS']
    assert 'seq_len' in {name.split('=')[0] for name in models['MixSTE']}
    assert '--cfg-options' in surface['commands']['train']
    assert 'CONFIG' in surface['commands']['train']


def test_arguments_of_a_function(tool):

    def build(a, b: int = 3, *rest, c=('x', [1.5]), d=None, e=print, **more):
        """Do nothing."""

    assert tool.arguments(build) == [
        'a', 'b=3', '*rest', "c=('x', [1.5])", 'd=None',
        'e=<builtin_function_or_method>', '**more'
    ]


def test_the_file_says_how_to_make_it_anew(tool):
    assert COMMAND in tool.__doc__
    contributing = (SURFACE.parents[1] / 'CONTRIBUTING.md').read_text()
    assert COMMAND in contributing
