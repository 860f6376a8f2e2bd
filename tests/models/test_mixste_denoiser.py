# Copyright (c) mmdiffpose contributors. All rights reserved.
import pytest
import torch
from lifter_factory import T, batch, build, mirrored_poses

from mmdiffpose.models.denoisers import MixSTEDenoiser


def small(**kwargs):
    torch.manual_seed(0)
    return MixSTEDenoiser(
        seq_len=T, embed_dims=16, depth=2, num_heads=2, **kwargs).eval()


def test_it_has_the_released_number_of_parameters():
    assert sum(p.numel() for p in MixSTEDenoiser().parameters()) == 34_835_459


@torch.no_grad()
def test_a_bound_denoiser_is_the_network_on_every_hypothesis():
    net = small()
    x, context = torch.randn(2, 3, T, 17, 3), torch.randn(2, T, 17, 2)
    k = torch.full((2, ), 8)
    bound = net.bind(context, 3)(x, k)
    for i in range(2):
        for n in range(3):
            one = net(x[i:i + 1, n], torch.tensor([8]), context[i:i + 1])
            torch.testing.assert_close(bound[i, n], one[0])
    # Coordinates beyond the bound are as good as on it.
    torch.testing.assert_close(
        net.bind(context, 3)(5 * x.sign(), k),
        net.bind(context, 3)(1.1 * x.sign(), k))
    assert not torch.equal(net.bind(context, 3)(x, k + 1), bound)


@torch.no_grad()
def test_averaged_with_the_mirror_image_left_and_right_are_alike():
    net = small(mirror_average=True)
    x, context = torch.randn(2, 1, T, 17, 3), torch.randn(2, T, 17, 2)
    k = torch.full((2, ), 8)
    there = net.bind(context, 1)(x, k)
    back = net.bind(mirrored_poses(context), 1)(mirrored_poses(x), k)
    torch.testing.assert_close(mirrored_poses(back), there)
    plain = small().bind(context, 1)(x, k)
    assert not torch.allclose(plain, there)


@pytest.mark.parametrize('poses, context, words', [
    ((2, T + 1, 17, 3), (2, T, 17, 2), 'poses.*seq_len'),
    ((2, T, 17, 3), (2, T, 17, 3), 'a context'),
    ((2, T, 16, 3), (2, T, 16, 2), 'poses'),
    ((T, 17, 3), (2, T, 17, 2), 'poses'),
])
def test_other_shapes_are_refused(poses, context, words):
    with pytest.raises(ValueError, match=f'built for {words}'):
        small()(torch.zeros(poses), torch.zeros(2), torch.zeros(context))


def d3dp():
    torch.manual_seed(0)
    return build(
        dict(
            type='mmdiffpose.DiffusionPoseLifter',
            backbone=dict(type='mmdiffpose.IdentityContext'),
            head=dict(
                type='mmdiffpose.DiffHPEHead',
                denoiser=dict(
                    type='mmdiffpose.MixSTEDenoiser',
                    seq_len=T,
                    embed_dims=16,
                    depth=1,
                    num_heads=2,
                    mirror_average=True),
                num_steps=1000,
                schedule=dict(type='cosine', max_beta=0.999),
                target='sample',
                loss=dict(type='mmdiffpose.MPJPELoss')),
            test_cfg=dict(
                num_hypotheses=4,
                sampler='ddim',
                num_sampling_steps=5,
                eta=1.,
                clip=1.1)))


def test_d3dp_trains_and_predicts():
    model = d3dp()
    inputs, samples = batch([0, 1])
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(40):
        loss = model.loss(inputs, samples)['loss_diffusion']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert all(p.grad is not None for p in model.head.parameters())
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    model.eval()
    with torch.no_grad():
        first = model.predict(inputs, samples)[0].pred_instances
        alone = model.predict(inputs[:1], samples[:1])[0].pred_instances
    assert first.hypotheses.shape == (T, 4, 17, 3)
    assert first.keypoint_std[:, 1:].min() > 0
    assert abs(first.keypoints - alone.keypoints).max() < 1e-4
