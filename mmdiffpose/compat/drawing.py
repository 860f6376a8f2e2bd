# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Draw with MMPose's visualisers on current matplotlib and NumPy."""

import functools
from types import ModuleType
from typing import Any

from .import_hooks import after_import
from .ledger import note


def give_canvas_rgb_bytes() -> None:
    """Give matplotlib's canvas the method that MMPose reads pixels with.

    ``mmpose.visualization.Pose3dLocalVisualizer`` calls
    ``canvas.tostring_rgb()``, which matplotlib 3.10 removed
    (matplotlib/matplotlib#25484): ``'FigureCanvasAgg' object has no
    attribute 'tostring_rgb'``. A canvas that has it keeps its own.
    """
    after_import('matplotlib.backends.backend_agg', _add_tostring_rgb)


def accept_radius_arrays() -> None:
    """Let MMPose draw circles whose radius is an array of one number.

    ``local_visualizer_3d.py`` passes ``radius=np.array([self.radius])`` and
    the OpenCV backend calls ``int(radius)``, which NumPy 2.4 turned from a
    warning into ``TypeError: only 0-dimensional arrays can be converted to
    Python scalars``. No upstream issue is known. Before that NumPy nothing
    is done.
    """
    after_import('mmpose.visualization.opencv_backend_visualizer',
                 _unwrap_radius)


def _add_tostring_rgb(module: ModuleType) -> None:
    there = hasattr(module.FigureCanvasAgg, 'tostring_rgb')
    note(give_canvas_rgb_bytes, not there,
         f'FigureCanvasAgg has {"" if there else "no "}tostring_rgb')
    if not there:
        module.FigureCanvasAgg.tostring_rgb = _tostring_rgb


def _tostring_rgb(self: Any) -> bytes:
    """Get the drawn picture as rows of red, green and blue bytes."""
    import numpy as np
    return np.asarray(self.buffer_rgba())[..., :3].tobytes()


def _converts_one_number() -> bool:
    import warnings

    import numpy as np
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)
        try:
            return int(np.array([1])) == 1
        except TypeError:
            return False


def _unwrap_radius(module: ModuleType) -> None:
    converts = _converts_one_number()
    note(
        accept_radius_arrays, not converts,
        f'this NumPy makes {"a" if converts else "no"} number of an array of '
        'one')
    if converts:
        return
    visualizer = module.OpencvBackendVisualizer
    original = visualizer.draw_circles

    @functools.wraps(original)
    def draw_circles(self: Any, center: Any, radius: Any, *args: Any,
                     **kwargs: Any) -> Any:
        if getattr(radius, 'size', None) == 1 and self.backend == 'opencv':
            radius = radius.item()
        return original(self, center, radius, *args, **kwargs)

    visualizer.draw_circles = draw_circles
