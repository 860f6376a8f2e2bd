# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A limb that points to the camera or away from it, and a hidden one: samples
have both answers in the right shares, and the circle."""
import math

import pytest
import torch


@pytest.fixture(scope='module')
def tool(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(request.config.rootpath / 'tools' /
                              'analysis_tools')
        import limb_modes
        yield limb_modes


@pytest.fixture(scope='module')
def trained(tool):
    return tool.train()


def test_means_and_stds_are_those_of_the_limbs(tool):
    """Counted, not from the formulas."""
    n = 40_000
    for seen, offset, share in ((True, .6, .2), (False, .6, .2)):
        limbs = tool.make_limbs(
            torch.full((n, ), offset), torch.full((n, ), share),
            torch.full((n, ), seen),
            torch.Generator().manual_seed(0))
        end = limbs.target[:, 0, 1]
        torch.testing.assert_close(
            end.mean(0), limbs.mean[0, 0, 1], atol=.005, rtol=0)
        torch.testing.assert_close(
            end.std(0), limbs.std[0, 0, 1], atol=.003, rtol=.03)
        # 0.3 m long, a share of them nearer; detectors are 1 cm off.
        assert end.norm(dim=-1).mean() == pytest.approx(.3, abs=.002)
        assert (end[:, 2] < 0).float().mean() == pytest.approx(
            share if seen else .5, abs=.01)


@pytest.mark.parametrize('case', [(.5, .5), (.8, .3), (.4, .75)])
def test_both_answers_in_the_right_shares(tool, trained, case):
    offset, share = case
    between = {}
    for evaluations in (1, 3, 8, 20):
        end = tool.draw(trained, case, evaluations)
        found = tool.shares_of(end, case)
        assert found.toward == pytest.approx(share, abs=.04)
        between[evaluations] = found.between
        if evaluations > 1:
            exact = .3 * math.sqrt(1 - offset**2)
            for answer in (end[end[:, 2] < 0], end[end[:, 2] > 0]):
                assert answer[:, 2].abs().mean() == pytest.approx(
                    exact, rel=.1)
    # The Gaussian with the right mean and std has a heap where nothing is.
    std = 2 * math.sqrt(share * (1 - share))
    heap = torch.distributions.Normal(1 - 2 * share, std)
    filled = float(heap.cdf(torch.tensor(.5)) - heap.cdf(torch.tensor(-.5)))
    control = tool.shares_of(tool.draw(trained, case, None), case)
    assert control.between == pytest.approx(filled, abs=.03)
    assert between[8] < .04 < .25 < filled
    assert between[8] <= between[3] < between[1]


def test_a_hidden_limb_keeps_its_length(tool, trained):
    for evaluations, least in ((3, .7), (20, .85)):
        end = tool.draw(trained, None, evaluations)
        found = tool.shares_of(end, None)
        assert found.length > least and math.isnan(found.between)
        turn = torch.atan2(end[:, 2], end[:, 0])
        quarters = torch.histc(turn, 4, -math.pi, math.pi) / len(end)
        torch.testing.assert_close(
            quarters, torch.full((4, ), .25), atol=.06, rtol=0)
    assert tool.shares_of(tool.draw(trained, None, None), None).length < .35


def test_shares_by_hand(tool):
    # 0.3 long, 0.6 of it across: 0.24 of depth, a gap of 0.12 either way.
    ends = torch.tensor([[.18, 0, -.24], [.18, 0, .24], [.18, 0, .1],
                         [.18, 0, -.5]])
    assert tool.shares_of(ends, (.6, .5)) == (.5, .25, .5)


def test_page_and_picture(tool, trained, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, 'train', lambda steps: trained)
    page, picture = tmp_path / 'page.md', tmp_path / 'limbs.png'
    page.write_text('\n'.join(['above', *tool.MARKERS, 'below']))
    tool.main(['--out', str(page), '--picture', str(picture)])
    assert picture.read_bytes().startswith(b'\x89PNG')
    rows = [line for line in page.read_text().splitlines() if '|' in line]
    assert len(rows) == 2 + 1 + len(tool.EVALUATIONS)
