# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The study of 14 joints: its config says none of them, and is complete."""
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmdiffpose.checkpoints.config_skeleton import fill_skeleton
from mmdiffpose.registry import DATASETS
from projects.own_skeleton import run

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


def test_both_starts_are_trained_alike(tmp_path):
    cells = run.make_cells(tmp_path, [3, 1], [0, 1])
    assert len(cells) == len({cell.folder for cell in cells}) == 8
    configs = [cell.config() for cell in cells if cell.epochs == 3]
    assert {c.load_from for c in configs} == {None, 'mixste-v1'}
    for cfg in configs:
        assert cfg.train_cfg.max_epochs == cfg.param_scheduler[1].T_max == 3
        cfg.load_from = None
    assert len({cfg.pretty_text for cfg in configs}) == 1
    for number, cell in enumerate(cells):
        cell.folder.mkdir()
        for variant, shift in (('', 100), ('same_person', 0)):
            cell.metrics_file(variant).write_text(
                json.dumps(dict(MPJPE_mm=shift + 10 * number)))
    # By hand: cells are 0, 20 (scratch, 1 epoch), 10, 30, 40, 60, 50, 70.
    rows = run.as_markdown(cells).splitlines()[2:]
    assert rows[0] == '| 1 | from scratch | 110.0 ± 14.1 | 10.0 ± 14.1 |'
    assert rows[3] == '| 3 | from the zoo | 160.0 ± 14.1 | 60.0 ± 14.1 |'
