# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MMPose imports and works where all that is optional is missing or broken.

Each script would fail at its first import without the fixes.
"""

from typing import Any, Callable

import pytest

_MISSING = """
import sys
from broken_stack import simulate
simulate(missing=['pkg_resources', 'mmcv._ext', 'xtcocotools',
                  'torchvision'])
import matplotlib.backends.backend_agg as agg
if hasattr(agg.FigureCanvasAgg, 'tostring_rgb'):
    del agg.FigureCanvasAgg.tostring_rgb
import pkgutil
if hasattr(pkgutil, 'find_loader'):
    del pkgutil.find_loader
import mmdiffpose
heavy = ['mmdet', 'mmpose.models', 'mmpose.datasets', 'mmpose.apis',
         'mmcv.ops', 'pycocotools', 'torchvision', 'mmengine.runner']
eager = [name for name in heavy if name in sys.modules]
import mmpose.apis, mmpose.datasets, mmpose.models, mmpose.visualization
import mmdet.apis
"""

_BROKEN = """
from broken_stack import simulate
size = ValueError('numpy.dtype size changed, may indicate binary '
                  'incompatibility. Expected 96 from C header, got 88')
simulate(missing=['mmcv._ext'],
         broken={'xtcocotools._mask': size,
                 'torchvision': RuntimeError(
                     'operator torchvision::nms does not exist')})
import json
import mmcv
mmcv.__version__ = '2.2.0'
import mmdiffpose
import mmpose.apis, mmpose.datasets, mmpose.models, mmpose.visualization
import mmdet.apis
import numpy as np
from xtcocotools import mask
full = mask.encode(np.asfortranarray(np.ones((4, 5), np.uint8)))
print(json.dumps(dict(version=mmcv.__version__, area=int(mask.area(full)))))
"""


def test_broken_packages_do_not_stop_mmpose(run_python: Callable) -> None:
    found = run_python(_BROKEN)
    assert found == dict(version='2.2.0', area=20)


def test_missing_packages(run_python: Callable) -> None:
    """One process, because each import of MMPose takes seconds."""
    found = run_python(_MISSING + _USE_WHAT_WAS_MISSING)
    assert found['eager'] == []
    assert found['hidden'] == [], 'stand-ins leaked out of their context'
    assert found['full_mmcv'] is False
    assert found['installed'] == [True, True, False]
    assert found['path'].endswith('mmpose')
    assert found['inherited_hooks'] > 0
    assert found['kept'] == [1, 2, 0]
    assert 'mmcv-lite' in found['missing_op']
    assert 'roi_align_forward' in found['missing_op']
    assert found['heatmap_colours'] > 50
    assert found['canvas'] == [255, 0, 0]
    assert found['ap'] == pytest.approx([1.0, 0.0])
    assert 'xtcocotools' in found['crowd']
    assert found['circle'] == found['plain_circle'] > 0


_USE_WHAT_WAS_MISSING = """
import json, torch, numpy as np
out = dict(eager=eager)
out['hidden'] = [n for n in ('mmcv._ext', 'torchvision',
                             'torchvision.transforms', 'pkg_resources')
                 if n in sys.modules]

from mmengine.utils import get_installed_path, is_installed
from mmengine.utils.dl_utils import mmcv_full_available
out['full_mmcv'] = mmcv_full_available()
out['installed'] = [is_installed('mmpose'), is_installed('mmengine'),
                    is_installed('no-such-package')]
out['path'] = get_installed_path('mmpose')
from mmengine.config import Config
import tempfile, os
with tempfile.TemporaryDirectory() as folder:
    child = os.path.join(folder, 'child.py')
    with open(child, 'w') as file:
        file.write("_base_ = 'mmpose::_base_/default_runtime.py'")
    out['inherited_hooks'] = len(Config.fromfile(child).default_hooks)

from mmcv.ops import RoIAlign, batched_nms
boxes = torch.tensor([[0, 0, 10, 10], [50, 50, 60, 60], [1, 1, 10, 10.],
                      [1, 1, 10, 10.]])
_, kept = batched_nms(boxes, torch.tensor([.7, .9, .8, .6]),
                      torch.tensor([0, 0, 1, 0]),
                      dict(type='nms', iou_threshold=.5))
out['kept'] = kept.tolist()
try:
    RoIAlign(2)(torch.ones(1, 1, 8, 8), torch.tensor([[0, 0, 0, 4., 4.]]))
except NotImplementedError as error:
    out['missing_op'] = str(error)

from mmpose.visualization.simcc_vis import SimCCVisualizer
heatmap = torch.rand(2, 64, 48)
drawn = SimCCVisualizer().draw_instance_xy_heatmap(
    heatmap, np.zeros((64, 48, 3), np.uint8))
out['heatmap_colours'] = len(np.unique(drawn.reshape(-1, 3), axis=0))

import matplotlib.pyplot as plt
figure = plt.figure(facecolor=(1, 0, 0))
figure.canvas.draw()
out['canvas'] = list(figure.canvas.tostring_rgb()[:3])

from xtcocotools.coco import COCO
from xtcocotools.cocoeval import COCOeval
import contextlib, io
def keypoints(shift):
    return [v for i in range(4) for v in (10. * i + shift, 5. * i, 2)]
truth = COCO()
truth.dataset = dict(
    images=[dict(id=1)], categories=[dict(id=1, name='person')],
    annotations=[dict(id=1, image_id=1, category_id=1, num_keypoints=4,
                      keypoints=keypoints(0), area=600., bbox=[0, 0, 30, 20])])
ap = []
with contextlib.redirect_stdout(io.StringIO()):
    truth.createIndex()
    for shift in (0.5, 500):
        dets = truth.loadRes([dict(image_id=1, category_id=1, score=.9,
                                   keypoints=keypoints(shift))])
        evaluation = COCOeval(truth, dets, 'keypoints', np.full(4, .1), True)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        ap.append(float(evaluation.stats[0]))
out['ap'] = ap
try:
    COCOeval(truth, dets, 'keypoints_crowd', np.full(4, .1), True)
except NotImplementedError as error:
    out['crowd'] = str(error)

from mmpose.visualization import Pose3dLocalVisualizer
visualizer = Pose3dLocalVisualizer(vis_backends=None)
for name, radius in (('plain_circle', 3), ('circle', np.array([3]))):
    visualizer.set_image(np.zeros((20, 20, 3), np.uint8))
    visualizer.draw_circles(np.array([10, 10]), radius=radius,
                            face_colors=(255, 0, 0), alpha=1.0)
    out[name] = int((visualizer.get_image() > 0).sum())
print(json.dumps(out))
"""


def test_apply_compat_is_idempotent(run_python: Callable) -> None:
    found: Any = run_python("""
import json, sys
import mmdiffpose
from mmdiffpose.compat import apply_compat, import_hooks
import mmengine.dist.utils as dist
def state():
    return [len(sys.meta_path),
            {k: len(v) for k, v in import_hooks._FINDER.contexts.items()},
            {k: len(v) for k, v in import_hooks._FINDER.fixes.items()},
            id(dist._init_dist_pytorch)]
first = state()
apply_compat()
print(json.dumps(first == state()))
""")
    assert found is True
