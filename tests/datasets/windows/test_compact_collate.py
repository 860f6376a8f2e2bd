# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Batches from a worker are those that MMEngine's collation makes."""

import pickle
import sys
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmdiffpose.datasets import compact_collate
from mmdiffpose.registry import FUNCTIONS


class Samples(torch.utils.data.Dataset):
    """Samples of whatever a pipeline may put into one."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        value = torch.arange(6.).reshape(2, 3) + index
        return dict(
            inputs=value.T,  # not contiguous
            scalar=torch.tensor(index),
            flags=value > 2,
            half=value.half(),
            brain=value.bfloat16(),
            sparse=value.to_sparse(),
            parameter=torch.nn.Parameter(value),
            array=np.arange(3) + index,
            name=f'sample {index}')


def assert_same(ours, theirs):
    assert type(ours) is type(theirs)
    if isinstance(ours, torch.Tensor):
        assert (ours.dtype, ours.layout) == (theirs.dtype, theirs.layout)
        assert torch.equal(ours.to_dense(), theirs.to_dense())
    elif isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for key, value in ours.items():
            assert_same(value, theirs[key])
    elif isinstance(ours, (list, tuple)):
        assert len(ours) == len(theirs)
        for pair in zip(ours, theirs):
            assert_same(*pair)
    else:
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize('workers', [0, 1])
def test_any_sample_arrives_unchanged(workers):
    loader = torch.utils.data.DataLoader(
        Samples(),
        batch_size=4,
        num_workers=workers,
        collate_fn=compact_collate)
    batch, = loader
    assert_same(batch, pseudo_collate([Samples()[i] for i in range(4)]))


def test_what_arrives_can_be_written_to():
    loader = torch.utils.data.DataLoader(
        Samples(), batch_size=4, num_workers=1, collate_fn=compact_collate)
    batch, = loader
    batch['inputs'][0] += 1
    assert torch.equal(batch['inputs'][0], Samples()[0]['inputs'] + 1)


def test_a_worker_sends_bytes_and_no_shared_memory(monkeypatch):
    module = sys.modules[compact_collate.__module__]
    monkeypatch.setattr(module, 'get_worker_info', lambda: object())
    sample = dict(inputs=torch.arange(5.))
    message = compact_collate([sample])
    sent = bytes(ForkingPickler.dumps(message))
    assert sample['inputs'].numpy().tobytes() in sent
    assert torch.equal(pickle.loads(sent)['inputs'][0], sample['inputs'])


def test_a_config_s_loader_gives_the_pipeline_s_samples():
    assert FUNCTIONS.get('compact_collate') is compact_collate
    config = Config.fromfile('configs/mixste_mini-27.py')
    cfg = config.val_dataloader
    assert config.train_dataloader.collate_fn == cfg.collate_fn
    # MMEngine's inferencers look it up as if it were a name.
    assert 'collate_fn' not in config.test_dataloader
    assert cfg.collate_fn.type == 'mmdiffpose.compact_collate'
    cfg.update(num_workers=1, batch_size=3)
    with DefaultScope.overwrite_default_scope('mmpose'):
        loader = Runner.build_dataloader(cfg)
    batch = next(iter(loader))
    for i, (inputs,
            found) in enumerate(zip(batch['inputs'], batch['data_samples'])):
        sample = loader.dataset[i]
        assert torch.equal(inputs, sample['inputs'])
        expected = sample['data_samples']
        assert set(found.metainfo) == set(expected.metainfo)
        for part in ('gt_instances', 'gt_instance_labels'):
            ours, theirs = found.get(part), expected.get(part)
            assert set(ours.keys()) == set(theirs.keys())
            for key, value in theirs.items():
                assert_same(ours.get(key), value)
