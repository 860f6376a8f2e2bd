# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest

from mmdiffpose.skeletons.limb_lengths import (CHAIN, LENGTHS, load_limb_table,
                                               stature_shares)

# Means of ANSUR II's columns over all women and all men.
STATURE = dict(women=1.628, men=1.756)
THIGH, SHIN = .23296, .24293
"""Trochanterion to epicondyle, and epicondyle to malleolus, over stature:
means over people, then over both sexes."""


@pytest.mark.parametrize('sex', ['women', 'men'])
def test_mean_people_are_as_tall_as_the_survey_says(sex):
    table = load_limb_table()[sex]
    rows = [list(LENGTHS).index(name) for name in CHAIN]
    stature = np.exp(table.mean[rows]).sum() * np.exp(table.stature)
    assert stature == pytest.approx(STATURE[sex], rel=.005)


def test_shares_of_stature():
    shares = stature_shares()
    assert list(shares) == list(CHAIN)
    # Joints of skeletons lie half of 1 and of 3 % further apart.
    assert shares['thigh'] == pytest.approx(THIGH * 1.005, rel=.003)
    assert shares['shin'] == pytest.approx(SHIN * 1.015, rel=.003)
    assert sum(shares.values()) == pytest.approx(.90, abs=.002)
