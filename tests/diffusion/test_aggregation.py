# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from mmdiffpose.diffusion.aggregation import (geometric_median, mean_pose,
                                              medoid, score_from_std, spread)


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


def test_geometric_median_against_an_optimiser():
    torch.manual_seed(1)
    hypotheses = 0.1 * torch.randn(1, 20, 4, 3, 3, dtype=torch.float64)
    # One joint in two modes of unequal weight, where the mean is far off.
    hypotheses[:, :7, :, 1, 2] += 0.5
    found = geometric_median(hypotheses)
    for t in range(4):
        for j in range(3):
            points = hypotheses[0, :, t, j].numpy()
            best = minimize(
                lambda m, p: np.linalg.norm(p - m, axis=1).sum(),
                points.mean(0),
                points,
                method='Nelder-Mead',
                options=dict(xatol=1e-8, fatol=1e-12, maxiter=4000))
            assert np.abs(found[0, t, j].numpy() - best.x).max() < 2e-5
    distances = (hypotheses - found[:, None]).norm(dim=-1).mean()
    assert distances < (hypotheses -
                        mean_pose(hypotheses)[:, None]).norm(dim=-1).mean()


def test_geometric_median_of_few_hypotheses():
    single = torch.randn(2, 1, 3, 17, 3)
    torch.testing.assert_close(geometric_median(single), single[:, 0])
    # Three on a line: the one between; at it the weight has no value.
    line = torch.zeros(1, 3, 1, 1, 3)
    line[0, :, 0, 0, 0] = torch.tensor([0., 1., 5.])
    assert geometric_median(
        line, iterations=200).flatten().tolist() == (
            pytest.approx([1, 0, 0], abs=1e-3))


def test_medoid_against_a_loop():
    torch.manual_seed(2)
    hypotheses = torch.randn(3, 5, 2, 4, 3)
    chosen = medoid(hypotheses)
    for b in range(3):
        totals = [
            sum(
                float((hypotheses[b, n, t, j] - hypotheses[b, m, t, j]).norm())
                for m in range(5) for t in range(2) for j in range(4))
            for n in range(5)
        ]
        assert torch.equal(chosen[b], hypotheses[b, int(np.argmin(totals))])
