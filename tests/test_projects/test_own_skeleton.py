# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The study of 14 joints: its config says none of them, and is complete."""
import sys
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmdiffpose.checkpoints.config_skeleton import fill_skeleton
from mmdiffpose.registry import DATASETS

FOLDER = Path(__file__).parents[2] / 'projects/own_skeleton'


@pytest.fixture
def config(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    yield Config.fromfile(FOLDER / 'mixste_14-27.py')
    sys.modules.pop('fourteen_joints', None)


def test_the_data_set_says_what_the_model_is_built_for(config):
    skeleton = fill_skeleton(config)
    assert skeleton.num_joints == 14
    assert skeleton.joints[skeleton.root] == 'neck'
    assert config.model.backbone.num_joints == 14
    assert config.model.head.root_index == 12
    dataset = config.train_dataloader.dataset
    dataset.max_sequences = 1
    dataset = DATASETS.build(dataset)
    sample = dataset[0]
    assert sample['inputs'].shape == (27, 14, 2)
    target = sample['data_samples'].gt_instance_labels.lifting_target_label
    assert np.abs(target[:, 12]).max() == 0
    assert sample['data_samples'].flip_indices == [
        5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13
    ]
