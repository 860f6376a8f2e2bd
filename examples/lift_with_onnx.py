# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lift 2D joints with NumPy and the FILE of `mmdiffpose export --out FILE`."""
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

TRACK = Path(__file__).parents[1] / 'mmdiffpose/data/demo_track_coco17.json'
session = onnxruntime.InferenceSession(sys.argv[1])
shapes = {one.name: one.shape for one in session.get_inputs()}
track = json.loads(TRACK.read_text())
coco = np.array(
    [frame['instances'][0]['keypoints'] for frame in track['instance_info']])
# Human3.6M's joints are those of COCO, or halfway between two of them.
ends = np.array([[11, 12, 14, 16, 11, 13, 15, 11, 5, 0, 1, 5, 7, 9, 6, 8, 10],
                 [12, 12, 14, 16, 11, 13, 15, 6, 6, 0, 2, 5, 7, 9, 6, 8, 10]])
width, height = track['meta_info']['image_size']
# x from -1 to 1 over the picture's width; seen (1), where the lifter asks.
joints = coco[:, ends].mean(1) * 2 / width - [1, height / width]
joints = np.pad(joints, [(0, 0), (0, 0), (0, 1)], constant_values=1)
size = [len(joints) // shapes['keypoints'][1], *shapes['keypoints'][1:]]
windows = joints[:size[0] * size[1], :, :size[3]].reshape(size).astype('f4')
inputs = dict(keypoints=windows)
if 'noise' in shapes:  # a model that samples
    draws = [size[0], *shapes['noise'][1:]]
    inputs['noise'] = np.random.default_rng(0).normal(size=draws).astype('f4')
poses, std = session.run(['poses', 'std'], inputs)
print(f'{poses.size // 51} poses of 17 joints, mean std {std.mean():.3f} m; '
      f'head {-poses[..., 10, 1].mean():.2f} m above the pelvis')
