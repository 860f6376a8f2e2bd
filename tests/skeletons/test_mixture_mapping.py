# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Mixtures of a lifter's joints, against Monte Carlo and their moments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures import moments
from scipy.stats import norm

from mmdiffpose.codecs import GMMDiffusionPose
from mmdiffpose.codecs.heatmap_mixtures import (fill_masked, map_mixtures,
                                                mask_joints)
from mmdiffpose.skeletons import (COCO_17, H36M_17, SKELETONS, Skeleton,
                                  mapping_matrix)


def random_mixtures(seed, lead=(), joints=17, components=2):
    rng = np.random.default_rng(seed)
    weight = rng.dirichlet(np.ones(components), (*lead, joints))[..., None]
    mean = rng.uniform(0, 500, (*lead, joints, components, 2))
    std = rng.uniform(2, 20, (*lead, joints, components, 2))
    return np.concatenate([weight, mean, std], -1)


def test_mapping_agrees_with_monte_carlo():
    rng = np.random.default_rng(3)
    mixtures = random_mixtures(4)
    mapped = map_mixtures(mixtures, 'coco', 'h36m', num_components=16)
    draws = []
    for joint in mixtures:
        pick = rng.choice(2, 100000, p=joint[:, 0])
        draws.append(joint[pick, 1:3] +
                     joint[pick, 3:] * rng.standard_normal((100000, 2)))
    index = COCO_17.index
    hips = [draws[index[f'{side}_hip']] for side in ('left', 'right')]
    shoulders = [
        draws[index[f'{side}_shoulder']] for side in ('left', 'right')
    ]
    eyes = [draws[index[f'{side}_eye']] for side in ('left', 'right')]
    for name, parts in dict(
            root=hips,
            spine=hips + shoulders,
            thorax=shoulders,
            head=eyes,
            left_foot=[draws[index['left_ankle']]]).items():
        sample = np.mean(parts, axis=0)
        mixture = mapped[H36M_17.index[name]]
        centre, variance = moments(mixture)
        np.testing.assert_allclose(centre, sample.mean(0), atol=2)
        np.testing.assert_allclose(variance, sample.var(0), rtol=0.03)
        # Not the moments alone: how much lies left of and above a point.
        for point in np.quantile(sample, [0.2, 0.5, 0.8], axis=0):
            z = (point - mixture[:, 1:3]) / mixture[:, 3:]
            share = (mixture[:, :1] * norm.cdf(z)).sum(0)
            np.testing.assert_allclose(
                share, (sample < point).mean(0), atol=0.01)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 6))
def test_merging_keeps_mean_and_variances(seed, components, kept):
    mixtures = random_mixtures(seed, (3, ), components=components)
    exact = map_mixtures(mixtures, 'coco', 'h36m', components**4)
    few = map_mixtures(mixtures, 'coco', 'h36m', kept)
    assert few.shape == (3, 17, kept, 5)
    for got, expected in zip(moments(few), moments(exact)):
        np.testing.assert_allclose(got, expected, rtol=2e-3, atol=2e-2)
    np.testing.assert_allclose(few[..., 0].sum(-1), 1, atol=1e-5)
    assert (np.diff(few[..., 0]) <= 1e-6).all()


@pytest.mark.parametrize('name', sorted(SKELETONS))
def test_every_detectors_joints_have_the_moments_of_their_parts(name):
    """Means add up, variances with the squares of the weights."""
    source = SKELETONS[name]
    mixtures = random_mixtures(9, (2, ), joints=source.num_joints)
    matrix = mapping_matrix(source, H36M_17)
    part_mean, part_variance = moments(mixtures)
    mean, variance = moments(map_mixtures(mixtures, source, H36M_17, 2))
    np.testing.assert_allclose(mean, matrix @ part_mean, rtol=1e-3)
    np.testing.assert_allclose(
        variance, matrix**2 @ part_variance, rtol=2e-3, atol=0.05)


def test_a_joint_that_the_detector_lacks_is_masked():
    names = [joint for joint in COCO_17.joints if joint != 'left_wrist']
    source = Skeleton('no left wrist', tuple(names),
                      (-1, ) + (0, ) * (len(names) - 1), ())
    mapped = map_mixtures(random_mixtures(2, (3, ), 16), source)
    masked = mask_joints(mapped)
    assert masked[:, H36M_17.index['left_wrist']].all()
    assert masked.sum() == 3 and np.isfinite(mapped).all()


def test_the_mean_of_two_equal_joints_is_surer():
    mixtures = np.tile([[1, 100, 50, 6, 8.]], (17, 1, 1))
    mapped = map_mixtures(mixtures, 'coco')
    np.testing.assert_allclose(
        mapped[0, 0], [1, 100, 50, 6 / 2**0.5, 8 / 2**0.5], rtol=1e-5)
    spine = H36M_17.index['spine']
    np.testing.assert_allclose(mapped[spine, 0, 3:], [3, 4], rtol=1e-5)


def test_masked_joints_stay_masked():
    mixtures = random_mixtures(5, (2, ))
    mixtures[0, COCO_17.index['left_hip'], :, 0] = 0
    mapped = map_mixtures(mixtures, COCO_17, H36M_17)
    masked = mask_joints(mapped)
    assert not masked[1].any()
    names = {H36M_17.joints[j] for j in np.flatnonzero(masked[0])}
    assert names == {'left_hip'}
    assert np.isfinite(mapped).all()
    # One hip stands in for the middle of both.
    right = mixtures[0, COCO_17.index['right_hip']]
    right = right[np.argsort(-right[:, 0])]
    np.testing.assert_allclose(mapped[0, 0], right, rtol=1e-5)
    mixtures[0, COCO_17.index['right_hip'], :, 0] = 0
    masked = mask_joints(map_mixtures(mixtures, COCO_17, H36M_17))
    names = {H36M_17.joints[j] for j in np.flatnonzero(masked[0])}
    assert names == {'root', 'spine', 'left_hip', 'right_hip'}


def test_a_mixture_of_the_lifters_joints_stays_as_it_is():
    mixtures = random_mixtures(6)
    mapped = map_mixtures(mixtures, 'h36m', 'h36m', 2)
    order = np.argsort(-mixtures[..., 0], axis=-1)
    np.testing.assert_allclose(
        mapped, np.take_along_axis(mixtures, order[..., None], 1), rtol=1e-5)


@pytest.mark.parametrize('change, message', [
    (lambda m: m[:16], '17'),
    (lambda m: m * np.nan, 'NaN'),
    (lambda m: -m, 'weights'),
])
def test_bad_mixtures_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        map_mixtures(change(random_mixtures(7)), 'coco')


def test_filled_mixtures_suit_the_codec():
    mixtures = random_mixtures(8, (4, )).astype(np.float32)
    mixtures[1, 3, :, 0] = 0
    mixtures[2, :, :, 0] = 0
    filled = fill_masked(mixtures)
    np.testing.assert_array_equal(filled[0], mixtures[0])
    assert filled[1, 3, 0, 3] > 50 and 0 < filled[1, 3, 0, 1] < 500
    scores = (~mask_joints(mixtures)).astype(np.float32)
    encoded = GMMDiffusionPose().encode(
        filled[:, :, 0, 1:3],
        scores,
        camera_param=dict(w=1000, h=1000),
        keypoint_mixtures=filled)
    assert np.isfinite(encoded['mixture_labels']).all()
    with pytest.raises(ValueError, match='masked'):
        fill_masked(mixtures[2:3])
