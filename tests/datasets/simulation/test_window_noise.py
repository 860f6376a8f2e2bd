# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Random numbers by key, and the detector that is made of them."""
import numpy as np
import pytest

from mmdiffpose.datasets.simulation.keyed_draws import KeyedDraws
from mmdiffpose.datasets.simulation.window_noise import WindowNoise

WINDOWS, FRAMES = 2000, 9
SIZE = np.full((WINDOWS, 2), 1000, np.float32)


def person(height=400.):
    """One posture of a height in px, in the middle of a picture."""
    joints = np.random.default_rng(0).uniform(-.5, .5, (17, 2))
    joints[:2, 1] = -.5, .5
    joints *= [.4 * height, height]
    return np.broadcast_to(joints + 500,
                           (WINDOWS, FRAMES, 17, 2)).astype(np.float32)


def detect(noise, truth=None, seed=0, fps=50.):
    draws = KeyedDraws(seed, 0, range(WINDOWS), noise.words(FRAMES))
    truth = person() if truth is None else truth
    return noise.detect(draws, truth, SIZE, np.full(WINDOWS, fps)), truth


def plain(**changes):
    """A detector with jitter only."""
    settings = dict(
        level=0.,
        difficulty=0.,
        outlier_rate=0.,
        swap_rates=(0., 0., 0.),
        threshold=(0., 0.))
    return WindowNoise(**{**settings, **changes})


def test_numbers_depend_on_seed_epoch_and_index_only():

    def numbers(seed, epoch, indices):
        draws = KeyedDraws(seed, epoch, indices, 40)
        return np.concatenate([draws.uniform(20), draws.normal(20)], axis=1)

    together = numbers(3, 5, range(10))
    np.testing.assert_array_equal(numbers(3, 5, [7, 2]), together[[7, 2]])
    assert len(np.unique(together, axis=0)) == 10
    assert (numbers(3, 6, [7]) != together[7]).any()
    assert (numbers(4, 5, [7]) != together[7]).any()


def test_numbers_have_their_distributions():
    draws = KeyedDraws(0, 0, range(500), 402)
    uniform, normal = draws.uniform(200), draws.normal(200)
    assert uniform.min() > 0 and uniform.max() < 1
    assert uniform.mean() == pytest.approx(.5, abs=.005)
    assert normal.mean() == pytest.approx(0, abs=.015)
    assert normal.std() == pytest.approx(1, abs=.01)
    # Two-sided tail beyond two standard deviations: 4.55 %.
    assert (np.abs(normal) > 2).mean() == pytest.approx(.0455, abs=.003)
    fine = draws.fine_uniform()
    assert ((fine > 0) & (fine < 1)).all()
    assert len(np.unique(fine)) == 500


def test_more_numbers_than_promised_are_an_error():
    with pytest.raises(IndexError, match='5 random numbers'):
        KeyedDraws(0, 0, [0], 4).normal(5)
    with pytest.raises(ValueError, match='negative'):
        KeyedDraws(0, 0, [-1], 4)


def test_words_are_what_is_taken():
    noise = WindowNoise()
    draws = KeyedDraws(0, 0, range(WINDOWS), noise.words(FRAMES))
    noise.detect(draws, person(), SIZE, np.full(WINDOWS, 50.))
    assert draws._used == noise.words(FRAMES)


def test_each_window_gets_its_own_generator():

    def values(indices):
        found = {}
        KeyedDraws(1, 2, indices, 8,
                   lambda row, rng: found.update({indices[row]: rng.random()}))
        return found

    assert values([3, 4, 5])[4] == values([4])[4]
    assert len(set(values([3, 4, 5]).values())) == 3


def test_jitter_has_the_given_width_and_grows_with_the_person():
    for height in (200., 400.):
        found, truth = detect(plain(), person(height))
        error = found.keypoints - truth
        expected = np.array(WindowNoise.joint_sigma) * height / 400
        np.testing.assert_allclose(
            error.std(axis=(0, 1, 3)), expected, rtol=.05)


def test_jitter_is_correlated_in_time_as_said():
    # Share 0.7 with 0.1 s: after one frame of 50 Hz 0.7 * exp(-0.2).
    found, truth = detect(plain(correlated_share=.7, correlation_time=.1))
    error = (found.keypoints - truth) / np.array(WindowNoise.joint_sigma)[:,
                                                                          None]
    after = (error[:, 1:] * error[:, :-1]).mean()
    assert after == pytest.approx(.7 * np.exp(-.2), abs=.02)


def test_tails_are_heavy():
    found, truth = detect(WindowNoise(outlier_rate=0., threshold=(0., 0.)))
    error = (found.keypoints - truth)[..., 5, 0].ravel()
    kurtosis = np.mean(error**4) / np.mean(error**2)**2
    assert kurtosis > 5  # of a Gaussian: 3


