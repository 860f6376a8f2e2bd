# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joints that were hardly, or not, seen: how much less is known of them."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from mmdiffpose.lifting.unseen_joints import MIN_STEP, trust, widen_unsure
from mmdiffpose.lifting.usual_poses import usual_distances
from mmdiffpose.skeletons import H36M_17, Skeleton

F, J, N = 12, 17, 3
SURE = 0.9
USUAL = usual_distances(H36M_17, np.zeros((1, 17, 3)))
WRIST, THORAX = H36M_17.index['left_wrist'], H36M_17.index['thorax']


def clip(seed=0):
    rng = np.random.default_rng(seed)
    poses = np.cumsum(rng.normal(0, 0.02, (F, J, 3)), 0)
    poses[:, 0] = 0
    std = rng.uniform(0.01, 0.05, (F, J))
    std[:, 0] = 0
    offset = rng.normal(size=(F, N, J, 3)) * std[:, None, :, None]
    return poses, std, poses[:, None] + offset


@settings(deadline=None, max_examples=60)
@given(hnp.arrays(bool, (F, J)), st.integers(0, 99))
def test_seen_stay_and_unseen_widen(seen, seed):
    poses, std, hypotheses = clip(seed)
    seen[:, 0] = True
    wide, moved, added = widen_unsure(poses, std, hypotheses, SURE * seen,
                                      H36M_17)
    np.testing.assert_array_equal(wide[seen], std[seen])
    assert (added[seen] == 0).all()
    # A hip is never far from the root.
    least = np.minimum(MIN_STEP / 2, USUAL)
    assert (wide >= np.hypot(std, least))[~seen].all()
    assert (wide <= np.hypot(std.max(), USUAL) + 1e-9).all()
    for joint in range(1, J):
        known = np.flatnonzero(seen[:, joint])
        if len(known):
            least = np.interp(np.arange(F), known, std[known, joint])
            assert (wide[:, joint] >= least - 1e-12)[~seen[:, joint]].all()
    # Hypotheses spread by the same factor, around the same pose.
    factor = np.divide(wide, std, np.ones_like(std), where=std > 0)
    np.testing.assert_allclose(
        moved - poses[:, None],
        (hypotheses - poses[:, None]) * factor[:, None, :, None],
        atol=1e-9)


def test_uncertainty_is_a_bridges():
    """A walk of known steps: the variance between its ends, by hand."""
    poses = np.zeros((F, J, 3))
    poses[:, WRIST] = 0.03 * np.arange(F)[:, None]
    scores = np.full((F, J), SURE)
    scores[4:7, WRIST] = 0
    std = np.zeros((F, J))
    wide = widen_unsure(poses, std, None, scores, H36M_17).std
    expected = 0.03 * np.sqrt([3 / 4, 1, 3 / 4])
    np.testing.assert_allclose(wide[4:7, WRIST], expected)
    scores[4:, WRIST] = 0
    wide = widen_unsure(poses, std, None, scores, H36M_17).std
    np.testing.assert_allclose(wide[4:, WRIST],
                               0.03 * np.sqrt(np.arange(1, F - 3)))
    scores[:, WRIST] = 0
    wide = widen_unsure(poses, std, None, scores, H36M_17).std
    np.testing.assert_allclose(wide[:, WRIST], USUAL[WRIST])
    assert np.delete(wide, WRIST, 1).max() == 0


def test_one_frame():
    poses, std, hypotheses = (value[:1] for value in clip())
    scores = np.full((1, J), SURE)
    scores[0, THORAX] = 0
    wide, _, _ = widen_unsure(poses, std, hypotheses, scores, H36M_17)
    assert wide[0, THORAX] == pytest.approx(
        np.hypot(std[0, THORAX], USUAL[THORAX]))
    assert (wide[scores > 0] == std[scores > 0]).all()


def standing(size=0.4):
    """Half of the joints ``size`` to one side of the middle, half to the
    other; the last one in it."""
    poses = np.zeros((F, J, 3))
    poses[:, :8, 0], poses[:, 8:16, 0] = -size, size
    return poses


def test_scores_count_by_the_widths_that_detectors_have():
    """Share of the size at 0.5, by hand: sqrt(0.0376 * 0.613) = 0.1518; at
    0.8, the usual score, 0.613 * (0.0376 / 0.613)**0.8 = 0.06571."""
    poses = standing()
    size = 0.4 * np.sqrt(16 / 17)
    scores = np.full((F, J), SURE)
    scores[:, WRIST] = 0.5
    std = np.full((F, J), 0.05)
    wide = widen_unsure(poses, std, None, scores, H36M_17).std
    expected = np.sqrt(0.05**2 + size**2 * (0.1518**2 - 0.06571**2))
    np.testing.assert_allclose(wide[:, WRIST], expected, rtol=1e-3)
    assert np.delete(wide, WRIST, 1).max() == 0.05


