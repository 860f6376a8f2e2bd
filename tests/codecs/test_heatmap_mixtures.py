# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Heatmaps to mixtures: known parameters, references, MMPose's own crops."""

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures import moments
from mmpose.registry import KEYPOINT_CODECS
from mmpose.structures.bbox import get_warp_matrix

from mmdiffpose.codecs.heatmap_mixtures import (MIN_STD, HeatmapFit,
                                                fit_heatmap_mixtures,
                                                heatmap_to_image, mask_joints)

METHODS = ('em', 'peaks')
H, W = 64, 48
TWO_MODES = np.array([[0.7, 14.3, 20.6, 2.0, 1.6], [0.3, 34.8, 44.1, 1.7,
                                                    2.4]])


def render(mixture, height=H, width=W):
    """A heatmap with peak 0.9 from a mixture in cells."""
    y, x = np.mgrid[:height, :width]
    density = sum(weight / (std_u * std_v) *
                  np.exp(-0.5 * ((x - u) / std_u)**2 - 0.5 *
                         ((y - v) / std_v)**2)
                  for weight, u, v, std_u, std_v in mixture)
    return (0.9 * density / density.max()).astype(np.float32)


@pytest.mark.parametrize('method', METHODS)
def test_recovers_a_known_mixture(method):
    fitted = fit_heatmap_mixtures(render(TWO_MODES)[None], 2, method)[0]
    np.testing.assert_allclose(fitted[:, 0], TWO_MODES[:, 0], atol=0.02)
    # Which cells are above the threshold depends on where the grid lies.
    np.testing.assert_allclose(fitted[:, 1:3], TWO_MODES[:, 1:3], atol=0.15)
    np.testing.assert_allclose(fitted[:, 3:], TWO_MODES[:, 3:], rtol=0.04)


@pytest.mark.parametrize('method', METHODS)
def test_background_noise_does_not_count(method):
    noise = 0.02 * np.random.default_rng(0).standard_normal((1, H, W))
    heatmap = render(TWO_MODES)[None] + noise
    fitted = fit_heatmap_mixtures(heatmap, 2, method)[0]
    np.testing.assert_allclose(fitted[:, 1:3], TWO_MODES[:, 1:3], atol=0.2)
    np.testing.assert_allclose(fitted[:, 3:], TWO_MODES[:, 3:], rtol=0.1)
    # What happens without the threshold: noise widens the modes.
    everything = fit_heatmap_mixtures(
        heatmap, fit=HeatmapFit(2, method, threshold=0.))[0]
    assert everything[:, 3:].max() > 2 * TWO_MODES[:, 3:].max()


@settings(deadline=None, max_examples=25)
@given(
    st.floats(10, 38), st.floats(10, 54), st.floats(1.5, 4.),
    st.floats(1.5, 4.), st.floats(0.01, 0.2))
def test_cut_tails_are_made_up_for(u, v, std_u, std_v, threshold):
    fitted = fit_heatmap_mixtures(
        render([[1, u, v, std_u, std_v]])[None],
        fit=HeatmapFit(1, 'peaks', threshold))[0, 0]
    # A narrow mode covers few cells above the threshold.
    np.testing.assert_allclose(fitted[1:3], [u, v], atol=0.2)
    np.testing.assert_allclose(fitted[3:], [std_u, std_v], rtol=0.15)


def test_em_agrees_with_scikit_learn_on_replicated_cells():
    mixture = pytest.importorskip('sklearn.mixture')
    import torch

    from mmdiffpose.diffusion.gmm import fit_gmm
    counts = np.round(100 * render(TWO_MODES)).astype(int)
    counts[counts < 10] = 0
    row, column = np.nonzero(counts)
    cells = np.stack([column, row], -1).astype(np.float64)
    replicated = np.repeat(cells, counts[row, column], axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        reference = mixture.GaussianMixture(
            2,
            covariance_type='diag',
            reg_covar=1e-3,
            tol=1e-6,
            max_iter=200,
            n_init=3,
            random_state=0).fit(replicated)
    ours, info = fit_gmm(
        torch.as_tensor(cells),
        2,
        weights=torch.as_tensor(counts[row, column]).double(),
        reg_covar=1e-3,
        max_iter=200,
        tol=1e-6)
    assert float(info.log_likelihood) == pytest.approx(
        reference.score(replicated), abs=1e-3)
    # The whole function differs by the correction of the tails only.
    fitted = fit_heatmap_mixtures(counts[None].astype(float), 2)[0]
    order = np.argsort(-reference.weights_)
    np.testing.assert_allclose(
        fitted[:, 1:3], reference.means_[order], atol=0.02)
    np.testing.assert_allclose(
        ours.means.numpy()[order], reference.means_[order], atol=0.02)


@pytest.mark.parametrize('method', METHODS)
def test_a_heatmap_is_fitted_by_itself(method):
    rng = np.random.default_rng(1)
    batch = np.stack([
        render([[0.6, *rng.uniform(8, 40, 2), 2, 2],
                [0.4, *rng.uniform(8, 40, 2), 2, 2]]) for _ in range(6)
    ]).reshape(2, 3, H, W)
    together = fit_heatmap_mixtures(batch, 3, method)
    assert together.shape == (2, 3, 3, 5)
    alone = fit_heatmap_mixtures(batch[1, 2:], 3, method)
    np.testing.assert_allclose(together[1, 2], alone[0], rtol=1e-3, atol=1e-3)
    scaled = fit_heatmap_mixtures(255 * batch, 3, method)
    np.testing.assert_allclose(together, scaled, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize('method', METHODS)
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), components=st.integers(1, 9))
def test_any_heatmap_gives_a_valid_mixture(method, seed, components):
    rng = np.random.default_rng(seed)
    heatmap = rng.normal(0, 1, (1, 12, 9)) * (rng.random((1, 12, 9)) < 0.3)
    fitted = fit_heatmap_mixtures(heatmap, components, method)[0]
    assert np.isfinite(fitted).all()
    assert (fitted[:, 3:] >= 0.99 * MIN_STD).all()
    if heatmap.max() > 0:
        assert fitted[:, 0].sum() == pytest.approx(1, abs=1e-4)
        assert (np.diff(fitted[:, 0]) <= 1e-6).all()
        low, high = fitted[:, 1:3].min(0), fitted[:, 1:3].max(0)
        assert (low >= -1e-3).all() and (high <= [8 + 1e-3, 11 + 1e-3]).all()