def test_hidden_joints_are_found_worse():
    hidden = np.zeros((WINDOWS, FRAMES, 17), bool)
    hidden[..., 5] = True
    noise = plain(hidden_factor=2.)
    draws = KeyedDraws(0, 0, range(WINDOWS), noise.words(FRAMES))
    worse = noise.detect(draws, person(), SIZE, np.full(WINDOWS, 50.), hidden)
    usual, truth = detect(noise)
    np.testing.assert_allclose(
        worse.keypoints[..., 5, :] - truth[..., 5, :],
        2 * (usual.keypoints - truth)[..., 5, :],
        atol=1e-2)
    np.testing.assert_array_equal(worse.keypoints[..., 6:, :],
                                  usual.keypoints[..., 6:, :])
    assert worse.scores[..., 5].mean() < .9 * usual.scores[..., 5].mean()


def test_outliers_lie_off_and_last():
    found, truth = detect(
        plain(joint_sigma=(1e-3, ) * 17, outlier_rate=1., episode_time=.2))
    error = np.linalg.norm(found.keypoints - truth, axis=-1)
    off = error > 1
    assert error[off].min() >= 20 - .1
    # A rate of one a second, 0.2 s each: a share of 0.2 / 1.2 for
    # alternating times at most, and one episode a window: somewhat less.
    assert .08 < off.mean() < .2
    for seconds, expected in ((.2, np.exp(-.1)), (.04, np.exp(-.5))):
        found, truth = detect(
            plain(
                joint_sigma=(1e-3, ) * 17,
                outlier_rate=1.,
                episode_time=seconds))
        off = np.linalg.norm(found.keypoints - truth, axis=-1) > 1
        # The last of ten frames, or of two, give or take where they begin.
        stays = off[:, 1:][off[:, :-1]].mean()
        assert stays == pytest.approx(expected, abs=.1)


def test_swapped_legs_are_exchanged():
    found, truth = detect(
        plain(joint_sigma=(1e-3, ) * 17, swap_rates=(5., 0., 0.)))
    other = truth.copy()
    order = [0, 4, 5, 6, 1, 2, 3, *range(7, 17)]
    swapped = np.abs(found.keypoints - other[:, :, order]).max((2, 3)) < .1
    plain_ones = np.abs(found.keypoints - truth).max((2, 3)) < .1
    assert (swapped | plain_ones).all()
    assert .2 < swapped.mean() < .8


def test_conventions_move_joints_for_the_whole_window():
    """Hips (0, 1, 4) go along the trunk together by 5 % of it, and each
    joint by .6 of its sigma; the head's by 10 % of the trunk. A detector
    doesn't know, its scores stay."""
    quiet, _ = detect(plain(scale=0., score_noise=0.))
    found, truth = detect(plain(scale=0., score_noise=0., conventions=1.))
    np.testing.assert_array_equal(found.scores, quiet.scores)
    offset = found.keypoints - truth
    np.testing.assert_allclose(offset, np.repeat(offset[:, :1], FRAMES, 1))
    offset = offset[:, 0]
    trunk = truth[0, 0, 8] - truth[0, 0, 0]
    sigma = np.array(WindowNoise().joint_sigma) * .6
    shared = np.outer(trunk, trunk)
    for joint, share in ((1, .05), (11, .05), (10, .1), (3, 0.)):
        np.testing.assert_allclose(
            np.cov(offset[:, joint].T),
            share**2 * shared + sigma[joint]**2 * np.eye(2),
            atol=.1 * sigma[joint]**2 + .1 * share**2 * (trunk @ trunk))
    together = offset[:, 1].T @ offset[:, 4] / WINDOWS
    np.testing.assert_allclose(
        together, .05**2 * shared, atol=.15 * .05**2 * (trunk @ trunk))


def test_scores_fall_with_the_error():
    found, truth = detect(WindowNoise(threshold=(0., 0.)))
    error = np.linalg.norm(found.keypoints - truth, axis=-1)
    bins = np.quantile(error, [0, .25, .5, .75, .9, .97, .995, 1])
    scores = [
        found.scores[(error >= low) & (error < high)].mean()
        for low, high in zip(bins, bins[1:])
    ]
    assert (np.diff(scores) < 0).all()
    assert scores[0] > .7 and scores[-1] < .2


def test_joints_of_a_low_score_are_missing():
    found, _ = detect(WindowNoise(threshold=(.5, .5)))
    assert found.scores[found.seen].min() >= .5
    assert (found.scores[~found.seen] == 0).all()
    assert 0 < (~found.seen).mean() < .5


def test_joints_outside_the_picture():
    truth = person()
    outside = truth.copy()
    outside[..., 3, 0] += 1000
    found, _ = detect(plain(edge_missing=1.), outside)
    assert not found.seen[..., 3].any()
    assert found.seen[..., :3].all()
    found, _ = detect(plain(), outside)
    gone = ~found.seen[..., 3]
    assert gone.mean() == pytest.approx(.7, abs=.03)
    # Missing in a whole window or in none of its frames.
    assert (gone.all(axis=1) == gone.any(axis=1)).all()
    found, _ = detect(plain(edge_missing=0.), outside)
    assert (found.keypoints[..., 3, 0] == 999).all()
    assert found.scores[..., 3].mean() < .6 * found.scores[..., 2].mean()


@pytest.mark.parametrize('setting', [
    dict(joint_sigma=(1., )),
    dict(swap_rates=(.1, )),
    dict(edge_missing=2.),
])
def test_bad_settings_are_named(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        WindowNoise(**setting)
