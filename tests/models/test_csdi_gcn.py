# Copyright (c) mmdiffpose contributors. All rights reserved.
"""CSDI-GCN against its published equations, written out joint by joint."""
import math
import re

import numpy as np
import pytest
import torch
from diffhpe_factory import network
from lifter_factory import T
from torch import nn

from mmdiffpose.models.denoisers import CSDIGCN, CSDITransformer
from mmdiffpose.models.denoisers.csdi_gcn import released_name

J = 17
PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
PAIRS = ((2, 3), (5, 6), (1, 4), (0, 7), (8, 9), (10, 15), (16, 12), (13, 11))


def affine(w, name, x):
    """A 1x1 convolution or linear layer on the last axis."""
    return x @ w[f'{name}.weight'].T + w[f'{name}.bias']


def batch_norm(w, name, x, axis):
    shape = [1] * x.ndim
    shape[axis] = -1
    mean, var, weight, bias = (
        w[f'{name}.{key}'].reshape(shape)
        for key in ('running_mean', 'running_var', 'weight', 'bias'))
    return (x - mean) / np.sqrt(var + 1e-5) * weight + bias


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def neighbours(i):
    linked = [j for j in range(J) if PARENTS[j] == i or PARENTS[i] == j]
    return linked + [i]


def graph_conv(w, name, x, over_time):
    """Eq.: y_i = sum_j A_ij x_j W[i != j][j] + b on one window (T, J, C)."""
    weight, bias = w[f'{name}.weight'], w[f'{name}.bias']
    y = np.zeros_like(x)
    for i in range(J):
        for j in neighbours(i):
            matrix = weight[0 if i == j else 1, j] / len(neighbours(i))
            y[:, i] += matrix.T @ x[:, j] if over_time else x[:, j] @ matrix
    y += bias[:, None, None] if over_time else bias
    y = batch_norm(w, f'{name}.norm', y, 0 if over_time else 2)
    return np.maximum(y, 0)


def non_local(w, name, x):
    theta = affine(w, f'{name}.theta', x)
    phi, g = (affine(w, f'{name}.{key}', x) for key in ('phi', 'g'))
    a = w[f'{name}.project.weight'][0]
    y = np.zeros_like(theta)
    for frame in range(len(x)):
        for i in range(J):
            for pair in PAIRS:
                phi_j = phi[frame, list(pair)].max(0)
                both = np.concatenate([theta[frame, i], phi_j])
                f = max(float(a @ both), 0) / len(PAIRS)
                y[frame, i] += f * g[frame, list(pair)].max(0)
    return x + batch_norm(w, f'{name}.norm', affine(w, f'{name}.out', y), 2)


def published(net, x_t, t, context):
    """The network's equations on one window, float64 but for the table."""
    w = {k: v.double().numpy() for k, v in net.state_dict().items()}
    # Not NumPy's power: an angle's last bit shows in the fifth digit.
    angle = (t * 10.0**(torch.arange(64) / 63 * 4.0)).numpy()
    step = np.concatenate([np.sin(angle), np.cos(angle)]).astype(np.float64)
    for key in ('fc1', 'fc2'):
        step = affine(w, f'step_embedding.{key}', step)
        step = step * sigmoid(step)
    if net.pose_embed is not None:
        x_t = affine(w, 'pose_embed', x_t)
    x = affine(w, 'input_proj', np.concatenate([x_t, context], -1))
    x, skips = np.maximum(x, 0), 0
    for n in range(len(net.blocks)):
        block = f'blocks.{n}'
        y = x + affine(w, f'{block}.step_proj', step)
        y = graph_conv(w, f'{block}.mixer.time', y, over_time=True)
        y = graph_conv(w, f'{block}.mixer.feature', y, over_time=False)
        y = non_local(w, f'{block}.mixer.non_local', y)
        gate, value = np.split(affine(w, f'{block}.mid_proj', y), 2, -1)
        y = affine(w, f'{block}.out_proj', sigmoid(gate) * np.tanh(value))
        residual, skip = np.split(y, 2, -1)
        x, skips = (x + residual) / math.sqrt(2), skips + skip
    y = affine(w, 'output1', skips / math.sqrt(len(net.blocks)))
    return affine(w, 'output2', np.maximum(y, 0))


