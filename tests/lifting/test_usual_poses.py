# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joints that were never seen stand where people usually have them."""

import numpy as np
import pytest

from mmdiffpose.datasets.mocap_mini_file import load_mocap_mini
from mmdiffpose.lifting.usual_poses import (place_unknown, usual_distances,
                                            usual_poses)
from mmdiffpose.skeletons import H36M_17

LEGS = [
    H36M_17.index[name] for name in H36M_17.joints
    if name == 'root' or name.split('_')[-1] in ('hip', 'knee', 'foot')
]
PIXELS = 300.
"""A metre's, in the picture."""


@pytest.fixture(scope='module')
def poses():
    """Some frames of all clips, relative to the root, metres, y up."""
    clips = load_mocap_mini()[0]
    frames = np.concatenate([clip.positions[::40] for clip in clips])
    return frames.astype(float) - frames[:, :1]


def seen_from(poses, degrees):
    """Places in a level camera's picture, pixels."""
    angle = np.deg2rad(degrees)
    x = poses[..., 0] * np.cos(angle) + poses[..., 2] * np.sin(angle)
    return PIXELS * np.stack([x, -poses[..., 1]], -1) + [700, 500]


def known_but(joints):
    known = np.ones(17, bool)
    known[joints] = False
    return known


def test_statistics_are_those_of_views_from_all_sides(poses):
    """Against views at drawn angles, of every 40th frame."""
    usual = usual_poses()
    np.testing.assert_allclose(
        usual_distances(H36M_17, poses[:1]),
        np.sqrt((poses**2).mean((0, 2))),
        atol=0.01)
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, len(poses))
    x = (
        poses[..., 0] * np.cos(angles)[:, None] +
        poses[..., 2] * np.sin(angles)[:, None])
    both = np.concatenate([x, x[:, list(H36M_17.flip_indices)]])
    np.testing.assert_allclose(
        usual.across, both.T @ both / len(both), atol=0.01)
    up = poses[..., 1]
    both = np.concatenate([up, up[:, list(H36M_17.flip_indices)]])
    np.testing.assert_allclose(usual.height, both.mean(0), atol=0.02)
    np.testing.assert_allclose(usual.up, np.cov(both.T, ddof=0), atol=0.01)


@pytest.mark.parametrize('degrees', [0, 90, 200])
def test_hips_and_legs_that_a_desk_hides(poses, degrees):
    truth = seen_from(poses, degrees)
    hidden = truth.copy()
    hidden[:, LEGS] = 0
    placed = place_unknown(hidden, known_but(LEGS), H36M_17)
    error = np.linalg.norm(placed - truth, axis=-1).mean(0) / PIXELS
    assert error[0] < 0.13, 'metres of the pelvis'
    # Not better than what is known of climbers' feet, but below the hips.
    assert error[LEGS].max() < 0.35
    assert (placed[:, 3, 1] > placed[:, 0, 1]).all()
    seen = known_but(LEGS)
    np.testing.assert_array_equal(placed[:, seen], truth[:, seen])


def test_moving_and_zooming_the_picture_moves_what_is_placed(poses):
    points = seen_from(poses, 30)
    unknown = known_but([13, 10])
    placed = place_unknown(points, unknown, H36M_17)
    moved = place_unknown(points * 2.5 + [40, -900], unknown, H36M_17)
    np.testing.assert_allclose(moved, placed * 2.5 + [40, -900], atol=1e-6)
    # Where the joint was said to be means nothing.
    points[:, [13, 10]] = -77
    np.testing.assert_array_equal(
        place_unknown(points, unknown, H36M_17), placed)


def test_what_tells_nothing_changes_nothing(poses):
    points = seen_from(poses[:3], 0)
    for known in (np.zeros(17, bool), np.ones(17, bool)):
        assert place_unknown(points, known, H36M_17) is points
    one = np.zeros(17, bool)
    one[8] = True
    placed = place_unknown(points, one, H36M_17)
    assert np.isfinite(placed).all() and (placed[:, 8] == points[:, 8]).all()


def test_the_file_is_what_the_tool_writes(load_tool, tmp_path):
    tool = load_tool('dataset_converters/usual_poses')
    path = tmp_path / 'usual.json'
    tool.main(['--out', str(path)])
    from mmdiffpose.lifting.usual_poses import PATH
    assert path.read_text() == PATH.read_text()
