# Copyright (c) mmdiffpose contributors. All rights reserved.
import pytest
import torch

from mmdiffpose.diffusion.aggregation import mean_pose, score_from_std, spread


def test_mean_and_spread_against_a_loop():
    torch.manual_seed(0)
    hypotheses = torch.randn(2, 6, 3, 17, 3)
    mean, std = mean_pose(hypotheses), spread(hypotheses)
    for b, t, j in ((0, 0, 0), (1, 2, 16)):
        values = hypotheses[b, :, t, j]
        centre = sum(values) / 6
        variance = sum((v - centre)**2 for v in values) / 5
        torch.testing.assert_close(mean[b, t, j], centre)
        torch.testing.assert_close(std[b, t, j], variance.mean().sqrt())
    assert (spread(hypotheses[:, :1]) == 0).all()


def test_score_is_the_chance_to_be_within_the_radius():
    torch.manual_seed(0)
    errors = torch.randn(200000, 3)
    for std in (0.02, 0.05, 0.1, 0.3):
        chance = ((std * errors).norm(dim=1) < 0.15).float().mean()
        score = score_from_std(torch.tensor(std))
        assert score.item() == pytest.approx(chance.item(), abs=0.004)


def test_score_falls_with_the_std_and_stays_in_the_unit_interval():
    scores = score_from_std(torch.logspace(-9, 3, 100))
    assert (scores.diff() <= 1e-6).all()
    assert scores[0] == 1 and scores[-1] >= 0 and scores[-1] < 1e-6
