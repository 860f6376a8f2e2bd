# Copyright (c) mmdiffpose contributors. All rights reserved.
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmdiffpose.datasets.simulation.bodies import (CHILD_GROWTH, BodySampler,
                                                   measure_lengths, rebone)
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.skeletons.limb_lengths import (CHAIN, LENGTHS, PLACEMENT,
                                               TABLE, load_limb_table,
                                               stature_shares)

PLAIN = dict(placement=0, children=0, scaled=0)

# A person in a T-pose whose bones run along the axes; feet at y = 0.1. The
# rows are Human3.6M's joints in their order, right being -x.
T_POSE = np.array([
    [0, .9, 0], [-.1, .9, 0], [-.1, .5, 0], [-.1, .1, 0], [.1, .9, 0],
    [.1, .5, 0], [.1, .1, 0], [0, 1.1, 0], [0, 1.4, 0], [0, 1.5, 0],
    [0, 1.6, 0], [.2, 1.4, 0], [.5, 1.4, 0], [.7, 1.4, 0], [-.2, 1.4, 0],
    [-.5, 1.4, 0], [-.7, 1.4, 0]
])  # yapf: disable
OWN = np.array([.1, .4, .4, .2, .3, .1, .1, .2, .3, .2])


def _bones(positions):
    return np.stack([
        positions[..., child, :] - positions[..., parent, :]
        for parent, child in H36M_17.bones
    ], -2)


def test_measures_a_body_by_hand():
    clip = np.stack([T_POSE, T_POSE + [1., 2, 3]])
    np.testing.assert_allclose(measure_lengths(clip), OWN, atol=1e-12)
    np.testing.assert_allclose(
        measure_lengths(np.stack([clip, 2 * clip])), [OWN, 2 * OWN],
        atol=1e-12)


def test_measured_sides_are_averaged():
    uneven = T_POSE.copy()
    uneven[3] += [0, -.1, 0]
    assert measure_lengths(uneven[None])[2] == pytest.approx(.45)


def test_rebones_a_t_pose_by_hand():
    lengths = [.15, .5, .3, .25, .2, .12, .13, .18, .25, .21]
    result = rebone(T_POSE[None], np.array(lengths))[0]
    expected = np.array([
        [0, .9, 0], [-.15, .9, 0], [-.15, .4, 0], [-.15, .1, 0], [.15, .9, 0],
        [.15, .4, 0], [.15, .1, 0], [0, 1.15, 0], [0, 1.35, 0], [0, 1.47, 0],
        [0, 1.6, 0], [.18, 1.35, 0], [.43, 1.35, 0], [.64, 1.35, 0],
        [-.18, 1.35, 0], [-.43, 1.35, 0], [-.64, 1.35, 0]
    ])  # yapf: disable
    np.testing.assert_allclose(result, expected, atol=1e-12)


def test_own_lengths_change_nothing():
    clip = np.stack([T_POSE, T_POSE + [1, 0, 2]])
    np.testing.assert_allclose(rebone(clip, OWN), clip, atol=1e-12)


def test_ground_is_kept_upside_down():
    hands = T_POSE * [1, -1, 1] + [0, 2, 0]
    lowest = hands[:, 1].min()
    result = rebone(hands[None], OWN * 1.5)[0]
    assert result[:, 1].min() == pytest.approx(lowest)
    assert np.argmin(result[:, 1]) == H36M_17.index['head']


def test_planted_foot_stays_planted():
    """The root swings over the left foot, the right one is in the air."""
    foot = np.array([.3, .1, .7])
    clip = []
    for angle in np.linspace(-.3, .3, 9):
        turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)],
                         [0, np.sin(angle), np.cos(angle)]])
        pose = T_POSE.copy()
        pose[2:4] = [[-.1, .9, .4], [-.1, .5, .4]]
        pose = pose @ turn.T
        clip.append(pose - pose[6] + foot)
    clip = np.array(clip)
    # Thigh, shin and hip grow alike: the leg is the same, only larger.
    lengths = OWN.copy()
    lengths[:3] *= 1.3
    planted = rebone(clip, lengths)[:, 6]
    np.testing.assert_allclose(
        planted, np.tile(planted[:1], (9, 1)), atol=1e-12)
    assert np.ptp(rebone(clip, lengths)[:, 0, 2]) == pytest.approx(
        1.3 * np.ptp(clip[:, 0, 2]))


