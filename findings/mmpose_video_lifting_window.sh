#!/usr/bin/env bash
# Copyright (c) mmdiffpose contributors. All rights reserved.
#
# MMPose: in a video its 3D inferencer gives a lifter one frame, repeated.
#
# Versions   mmpose 1.3.2, mmengine 0.10.7, torch 2.13.0
# Steps      Build Pose3DInferencer from the released configs of a 27-frame TCN
#            and of a 2D model, with random weights; run it on a video of eight
#            different frames, the whole image as the person's box; look at
#            what reaches the lifter's backbone.
# Seen       Eight windows of shape (1, 34, 27), no two alike, and in each of
#            them all 27 frames are the same.
#            The people of the last frame, whom the tracker needs, are read
#            from a buffer that nothing fills: each frame's person is a new
#            one and has no history. With one frame in the window the result
#            is a single-frame one of a network that was trained on motion.
# Guess      --input VIDEO with a 243-frame model uses 243 frames.
# Why care   Poses are those of single frames and jitter, while the test script
#            makes its own windows and is right. The model, the weights and the
#            detector are all suspected first.
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

cat >windows.py <<'PY'
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

import cv2
import mmpose
import numpy as np
import torch
from mmpose.apis.inferencers import Pose3DInferencer

# MMEngine asks later whether the compiled operators are there.
del sys.modules['mmcv._ext']
CONFIGS = Path(mmpose.__file__).parent / '.mim/configs'
LIFTER = (CONFIGS / 'body_3d_keypoint/video_pose_lift/h36m'
          / 'video-pose-lift_tcn-27frm-supv_8xb128-160e_h36m.py')
MODEL_2D = (CONFIGS / 'body_2d_keypoint/topdown_heatmap/coco'
            / 'td-hm_res50_8xb64-210e_coco-256x192.py')
FRAMES = 8

torch.manual_seed(0)
rng = np.random.default_rng(0)
video = cv2.VideoWriter('video.mp4', cv2.VideoWriter_fourcc(*'mp4v'), 25,
                        (192, 256))
for _ in range(FRAMES):
    blocks = rng.integers(0, 256, (16, 12, 3), dtype=np.uint8)
    video.write(cv2.resize(blocks, (192, 256)))
video.release()

inferencer = Pose3DInferencer(
    str(LIFTER),
    pose2d_model=str(MODEL_2D),
    det_model='whole_image',
    device='cpu')
windows = []
inferencer.model.backbone.register_forward_pre_hook(
    lambda module, inputs: windows.append(inputs[0].clone()))
list(inferencer('video.mp4', return_datasamples=True))

shapes = {tuple(window.shape) for window in windows}
constant = sum(bool((w == w[..., :1]).all()) for w in windows)
different = len({tuple(window[0, :, 0].tolist()) for window in windows})
print(f'{len(windows)} windows of shape {shapes}, {different} different ones, '
      f'{constant} of one frame repeated')
sys.exit((shapes, different, constant) != ({(1, 34, 27)}, FRAMES, FRAMES))
PY
OMP_NUM_THREADS=1 venv/bin/python windows.py
