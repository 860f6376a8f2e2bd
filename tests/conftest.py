# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Fixtures that all tests share."""
import os
from pathlib import Path
from typing import Iterator

import pytest
from hypothesis import settings
from mmengine.registry import DefaultScope, init_default_scope

# Continuous integration sees the same examples each time; elsewhere they are
# new ones.
settings.register_profile('ci', derandomize=True)
if os.environ.get('CI'):
    settings.load_profile('ci')

pytest_plugins = ['inference_fixtures', 'tool_fixtures']

SHARED = 'MMDIFFPOSE_SHARED'


@pytest.fixture(autouse=True)
def scope_of_its_own() -> Iterator[None]:
    """Tests begin in MMPose's scope, and leave theirs to no other test."""
    scopes = DefaultScope._instance_dict
    before = list(scopes)
    init_default_scope('mmpose')
    yield
    for name in set(scopes) - set(before):
        del scopes[name]


@pytest.fixture(scope='session')
def shared_dir() -> Path:
    """Folder with raw data that the repository does not hold.

    Its ``data`` has the layouts that ``tools/dataset_converters`` read:
    ``hdm05/HDM_*.asf``, ``cmu/subjects/NN/NN.asf``. It is found through the
    environment variable or as a folder ``shared`` beside the checkout; tests
    that need it are skipped where there is none.
    """
    named = os.environ.get(SHARED)
    folder = Path(named) if named else Path(__file__).parents[2] / 'shared'
    if not (folder / 'data').is_dir():
        pytest.skip(
            f'{folder / "data"} does not exist: set {SHARED} to a folder with '
            'raw data to run this test')
    return folder
