# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Nothing is patched where nothing is broken."""

import importlib.util
import pkgutil
from contextlib import nullcontext
from importlib import metadata
from types import SimpleNamespace
from typing import Any, Callable, List

import numpy as np
import pytest
import torch
from mmengine.dist import utils as dist_utils
from mmengine.model import MMDistributedDataParallel

from mmdiffpose.compat import (cpu_distributed, drawing, installed_packages,
                               mmcv_ops)


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> List[str]:
    """Names of the modules that a fix asks to change."""
    names: List[str] = []
    for module in (installed_packages, mmcv_ops):
        monkeypatch.setattr(module, 'after_import',
                            lambda name, fix: names.append(name))
    return names


@pytest.mark.parametrize('there', [True, False])
def test_pkg_resources(hooks: List[str], monkeypatch: pytest.MonkeyPatch,
                       there: bool) -> None:
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: object()
                        if there else None)
    installed_packages.ask_importlib_metadata()
    assert hooks == ([] if there else ['mmengine.utils.package_utils'])


@pytest.mark.parametrize('there', [True, False])
def test_find_loader(hooks: List[str], monkeypatch: pytest.MonkeyPatch,
                     there: bool) -> None:
    monkeypatch.setattr(pkgutil, 'find_loader', None, raising=False)
    if not there:
        monkeypatch.delattr(pkgutil, 'find_loader')
    mmcv_ops.find_compiled_ops_on_new_python()
    assert hooks == ([] if there else ['mmengine.utils.dl_utils.misc'])


def test_compiled_ops_are_used_where_present(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: object())
    assert isinstance(mmcv_ops._without_extension(), nullcontext)


def test_canvas_keeps_its_own_method() -> None:

    class Canvas:

        def tostring_rgb(self) -> bytes:
            return b'own'

    module: Any = SimpleNamespace(FigureCanvasAgg=Canvas)
    drawing._add_tostring_rgb(module)
    assert Canvas().tostring_rgb() == b'own'


class _Visualizer:
    backend = 'opencv'

    def draw_circles(self, center: Any, radius: Any, **kwargs: Any) -> Any:
        return radius


@pytest.mark.parametrize('converts', [True, False])
def test_radius_arrays(monkeypatch: pytest.MonkeyPatch,
                       converts: bool) -> None:

    class Visualizer(_Visualizer):
        draw_circles = _Visualizer.draw_circles

    monkeypatch.setattr(drawing, '_converts_one_number', lambda: converts)
    module: Any = SimpleNamespace(OpencvBackendVisualizer=Visualizer)
    drawing._unwrap_radius(module)
    radius = Visualizer().draw_circles(np.zeros(2), radius=np.array([3]))
    assert isinstance(radius, np.ndarray if converts else int)
    assert radius == 3


@pytest.mark.parametrize('gpu', [True, False])
def test_set_device_is_skipped_without_a_gpu_only(
        monkeypatch: pytest.MonkeyPatch, gpu: bool) -> None:
    calls: List[int] = []
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpu)
    monkeypatch.setattr(torch.cuda, 'set_device', calls.append)
    wrapped = cpu_distributed._without_set_device(
        lambda: torch.cuda.set_device(1))
    wrapped()
    assert calls == ([1] if gpu else [])
    torch.cuda.set_device(2)
    assert calls[-1] == 2, 'the function came back after the call'


def test_device_ids_stay_for_other_devices() -> None:
    seen: List[dict] = []

    class Wrapper:

        def __init__(self, module: torch.nn.Module, **kwargs: Any) -> None:
            seen.append(kwargs)

    module: Any = SimpleNamespace(MMDistributedDataParallel=Wrapper)
    cpu_distributed._drop_device_ids(module)
    for device in ('cpu', 'meta'):
        module.MMDistributedDataParallel(
            torch.nn.Linear(1, 1, device=device), device_ids=[0])
    assert [kwargs['device_ids'] for kwargs in seen] == [None, [0]]


def test_mmengine_was_patched_at_import() -> None:
    for name in ('_init_dist_pytorch', '_init_dist_mpi'):
        assert hasattr(getattr(dist_utils, name), '__wrapped__')
    assert hasattr(MMDistributedDataParallel.__init__, '__wrapped__')


def test_installed_packages_name_what_is_missing() -> None:
    find: Callable[[str], str] = installed_packages.get_installed_path
    with pytest.raises(metadata.PackageNotFoundError):
        find('no-such-package')
    assert find('mmdiffpose').endswith('mmdiffpose')
    assert installed_packages.package2module('pyyaml') in ('_yaml', 'yaml')
