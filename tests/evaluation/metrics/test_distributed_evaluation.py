# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Every sample counts once, whatever the world size."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

from mmdiffpose.registry import METRICS

NAMES = ('PoseLiftingMetric', 'CoherenceMetric', 'MultiHypothesisMetric',
         'UncertaintyMetric')
SCRIPT = '''
import pickle, sys
import torch.distributed as dist
from mmengine.dataset import DefaultSampler
from mmdiffpose.registry import METRICS

rank, world_size, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
dist.init_process_group('gloo', init_method=f'file://{folder}/meet',
                        rank=rank, world_size=world_size)
with open(f'{folder}/samples.pkl', 'rb') as stream:
    samples = pickle.load(stream)
order = list(DefaultSampler(samples, shuffle=False))
assert len(order) == 3, order
for name in sys.argv[4:]:
    metric = METRICS.build(dict(
        type=f'mmdiffpose.{name}',
        out_file=f'{folder}/results_{world_size}.json',
        collect_dir=f'{folder}/{name}'))
    for first in range(0, len(order), 2):
        metric.process(None, [samples[i] for i in order[first:first + 2]])
    log = metric.evaluate(len(samples))
    with open(f'{folder}/{name}_{rank}.pkl', 'wb') as stream:
        pickle.dump(log, stream)
dist.barrier()
dist.destroy_process_group()
'''


@pytest.fixture
def samples(make_sample):
    """Five windows: two ranks need six, and get the first one again."""
    result = [
        make_sample(0, 4, action='A', clip='A 1', offset=(.2, 0, 0)),
        make_sample(4, 4, action='A', clip='A 1', offset=(.02, 0, 0)),
        make_sample(8, 4, action='A', clip='A 1'),
        make_sample(0, 4, action='B', clip='B 1', offset=(.05, 0, 0)),
        make_sample(4, 4, action='B', clip='B 1')
    ]
    result[4]['gt_instances']['valid_frames'][2:] = False
    return result


def test_two_ranks_with_a_padded_sampler(samples, tmp_path, evaluate):
    (tmp_path / 'samples.pkl').write_bytes(pickle.dumps(samples))
    command = [sys.executable, '-c', SCRIPT]
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    ranks = [
        subprocess.Popen(
            command + [str(rank), '2', str(tmp_path), *NAMES], **pipes)
        for rank in range(2)
    ]
    outputs = [rank.communicate(timeout=120)[0] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], outputs
    for name in NAMES:
        path = tmp_path / 'results_1.json'
        expected = evaluate(
            METRICS.build(dict(type=f'mmdiffpose.{name}', out_file=str(path))),
            samples)
        for rank in range(2):
            found = pickle.loads(
                (tmp_path / f'{name}_{rank}.pkl').read_bytes())
            assert found.keys() == expected.keys()
            np.testing.assert_allclose(
                list(found.values()), list(expected.values()), rtol=1e-9)
    # The table is shown by the main process only.
    assert ['sequence mean' in output for output in outputs] == [True, False]
    one, two = (
        json.loads((tmp_path / f'results_{i}.json').read_text())
        for i in (1, 2))
    assert sorted(one) == sorted(two) == sorted(NAMES)
    assert one['CoherenceMetric']['settings'] == two['CoherenceMetric'][
        'settings']
    assert one['PoseLiftingMetric']['settings']['frames'] == 18


@pytest.mark.parametrize('name', NAMES)
def test_each_sample_leaves_one_result(samples, name):
    metric = METRICS.build(dict(type=f'mmdiffpose.{name}'))
    metric.process(None, samples)
    assert len(metric.results) == len(samples)
    assert metric.prefix == ''


@pytest.mark.parametrize('name', NAMES)
def test_batch_size_does_not_matter(samples, evaluate, name):
    metric = METRICS.build(dict(type=f'mmdiffpose.{name}'))
    logs = [evaluate(metric, samples, size) for size in (1, 2, 5)]
    for log in logs[1:]:
        np.testing.assert_allclose(
            list(log.values()), list(logs[0].values()), rtol=1e-9)


def test_together_in_an_evaluator_with_data_samples(samples):
    pytest.importorskip('mmpose')
    from mmengine.evaluator import Evaluator
    from mmengine.registry import DefaultScope
    from mmengine.structures import InstanceData
    from mmpose.structures import PoseDataSample
    data_samples = []
    for sample in samples:
        data_sample = PoseDataSample(
            metainfo={
                key: sample[key]
                for key in ('subject', 'action', 'camera', 'clip', 'frame_ids')
            })
        for group in ('pred_instances', 'gt_instances'):
            setattr(data_sample, group, InstanceData(**sample[group]))
        data_samples.append(data_sample)
    with DefaultScope.overwrite_default_scope('mmpose'):
        evaluator = Evaluator(
            [dict(type=f'mmdiffpose.{name}') for name in NAMES])
    evaluator.process(data_samples, None)
    log = evaluator.evaluate(len(data_samples))
    for key in ('MPJPE_mm', 'MPJPE_mm/B', 'MPJVE_mm/action_mean',
                'oracle/J-Best_mm', 'uncertainty/ECE'):
        assert np.isfinite(log[key])
    assert all(isinstance(value, float) for value in log.values())
