# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joints are never surer where they were not seen."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from mmdiffpose.lifting.unseen_joints import MAX_STD, MIN_STEP, widen_unseen

F, J, N = 12, 4, 3


def clip(seed=0):
    rng = np.random.default_rng(seed)
    poses = np.cumsum(rng.normal(0, 0.02, (F, J, 3)), 0)
    std = rng.uniform(0.01, 0.05, (F, J))
    offset = rng.normal(size=(F, N, J, 3)) * std[:, None, :, None]
    return poses, std, poses[:, None] + offset


@settings(deadline=None, max_examples=60)
@given(hnp.arrays(bool, (F, J)), st.integers(0, 99))
def test_seen_stay_and_unseen_widen(seen, seed):
    poses, std, hypotheses = clip(seed)
    wide, moved = widen_unseen(poses, std, hypotheses, seen, root=0)
    keep = seen.copy()
    keep[:, 0] = True
    np.testing.assert_array_equal(wide[keep], std[keep])
    assert (wide[~keep] >= np.hypot(std, MIN_STEP / 2)[~keep]).all()
    assert (wide <= np.hypot(std.max(), MAX_STD) + 1e-9).all()
    for joint in range(1, J):
        known = np.flatnonzero(seen[:, joint])
        if len(known):
            least = np.interp(np.arange(F), known, std[known, joint])
            assert (wide[:, joint] >= least - 1e-12)[~seen[:, joint]].all()
    # Hypotheses spread by the same factor, around the same pose.
    factor = (wide / std)[:, None, :, None]
    np.testing.assert_allclose(
        moved - poses[:, None], (hypotheses - poses[:, None]) * factor,
        atol=1e-9)


def test_uncertainty_is_a_bridges():
    """A walk of known steps: the variance between its ends, by hand."""
    poses = np.zeros((F, J, 3))
    poses[:, 1] = 0.03 * np.arange(F)[:, None]
    seen = np.ones((F, J), bool)
    seen[4:7, 1] = False
    std = np.zeros((F, J))
    wide, _ = widen_unseen(poses, std, None, seen, root=0)
    expected = 0.03 * np.sqrt([3 / 4, 1, 3 / 4])
    np.testing.assert_allclose(wide[4:7, 1], expected)
    seen[4:, 1] = False
    wide, _ = widen_unseen(poses, std, None, seen, root=0)
    np.testing.assert_allclose(wide[4:, 1],
                               0.03 * np.sqrt(np.arange(1, F - 3)))
    seen[:, 1] = False
    wide, _ = widen_unseen(poses, std, None, seen, root=0)
    assert (wide[:, 1] == MAX_STD).all() and (wide[:, 2:] == 0).all()


def test_one_frame():
    poses, std, hypotheses = (value[:1] for value in clip())
    seen = np.array([[True, True, False, True]])
    wide, _ = widen_unseen(poses, std, hypotheses, seen, root=0)
    assert wide[0, 2] > MAX_STD and (wide[seen] == std[seen]).all()
