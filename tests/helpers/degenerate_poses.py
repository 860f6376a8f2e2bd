# Copyright (c) mmdiffpose contributors. All rights reserved.
"""People that are no people: flat ones, in a row, on one point, none."""
import hypothesis.strategies as st
import numpy as np

SHAPES = ('plane', 'line', 'point', 'two points', 'origin', 'whole', 'mirror')


@st.composite
def poses(draw, joints=17, frames=None, dims=3):
    """Poses (F, J, dims) float64 of a few frames, none included."""
    shape = draw(st.sampled_from(SHAPES))
    count = draw(st.integers(0, 3)) if frames is None else frames
    scale = draw(st.sampled_from([1e-9, 1e-3, 1., 1e4]))
    offset = draw(st.sampled_from([0., 4., -1e3]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    free = dict(plane=2, line=1).get(shape, dims)
    found = rng.normal(size=(count, joints, free)) @ np.linalg.qr(
        rng.normal(size=(dims, dims)))[0][:free]
    if shape == 'point':
        found[:] = found[:, :1]
    elif shape == 'two points':
        found[:, ::2], found[:, 1::2] = found[:, :1], found[:, 1:2]
    elif shape == 'origin':
        return np.zeros((count, joints, dims))
    elif shape == 'mirror':
        found[..., 0] *= -1
    if draw(st.booleans()):  # nobody moves
        found[:] = found[:1]
    return scale * found + offset


@st.composite
def masks(draw, shape):
    """Which joints count: all, none, or some."""
    share = draw(st.sampled_from([0., .1, .5, 1.]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return rng.uniform(size=shape) < share
