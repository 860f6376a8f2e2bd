# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Stds and scores of poses follow the detector's scores, measured."""

import numpy as np

from mmdiffpose.skeletons.score_width import person_size


def test_joints_are_put_off_as_their_scores_say(load_tool):
    """By hand: 0.613 of the size at score 0, 0.0376 at 1, log-linear."""
    tool = load_tool('analysis_tools/score_table')
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 600, (4000, 17, 2))
    keypoints, scores = truth.copy(), np.full((4000, 17), 2.)
    size = person_size(truth)
    tool.with_low_scores(keypoints, scores, truth, rng)
    put = scores < 2
    assert not put[:, 0].any() and .1 < put[:, 1:].mean() < .2
    np.testing.assert_array_equal(keypoints[~put], truth[~put])
    shares = (keypoints - truth)[put] / size
    for low in (0, .3, .8):
        near = np.abs(scores[put] - low - .05) < .05
        expected = .613 * (.0376 / .613)**(low + .05)
        found = np.sqrt((shares[near]**2).mean())
        assert abs(found / expected - 1) < .25


def test_stds_and_scores_follow_the_scores_in_2d(load_tool):
    tool = load_tool('analysis_tools/score_table')
    rows = tool.main(['--model', 'diffpose-frame'])
    std = [row['std_mm'] for row in rows]
    score = [row['score'] for row in rows]
    # Bins of low scores have a few hundred joints: 5 % is noise.
    assert all(b < 1.05 * max(std[i:]) for i, b in enumerate(std))
    assert all(b <= 1.05 * a for a, b in zip(std, std[2:]))
    assert all(b >= a - .02 for a, b in zip(score, score[1:]))
    assert std[0] > 1.3 * std[-1] and score[0] < .5 * score[-1]
    # 90 % intervals, of joints with low scores, too.
    assert all(80 < row['within_90'] <= 100 for row in rows)