positive = st.floats(.05, .6)


@settings(max_examples=60, deadline=None)
@given(
    clip=hnp.arrays(np.float64, (3, 17, 3), elements=st.floats(-3, 3)),
    lengths=st.lists(positive, min_size=10, max_size=10))
def test_rebone_holds_on_anything(clip, lengths):
    result = rebone(clip, np.array(lengths))
    assert np.isfinite(result).all()
    before, after = _bones(clip), _bones(result)
    old = np.linalg.norm(before, axis=-1)
    new = np.linalg.norm(after, axis=-1)
    has_length = old > 1e-6
    expected = np.empty((3, 16))
    for bone, (_, child) in enumerate(H36M_17.bones):
        joint = H36M_17.joints[child]
        place = [joint in joints for joints in LENGTHS.values()].index(True)
        expected[:, bone] = lengths[place]
    np.testing.assert_allclose(
        new, np.where(has_length, expected, 0), atol=1e-9)
    cosine = (before * after).sum(-1)[has_length] / (old * new)[has_length]
    np.testing.assert_allclose(cosine, 1, atol=1e-6)
    np.testing.assert_allclose(
        result[..., 1].min(1), clip[..., 1].min(1), atol=1e-9)


@pytest.mark.parametrize('size', [1, 3, 5, 17])
def test_rebone_of_a_batch_is_that_of_each(size):
    """To the last bit, whatever the batch is."""
    rng = np.random.default_rng(0)
    clips = rng.normal(size=(32, 27, 17, 3)).astype(np.float32)
    lengths = BodySampler().draw(rng, 32)
    together = rebone(clips, lengths)
    assert together.dtype == np.float32
    for _ in range(20):
        chosen = rng.choice(32, size, replace=False)
        np.testing.assert_array_equal(
            rebone(clips[chosen], lengths[chosen]), together[chosen])


def test_rebone_broadcasts():
    rng = np.random.default_rng(1)
    clips, lengths = rng.normal(size=(4, 5, 17, 3)), BodySampler().draw(rng, 4)
    for clip, body, of_clip, of_body in zip(clips, lengths,
                                            rebone(clips, lengths[2]),
                                            rebone(clips[2], lengths)):
        np.testing.assert_allclose(of_clip, rebone(clip, lengths[2]))
        np.testing.assert_allclose(of_body, rebone(clips[2], body))


@pytest.mark.parametrize('positions, lengths, message', [
    (np.zeros((2, 16, 3)), OWN, r'\(\.\.\., F, 17, 3\), found \(2, 16, 3\)'),
    (np.zeros((17, 3)), OWN, r'found \(17, 3\)'),
    (np.zeros((2, 17, 3), int), OWN, 'floating-point metres, found int64'),
    (np.zeros((2, 17, 3)), OWN[:9], r'found \(9,\)'),
    (np.zeros((2, 17, 3)), OWN * 0, 'lengths must be positive'),
    (np.zeros((2, 17, 3)), OWN * np.nan, 'lengths must be positive'),
])
def test_rebone_refuses(positions, lengths, message):
    with pytest.raises(ValueError, match=message):
        rebone(positions, lengths)


def test_draws_what_the_table_says():
    content = json.loads(TABLE.read_text())
    rng = np.random.default_rng(0)
    for sex, women in (('women', 1), ('men', 0)):
        logs = np.log(BodySampler(women=women, **PLAIN).draw(rng, 40000))
        covariance = np.array(content[sex]['covariance'])
        scale = np.sqrt(np.diag(covariance))
        np.testing.assert_allclose(
            logs.mean(0), content[sex]['mean'], atol=.02 * scale.max())
        # Cutting at three deviations takes 2.7 % of the variance.
        np.testing.assert_allclose(
            np.cov(logs.T) / np.outer(scale, scale),
            .973 * covariance / np.outer(scale, scale),
            atol=.03)


def test_share_of_women_and_mean_bodies():
    content = json.loads(TABLE.read_text())
    bodies = BodySampler(
        women=.25, spread=0, **PLAIN).draw(np.random.default_rng(1), 4000)
    women = np.isclose(bodies, np.exp(content['women']['mean'])).all(1)
    men = np.isclose(bodies, np.exp(content['men']['mean'])).all(1)
    assert (women | men).all()
    assert women.mean() == pytest.approx(.25, abs=.03)


