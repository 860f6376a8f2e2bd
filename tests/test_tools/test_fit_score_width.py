# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Widths from scores: known ones are found, those of mocap-mini calibrated."""

import numpy as np
import pytest

TOOL = 'analysis_tools/fit_score_width'


@pytest.mark.parametrize('robust', [False, True])
def test_finds_known_widths(load_tool, robust):
    tool = load_tool(TOOL)
    rng = np.random.default_rng(0)
    scores = rng.beta(4, 2, 60000)
    sigma = 0.4 * (0.02 / 0.4)**scores
    errors = tool.Errors(scores, sigma[:, None] * rng.normal(size=(60000, 2)))
    widths = tool.fit_widths(errors, robust=robust)
    np.testing.assert_allclose(widths, (0.02, 0.4), rtol=0.05)
    result = tool.judge(errors, widths)
    assert result['within_1'] == pytest.approx(68.3, abs=1)
    assert result['within_2'] == pytest.approx(95.4, abs=1)
    assert tool.judge(errors, (0.01, 0.2))['nll'] > result['nll']


def test_scores_that_say_nothing_are_refused(load_tool):
    tool = load_tool(TOOL)
    flat = tool.Errors(np.ones(100), np.ones((100, 2)))
    with pytest.raises(ValueError, match='scores'):
        tool.fit_widths(flat)
    with pytest.raises(ValueError, match='joints'):
        tool.fit_widths(flat, bins=101)


def test_recommends_calibrated_widths(load_tool, capsys):
    tool = load_tool(TOOL)
    tool.main([])
    last = capsys.readouterr().out.strip().splitlines()[-1]
    widths = tuple(float(x) for x in last.split('(')[1].rstrip(')').split(','))
    # Fitted on val; noise that it hasn't seen.
    other = tool.judge(tool.measure('val', 27, noise_seed=1), widths)
    assert 63 < other['within_1'] < 78
    assert 92 < other['within_2'] < 97
