# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lift 2D joints with onnxruntime and NumPy alone.

    mmdiffpose export mixste --out mixste.onnx
    python examples/lift_with_onnx.py mixste.onnx
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

TRACK = Path(__file__).parents[1] / 'mmdiffpose/data/demo_track_coco17.json'
session = onnxruntime.InferenceSession(sys.argv[1])
shapes = {one.name: one.shape for one in session.get_inputs()}

# COCO's joints, pixels, to Human3.6M's: legs, trunk and head, arms.
track = json.loads(TRACK.read_text())
coco = np.array([
    frame['instances'][0]['keypoints'] for frame in track['instance_info']
])  # (frames, 17, 2)
hips, thorax = (coco[:, i:i + 2].mean(1) for i in (11, 5))
nose, eyes = coco[:, 0], coco[:, 1:3].mean(1)
trunk = np.stack([(hips + thorax) / 2, thorax, nose, eyes], 1)
joints = np.concatenate([
    hips[:, None], coco[:, [12, 14, 16, 11, 13, 15]], trunk,
    coco[:, [5, 7, 9, 6, 8, 10]]
], 1)

# Windows of the lifter's length; x from -1 to 1 over the picture's width.
width, height = track['meta_info']['image_size']
joints = joints * 2 / width - [1, height / width]
length = shapes['keypoints'][1]
windows = joints[:len(joints) // length * length].reshape(-1, length, 17, 2)
inputs = dict(keypoints=windows.astype(np.float32))
if 'noise' in shapes:  # a model that samples: standard normal draws
    size = [len(windows), *shapes['noise'][1:]]
    inputs['noise'] = np.random.default_rng(0).normal(size=size).astype('f4')
poses, std = session.run(['poses', 'std'], inputs)
print(f'{poses.size // 51} poses of 17 joints, metres; mean std '
      f'{1000 * std.mean():.0f} mm; head {-poses[..., 10, 1].mean():.2f} m '
      'above the pelvis')
