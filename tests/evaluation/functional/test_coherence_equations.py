# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffHPE's Eq. 13 and 14, term by term, and what must not change them."""
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.evaluation.functional import (segment_lengths, segment_std,
                                              symmetry_gap)
from mmdiffpose.skeletons import H36M_17

# Written down anew, from the paper: child of the left, child of the right.
PAIRS = {
    'hip': ((0, 4), (0, 1)),
    'thigh': ((4, 5), (1, 2)),
    'shin': ((5, 6), (2, 3)),
    'clavicle': ((8, 11), (8, 14)),
    'upper arm': ((11, 12), (14, 15)),
    'forearm': ((12, 13), (15, 16)),
}
TRUNK = ((0, 7), (7, 8), (8, 9), (9, 10))


def clavicles_from(joint):
    return dict(PAIRS, clavicle=((joint, 11), (joint, 14)))


def length(pose, segment):
    a, b = segment
    return float(np.sqrt(((pose[a] - pose[b])**2).sum()))


def eq_13(sequences, pairs):
    """As printed: a mean over sequences, frames and left segments."""
    terms = [
        abs(length(pose, left) - length(pose, right)) for poses in sequences
        for pose in poses for left, right in pairs.values()
    ]
    return sum(terms) / len(terms)


def eq_14(sequences, pairs, correction=0):
    """As printed; the released code's ``torch.std`` corrects by one."""
    segments = [s for pair in pairs.values() for s in pair] + list(TRUNK)
    assert len(segments) == 16
    terms = [
        torch.tensor([length(pose, segment) for pose in poses],
                     dtype=torch.double).std(correction=correction).item()
        for poses in sequences for segment in segments
    ]
    return sum(terms) / len(terms)


def sequences(seed=0, number=3, L=27):
    """Poses (K, L, 17, 3) in mm."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 300, (number, L, 17, 3))


def test_paper_mode_is_the_equations():
    poses = sequences()
    lengths = segment_lengths(poses)
    assert symmetry_gap(lengths).mean() == pytest.approx(eq_13(poses, PAIRS))
    assert segment_std(lengths).mean() == pytest.approx(eq_14(poses, PAIRS))


def test_official_mode_has_both_deviations_and_no_other():
    poses, pairs = sequences(), clavicles_from(7)
    lengths = segment_lengths(poses, 'official')
    gap, std = symmetry_gap(lengths), segment_std(lengths, 'official')
    assert gap.mean() == pytest.approx(eq_13(poses, pairs))
    assert std.mean() == pytest.approx(eq_14(poses, pairs, correction=1))
    # Each of the two matters.
    assert gap.mean() != pytest.approx(eq_13(poses, PAIRS), rel=1e-3)
    assert std.mean() != pytest.approx(eq_14(poses, pairs), rel=1e-3)


def rotation(seed):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 999), st.sampled_from(['paper', 'official']),
    st.floats(.1, 10))
def test_only_the_skeleton_counts(seed, mode, scale):
    """Where it stands and how it is turned, frame by frame, is no matter;
    lengths scale; the mirror swaps sides and changes nothing."""
    poses = sequences(seed, 2, 5)
    moves = np.random.default_rng(seed).normal(0, 1e3, (2, 5, 1, 3))
    other = scale * poses @ rotation(seed) + moves
    mirrored = poses[..., list(H36M_17.flip_indices), :] * [-1, 1, 1]
    lengths = segment_lengths(poses, mode)
    for values, factor in ((other, scale), (mirrored, 1)):
        found = segment_lengths(values, mode)
        np.testing.assert_allclose(
            symmetry_gap(found), factor * symmetry_gap(lengths), rtol=1e-6)
        np.testing.assert_allclose(
            segment_std(found, mode),
            factor * segment_std(lengths, mode),
            rtol=1e-6)


@pytest.mark.parametrize('mode', ['paper', 'official'])
def test_a_symmetric_rigid_person_has_neither(mode):
    pose = sequences(number=1, L=1)[0, 0]
    mirrored = pose[list(H36M_17.flip_indices)] * [-1, 1, 1]
    symmetric = (pose + mirrored) / 2
    poses = np.stack([symmetric @ rotation(i) + i for i in range(27)])
    lengths = segment_lengths(poses, mode)
    np.testing.assert_allclose(symmetry_gap(lengths), 0, atol=1e-9)
    np.testing.assert_allclose(segment_std(lengths, mode), 0, atol=1e-9)
