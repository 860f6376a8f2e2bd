# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What each model of the zoo says of one window, recorded once.

``tests/data/golden_windows.npz`` was made at commit 1058463, before heads got
common bases, by

    git worktree add ../old 1058463
    PYTHONPATH=../old python tests/helpers/golden_window.py

and holds the window (27 frames of the bundled track, two joints hidden for
some of them) and, for each model, ``<name>/keypoints`` (T, 17, 3) and
``<name>/std`` (T, 17), metres. It is not to be made anew, except for other
weights.
"""

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
        camera_param=dict(w=int(image_size[0]), h=int(image_size[1])),
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


def record():
    """Write the file."""
    from mmdiffpose import apis
    from mmdiffpose.skeletons import H36M_17
    root = Path(apis.__file__).parents[1]
    track = apis.read_keypoint_file(root / 'data' / 'demo_track_coco17.json')
    track = track.to_skeleton(H36M_17).part(30, 30 + FRAMES)
    window = dict(
        keypoints=track.keypoints.astype(np.float32).round(1),
        scores=track.scores.astype(np.float32).round(3),
        image_size=np.array(track.image_size))
    for joint, hidden in (('left_wrist', slice(0, 9)), ('right_foot',
                                                        slice(12, 20))):
        window['scores'][hidden, H36M_17.index[joint]] = 0
    rows = dict(window)
    for model in apis.list_models():
        lifter = apis.init_model(model.config, model.weights)
        rows[f'{model.name}/keypoints'], rows[f'{model.name}/std'] = (
            predict_window(lifter, **window))
    np.savez_compressed(PATH, **rows)
    print(PATH, 'from', root)


if __name__ == '__main__':
    record()
