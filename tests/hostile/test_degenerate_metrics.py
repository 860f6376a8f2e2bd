# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Metrics of people that are no people: numbers, or NaN where nothing
counts, or an error; never an infinity, never NaN from what is known."""
import inspect
import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
from degenerate_poses import masks, poses
from hypothesis import given, settings

from mmdiffpose.evaluation import functional, metrics

EACH = settings(deadline=None, max_examples=25)
METRICS = sorted(set(metrics.__all__) - {'PoseMetric'})
"""All that are registered."""


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)
        yield


@st.composite
def pairs(draw):
    """A prediction and the truth, of as many frames, and what counts."""
    truth = draw(poses())
    pred = draw(poses(frames=len(truth)))
    return pred, truth, draw(masks(truth.shape[:2]))


@EACH
@given(pairs())
def test_position_errors(pair):
    pred, truth, mask = pair
    for error in (functional.mpjpe, functional.p_mpjpe, functional.n_mpjpe):
        assert np.isfinite(error(pred, truth)).all()
        found = error(pred, truth, mask)
        # NaN marks just the poses without a joint that counts.
        np.testing.assert_array_equal(np.isfinite(found), mask.any(1))


@EACH
@given(pairs())
def test_alignment_is_the_best_similarity(pair):
    """No worse than doing nothing, than the middle of the truth, and than
    itself again; the rotation is one even where the joints do not tell it."""
    pred, truth, _ = pair

    def total(moved):
        return ((moved - truth)**2).sum((1, 2))

    moved = functional.align_similarity(pred, truth)
    size = ((truth**2).sum((1, 2)) + (pred**2).sum((1, 2))) * 1e-9 + 1e-18
    assert (total(moved) <= total(pred) + size).all()
    assert (total(moved) <= total(truth.mean(1, keepdims=True)) + size).all()
    assert (total(functional.align_scale(pred, truth))
            <= total(pred) + size).all()
    # A similarity keeps the ratios of all distances.
    old = np.linalg.norm(pred[:, :, None] - pred[:, None], axis=-1)
    new = np.linalg.norm(moved[:, :, None] - moved[:, None], axis=-1)
    for before, after in zip(old, new):
        scale = after.max() / before.max() if before.max() > 0 else 0
        room = 1e-6 * after.max() + 1e-9 * (1 + abs(truth).max())
        assert abs(after - scale * before).max() <= room


@EACH
@given(poses(), st.integers(0, 16))
def test_a_joint_that_is_not_known_spoils_its_pose_alone(truth, joint):
    pred = truth + .1
    pred[:1, joint] = np.nan
    for error in (functional.mpjpe, functional.p_mpjpe, functional.n_mpjpe):
        found = error(pred, truth)
        assert np.isnan(found[:1]).all() and np.isfinite(found[1:]).all()
    counted = functional.correct_joints(functional.joint_errors(pred, truth))
    assert np.isnan(counted[:1, joint]).all()
    curve = functional.correct_joints_auc(functional.joint_errors(pred, truth))
    assert np.isnan(curve[:1, joint]).all()


@EACH
@given(pairs(), st.sampled_from(['paper', 'official']))
def test_coherence_and_motion(pair, mode):
    pred, truth, mask = pair
    lengths = functional.segment_lengths(pred, mode)
    assert np.isfinite(functional.symmetry_gap(lengths)).all()
    if len(pred) > 1:
        assert np.isfinite(functional.segment_std(lengths, mode))
        assert np.isfinite(functional.mpjve(pred, truth))
    else:
        with pytest.raises(
                ValueError, match='frames') if (
                    len(pred) == 0 or mode == 'official') else _nothing():
            assert functional.segment_std(lengths, mode) == 0
        assert np.isnan(functional.mpjve(pred, truth))
    assert np.isfinite(functional.acceleration_error(pred, truth)) == (
        len(pred) > 2)
    assert np.isfinite(functional.centre_on_root(pred)).all()


def _nothing():
    return warnings.catch_warnings()


@EACH
@given(poses(), st.integers(1, 4), st.booleans())
def test_scores_of_hypotheses(truth, number, same):
    rng = np.random.default_rng(number)
    noise = 0 if same else rng.normal(size=(len(truth), number, 17, 3))
    drawn = truth[:, None] + noise + np.zeros((len(truth), number, 17, 3))
    errors = functional.joint_errors(drawn, truth[:, None])
    spread = functional.hypothesis_spread(drawn)
    for found in (functional.pose_best(errors), functional.joint_best(errors),
                  spread,
                  functional.energy_score(np.moveaxis(drawn, 1, 2), truth),
                  functional.crps_ensemble(np.moveaxis(drawn, 1, -1), truth),
                  functional.crps_gaussian(truth[..., 0], spread, truth[...,
                                                                        1])):
        assert np.isfinite(found).all()
    if same or number == 1:
        assert abs(spread).max(initial=0) == 0
    shares = functional.samples_nearer(np.moveaxis(drawn, 1, 2), truth)
    assert ((shares >= 0) & (shares <= 1)).all()
    if len(shares):
        assert 0 <= functional.cgnf_calibration_error(shares) <= 1
    drawn[:1, :, 3] = np.nan
    shares = functional.samples_nearer(np.moveaxis(drawn, 1, 2), truth)
    assert np.isnan(shares[:1, 3]).all() and np.isfinite(shares[1:]).all()


@EACH
@given(st.integers(0, 5), st.sampled_from(['same', 'zero', 'nan', 'some']))
def test_sparsification(count, kind):
    rng = np.random.default_rng(count)
    errors, unsure = rng.uniform(size=(2, count))
    unsure = dict(
        same=unsure * 0 + 1, zero=unsure * 0,
        nan=unsure * np.nan).get(kind, unsure)
    if count and kind != 'nan':
        assert np.isfinite(functional.sparsification_curve(errors,
                                                           unsure)).all()
    else:
        with pytest.raises(ValueError):
            functional.sparsification_curve(errors, unsure)


@EACH
@given(poses(), st.sampled_from([0., 1e-12, .03]))
def test_scaling_of_std(residual, spread):
    """Finite for what is finite, or refused."""
    spread = np.full(residual.shape[:2], spread)
    try:
        scaling = functional.fit_std_scaling(spread, residual,
                                             np.ones_like(spread, bool))
    except ValueError as error:
        assert 'joints' in str(error) or 'spread' in str(error)
        assert not len(residual) or not spread.any()
    else:
        assert np.isfinite(scaling(spread)).all()
        assert (scaling(spread) >= 0).all()


@pytest.mark.parametrize('name', METRICS)
@settings(deadline=None, max_examples=12)
@given(data=st.data())
def test_registered_metrics(name, data):
    """All that is logged is finite, or NaN where nothing counts."""
    truth = data.draw(poses().filter(len))
    pred = data.draw(poses(frames=len(truth)))
    known = data.draw(masks(truth.shape[:2]))
    pred = pred - pred[:, :1]
    frames = len(truth)
    sample = dict(
        pred_instances=dict(
            keypoints=pred.astype(np.float32),
            keypoint_std=np.full(known.shape, .03, np.float32),
            hypotheses=np.stack([pred, pred * 1.01], 1).astype(np.float32)),
        gt_instances=dict(
            lifting_target=truth.astype(np.float32),
            lifting_target_visible=known.astype(np.float32),
            valid_frames=np.ones(frames, bool)),
        subject='S9',
        action='Sitting',
        camera='54138969',
        clip='Sitting 1',
        frame_ids=np.arange(frames))
    metric = getattr(metrics, name)()
    try:
        metric.process(None, [sample])
        logged = metric.evaluate(1)
    except ValueError as error:
        assert not known.all(), error
        return
    values = np.array(list(logged.values()), float)
    assert not np.isinf(values).any(), logged
    # Segments' spread in time is of sequences longer than these.
    if known.all() and frames > 2 and name != 'CoherenceMetric':
        assert np.isfinite(values).all(), logged


def test_every_function_is_tried():
    """What is exported is called above, or makes no numbers of poses."""
    others = {
        'StdScaling', 'area_under_sparsification_error', 'auc', 'consecutive',
        'covered_share', 'cut_sequences', 'difference_errors',
        'expected_calibration_error', 'map_joints', 'masked_mean',
        'mean_of_first', 'mean_pairwise_distance', 'pck', 'pck_joints',
        'region_sizes', 'root_joint', 'segments', 'smallest_step',
        'symmetric_segments'
    }
    text = inspect.getsource(inspect.getmodule(test_position_errors))
    functions = {
        name
        for name in functional.__all__ if callable(getattr(functional, name))
    }
    missing = {name for name in functions - others if name not in text}
    assert not missing
