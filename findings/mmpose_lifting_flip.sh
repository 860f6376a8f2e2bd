#!/usr/bin/env bash
# Copyright (c) mmdiffpose contributors. All rights reserved.
#
# MMPose: the flip of its video lifting configs moves people out of the image.
#
# Versions   mmpose 1.3.2
# Steps      Run the training pipeline of a released config (27-frame TCN) on
#            a person whose joints are all at x = 300 in an image 1000 wide.
# Seen       Screen coordinate of x, which is -1 to 1 from left to right:
#              not flipped   -0.400
#              flipped       -1.598, and 0.400 would be right.
#            RandomFlipAroundRoot comes before GenerateTarget, so it mirrors
#            pixels, and its default centre, 0.5, is meant for coordinates
#            from 0 to 1: 300 becomes -299. The config gives no centre.
# Guess      A flip in a released config is a flip about the image's middle.
# Why care   Half of all training samples are of people that no camera sees,
#            up to a whole image's width left of it. Training converges, and
#            a config of one's own that starts from these inherits it.
set -euo pipefail

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
"${PYTHON:-python3}" -m venv venv
# What MMPose imports, no more, and mmcv-lite: mmcv has to be compiled.
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    --no-compile mmpose==1.3.2 mmdet==3.3.0 mmcv-lite==2.1.0 \
    mmengine==0.10.7 torch==2.13.0 numpy==1.26.4 scipy==1.15.3 \
    opencv-python-headless==4.11.0.86 matplotlib==3.9.4 setuptools==80.8.0 \
    addict==2.4.0 contourpy==1.3.2 cycler==0.12.1 fonttools==4.59.0 \
    json-tricks==3.17.3 kiwisolver==1.4.9 mpmath==1.3.0 munkres==1.1.4 \
    packaging==25.0 pillow==11.3.0 platformdirs==4.4.0 pycocotools==2.0.10 \
    Pygments==2.19.2 pyparsing==3.2.3 python-dateutil==2.9.0.post0 \
    PyYAML==6.0.2 rich==14.1.0 shapely==2.1.1 six==1.17.0 sympy==1.14.0 \
    termcolor==3.1.0 terminaltables==3.1.10 tqdm==4.67.1 \
    typing_extensions==4.15.0 xtcocotools==1.14.3 yapf==0.43.0

cat >flip.py <<'PY'
import sys
import types
import warnings
from pathlib import Path

warnings.simplefilter('ignore')


class Absent(types.ModuleType):
    """Stands in for what is imported, but not called here."""
    __file__ = None

    def __getattr__(self, name):
        return None


for name in ('mmcv._ext', 'torchvision', 'torchvision.transforms'):
    sys.modules[name] = Absent(name)

import mmpose
import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmpose.utils import register_all_modules

CONFIG = (
    Path(mmpose.__file__).parent / '.mim/configs/body_3d_keypoint'
    / 'video_pose_lift/h36m'
    / 'video-pose-lift_tcn-27frm-supv_8xb128-160e_h36m.py')

register_all_modules()
pipeline = Compose(Config.fromfile(CONFIG).train_pipeline)
found = set()
for seed in range(8):
    np.random.seed(seed)
    results = pipeline({
        'keypoints': np.full((1, 17, 2), [300., 500.], np.float32),
        'keypoints_visible': np.ones((1, 17), np.float32),
        'lifting_target': np.zeros((1, 17, 3), np.float32),
        'lifting_target_visible': np.ones((1, 17), np.float32),
        'camera_param': {'w': 1000, 'h': 1000},
        'flip_indices': list(range(17)),
    })
    found.add(round(float(results['inputs'][0]), 3))
print('screen coordinates of x = 300:', sorted(found))
sys.exit(found != {-0.4, -1.598})
PY
OMP_NUM_THREADS=1 venv/bin/python flip.py
