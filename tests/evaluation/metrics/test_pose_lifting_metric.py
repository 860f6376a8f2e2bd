# Copyright (c) mmdiffpose contributors. All rights reserved.
import json

import numpy as np
import pytest
import torch

from mmdiffpose.evaluation.metrics import PoseLiftingMetric
from mmdiffpose.registry import METRICS

ALL = ('MPJPE', 'P-MPJPE', 'N-MPJPE', 'PCK', 'AUC')
# 50 mm on 16 of 17 joints, the root being exact.
SHIFT = 50 * 16 / 17


def test_perfect_model_has_no_error(make_sample, evaluate):
    samples = [make_sample(0, offset=(0, 0, 0)), make_sample(6, offset=0)]
    log = evaluate(PoseLiftingMetric(metrics=ALL), samples)
    for name in ALL[:3]:
        assert log[f'{name}_mm'] == pytest.approx(0, abs=1e-3)
    assert log['PCK@150mm'] == 100
    assert log['AUC'] == pytest.approx(100 * 30 / 31)


def test_shifted_model_has_the_shift(make_sample, evaluate):
    log = evaluate(
        PoseLiftingMetric(metrics=ALL),
        [make_sample(0),
         make_sample(6, action='Posing', clip='b')])
    for key in ('', '/action_mean', '/sequence_mean', '/Sitting', '/Posing'):
        assert log['MPJPE_mm' + key] == pytest.approx(SHIFT, abs=1e-3)
    assert log['PCK@150mm'] == 100
    # An error of 50 passes the thresholds 55 .. 150, 20 of 31.
    assert log['AUC'] == pytest.approx(100 * 20 / 31, rel=0.06)
    assert 0 < log['P-MPJPE_mm'] < log['MPJPE_mm']


def test_frame_action_and_sequence_means_differ(make_sample, evaluate):
    samples = [
        make_sample(0, 2, action='A', clip='A 1', offset=(.01, 0, 0)),
        make_sample(0, 6, action='A', clip='A 2', offset=(.02, 0, 0)),
        make_sample(0, 4, action='AB', clip='AB 1', offset=(.06, 0, 0)),
    ]
    log = evaluate(PoseLiftingMetric(metrics='MPJPE'), samples)
    share = 16 / 17
    first = (2 * 10 + 6 * 20) / 8
    assert log['MPJPE_mm/A'] == pytest.approx(first * share, abs=1e-3)
    assert log['MPJPE_mm/AB'] == pytest.approx(60 * share, abs=1e-3)
    assert log['MPJPE_mm'] == pytest.approx(
        (8 * first + 4 * 60) / 12 * share, abs=1e-3)
    assert log['MPJPE_mm/action_mean'] == pytest.approx(
        (first + 60) / 2 * share, abs=1e-3)
    assert log['MPJPE_mm/sequence_mean'] == pytest.approx(
        (10 + 20 + 60) / 3 * share, abs=1e-3)


def test_only_valid_frames_count(make_sample, evaluate):
    good = make_sample(0, 4, valid=[True, True, False, False])
    good['pred_instances']['keypoints'][2:] = np.nan
    # Its frames repeat and are not valid: they count for nothing.
    empty = make_sample(0, 4, valid=[False] * 4)
    metric = PoseLiftingMetric(log_actions=False)
    log = evaluate(metric, [good, empty])
    assert log['MPJPE_mm'] == pytest.approx(SHIFT, abs=1e-3)
    assert set(log) == {
        name + mean
        for name in ('MPJPE_mm', 'P-MPJPE_mm')
        for mean in ('', '/action_mean', '/sequence_mean')
    }
    with pytest.raises(ValueError, match='no frame to score'):
        evaluate(PoseLiftingMetric(), [empty])