def test_child_by_hand():
    child = BodySampler(
        women=0, spread=0, placement=0, children=1, child_stature=(.5, .5),
        scaled=0)  # yapf: disable
    adult = BodySampler(women=0, spread=0, **PLAIN)
    rng = np.random.default_rng(0)
    ratio = child.draw(rng) / adult.draw(rng)
    by_name = dict(zip(LENGTHS, ratio))
    assert by_name['thigh'] == pytest.approx(.4506, abs=1e-4)
    assert by_name['shin'] == pytest.approx(.4506, abs=1e-4)
    assert by_name['head'] == pytest.approx(.7579, abs=1e-4)
    assert by_name['hip'] == pytest.approx(.5)
    assert list(CHILD_GROWTH) == list(LENGTHS)


def test_children_of_all_statures():
    sampler = BodySampler(
        women=0, spread=0, placement=0, children=.3, child_stature=(.5, .8),
        scaled=0)  # yapf: disable
    bodies = sampler.draw(np.random.default_rng(4), 6000)
    # Hips grow with the stature.
    stature = bodies[:, 0] / bodies[:, 0].max()
    children = stature[stature < 1 - 1e-9]
    assert len(children) / 6000 == pytest.approx(.3, abs=.02)
    assert np.quantile(children, [0, .5, 1]) == pytest.approx([.5, .65, .8],
                                                              abs=.01)


def test_scaled_people():
    sampler = BodySampler(
        women=0, spread=0, placement=0, children=0, scaled=.5, scale=(.8, 1.2))
    bodies = sampler.draw(np.random.default_rng(2), 4000)
    plain = BodySampler(
        women=0, spread=0, **PLAIN).draw(np.random.default_rng(2))
    scale = bodies / plain
    np.testing.assert_allclose(scale, scale[:, :1] * np.ones(10))
    unscaled = np.isclose(scale[:, 0], 1, atol=1e-12)
    assert unscaled.mean() == pytest.approx(.5, abs=.03)
    assert scale[:, 0].min() == pytest.approx(.8, abs=.01)
    assert scale[:, 0].max() == pytest.approx(1.2, abs=.01)


def test_joint_placement():
    sampler = BodySampler(women=0, spread=0, children=0, scaled=0)
    plain = BodySampler(women=0, spread=0, **PLAIN)
    shift = np.log(
        sampler.draw(np.random.default_rng(3), 40000) /
        plain.draw(np.random.default_rng(3)))
    mean, std = np.array(list(PLACEMENT.values())).T
    assert list(PLACEMENT) == list(LENGTHS)
    np.testing.assert_allclose(shift.mean(0), mean / 2, atol=3e-3)
    # A share that is uniform from 0 to 1 adds mean ** 2 / 12.
    np.testing.assert_allclose(
        shift.std(0), np.sqrt(.973 * std**2 + mean**2 / 12), atol=3e-3)


def test_draw_is_deterministic_and_shaped():
    sampler = BodySampler()
    one, again = (sampler.draw(np.random.default_rng(5)) for _ in range(2))
    assert one.shape == (10, )
    np.testing.assert_array_equal(one, again)
    assert sampler.draw(np.random.default_rng(5), 0).shape == (0, 10)


@pytest.mark.parametrize('options', [
    dict(women=1.5), dict(children=-.1), dict(scaled=2), dict(spread=-1),
    dict(placement=-1), dict(scale=(1.2, .8)), dict(child_stature=(0, 1))
])  # yapf: disable
def test_bad_options(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        BodySampler(**options)


def test_stature_over_the_chain_varies_by_two_percent():
    """Of adults, with joints where skeletons put them."""
    rows = [list(LENGTHS).index(name) for name in CHAIN]
    chain, anatomical = (
        BodySampler(children=0, scaled=0,
                    placement=placement).draw(np.random.default_rng(0),
                                              20000)[:, rows].sum(1)
        for placement in (1, 0))
    ratio = np.log(chain / anatomical)
    shares = stature_shares()
    stature = anatomical * np.exp(load_limb_table()['men'].stature)
    assert np.mean(chain / stature) == pytest.approx(
        sum(shares.values()), rel=.002)
    assert .017 < ratio.std() < .02
