# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What 0.1 called otherwise is found under its old name."""
import importlib
import sys

import pytest

import mmdiffpose
from mmdiffpose.compat.moved_modules import MOVED, RENAMED
from mmdiffpose.datasets import PoseSequence, cameras, mocap_mini_file
from mmdiffpose.detection import pose2d


@pytest.mark.parametrize('old, new', MOVED.items())
def test_an_old_name_has_the_same_objects(old, new):
    sys.modules.pop(old, None)
    with pytest.warns(DeprecationWarning, match=f'{old} is now {new}'):
        found = importlib.import_module(old)
    names = [
        name for name in vars(importlib.import_module(new))
        if not name.startswith('_') and name not in RENAMED.get(new, ())
    ]
    assert names
    for name in names:
        assert getattr(found, name) is getattr(sys.modules[new], name)


@pytest.mark.filterwarnings('ignore:mmdiffpose:DeprecationWarning')
def test_ways_to_import():
    import mmdiffpose.apis.pose2d
    from mmdiffpose.apis import pose2d as module
    from mmdiffpose.apis.pose2d import Detections2D
    assert Detections2D is pose2d.Detections2D
    assert module is mmdiffpose.apis.pose2d


def test_what_never_moved():
    assert cameras.__name__ == 'mmdiffpose.datasets.cameras'
    assert callable(mocap_mini_file.load_mocap_mini)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module('mmdiffpose.apis.no_such_module')
    assert not hasattr(mmdiffpose.apis, 'no_such_module')


def test_an_old_module_has_the_old_name_of_a_class():
    sys.modules.pop('mmdiffpose.datasets.lifting_dataset', None)
    with pytest.warns(DeprecationWarning, match='is now .*lifting_dataset'):
        from mmdiffpose.datasets.lifting_dataset import Sequence
    assert Sequence is PoseSequence


def test_a_class_that_is_called_otherwise():
    with pytest.warns(DeprecationWarning, match='is now .*PoseSequence'):
        from mmdiffpose.datasets import Sequence
    assert Sequence is PoseSequence
    with pytest.raises(ImportError):
        from mmdiffpose.datasets import NoSuchClass  # noqa: F401
