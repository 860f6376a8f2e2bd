# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
import torch

from mmdiffpose.diffusion.aggregation import geometric_median, medoid
from mmdiffpose.diffusion.reprojection import joint_wise_by_reprojection
from mmdiffpose.evaluation.metrics import AggregationMetric

CAMERA = dict(w=1000, h=800, f=[1100., 1150.], c=[510., 420.])
VALID = [True, True, True, True, False, False]


def with_view(sample):
    """Exact 2D keypoints of a camera that looks at the true poses."""
    x, y, z = np.moveaxis(
        sample['gt_instances']['lifting_target'].astype(np.float64), -1, 0)
    u = x / z * CAMERA['f'][0] + CAMERA['c'][0]
    v = y / z * CAMERA['f'][1] + CAMERA['c'][1]
    sample['camera_param'] = CAMERA
    sample['gt_instance_labels'] = dict(
        keypoint_labels=np.stack([u / 500 - 1, v / 500 - .8],
                                 -1).astype(np.float32),
        keypoint_labels_visible=np.ones((6, 17), np.float32))
    return sample


def test_against_the_definitions(make_sample, evaluate):
    samples = [
        with_view(make_sample(0, valid=VALID, seed=1)),
        with_view(make_sample(6, seed=1))
    ]
    log = evaluate(AggregationMetric(), samples)
    errors = {name: [] for name in log if not name.endswith('mean')}
    for sample in samples:
        valid = sample['gt_instances']['valid_frames']
        target = sample['gt_instances']['lifting_target']
        hypotheses = sample['pred_instances']['hypotheses']
        local = (target - target[:, :1])[:, None]
        distance = 1000 * np.linalg.norm(hypotheses - local, axis=-1)
        order = distance[valid].mean((0, 2)).argsort()
        f, c = (torch.tensor([CAMERA[key]]) for key in 'fc')
        pixels = torch.tensor(sample['gt_instance_labels']['keypoint_labels'])
        pixels = (pixels + torch.tensor([1, .8])) * 500
        for name, root in (('aggregation/JPMA_mm', None),
                           ('oracle/JPMA_mm', torch.tensor(target[None, :,
                                                                  0]))):
            pose = joint_wise_by_reprojection(
                torch.tensor(hypotheses).transpose(0, 1)[None], pixels[None],
                torch.ones(1, 6, 17), f, c, root)[0].numpy()
            errors[name].append(
                1000 * np.linalg.norm(pose - local[:, 0], axis=-1)[valid])
        mean = hypotheses.mean(1) - local[:, 0]
        errors['aggregation/mean_mm'].append(
            1000 * np.linalg.norm(mean, axis=-1)[valid])
        poses = torch.tensor(hypotheses[valid]).transpose(0, 1)[None]
        for name, middle in (('geometric_median', geometric_median(poses)),
                             ('medoid', medoid(poses))):
            error = middle[0].numpy() - local[valid, 0]
            errors[f'aggregation/{name}_mm'].append(
                1000 * np.linalg.norm(error, axis=-1))
        errors['oracle/best_mm'].append(distance[valid, order[0]])
        errors['oracle/worst_mm'].append(distance[valid, order[-1]])
    for name in ('aggregation/mean_mm', 'aggregation/geometric_median_mm',
                 'aggregation/medoid_mm', 'aggregation/JPMA_mm',
                 'oracle/JPMA_mm', 'oracle/best_mm', 'oracle/worst_mm'):
        expected = np.concatenate(errors[name]).mean()
        assert log[name] == pytest.approx(expected, rel=1e-4), name
    assert log['oracle/best_mm'] < log['oracle/worst_mm']


def test_without_a_camera_there_is_no_reprojection(make_sample, evaluate):
    sample = with_view(make_sample())
    sample['camera_param'] = dict(w=1000, h=800)
    log = evaluate(AggregationMetric(), [sample])
    assert 'oracle/best_mm' in log and 'aggregation/mean_mm' in log
    assert not any('JPMA' in name for name in log)


def test_a_window_without_a_frame_to_score(make_sample, evaluate):
    samples = [
        with_view(make_sample(0)),
        with_view(make_sample(0, valid=[False] * 6))
    ]
    log = evaluate(AggregationMetric(), samples)
    alone = evaluate(AggregationMetric(), samples[:1])
    assert log['oracle/JPMA_mm'] == alone['oracle/JPMA_mm']


def test_one_pose_has_nothing_to_choose_from(make_sample, evaluate):
    sample = make_sample()
    del sample['pred_instances']['hypotheses']
    with pytest.raises(ValueError, match='hypotheses'):
        evaluate(AggregationMetric(), [sample])
    assert evaluate(AggregationMetric(required=False), [sample]) == {}