@pytest.mark.parametrize('least', [None, 0.35])
@pytest.mark.parametrize('joint', [0, WRIST, THORAX])
def test_the_lower_the_score_the_wider_down_to_no_score(joint, least):
    poses, std = standing(), np.full((F, J), 0.05)
    scores = np.full((F, J), SURE)
    measured = THORAX if joint == 0 else joint
    last = 0.
    widths = []
    for score in (1, 0.9, 0.8, 0.6, 0.4, 0.3, 0.1, 0.02, 0.001, 0):
        scores[:, joint] = score
        wide, _, added = widen_unsure(poses, std, None, scores, H36M_17, least)
        assert wide[0, measured] >= last
        last = wide[0, measured]
        assert added[0, measured] == pytest.approx(
            np.sqrt(last**2 - 0.05**2), abs=1e-9)
        widths.append(last)
    if least is None or joint == 0:
        assert widths[-1] == pytest.approx(np.hypot(0.05, USUAL[measured]))
        assert widths[-2] > 3 * widths[0]
    else:
        # The model says itself what it does not see.
        assert widths[-1] == widths[5] == widths[6] > widths[4]


def test_no_step_where_joints_begin_to_be_missing():
    """Of a model that is told: the lower the score, the wider, in small steps
    down to 0.35, below which it says itself how far off joints are."""
    poses, std = standing(), np.full((F, J), 0.05)
    widths = []
    for score in (0.8, 0.7, 0.6, 0.5, 0.45, 0.4, 0.36, 0.34, 0.2, 0):
        scores = np.full((F, J), SURE)
        scores[:, WRIST] = score
        wide = widen_unsure(poses, std, None, scores, H36M_17, 0.35).std
        widths.append(wide[0, WRIST])
    steps = np.diff(widths)
    assert widths[0] == 0.05 and (steps >= 0).all() and steps.max() < 0.02
    assert (steps[:7] > 0).all() and (steps[7:] == 0).all()
    # At 0.44 by hand: 0.8 - 0.36 * 0.4 / 0.45 = 0.48, whose share of the size
    # is 0.613 * (0.0376 / 0.613)**0.48 = 0.16051.
    scores[:, WRIST] = 0.44
    wide = widen_unsure(poses, std, None, scores, H36M_17, 0.35).std
    size = 0.4 * np.sqrt(16 / 17)
    expected = np.sqrt(0.05**2 + size**2 * (0.16051**2 - 0.06571**2))
    np.testing.assert_allclose(wide[:, WRIST], expected, rtol=1e-3)


def test_scores_go_to_that_of_a_joint_nobody_saw():
    """A quarter of the least score counts half."""
    found = trust(np.array([0, .35 / 4, .35, .9]), .35)
    np.testing.assert_allclose(found, [0, .5, 1, 1])


def test_nothing_is_known_of_a_pose_whose_root_was_never_seen():
    poses, std, hypotheses = clip()
    scores = np.full((F, J), SURE)
    scores[:, 0] = scores[:, WRIST] = 0
    wide, moved, added = widen_unsure(poses, std, hypotheses, scores, H36M_17)
    expected = np.hypot(std, USUAL)
    np.testing.assert_allclose(wide[:, 1:], expected[:, 1:], rtol=1e-6)
    assert (wide[:, 0] == std[:, 0]).all()
    np.testing.assert_allclose(added[:, 0], USUAL.max())
    # A hypothesis moves as a whole; the root stays.
    shift = moved - hypotheses
    share = shift[:, :, 1:] / USUAL[1:, None]
    seen = [j - 1 for j in range(1, J) if j != WRIST]
    np.testing.assert_allclose(
        share[:, :, seen],
        share[:, :, seen[:1]].repeat(len(seen), 2),
        atol=1e-9)
    assert (moved[:, :, 0] == hypotheses[:, :, 0]).all()
    spread = shift[0, :, seen[0] + 1].std(0, ddof=1)
    np.testing.assert_allclose(spread, USUAL[seen[0] + 1], rtol=1e-6)


def test_a_model_without_std_still_hears_of_the_scores():
    poses = standing()
    scores = np.full((F, J), SURE)
    scores[:, WRIST] = 0
    std, hypotheses, added = widen_unsure(poses, None, None, scores, H36M_17)
    assert std is None and hypotheses is None
    np.testing.assert_allclose(added[:, WRIST], USUAL[WRIST])


def test_joints_of_no_known_name_are_as_far_as_the_model_has_them():
    """A tail, and a skeleton whose root is the thorax."""
    tailed = Skeleton('tailed', ('root', 'head', 'tail'), (-1, 0, 0), ())
    poses = np.zeros((F, 3, 3))
    poses[:, 2] = [0.3, 0, 0.6]
    scores = np.zeros((F, 3))
    scores[:, 0] = SURE
    std = np.zeros((F, 3))
    wide = widen_unsure(poses, std, None, scores, tailed).std
    expected = [0, USUAL[H36M_17.index['head']], np.sqrt(0.45 / 3)]
    np.testing.assert_allclose(wide[0], expected)
    chest = Skeleton('chest', ('thorax', 'head', 'root'), (-1, 0, 0), ())
    wide = widen_unsure(poses, std, None, scores, chest).std
    # The head is nearer to the thorax, and the root as far as it is from it.
    assert wide[0, 1] < 0.6 * expected[1]
    assert wide[0, 2] == pytest.approx(USUAL[THORAX])
