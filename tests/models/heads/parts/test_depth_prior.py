# Copyright (c) mmdiffpose contributors. All rights reserved.
"""H_K's depth from histograms: in the head, and in its checkpoint."""
import numpy as np
import pytest
import torch
from lifter_factory import batch, lifter

from mmdiffpose.checkpoints.checkpoint import load_weights
from mmdiffpose.diffusion.depth_histogram import count_depths


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(0)
    histogram = count_depths(rng.normal(0.1, 0.2, (500, 17)))
    path = tmp_path / 'depths.npz'
    np.savez(path, counts=histogram.counts, edges=histogram.edges)
    return path


def with_histogram(path, **head):
    return lifter(
        depth='histogram',
        depth_histogram=None if path is None else str(path),
        target='sample',
        num_components=2,
        **head)


def predictions(model):
    inputs, samples = batch([0])
    with torch.no_grad():
        return model.predict(inputs.clone(), samples)[0].pred_instances


@pytest.mark.parametrize('start', ['gmm', 'joint'])
def test_it_trains_and_predicts(file, start):
    model = with_histogram(file, start=start, condition_on_start=True)
    model.init_weights()
    inputs, samples = batch([0, 1])
    model.train()
    loss = model.loss(inputs, samples)['loss_diffusion']
    loss.backward()
    assert loss.isfinite()
    assert np.isfinite(predictions(model.eval()).keypoints).all()
    feats = model.extract_feat(inputs)
    mixtures = torch.stack(
        [s.gt_instance_labels.mixture_labels for s in samples])
    mean, std = model.head.initial(feats, mixtures).moments()
    torch.testing.assert_close(
        mean[..., 1:, 2], torch.full((2, 5, 16), 0.1), atol=0.03, rtol=0)
    torch.testing.assert_close(
        std[..., 1:, 2], torch.full((2, 5, 16), 0.2), atol=0.03, rtol=0)


def test_the_checkpoint_holds_the_histogram(file, tmp_path):
    model = with_histogram(file)
    state = model.state_dict()
    expected = predictions(model)
    # Neither the file nor its name is needed any more.
    for path in (None, tmp_path / 'gone.npz'):
        other = with_histogram(path)
        with pytest.raises((ValueError, FileNotFoundError),
                           match='depth_histograms.py'):
            predictions(other)
        other.load_state_dict(state)
        np.testing.assert_allclose(
            predictions(other).hypotheses, expected.hypotheses, atol=1e-6)
    # Loaded over another histogram, the checkpoint's is what counts.
    histogram = count_depths(np.random.default_rng(1).normal(0, 1, (50, 17)))
    np.savez(file, counts=histogram.counts, edges=histogram.edges)
    other = with_histogram(file)
    predictions(other)
    other.load_state_dict(state)
    np.testing.assert_allclose(
        predictions(other).hypotheses, expected.hypotheses, atol=1e-6)


def test_training_without_a_histogram_is_refused_before_it_begins(tmp_path):
    with pytest.raises(FileNotFoundError, match='gone.npz'):
        with_histogram(tmp_path / 'gone.npz').init_weights()
    with pytest.raises(ValueError, match='needs depth_histogram'):
        with_histogram(None).init_weights()


def test_options_that_make_no_sense_are_refused(file):
    with pytest.raises(ValueError, match="'context' or 'histogram'"):
        lifter(depth='encoder')
    with pytest.raises(ValueError, match='not read'):
        lifter(depth_histogram=str(file))
    with pytest.raises(ValueError, match='depth_components'):
        with_histogram(file, depth_components=0)
    np.savez(file, counts=np.ones((16, 3)), edges=np.arange(4.))
    with pytest.raises(ValueError, match='17 joints'):
        with_histogram(file)


def test_our_strict_loader_takes_it_whatever_the_bins(file, tmp_path):
    state = with_histogram(file).state_dict()
    other = with_histogram(tmp_path / 'gone.npz')
    load_weights(other, state, 'checkpoint')
    torch.testing.assert_close(other.head.depth_prior(),
                               with_histogram(file).head.depth_prior())
    few = tmp_path / 'few.npz'
    np.savez(few, counts=np.ones((17, 4)), edges=[-0.4, -0.1, 0, 0.1, 0.5])
    load_weights(other, with_histogram(few).state_dict(), 'checkpoint')
    assert other.head.depth_prior().shape == (17, 4, 3)


def test_without_it_nothing_is_added_to_a_checkpoint():
    assert not any('depth' in key for key in lifter().state_dict())
