# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What each model of the zoo says of one window, recorded once.

``tests/data/golden_windows.npz`` was made at commit 1058463, before heads got
common bases, by this file as it was at commit 443e186. It holds the window (27
frames of the bundled track, two joints hidden for some of them) and, for each
model, ``<name>/keypoints`` (T, 17, 3) and ``<name>/std`` (T, 17), metres. It
is not to be made anew; a new model joins it by
``python tests/helpers/golden_window.py NAME``.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope

PATH = Path(__file__).parents[1] / 'data' / 'golden_windows.npz'
FRAMES = 27


def predict_window(model, keypoints, scores, image_size):
    """Poses (T, 17, 3) and std (T, 17) of a window's middle T frames.

    Args:
        model: A lifter with ``cfg`` and ``dataset_meta``.
        keypoints: (27, 17, 2), pixels.
        scores: (27, 17), 0 for joints that were not seen.
        image_size: Width and height, pixels.
    """
    init_default_scope('mmpose')
    dataset = model.cfg.test_dataloader.dataset
    T = int(dataset.get('seq_len', 1))
    frames = slice((FRAMES - T) // 2, (FRAMES + T) // 2)
    sample = dict(
        keypoints=keypoints[frames],
        keypoints_visible=scores[frames],
        lifting_target=np.zeros((T, 17, 3), np.float32),
        lifting_target_visible=np.ones((T, 17), np.float32),
        factor=np.zeros(T, np.float32),
        # The focal length is for models whose camera turns to the person.
        camera_param=dict(
            w=int(image_size[0]),
            h=int(image_size[1]),
            f=np.full(2, max(image_size), np.float32),
            c=np.asarray(image_size, np.float32) / 2),
        valid_frames=np.ones(T, bool),
        frame_ids=np.arange(T),
        clip='golden',
        camera='',
        subject='',
        action='',
        target_img_path=[''] * T,
        id=0,
        category_id=1,
        **model.dataset_meta)
    data = pseudo_collate([Compose(dataset.pipeline)(sample)])
    with torch.no_grad():
        pred = model.test_step(data)[0].pred_instances
    return pred.keypoints, pred.keypoint_std


def record(name):
    """Add a model of the zoo to the file."""
    from mmdiffpose import apis
    with np.load(PATH) as golden:
        rows = dict(golden)
    window = {key: rows[key] for key in ('keypoints', 'scores', 'image_size')}
    rows[f'{name}/keypoints'], rows[f'{name}/std'] = predict_window(
        apis.init_model(name), **window)
    np.savez_compressed(PATH, **rows)


if __name__ == '__main__':
    record(sys.argv[1])