def test_predicted_root_is_subtracted_unless_told_not_to(
        make_sample, evaluate):
    sample = make_sample()
    moved = sample['pred_instances']['keypoints'] + np.float32([1, 2, 3])
    sample['pred_instances']['keypoints'] = moved
    assert evaluate(PoseLiftingMetric(), [sample])['MPJPE_mm'] == (
        pytest.approx(SHIFT, abs=1e-3))
    target = sample['gt_instances']['lifting_target']
    expected = 1000 * np.linalg.norm(moved - target, axis=-1).mean()
    unaligned = evaluate(PoseLiftingMetric(root_align=False), [sample])
    assert unaligned['MPJPE_mm'] == pytest.approx(expected, rel=1e-6)
    # About another root, joint 0 is off as are the others before.
    other = evaluate(PoseLiftingMetric(root_index=5), [sample])
    assert other['MPJPE_mm'] == pytest.approx(50 / 17, abs=1e-3)


def test_invisible_joints(make_sample, evaluate):
    sample = make_sample()
    sample['gt_instances']['lifting_target_visible'][:, 1:9] = 0
    sample['gt_instances']['lifting_target'][:, 1:9] = np.nan
    log = evaluate(PoseLiftingMetric(metrics=ALL), [sample])
    assert log['MPJPE_mm'] == pytest.approx(50 * 8 / 9, abs=1e-3)
    assert all(np.isfinite(value) for value in log.values())
    sample['gt_instances']['lifting_target'][:, 1:9] = 0
    log = evaluate(PoseLiftingMetric(ignore_invisible=False), [sample])
    assert log['MPJPE_mm'] > 1000


def test_context_encoder_is_reported_beside(make_sample, evaluate):
    samples = [make_sample(0), make_sample(6)]
    for sample in samples:
        instances = sample['pred_instances']
        instances['coarse_keypoints'] = 1.1 * instances['keypoints']
    log = evaluate(PoseLiftingMetric(metrics=ALL), samples)
    assert log['context/P-MPJPE_mm'] == pytest.approx(
        log['P-MPJPE_mm'], rel=1e-5)
    assert log['context/MPJPE_mm/Sitting'] > log['MPJPE_mm/Sitting']
    del samples[1]['pred_instances']['coarse_keypoints']
    for batch_size in (1, 2):
        with pytest.raises(ValueError, match='must have the same fields'):
            evaluate(PoseLiftingMetric(), samples, batch_size)


def test_tensors_and_arrays_give_the_same(make_sample, evaluate):
    sample = make_sample()
    expected = evaluate(PoseLiftingMetric(), [sample])
    for group in ('pred_instances', 'gt_instances'):
        sample[group] = {
            name: torch.from_numpy(value)
            for name, value in sample[group].items()
        }
    sample['frame_ids'] = sample['frame_ids'].tolist()
    sample['pred_instances']['keypoints'] = sample['pred_instances'][
        'keypoints'][None].requires_grad_()
    assert evaluate(PoseLiftingMetric(), [sample]) == expected


def test_joint_order_of_3dhp(make_sample, evaluate):
    from mmdiffpose.evaluation.functional import JOINT_ORDERS
    sample = make_sample()
    expected = evaluate(PoseLiftingMetric(metrics=ALL), [sample])
    order = list(JOINT_ORDERS['mpi_inf_3dhp'])
    for group, name in (('pred_instances', 'keypoints'), ('gt_instances',
                                                          'lifting_target')):
        other = np.empty_like(sample[group][name])
        other[:, order] = sample[group][name]
        sample[group][name] = other
    metric = PoseLiftingMetric(metrics=ALL, joint_order='mpi_inf_3dhp')
    log = evaluate(metric, [sample])
    for name, value in expected.items():
        assert log[name] == pytest.approx(value, rel=1e-5), name
    with pytest.raises(ValueError, match="joints of 'h36m'"):
        metric.dataset_meta = dict(dataset_name='h36m')