@pytest.mark.parametrize('options', [
    dict(),
    dict(context_channels=6, pose_channels=4),
    dict(seq_len=3, channels=4, num_blocks=3)
])
@torch.no_grad()
def test_against_the_equations(options):
    net = network(**options)
    frames, C = net.seq_len, net.context_channels
    x, context = torch.randn(2, frames, J, 3), torch.randn(2, frames, J, C)
    steps = [3, 31]
    out = net(x, torch.tensor(steps) + 1, context)
    for i, t in enumerate(steps):
        expected = published(net, x[i].double().numpy(), t,
                             context[i].double().numpy())
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(out[i], expected, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize('kind', [CSDIGCN, CSDITransformer])
@pytest.mark.parametrize('wrapper', [False, True])
@torch.no_grad()
def test_what_is_hoisted_changes_nothing(kind, wrapper, monkeypatch):
    options = dict(context_channels=6, pose_channels=5) if wrapper else {}
    net = network(kind, **options)
    context = torch.randn(2, T, J, net.context_channels)
    x = torch.randn(2, 3, T, J, 3)
    for floats in (1, 2 * J * T * 8, 1 << 30):  # groups of 1, 2 and 6 poses
        monkeypatch.setattr('mmdiffpose.models.denoisers.csdi.CACHED_FLOATS',
                            floats)
        bound = net.bind(context, 3)
        for k in (50, 1):
            plain = net(
                x.flatten(0, 1), torch.full((6, ), k),
                context.repeat_interleave(3, 0)).view_as(x)
            torch.testing.assert_close(
                bound(x, torch.full((2, ), k)), plain, rtol=1e-5, atol=2e-6)


@torch.no_grad()
def test_another_window_or_context_is_an_error():
    net = network()
    good = torch.zeros(1, T, J, 3), torch.zeros(1), torch.zeros(1, T, J, 2)
    net(*good)
    with pytest.raises(ValueError, match=rf'{T}, 17, 3.*seq_len'):
        net(torch.zeros(1, T + 1, J, 3), *good[1:])
    with pytest.raises(ValueError, match='a context of shape'):
        net(*good[:2], torch.zeros(1, T, J, 3))
    with pytest.raises(ValueError, match='a context of shape'):
        net.bind(torch.zeros(1, T + 2, J, 2), 2)
    with pytest.raises(ValueError, match='poses of shape'):
        net.bind(good[2], 2)(torch.zeros(1, 2, T - 1, J, 3), torch.zeros(1))


def released_shapes(D):
    """Names and shapes of a released state dict."""
    shapes = {}

    def layer(name, out_size, in_size, *ones, bias=True):
        shapes[f'{name}.weight'] = (out_size, in_size, *ones)
        if bias:
            shapes[f'{name}.bias'] = (out_size, )

    def norm(name, size):
        for key in ('weight', 'bias', 'running_mean', 'running_var'):
            shapes[f'{name}.{key}'] = (size, )
        shapes[f'{name}.num_batches_tracked'] = ()

    layer('input_projection', 64, D, 1)
    for i in '12':
        layer(f'diffusion_embedding.projection{i}', 128, 128)
    for n in range(16):
        block = f'residual_layers.{n}'
        layer(f'{block}.diffusion_projection', 64, 128)
        for kind, size in (('time', 27), ('feature', 64)):
            shapes[f'{block}.{kind}_layer.gconv.W'] = (2, 17, size, size)
            shapes[f'{block}.{kind}_layer.gconv.bias'] = (size, )
            norm(f'{block}.{kind}_layer.bn', size)
        inner = f'{block}.non_local.non_local'
        for name in ('g.0', 'phi.0', 'theta'):
            layer(f'{inner}.{name}', 32, 64, 1)
        layer(f'{inner}.concat_project.0', 1, 64, 1, 1, bias=False)
        layer(f'{inner}.W.0', 64, 32, 1)
        norm(f'{inner}.W.1', 64)
        layer(f'{block}.mid_projection', 128, 64, 1)
        layer(f'{block}.output_projection', 128, 64, 1)
    layer('output_projection1', 64, 64, 1)
    layer('output_projection2', 3, 64, 1)
    return shapes


@pytest.mark.parametrize('wrapper', [False, True])
def test_released_weights_have_their_places(wrapper):
    options = dict(
        context_channels=64, pose_channels=64,
        dropout=0.27038) if wrapper else {}
    net = CSDIGCN(**options)
    shapes = released_shapes(128 if wrapper else 5)
    if wrapper:
        shapes.update({'data_enc.weight': (64, 3), 'data_enc.bias': (64, )})
    own = net.state_dict()
    state = {}
    for name, shape in shapes.items():
        here = released_name(name)
        value = torch.randn(shape) if shape else torch.tensor(7)
        assert value.numel() == own[here].numel(), name
        assert [n for n in shape
                if n > 1] == [n for n in own[here].shape if n > 1], name
        assert here not in state, name
        state[here] = value.reshape(own[here].shape)
    net.load_state_dict(state, strict=True)
    count = sum(p.numel() for p in net.parameters())
    assert count == (3_209_843 + 256 if wrapper else 3_201_971)
    block = sum(p.numel() for p in net.blocks[0].parameters())
    assert block == 197_763
    documented = set(re.findall(r'``([\w.]+?)[`0]', CSDIGCN.__doc__))
    assert {'input_projection', 'output_projection1'} <= documented


def test_the_initial_weights_are_as_published():
    torch.manual_seed(0)
    net = CSDIGCN(num_blocks=1)
    mixer = net.blocks[0].mixer
    for layer, bound in ((mixer.feature, 0.0124), (mixer.time, 0.0294)):
        assert layer.weight.abs().max().item() == pytest.approx(
            bound, rel=0.01)
        assert layer.bias.abs().max() <= len(layer.bias)**-0.5
    assert not mixer.non_local.norm.weight.any()
    assert not net.output2.weight.any()


def test_training_updates_every_weight_and_statistics():
    net = network().train()
    args = (torch.randn(4, T, J,
                        3), torch.arange(4) + 1, torch.randn(4, T, J, 2))
    torch.manual_seed(0)
    net(*args).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all()
               for p in net.parameters())
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm1d)]
    assert len(norms) == 6
    assert all(int(m.num_batches_tracked) == 1 for m in norms)
    # Batch statistics are those of each feature over all else.
    layer = net.blocks[0].mixer.time
    seen = []
    layer.norm.register_forward_hook(lambda _, x, y: seen.extend([x[0], y]))
    layer(torch.randn(J, T, 4, 8))
    before, after = seen
    assert before.shape[1] == T
    weight, bias = layer.norm.weight, layer.norm.bias
    standard = (after - bias[:, None]) / weight[:, None]
    torch.testing.assert_close(
        standard.mean((0, 2)), torch.zeros(T), atol=1e-4, rtol=0)


@torch.no_grad()
def test_a_transformer_tells_frames_and_joints_apart():
    net = network(CSDITransformer, num_heads=2)
    x = torch.randn(1, 1, 1, 3).expand(1, T, J, 3)
    context = torch.zeros(1, T, J, 2)
    out = net(x, torch.tensor([5]), context)[0]
    assert (out[0] - out[1]).abs().max() > 1e-4
    assert (out[:, 0] - out[:, 1]).abs().max() > 1e-4
