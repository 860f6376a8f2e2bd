# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The table of samplers: figures known from elsewhere, and its page."""
import math
from pathlib import Path

import pytest
import torch

TOOL = (
    Path(__file__).parents[2] / 'tools' / 'analysis_tools' /
    'sampler_table.py')


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(TOOL.parent)
    import sampler_table
    return sampler_table


@pytest.mark.parametrize('sampler, evaluations, sigma_max, expected', [
    ('euler', 1, 3., 1 / 10**0.5),
    ('euler', 3, 3., 0.652),
    ('euler', 5, 6., 0.758),
    ('heun', 3, 3., 1.732),
    ('heun', 7, 3., 1.163),
    ('dpmpp_2m', 3, 6., 0.879),
    ('dpmpp_2m', 5, 3., 1.038),
])
def test_spread_with_karras_levels(tool, sampler, evaluations, sigma_max,
                                   expected):
    """Scalars multiplied out in EDM's x by another program."""
    data = tool.gaussian(1.)
    samples = tool.Setting(sampler, None,
                           sigma_max).run(data, evaluations, None)
    assert tool.moments(data, *samples).std == pytest.approx(
        expected, abs=1e-3)


def test_distributions_are_what_they_are_called(tool):
    data = tool.two_modes(0.3, 0.1)
    mean = (data.weights * data.means).sum()
    variance = (data.weights * (data.variances + data.means**2)).sum()
    assert mean.item() == pytest.approx(0, abs=1e-12)
    assert variance.item() == pytest.approx(1)
    half_distance = (data.means[1] - data.means[0]) / 2
    torch.testing.assert_close(data.variances.sqrt() / half_distance,
                               torch.full((2, ), 0.1).double())
    # Its own draws have its moments, and no distance to it.
    z, weight = data.starts(0.)
    found = tool.moments(data, z, weight)
    assert found == pytest.approx((1, 0.3, 1), abs=2e-3)


def test_velocity_is_the_posterior_means(tool):
    """Of two points: (E[y | z] - cos z) / sin with Bayes' shares."""
    points = tool.Mixture(
        torch.tensor([0.25, 0.75]).double(),
        torch.tensor([-1., 2.]).double(),
        torch.full((2, ), 1e-12).double())
    cos, sin, z = 0.6, 0.8, 0.5
    near, far = (weight * math.exp(-(z - cos * y)**2 / (2 * sin**2))
                 for weight, y in ((0.25, -1.), (0.75, 2.)))
    mean = (-near + 2 * far) / (near + far)
    velocity = points.velocity(
        torch.tensor([z]).double(), math.atan2(sin, cos))
    assert velocity.item() == pytest.approx((mean - cos * z) / sin)


def test_energy_distance_of_a_shifted_gaussian(tool):
    """E|X - Y| * 2 - E|X - X'| - E|Y - Y'| for N(0, 1) and N(1, 1)."""
    quantiles = (torch.arange(20000).double() + 0.5) / 20000
    samples = torch.special.ndtri(quantiles) + 1
    data = tool.gaussian(1.)
    # X - Y is N(1, 2): its mean size, the folded normal's.
    across = 2 * math.exp(-0.25) / math.sqrt(math.pi) + math.erf(0.5)
    within = 2 / math.sqrt(math.pi)
    assert tool.energy_distance(data, samples) == pytest.approx(
        2 * across - 2 * within, rel=1e-3)
    assert tool.energy_distance(data, samples - 1) < 1e-6


def test_the_page_is_replaced_between_its_markers(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, 'report', lambda: '| a |')
    page = tmp_path / 'page.md'
    begin, end = tool.MARKERS
    page.write_text(f'before\n{begin}\nold\n{end}\nafter\n')
    for _ in range(2):
        tool.main(['--out', str(page)])
        assert page.read_text() == (f'before\n{begin}\n| a |\n{end}\nafter\n')
    page.write_text('nothing')
    with pytest.raises(ValueError, match='expected'):
        tool.main(['--out', str(page)])
    assert page.read_text() == 'nothing'


def test_the_docs_hold_what_the_tool_prints(tool):
    """Two of its tables, made anew."""
    page = (TOOL.parents[2] / 'docs' / 'samplers.md').read_text()
    spread = tool.spread_table().splitlines()
    assert all(line in page for line in spread)
    shape = tool.shape_table((2, )).splitlines()
    assert len(shape) == 8
    assert all(line in page for line in shape)
