# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The study of two kinds of noise: its data, its scores, its table."""
from pathlib import Path

import pytest
import torch

TOOLS = Path(__file__).parents[2] / 'tools' / 'analysis_tools'


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    import residual_noise
    return residual_noise


def test_the_std_and_mean_of_the_poses_are_the_true_ones(tool):
    poses = tool.draw(40000, torch.Generator().manual_seed(0))
    scaled = (poses.target / poses.std).flatten(1)
    assert scaled.mean(dim=0).abs().max() < 0.02
    torch.testing.assert_close(
        scaled.std(dim=0), torch.ones(51), atol=0.02, rtol=0)
    # Also given the context that the std depends on.
    wide = poses.features[:, 0, 1, 2] > 0.5
    torch.testing.assert_close(
        scaled[wide].std(dim=0), torch.ones(51), atol=0.04, rtol=0)
    # Eight numbers move 51 coordinates.
    values = torch.linalg.eigvalsh(scaled.T.cov())
    assert values[-8:].sum() / values.sum() > 0.8


def test_scores_by_hand(tool):
    """Two hypotheses 2 m apart, the truth on one of them: energy (0 + 2) / 2
    - 2 / 2, of vectors with one coordinate that isn't 0."""
    target = torch.zeros(1, 1, 1, 3)
    samples = torch.zeros(1, 2, 1, 1, 3)
    samples[0, 1, ..., 0] = 2.
    poses = tool.Poses(torch.zeros(1), target, torch.ones(1, 1, 1, 3))
    energy, best, std = tool.scores(samples, poses)
    assert (energy, best) == pytest.approx((0, 0))
    # Of six numbers, one is 2: unbiased variance 4 / 6.
    assert std == pytest.approx((4 / 6)**0.5)


def test_the_table_goes_into_a_page(tool, monkeypatch, tmp_path):
    monkeypatch.setattr(tool, 'TEST_POSES', 20)
    monkeypatch.setattr(tool, 'BATCH', 8)
    page = tmp_path / 'page.md'
    begin, end = tool.MARKERS
    page.write_text(f'a\n{begin}\n{end}\nb\n')
    tool.main(['--steps', '2', '--out', str(page)])
    lines = page.read_text().splitlines()
    assert lines[:2] == ['a', begin] and lines[-2:] == [end, 'b']
    rows = lines[4:-2]
    assert len(rows) == 1 + len(tool.SETTINGS)
    assert rows[0].startswith('| control | - | ')
    assert all(row.count('|') == 4 for row in rows)