def test_pck_options(make_sample, evaluate):
    sample = make_sample()
    log = evaluate(
        PoseLiftingMetric(
            metrics=('PCK', ), pck_threshold_mm=20, pck_joint_indices='all'),
        [sample])
    # Only the root is closer than 20 mm.
    assert log['PCK@20mm'] == pytest.approx(100 / 17)
    log = evaluate(
        PoseLiftingMetric(
            metrics='PCK', pck_threshold_mm=20, pck_joint_indices=(0, 1)),
        [sample])
    assert log['PCK@20mm'] == pytest.approx(50)


def test_same_values_as_mmposes_metric(make_sample, evaluate):
    metrics = pytest.importorskip('mmpose.evaluation.metrics')
    samples = [
        make_sample(0, action='Eating', clip='Eating'),
        make_sample(6, action='Eating', clip='Eating'),
        make_sample(0, action='SittingDown', clip='SittingDown 1', seed=1)
    ]
    log = evaluate(PoseLiftingMetric(metrics=ALL[:3]), samples)
    for sample in samples:
        clip = sample['clip'].replace(' ', '_')
        sample['target_img_path'] = [f'S9_{clip}.54138969_000001.jpg']
        target = sample['gt_instances']['lifting_target']
        sample['gt_instances']['lifting_target'] = target - target[:, :1]
    for mode in ('mpjpe', 'p-mpjpe', 'n-mpjpe'):
        theirs = evaluate(metrics.MPJPE(mode=mode), samples)
        name = mode.upper()
        for action in ('', 'Eating', 'SittingDown'):
            ours = log[f'{name}_mm' + (action and f'/{action}')]
            assert ours == pytest.approx(
                1000 * theirs[name + (action and f'_{action}')], rel=1e-5)


def test_samples_of_mmposes_datasets_name_actions_in_their_paths(
        make_sample, evaluate):
    sample = make_sample(num_frames=2)
    for key in ('subject', 'action', 'camera', 'clip', 'frame_ids'):
        del sample[key]
    del sample['gt_instances']['valid_frames']
    sample['target_img_path'] = [
        f'data/S9/S9_SittingDown_1.54138969_00000{i}.jpg' for i in (1, 2)
    ]
    log = evaluate(PoseLiftingMetric(), [sample])
    assert log['MPJPE_mm/SittingDown'] == pytest.approx(SHIFT, abs=1e-3)
    with pytest.raises(ValueError, match='frame 1'):
        evaluate(PoseLiftingMetric(), [sample, sample])
    sample['target_img_path'] = ['TS1001.jpg']
    with pytest.raises(ValueError, match='TS1001.jpg'):
        evaluate(PoseLiftingMetric(), [sample])


def test_table_and_file(make_sample, evaluate, tmp_path):
    path = tmp_path / 'new' / 'results.json'
    sample = make_sample()
    metric = PoseLiftingMetric(out_file=str(path))
    log = evaluate(metric, [sample])
    results = json.loads(path.read_text())['PoseLiftingMetric']
    entry = results['quantities']['MPJPE_mm']
    assert entry['frame_mean'] == log['MPJPE_mm']
    assert entry['actions'] == {'Sitting': log['MPJPE_mm/Sitting']}
    assert entry['oracle'] is False and results['oracle_warning'] is None
    assert results['settings']['frames'] == 6
    assert [p.name for p in path.parent.iterdir()] == ['results.json']

    # A prediction that ground truth entered makes everything an oracle.
    sample['used_ground_truth'] = True
    evaluate(metric, [sample])
    results = json.loads(path.read_text())['PoseLiftingMetric']
    assert all(q['oracle'] for q in results['quantities'].values())
    assert 'upper' in results['oracle_warning']


def test_file_that_is_something_else(tmp_path):
    path = tmp_path / 'results.json'
    for content in ('not JSON', '[1, 2]'):
        path.write_text(content)
        with pytest.raises(ValueError, match='results.json'):
            PoseLiftingMetric(out_file=str(path))
        assert path.read_text() == content


