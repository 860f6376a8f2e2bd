# Copyright (c) mmdiffpose contributors. All rights reserved.
import types

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.models.pretraining import (MaskedPoseModel, PoseMasks,
                                           draw_pose_masks)

SMALL = dict(
    seq_len=9, embed_dims=16, hidden_dims=24, num_layers=2, masked_joints=3)


def generator(seed):
    return torch.Generator().manual_seed(seed)


def small(**kwargs):
    torch.manual_seed(0)
    return MaskedPoseModel(**{**SMALL, **kwargs})


@settings(deadline=None, max_examples=20)
@given(st.data())
def test_exact_numbers_are_masked(data):
    T = data.draw(st.integers(1, 12))
    J = data.draw(st.integers(1, 17))
    frames = data.draw(st.integers(0, T - 1))
    joints = data.draw(st.integers(0, J - 1))
    masks = draw_pose_masks(3, T, J, frames, joints,
                            generator(data.draw(st.integers(0, 99))))
    assert masks.frames.sum(1).tolist() == [frames] * 3
    assert (masks.joints.sum(2) == joints).all()
    for row, visible in zip(masks.frames, masks.visible):
        assert visible.tolist() == (~row).nonzero().flatten().tolist()


def test_every_frame_and_joint_is_masked_equally_often():
    """Each is Bernoulli with a known rate: within 4.5 standard errors."""
    n = 4000
    masks = draw_pose_masks(n, 9, 17, 7, 3, generator(0))
    for mask, rate in ((masks.frames.float().mean(0), 7 / 9),
                       (masks.joints[:, 4].float().mean(0), 3 / 17)):
        assert (mask - rate).abs().max() < 4.5 * (rate * (1 - rate) / n)**0.5


def test_pairs_are_masked_as_often_as_without_replacement():
    n = 4000
    masks = draw_pose_masks(n, 5, 17, 2, 3, generator(1)).frames
    for i in range(5):
        for j in range(i):
            rate = (masks[:, i] & masks[:, j]).float().mean()
            # 2 of 5: every pair with probability 1 / 10.
            assert abs(rate - 0.1) < 4.5 * (0.1 * 0.9 / n)**0.5


def test_windows_and_frames_have_masks_of_their_own():
    masks = draw_pose_masks(50, 9, 17, 7, 3, generator(0))
    assert len({tuple(row.tolist()) for row in masks.frames}) > 20
    assert len({tuple(row.tolist()) for row in masks.joints[0]}) > 5


@pytest.mark.parametrize('frames, joints', [(9, 3), (7, 17), (-1, 3)])
def test_something_must_be_left_to_see(frames, joints):
    with pytest.raises(ValueError, match='masked (frames|joints): expected'):
        draw_pose_masks(2, 9, 17, frames, joints, generator(0))


def test_the_share_of_frames_is_rounded_down():
    assert small(masked_frames=0.8).masked_frames == 7  # 7.2
    assert MaskedPoseModel(masked_frames=0.9).masked_frames == 218  # 218.7


def test_hidden_coordinates_are_never_read():
    model = small().eval()
    x = torch.randn(2, 9, 17, 2)
    masks = model.draw_masks(x)
    hidden = masks.frames[..., None] | masks.joints
    other = torch.where(hidden[..., None], torch.randn(2, 9, 17, 2), x)
    out = model.reconstruct(x, masks)
    assert out.shape == x.shape
    torch.testing.assert_close(model.reconstruct(other, masks), out)
    seen = torch.where(hidden[..., None], x, torch.randn(2, 9, 17, 2))
    assert (model.reconstruct(seen, masks) - out).abs().max() > 1e-3


def test_tokens_stand_at_the_places_of_hidden_frames():
    """Swapping two visible frames' places changes what is decoded there."""
    model = small(masked_joints=0).eval()
    x = torch.randn(1, 9, 17, 2)
    frames = torch.ones(1, 9, dtype=torch.bool)
    frames[0, [2, 5]] = False
    joints = torch.zeros(1, 9, 17, dtype=torch.bool)
    out = model.reconstruct(x,
                            PoseMasks(torch.tensor([[2, 5]]), frames, joints))
    again = model.reconstruct(
        x, PoseMasks(torch.tensor([[5, 2]]), frames, joints))
    torch.testing.assert_close(out, again)


