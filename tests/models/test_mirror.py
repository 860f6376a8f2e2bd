# Copyright (c) mmdiffpose contributors. All rights reserved.
import pytest
import torch

from mmdiffpose.models.layers import flip_mixtures, flip_poses

RIGHT_TO_LEFT = {1: 4, 2: 5, 3: 6, 14: 11, 15: 12, 16: 13}
"""Hips, knees, feet; shoulders, elbows, wrists of Human3.6M-17."""


@pytest.mark.parametrize('channels', [2, 3])
def test_a_pose_in_a_mirror(channels):
    """Joint j at (j + 1, 10 j, 100 j)."""
    j = torch.arange(17.)
    poses = torch.stack([j + 1, 10 * j, 100 * j], -1)[:, :channels]
    given = poses.clone()
    out = flip_poses(poses.expand(2, 3, 17, channels))
    partner = {
        **RIGHT_TO_LEFT,
        **{
            left: right
            for right, left in RIGHT_TO_LEFT.items()
        }
    }
    for joint in range(17):
        source = partner.get(joint, joint)
        expected = [-(source + 1), 10 * source, 100 * source][:channels]
        assert out[1, 2, joint].tolist() == expected
    assert torch.equal(poses, given)


def test_a_mixture_in_a_mirror():
    """Of weight, mean u, v and std u, v only mean u turns its sign."""
    mixtures = torch.zeros(1, 17, 2, 5)
    mixtures[0, 16] = torch.tensor([[.7, .5, .25, .03, .04],
                                    [.3, -.1, .2, .05, .06]])
    out = flip_mixtures(mixtures)
    expected = torch.tensor([[.7, -.5, .25, .03, .04], [.3, .1, .2, .05, .06]])
    assert torch.equal(out[0, 13], expected)
    assert not out[0, 16].any()
    assert mixtures[0, 16, 0, 1] == .5


def test_another_skeleton_has_its_own_order():
    """A head, and a hand on either side."""
    pose = torch.tensor([[0., 0], [1, 2], [-3, 4]])
    assert flip_poses(pose, [0, 2, 1]).tolist() == [[0, 0], [3, 4], [-1, 2]]
    mixtures = torch.tensor([[[1., 0, 0, 1, 2]], [[1, 1, 2, 3, 4]],
                             [[1, -3, 4, 5, 6]]])
    assert flip_mixtures(mixtures, [0, 2, 1]).tolist() == [[[1, 0, 0, 1, 2]],
                                                           [[1, 3, 4, 5, 6]],
                                                           [[1, -1, 2, 3, 4]]]
