# Copyright (c) mmdiffpose contributors. All rights reserved.
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.diffusion.schedules import (karras_angles, make_alphas,
                                            power_angles)

SCHEDULES = ('linear', 'quadratic', 'cosine')


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(SCHEDULES), st.integers(1, 300))
def test_alphas_start_at_one_and_decrease_within_bounds(name, num_steps):
    alphas = make_alphas(name, num_steps)
    assert alphas.dtype == torch.float64 and len(alphas) == num_steps + 1
    assert alphas[0] == 1
    assert (alphas > 0).all()
    assert (alphas.diff() < 0).all()


def test_alphas_are_the_product_written_out():
    alphas = make_alphas('linear', 3, beta_start=0.1, beta_end=0.3)
    expected = [1, 0.9, 0.9 * 0.8, 0.9 * 0.8 * 0.7]
    torch.testing.assert_close(alphas, torch.tensor(expected).double())


def test_cosine_is_the_squared_cosine_where_nothing_is_clipped():
    alphas = make_alphas('cosine', 50, max_beta=0.999)

    def level(step):
        return math.cos((step / 50 + 0.008) / 1.008 * math.pi / 2)**2

    for k in range(50):
        assert alphas[k].item() == pytest.approx(level(k) / level(0))


def test_values_known_from_the_released_codes():
    # DiffPose's code: 51 steps, linear from 1e-4 to 1e-3; its step 50 is the
    # last. DiffHPE's: cosine, clipped at 0.5, T = 50.
    released = make_alphas('linear', 51, beta_start=1e-4, beta_end=1e-3)
    assert released[51].item() == pytest.approx(0.9723, abs=1e-4)
    diffhpe = make_alphas('cosine', 50, max_beta=0.5)
    assert (1 - diffhpe[1]).item() == pytest.approx(0.00175, abs=1e-5)
    assert diffhpe[50].item() == pytest.approx(0.00109, abs=1e-5)
    assert ((1 - diffhpe[1:] / diffhpe[:-1]) > 0.4999).sum() == 3


@pytest.mark.parametrize('arguments, message', [
    (('sigmoid', 50), 'one of'),
    (('cosine', 0), 'at least 1'),
])
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_alphas(*arguments)
    with pytest.raises(ValueError, match='does not take'):
        make_alphas('cosine', 5, bta_end=0.1)
    with pytest.raises(ValueError, match='should lie in'):
        make_alphas('linear', 5, beta_end=1.5)


def test_karras_levels_by_their_formula():
    """Karras et al. (2022), Eq. 5, written out for five levels."""
    angles = karras_angles(5, 3., sigma_min=0.05, rho=7.)
    high, low = 3**(1 / 7), 0.05**(1 / 7)
    expected = [(high + share * (low - high))**7
                for share in (0, 0.25, 0.5, 0.75, 1)]
    assert [math.tan(a) for a in angles[:-1]] == pytest.approx(expected)
    assert angles[-1] == 0
    assert karras_angles(1, 3.) == pytest.approx((math.atan(3), 0))


def test_angles_fall_by_a_power():
    first = math.atan(3)
    assert power_angles(4, 3.) == pytest.approx(
        [first, first * 0.75, first * 0.5, first * 0.25, 0])
    assert power_angles(2, 3., 2.) == pytest.approx([first, first / 4, 0])


@pytest.mark.parametrize('function, arguments', [
    (power_angles, (0, 3.)),
    (power_angles, (2, 0.)),
    (power_angles, (2, math.inf)),
    (power_angles, (2, 3., 0.)),
    (karras_angles, (0, 3.)),
    (karras_angles, (2, 0.05)),
    (karras_angles, (2, 3., 0.)),
    (karras_angles, (2, 3., 0.05, 0.)),
])
def test_levels_that_cannot_fall_are_refused(function, arguments):
    with pytest.raises(ValueError, match='at least one evaluation'):
        function(*arguments)
