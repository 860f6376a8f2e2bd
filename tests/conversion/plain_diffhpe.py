# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffHPE's denoiser from its equations, in its own layout and names."""
import math

import torch
from plain_gcn import BONES
from plain_layers import Weights

GROUPS = (2, 3, 5, 6, 1, 4, 0, 7, 8, 9, 10, 15, 16, 12, 13, 11, 14)
"""Joints in the order in which they are pooled by twos; the last one is left
over."""


def draw_diffhpe(inputs=5, channels=8, frames=3, blocks=2, seed=2):
    state = Weights(seed)

    def conv(name, c_in, c_out, kernel=(1, ), bias=True):
        state.linear(name, c_in, c_out, *kernel)
        if not bias:
            del state[f'{name}.bias']

    conv('input_projection', inputs, channels)
    conv('output_projection1', channels, channels)
    conv('output_projection2', channels, 3)
    for i in (1, 2):
        conv(f'diffusion_embedding.projection{i}', 128, 128, ())
    for i in range(blocks):
        block = f'residual_layers.{i}'
        conv(f'{block}.diffusion_projection', 128, channels, ())
        for name, size in (('time_layer', frames), ('feature_layer',
                                                    channels)):
            state.draw(
                f'{block}.{name}.gconv.W', 2, 17, size, size, scale=size**-0.5)
            state.draw(f'{block}.{name}.gconv.bias', size, scale=0.2)
            state.batch_norm(f'{block}.{name}.bn', size)
        inner = f'{block}.non_local.non_local'
        for name in ('g.0', 'phi.0', 'theta'):
            conv(f'{inner}.{name}', channels, channels // 2)
        conv(f'{inner}.concat_project.0', channels, 1, (1, 1), bias=False)
        conv(f'{inner}.W.0', channels // 2, channels)
        state.batch_norm(f'{inner}.W.1', channels)
        conv(f'{block}.mid_projection', channels, 2 * channels)
        conv(f'{block}.output_projection', channels, 2 * channels)
    return {f'diffmodel.{name}': value for name, value in state.items()}


def step_features(steps):
    """In float32, operation by operation: its rounding is part of them."""
    frequency = 10.0**(torch.arange(64) / 63 * 4.0)
    angles = torch.arange(50).unsqueeze(1) * frequency.unsqueeze(0)
    return torch.cat([angles.sin(), angles.cos()], 1)[steps].double()


def _conv(x, state, name):
    """1 x 1 convolution of (B, C, ...)."""
    weight = state[f'{name}.weight']
    y = torch.einsum('bc...,dc->bd...', x, weight.reshape(weight.shape[:2]))
    bias = state.get(f'{name}.bias')
    return y if bias is None else y + bias.reshape(-1, *[1] * (x.ndim - 2))


def _batch_norm(x, state, name, axis):
    shape = [1] * x.ndim
    shape[axis] = -1
    mean, var, weight, bias = (
        state[f'{name}.{key}'].reshape(shape)
        for key in ('running_mean', 'running_var', 'weight', 'bias'))
    return (x - mean) / (var + 1e-5).sqrt() * weight + bias


def _graph(x, state, name):
    """Pre-aggregated convolution of (B, J, F) and what follows it."""
    graph = torch.eye(17, dtype=x.dtype)
    for i, j in BONES:
        graph[i, j] = graph[j, i] = 1
    graph = graph / graph.sum(1, keepdim=True)
    weight = state[f'{name}.gconv.W']
    own = torch.einsum('bjf,jfg->bjg', x, weight[0])
    others = torch.einsum('bjf,jfg->bjg', x, weight[1])
    eye = torch.eye(17, dtype=x.dtype)
    y = (graph * eye) @ own + (graph * (1 - eye)) @ others
    y = _batch_norm(y + state[f'{name}.gconv.bias'], state, f'{name}.bn', 2)
    return y.clamp(min=0)


def _non_local(x, state, name):
    """SemGCN's layer of (B, J, C) with pooled pairs."""
    order = list(GROUPS)
    ordered = x[:, order].transpose(1, 2)
    theta = _conv(ordered, state, f'{name}.theta')
    pooled = [
        _conv(ordered, state,
              f'{name}.{key}')[..., :16].unflatten(2, (8, 2)).amax(-1)
        for key in ('phi.0', 'g.0')
    ]
    phi, g = pooled
    pairs = torch.cat([
        theta[..., :, None].expand(-1, -1, -1, 8), phi[..., None, :].expand(
            -1, -1, 17, -1)
    ], 1)
    f = _conv(pairs, state, f'{name}.concat_project.0')[:, 0]
    f = f.clamp(min=0) / 8
    y = torch.einsum('bij,bcj->bci', f, g)
    y = _batch_norm(_conv(y, state, f'{name}.W.0'), state, f'{name}.W.1',
                    1) + ordered
    restored = torch.empty_like(x)
    restored[:, order] = y.transpose(1, 2)
    return restored


def diffhpe_noise(state, pose, steps, condition):
    """(B, T, J, 3), steps (B,), (B, T, J, C) to the noise (B, T, J, 3).

    ``pose`` is embedded by ``conditioning.data_enc``, where there is one.
    """
    embed = state.get('conditioning.data_enc.weight')
    if embed is not None:
        pose = pose @ embed.T + state['conditioning.data_enc.bias']
    state = {
        name[len('diffmodel.'):]: value
        for name, value in state.items() if name.startswith('diffmodel.')
    }
    # (B, D, J, L), as published.
    x = torch.cat([pose, condition], -1).permute(0, 3, 2, 1)
    B, _, J, L = x.shape
    x = _conv(x, state, 'input_projection').clamp(min=0)
    C = x.shape[1]
    step = step_features(steps)
    for i in (1, 2):
        step = _conv(step, state, f'diffusion_embedding.projection{i}')
        step = step * step.sigmoid()
    blocks = sum(name.endswith('mid_projection.bias') for name in state)
    skips = []
    for i in range(blocks):
        name = f'residual_layers.{i}'
        y = x + _conv(step, state, f'{name}.diffusion_projection')[..., None,
                                                                   None]
        y = _graph(y.reshape(B * C, J, L), state, f'{name}.time_layer')
        y = y.reshape(B, C, J, L).permute(0, 3, 2, 1).reshape(B * L, J, C)
        y = _graph(y, state, f'{name}.feature_layer')
        y = _non_local(y, state, f'{name}.non_local.non_local')
        y = y.reshape(B, L, J, C).permute(0, 3, 2, 1)
        gate, value = _conv(y, state, f'{name}.mid_projection').chunk(2, 1)
        y = _conv(gate.sigmoid() * value.tanh(), state,
                  f'{name}.output_projection')
        residual, skip = y.chunk(2, 1)
        x = (x + residual) / math.sqrt(2)
        skips.append(skip)
    x = sum(skips) / math.sqrt(blocks)
    x = _conv(x, state, 'output_projection1').clamp(min=0)
    return _conv(x, state, 'output_projection2').permute(0, 3, 2, 1)