def test_the_loss_counts_what_it_says():
    x, out = torch.randn(2, 9, 17, 2), torch.randn(2, 9, 17, 2)
    masks = draw_pose_masks(2, 9, 17, 7, 3, generator(0))
    distance = ((x - out)**2).sum(-1).sqrt()
    torch.testing.assert_close(small().error(out, x, masks), distance.mean())
    total, number = 0., 0
    for b in range(2):
        for t in range(9):
            for j in range(17):
                if masks.frames[b, t] or masks.joints[b, t, j]:
                    total, number = total + distance[b, t, j], number + 1
    assert number == 2 * (7 * 17 + 2 * 3)
    torch.testing.assert_close(
        small(loss_on='masked').error(out, x, masks), total / number)


def test_every_parameter_learns():
    model = small()
    samples = [types.SimpleNamespace(metainfo=dict(id=i)) for i in range(4)]
    inputs = [torch.randn(9, 17, 2) for _ in range(4)]
    losses = model(inputs, samples, mode='loss')
    losses['loss_reconstruction'].backward()
    assert list(losses) == ['loss_reconstruction']
    assert all(p.grad.abs().sum() > 0 for p in model.parameters()
               if p is not model.encoder.temporal[0].attn.qkv.bias)


def test_masks_depend_on_seed_iteration_and_windows_only():
    x = torch.randn(2, 9, 17, 2)

    def samples(*ids):
        return [types.SimpleNamespace(metainfo=dict(id=i)) for i in ids]

    model = small()
    first = model.draw_masks(x, samples(3, 4))
    assert torch.equal(small().draw_masks(x, samples(3, 4)).joints,
                       first.joints)
    assert not torch.equal(
        model.draw_masks(x, samples(3, 5)).joints, first.joints)
    assert not torch.equal(
        small(seed=1).draw_masks(x, samples(3, 4)).joints, first.joints)
    model(x, samples(3, 4), mode='loss')
    assert not torch.equal(
        model.draw_masks(x, samples(3, 4)).joints, first.joints)
    resumed = small()
    resumed.load_state_dict(model.state_dict())
    assert torch.equal(
        resumed.draw_masks(x, samples(3, 4)).joints,
        model.draw_masks(x, samples(3, 4)).joints)


def test_it_learns_to_reconstruct():
    """A window that repeats itself is learned from what is visible."""
    model = small(dropout=0., masked_frames=0.5)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    pose = torch.randn(8, 1, 17, 2, generator=generator(0))
    x = pose.expand(-1, 9, -1, -1)
    losses = []
    for _ in range(60):
        loss = model(x, mode='loss')['loss_reconstruction']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


def test_bad_settings():
    for kwargs, match in ((dict(loss_on='seen'), 'loss_on'),
                          (dict(masked_frames=1.), 'masked_frames'),
                          (dict(masked_joints=17), 'masked_joints'), (dict(
                              loss_on='masked',
                              masked_frames=0.,
                              masked_joints=0), 'something masked')):
        with pytest.raises(ValueError, match=match):
            small(**kwargs)
    with pytest.raises(ValueError, match="no 3D poses.*'predict'"):
        small()(torch.randn(2, 9, 17, 2), mode='predict')


@pytest.mark.parametrize('loss_on', ['all', 'masked'])
def test_joints_that_nobody_saw_are_no_target(loss_on):
    model = small(loss_on=loss_on).eval()
    inputs = torch.rand(2, 9, 17, 2)
    output = torch.zeros_like(inputs)
    masks = model.draw_masks(inputs)
    seen = torch.ones(2, 9, 17)
    seen[:, :, 4] = 0
    found = model.error(output, inputs, masks, seen)
    counted = seen.bool()
    if loss_on == 'masked':
        counted &= masks.frames[..., None] | masks.joints
    expected = inputs.norm(dim=-1)[counted].mean()
    torch.testing.assert_close(found, expected)
