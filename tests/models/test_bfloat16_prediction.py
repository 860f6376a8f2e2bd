# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Models of the zoo in bfloat16 are as good as in float32."""
from copy import deepcopy

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate

from mmdiffpose.apis import init_model
from mmdiffpose.datasets import MocapMiniDataset
from mmdiffpose.evaluation.functional import mpjpe, p_mpjpe


@pytest.mark.parametrize('alias', ['mixste', 'diffpose'])
@torch.no_grad()
def test_no_metric_moves_by_a_tenth_of_a_millimetre(alias):
    model = init_model(alias)
    dataset = MocapMiniDataset(
        split='val',
        seq_len=27,
        test_mode=True,
        pipeline=model.cfg.test_dataloader.dataset.pipeline)
    windows = np.linspace(0, len(dataset) - 1, 24).astype(int)
    batch = pseudo_collate([dataset[int(i)] for i in windows])
    plain = model.test_step(deepcopy(batch))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        rounded = model.test_step(deepcopy(batch))
    poses, other = (
        np.stack([np.asarray(out.pred_instances.keypoints) for out in outs])
        for outs in (plain, rounded))
    assert 1e-5 < np.abs(poses - other).max() < 0.05
    truth = np.stack([out.gt_instances.lifting_target for out in plain])
    for metric in (mpjpe, p_mpjpe):
        errors = [
            metric(found.reshape(-1, 17, 3), truth.reshape(-1, 17, 3)).mean()
            for found in (poses, other)
        ]
        assert abs(1000 * (errors[0] - errors[1])) < 0.1
    std, rounded_std = (
        np.mean([np.asarray(out.pred_instances.keypoint_std) for out in outs])
        for outs in (plain, rounded))
    assert abs(1000 * std - 1000 * rounded_std) < 0.5
