# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of the reverse process."""

import numpy as np
import pytest

from mmdiffpose.datasets import MocapMiniDataset
from mmdiffpose.visualization.palette import UNSEEN
from mmdiffpose.visualization.reverse_process import ReverseProcessRenderer


@pytest.fixture(scope='module')
def renderer():
    dataset = MocapMiniDataset(seq_len=9, split='test')
    dataset.full_init()
    target = dataset.get_data_info(0)['lifting_target']
    target = target - target[:, :1]
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.2, (6, *target.shape))
    steps = [50, 25, 10, 0]
    states = np.stack([target + noise * step / 50 for step in steps])
    return ReverseProcessRenderer(states, steps, target, size=160)


def test_the_figure_has_a_panel_per_step_and_frame(renderer):
    sheet = renderer.sheet([0, 1, 3], [0, 4])
    assert sheet.dtype == np.uint8
    assert sheet.shape == (34 + 2 * 166 + 40, 3 * 166, 3)


def test_animation_runs_through_all_steps_and_holds_the_end(renderer):
    pictures = renderer.animation([0, 4, 8], hold=3)
    assert len(pictures) == 4 + 3
    assert len({picture.shape for picture in pictures}) == 1
    assert all(side % 2 == 0 for side in pictures[0].shape[:2])
    assert (pictures[-1] == pictures[3]).all()
    assert (pictures[0] != pictures[1]).any()


def test_errors_are_those_of_single_samples(renderer):
    errors = renderer.errors_mm()
    # The mean norm of a 3D normal is 2 sqrt(2 / pi) sigma.
    assert errors[0] == pytest.approx(1000 * 0.2 * 1.596, rel=0.05)
    np.testing.assert_allclose(errors, errors[0] * np.array([1, .5, .2, 0]))


def test_samples_that_have_arrived_lie_on_the_ground_truth(renderer):
    """At k = 0 the figure covers the grey ground truth, at K it does not."""

    def grey(step):
        return (renderer.panel(step, 4) == UNSEEN).all(-1).sum()

    assert grey(3) < 0.5 * grey(0)


def test_shapes_that_do_not_fit_are_refused(renderer):
    with pytest.raises(ValueError, match='expected states'):
        ReverseProcessRenderer(renderer.states, [50, 0], renderer.target)
