# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Each occlusion pattern's law, exactly; bounds are five standard errors."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.datasets.simulation.occlusion_patterns import (
    OCCLUSION_MODES, OCCLUSION_PATTERNS, make_pattern)

LEG, ARM = [1, 2, 3], [11, 12, 13]
JOINTS = dict(
    none=[],
    random=range(17),
    leg_arm=LEG + ARM,
    consecutive_leg=LEG,
    consecutive_frames=range(17),
    mixture=range(17))


def draws(name, T=27, number=3000, **kwargs):
    """Masks (number, T, 17)."""
    rng = np.random.default_rng(0)
    pattern = make_pattern(name, **kwargs)
    return np.stack([pattern.draw(rng, T) for _ in range(number)])


def frames(masks, joints):
    """Frames (number, T) in which joints are missing: all or none of them."""
    missing = masks[..., joints]
    assert (missing.all(-1) == missing.any(-1)).all()
    others = np.setdiff1d(np.arange(17), joints)
    assert not masks[..., others].any()
    return missing.any(-1)


def near(values, expected, std):
    """Means of independent draws with this mean and standard deviation."""
    values = np.asarray(values, float)
    bound = 5 * std / np.sqrt(len(values))
    return np.abs(values.mean(0) - expected).max() <= bound


def starts(missing, length):
    """First frames of runs, which all have this length."""
    assert (missing.sum(1) == length).all()
    first = missing.argmax(1)
    assert all(row[i:i + length].all() for row, i in zip(missing, first))
    return first


def uniform_on(values, support):
    counts = np.bincount(values, minlength=len(support) + 1)
    p = 1 / len(support)
    bound = 5 * np.sqrt(len(values) * p * (1 - p))
    return (set(values) == set(support) and
            (np.abs(counts[list(support)] - p * len(values)) < bound).all())


@pytest.mark.parametrize('mode', OCCLUSION_MODES)
def test_random_keypoints_are_independent(mode):
    masks = draws('random', mode=mode)
    assert near(masks, .2, .4)
    # Independent joints and frames: sums have the binomial's variance.
    for axis, n in ((1, 27), (2, 17)):
        sums = masks.sum(axis).ravel()
        assert sums.var() == pytest.approx(n * .2 * .8, rel=.03)
    pairs = masks[:, 0, :1] & masks[:, 0, 1:]
    assert near(pairs, .04, np.sqrt(.04 * .96))


def test_leg_and_arm_go_missing_frame_by_frame():
    missing = frames(draws('leg_arm'), LEG + ARM)
    assert near(missing, .4, np.sqrt(.24))
    assert missing.sum(1).var() == pytest.approx(27 * .24, rel=.15)
    assert near(missing[:, 1:] & missing[:, :-1], .16, np.sqrt(.16 * .84))


def test_official_leg_and_arm_take_a_fixed_number_of_frames():
    missing = frames(draws('leg_arm', mode='official'), LEG + ARM)
    assert (missing.sum(1) == 10).all()  # floor(.4 * 27)
    assert near(missing, 10 / 27, np.sqrt(10 / 27 * 17 / 27))
    assert not frames(draws('leg_arm', 2, 9, mode='official'), LEG).any()


@pytest.mark.parametrize('name, length', [('consecutive_leg', 10),
                                          ('consecutive_frames', 5)])
def test_runs_begin_anywhere_or_as_released_not_at_the_last_place(
        name, length):
    missing = frames(draws(name), list(JOINTS[name]))
    assert uniform_on(starts(missing, length), range(28 - length))
    missing = frames(draws(name, mode='official'), list(JOINTS[name]))
    assert uniform_on(starts(missing, length), range(27 - length))


@pytest.mark.parametrize('name, share', [('consecutive_leg', 10 / 27),
                                         ('consecutive_frames', 5 / 27)])
def test_runs_scale_by_their_share(name, share):
    for T in (27, 54, 81, 243):
        lengths = draws(name, T, 20)[..., 1].sum(1)
        assert set(lengths) == {round(share * T)}
    for T in (1, 2, 5, 20, 100):
        low = int(share * T)
        lengths = draws(name, T)[..., 1].sum(1)
        assert set(lengths) <= {low, low + 1}
        rest = share * T - low
        assert near(lengths, share * T, np.sqrt(rest * (1 - rest)))
        official = draws(name, T, 20, mode='official')[..., 1].sum(1)
        assert set(official) == {low}


def test_mixture_takes_each_pattern_as_often():
    masks = draws('mixture')
    count = masks.sum(1)
    leg = count[:, 1] - count[:, 0]
    kinds = dict(
        none=count.sum(1) == 0,
        frames=(count == 5).all(1),
        leg=(count.sum(1) == 30) & (leg == 10),
        arm=(count[:, 0] == 0) & (count[:, 11] > 0))
    kinds['random'] = ~np.any(list(kinds.values()), axis=0)
    for kind in kinds.values():
        assert near(kind, .2, .4)
    only = draws('mixture', number=20, patterns=['consecutive_leg'])
    assert (only.sum((1, 2)) == 30).all()


def test_parameters():
    assert draws('random', number=5, probability=1.).all()
    assert not draws('leg_arm', number=5, probability=0).any()
    masks = draws('consecutive_leg', number=5, share=1., joints=['head'])
    assert frames(masks, [10]).all()
    official = draws('consecutive_frames', number=5, share=1., mode='official')
    assert official.all()


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(sorted(OCCLUSION_PATTERNS)),
    st.sampled_from(OCCLUSION_MODES), st.integers(1, 300), st.integers(0, 999))
def test_any_length_gives_a_mask_of_the_patterns_joints(name, mode, T, seed):
    pattern = make_pattern(name, mode)
    mask = pattern.draw(np.random.default_rng(seed), T)
    assert mask.shape == (T, 17) and mask.dtype == bool
    others = np.setdiff1d(np.arange(17), list(JOINTS[name]))
    assert not mask[:, others].any()
    again = pattern.draw(np.random.default_rng(seed), T)
    np.testing.assert_array_equal(mask, again)


@pytest.mark.parametrize('arguments, message', [
    (dict(name='randm'), 'pattern'),
    (dict(name='random', mode='released'), 'mode'),
    (dict(name='random', p=.2), 'probability'),
    (dict(name='random', probability=20), 'probability'),
    (dict(name='consecutive_leg', share=-1), 'share'),
    (dict(name='leg_arm', joints=['tail']), 'tail'),
    (dict(name='leg_arm', joints='head'), 'joints'),
    (dict(name='mixture', patterns=['mixture']), 'patterns'),
    (dict(name='mixture', patterns=['randm']), 'randm'),
])
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_pattern(**arguments)