@pytest.mark.parametrize('method', METHODS)
def test_one_peak_needs_one_component(method):
    fitted = fit_heatmap_mixtures(
        render([[1, 20.25, 30.5, 2, 2]])[None], 3, method)[0]
    if method == 'peaks':
        assert fitted[:, 0].tolist() == [1, 0, 0]
        np.testing.assert_array_equal(fitted[1:, 1:], fitted[[0, 0], 1:])
    centre, variance = moments(fitted)
    np.testing.assert_allclose(centre, [20.25, 30.5], atol=0.05)
    np.testing.assert_allclose(variance, 4, rtol=0.1)


def test_joints_without_a_peak_are_masked():
    heatmaps = np.stack([
        render(TWO_MODES),
        np.zeros((H, W)), -np.ones((H, W)), 0.01 * render(TWO_MODES)
    ])
    fitted = fit_heatmap_mixtures(heatmaps, 2)
    assert mask_joints(fitted).tolist() == [False, True, True, False]
    fitted = fit_heatmap_mixtures(heatmaps, fit=HeatmapFit(min_peak=0.05))
    assert mask_joints(fitted).tolist() == [False, True, True, True]
    assert (fitted[..., 3:] > 0).all()


@pytest.mark.parametrize('heatmaps, message', [
    (np.zeros((64, 48)), 'shape'),
    (np.full((1, 8, 8), np.nan), 'NaN'),
])
def test_bad_heatmaps_are_refused(heatmaps, message):
    with pytest.raises(ValueError, match=message):
        fit_heatmap_mixtures(heatmaps)


@pytest.mark.parametrize('options', [
    dict(method='moments'),
    dict(n_components=0),
    dict(threshold=1.),
    dict(peak_radius=0)
])
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        HeatmapFit(**options)


CODECS = dict(
    msra=dict(type='MSRAHeatmap', sigma=2, unbiased=True),
    udp=dict(type='UDPHeatmap', sigma=2),
    megvii=dict(type='MegviiHeatmap', kernel_size=11))


@pytest.mark.parametrize('convention', sorted(CODECS))
def test_image_coordinates_are_those_that_mmpose_decodes(convention):
    """A heatmap of MMPose's codec, decoded by MMPose and by the mixture."""
    rng = np.random.default_rng(2)
    codec = KEYPOINT_CODECS.build(
        dict(CODECS[convention], input_size=(192, 256), heatmap_size=(48, 64)))
    keypoints = rng.uniform([30, 30], [160, 225], (1, 17, 2))
    heatmaps = codec.encode(
        keypoints.astype(np.float32), np.ones((1, 17), np.float32))['heatmaps']
    decoded, _ = codec.decode(heatmaps)
    center, scale = rng.uniform(200, 600, 2), np.array([210., 280.])
    expected = decoded[0] / (192, 256) * scale + center - 0.5 * scale
    mixtures = heatmap_to_image(
        fit_heatmap_mixtures(heatmaps, 1), (192, 256), center, scale, (48, 64),
        convention)
    cell = scale[0] / 48
    error = np.abs(mixtures[:, 0, 1:3] - expected)
    # Megvii's decoder always moves a quarter of a cell.
    assert error.max() < (0.3 if convention == 'megvii' else 0.1) * cell
    if convention != 'megvii':
        np.testing.assert_allclose(mixtures[:, 0, 3:], 2 * cell, rtol=0.05)


@pytest.mark.parametrize('wrong, right', [('megvii', 'msra'),
                                          ('msra', 'megvii')])
def test_conventions_differ_by_half_a_cell(wrong, right):
    mixture = np.array([[1, 10, 20, 2, 2.]])
    crop = ((192, 256), (300, 300), (384, 512), (48, 64))
    gap = heatmap_to_image(mixture, *crop, wrong) - heatmap_to_image(
        mixture, *crop, right)
    np.testing.assert_allclose(np.abs(gap[0]), [0, 4, 4, 0, 0], atol=1e-4)


def test_the_crop_of_an_image_is_undone():
    """A joint of the image through MMPose's affine crop and back."""
    center, scale = np.array([333.3, 251.7]), np.array([150., 200.])
    point = np.array([351.2, 228.9, 1.])
    crop = get_warp_matrix(center, scale, 0., (192, 256)) @ point
    heatmap = render([[1, crop[0] / 4, crop[1] / 4, 2, 2]])[None]
    mixture = heatmap_to_image(
        fit_heatmap_mixtures(heatmap, 1), (192, 256), center, scale, (48, 64))
    np.testing.assert_allclose(mixture[0, 0, 1:3], point[:2], atol=0.1)


def test_unknown_conventions_are_refused():
    with pytest.raises(ValueError, match='convention'):
        heatmap_to_image(np.ones((1, 5)), (1, 1), (0, 0), (1, 1), (2, 2), 'x')