@pytest.mark.parametrize('settings, message', [
    (dict(metrics=('MPJPE', 'mpjpe')), "'mpjpe'"),
    (dict(metrics=()), 'Unknown metrics'),
    (dict(joint_order='coco'), "'coco'"),
    (dict(root_index=-1), 'root_index'),
    (dict(root_index=3, root_align=False), 'no meaning'),
    (dict(pck_threshold_mm=0), 'pck_threshold_mm'),
    (dict(pck_joint_indices='most'), "'most'"),
])
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        METRICS.build(dict(type='mmdiffpose.PoseLiftingMetric', **settings))


def break_sample(sample, how):
    pred, gt = sample['pred_instances'], sample['gt_instances']
    if how == 'nan':
        pred['keypoints'][2, 5, 1] = np.nan
    elif how == 'nan truth':
        gt['lifting_target'][2, 5] = np.inf
    elif how == 'joints':
        pred['keypoints'] = pred['keypoints'][:, :16]
    elif how == 'frames':
        pred['keypoints'] = pred['keypoints'][:1]
    elif how == 'flat truth':
        gt['lifting_target'] = gt['lifting_target'][0]
    elif how == 'valid':
        gt['valid_frames'] = gt['valid_frames'][:2]
    elif how == 'visible':
        del gt['lifting_target_visible']
    elif how == 'visible shape':
        gt['lifting_target_visible'] = np.ones((6, 5))
    elif how == 'root':
        gt['lifting_target_visible'][3, 0] = 0
    elif how == 'frame_ids':
        sample['frame_ids'] = [0, 1]
    elif how == 'action':
        del sample['action']
    elif how == 'no keypoints':
        del pred['keypoints']
    elif how == 'no predictions':
        del sample['pred_instances']
    elif how == 'coarse':
        pred['coarse_keypoints'] = pred['keypoints'][:, :4]
    return sample


@pytest.mark.parametrize('how, message', [
    ('nan', "clip 'Sitting 1'.*frame 12"),
    ('nan truth', 'lifting_target is NaN.*frame 12'),
    ('joints', r'\(6, 17, 3\), but has \(6, 16, 3\)'),
    ('frames', r'has \(1, 17, 3\)'),
    ('flat truth', r'\(T, J, 3\)'),
    ('valid', r'valid_frames must have the shape \(6,\)'),
    ('visible', "no 'lifting_target_visible'"),
    ('visible shape', r'\(6, 17\), but has \(6, 5\)'),
    ('root', 'root joint 0'),
    ('frame_ids', '2 frame_ids for 6 frames'),
    ('action', "'action'"),
    ('no keypoints', "no 'keypoints'"),
    ('no predictions', "no 'pred_instances'"),
    ('coarse', 'coarse_keypoints'),
])
def test_bad_samples(make_sample, how, message):
    sample = break_sample(make_sample(start=10), how)
    with pytest.raises(ValueError, match=message):
        PoseLiftingMetric().process(None, [sample])


def test_too_few_joints_for_settings(make_sample):
    sample = make_sample()
    for group in ('pred_instances', 'gt_instances'):
        sample[group] = {
            name: value if value.ndim != 3 else value[:, :12]
            for name, value in sample[group].items()
        }
    sample['gt_instances']['lifting_target_visible'] = np.ones((6, 12))
    with pytest.raises(ValueError, match='PCK counts joint 16'):
        PoseLiftingMetric(metrics='PCK').process(None, [sample])
    with pytest.raises(ValueError, match='12 joints'):
        PoseLiftingMetric(root_index=14).process(None, [sample])


def test_repeated_frames(make_sample, evaluate):
    samples = [make_sample(0), make_sample(4, seed=0)]
    with pytest.raises(
            ValueError,
            match='2 frames are scored more than once'
            ".*clip 'Sitting 1'.*frame 4"):
        evaluate(PoseLiftingMetric(), samples)
    log = evaluate(PoseLiftingMetric(allow_repeated_frames=True), samples)
    assert log['MPJPE_mm'] == pytest.approx(SHIFT, abs=1e-3)
