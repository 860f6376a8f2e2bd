# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What the denoiser is told, in numbers worked out by hand."""
import pytest
import torch
from lifter_factory import WIDTH, batch, lifter

from mmdiffpose.diffusion.initial_distribution import JointMixtures


@torch.no_grad()
def test_the_moments_of_the_start_are_told_in_units_of_the_pose_scale():
    """A joint with weights 0.7 and 0.3 at x = 0.1 and 0.3, the encoder's at
    (0.1, 0.3, 0.5): mean 0.16, offset 0.06, variance 0.07 * 0.12 + s^2."""
    model = lifter(
        'SinglePassHead',
        denoiser=dict(
            type='mmdiffpose.GCNAttention', channels=18, num_heads=3),
        condition_on_start=True,
        pose_scale=0.5)
    head = model.head
    # The nine numbers come out as they are, and nothing of the features.
    for parameter in head.context_proj.parameters():
        parameter.zero_()
    head.start_proj.weight.copy_(torch.eye(9))
    head.start_proj.bias.zero_()
    context = model.extract_feat(batch([0])[0])
    shape = context.coarse.shape[:-1]
    context = context._replace(
        coarse=torch.tensor([0.1, 0.3, 0.5]).expand(*shape, 3))
    joints = JointMixtures(
        weights=torch.tensor([0.7, 0.3]).expand(*shape, 2),
        means=torch.tensor([[0.1, 0.2, 0.5], [0.3, 0.2,
                                              0.5]]).expand(*shape, 2, 3),
        stds=torch.tensor([[0.04, 0.03, 0.2], [0.04, 0.03,
                                               0.2]]).expand(*shape, 2, 3))
    told = head.project(context, joints)
    assert told.shape == (*shape, 9)
    mean, offset = [0.16, 0.2, 0.5], [0.06, -0.1]
    std = [(0.7 * 0.3 * 0.2**2 + 0.04**2)**0.5, 0.03, 0.2]
    expected = [value / 0.5 for value in (*mean, *offset, *std)] + [0.7]
    torch.testing.assert_close(
        told, torch.tensor(expected).expand_as(told), rtol=1e-5, atol=1e-6)


def test_a_network_that_is_no_denoiser_or_knows_too_few_steps_is_refused():
    with pytest.raises(TypeError, match='GraFormer is no denoiser.*temporal'):
        lifter(denoiser=dict(type='mmdiffpose.GraFormer'))
    few = dict(
        type='mmdiffpose.CSDIGCN',
        seq_len=5,
        channels=8,
        num_blocks=1,
        num_steps=20,
        context_channels=WIDTH)
    with pytest.raises(ValueError, match='num_steps=20, the head for 50'):
        lifter(denoiser=few)
