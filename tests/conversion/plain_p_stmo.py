# Copyright (c) mmdiffpose contributors. All rights reserved.
"""P-STMO from its equations, on weights under their published names."""
import torch
from plain_layers import Weights, four_linear_attention, linear, std_norm


def draw_p_stmo(frames=9, strides=(1, 3, 3), width=16, hidden=24, depth=2):
    state = Weights(5)
    for name, c_in, c_out in (('fc_1', 34, 2 * width), ('layers.0.w1',
                                                        2 * width, 2 * width),
                              ('layers.0.w2', 2 * width,
                               2 * width), ('fc_2', 2 * width, width)):
        state.linear(f'encoder.{name}', c_in, c_out, 1)
    for name in ('bn_1', 'layers.0.batch_norm1', 'layers.0.batch_norm2'):
        state.batch_norm(f'encoder.{name}', 2 * width)

    def block(name, first, second):
        for k in range(4):
            state.linear(f'{name}.self_attn.linears.{k}', width, width)
        state.linear(f'{name}.feed_forward.w_1', width, hidden, *first)
        state.linear(f'{name}.feed_forward.w_2', hidden, width, *second)
        for k in (0, 1):
            state.norm(f'{name}.sublayer.{k}.norm', width, ('a_2', 'b_2'))

    state.draw('Transformer.pos_embedding', 1, frames, width, scale=0.3)
    for i in range(depth):
        block(f'Transformer.model.layers.{i}', (), ())
    reduce = 'Transformer_reduce.model'
    for i in range(3):
        state.draw(
            f'{reduce}.pos_embedding_{i + 1}', 1, frames, width, scale=0.3)
    for i in range(len(strides)):
        block(f'{reduce}.layers.{i}', (1, ), (3, ))
    for name in ('Transformer.model.norm', f'{reduce}.norm'):
        state.norm(name, width, ('a_2', 'b_2'))
    for name in ('fcn', 'fcn_1'):
        state.batch_norm(f'{name}.0', width)
        state.linear(f'{name}.1', width, 51, 1)
    return dict(state)


def _batch_norm(x, state, name):
    std = (state[f'{name}.running_var'] + 1e-5).sqrt()
    x = (x - state[f'{name}.running_mean']) / std
    return x * state[f'{name}.weight'] + state[f'{name}.bias']


def _layer(x, state, conv, norm):
    x = _batch_norm(
        linear(x, state, f'encoder.{conv}'), state, f'encoder.{norm}')
    return torch.where(x > 0, x, 0.2 * x)


def _block(x, state, name, heads, stride=None):
    x = x + four_linear_attention(
        std_norm(x, state, f'{name}.sublayer.0.norm'), state,
        f'{name}.self_attn', heads)
    hidden = linear(
        std_norm(x, state, f'{name}.sublayer.1.norm'), state,
        f'{name}.feed_forward.w_1').clamp(min=0)
    if stride is None:
        return x + linear(hidden, state, f'{name}.feed_forward.w_2')
    kernel = state[f'{name}.feed_forward.w_2.weight']
    zeros = torch.zeros_like(hidden[:, :1])
    padded = torch.cat([zeros, hidden, zeros], 1)
    rows = [
        x[:, t] + state[f'{name}.feed_forward.w_2.bias'] +
        sum(padded[:, t + k] @ kernel[..., k].T for k in range(3))
        for t in range(0, x.shape[1], stride)
    ]
    return torch.stack(rows, 1)


def _poses(x, state, name):
    x = linear(_batch_norm(x, state, f'{name}.0'), state, f'{name}.1')
    return x.reshape(*x.shape[:-1], 17, 3)


def p_stmo_poses(state, x, strides=(1, 3, 3), heads=8):
    """(B, T, 17, 2) to the poses of all frames, and of the middle one."""
    x = _layer(x.flatten(2), state, 'fc_1', 'bn_1')
    inner = _layer(x, state, 'layers.0.w1', 'layers.0.batch_norm1')
    x = x + _layer(inner, state, 'layers.0.w2', 'layers.0.batch_norm2')
    x = linear(x, state, 'encoder.fc_2') + state['Transformer.pos_embedding']
    depth = sum(
        name.startswith('Transformer.model.layers') and 'w_1.w' in name
        for name in state)
    for i in range(depth):
        x = _block(x, state, f'Transformer.model.layers.{i}', heads)
    frames = _poses(x, state, 'fcn_1')
    reduce = 'Transformer_reduce.model'
    for i, stride in enumerate(strides):
        if i < 3:
            x = x + state[f'{reduce}.pos_embedding_{i + 1}'][:, :x.shape[1]]
        x = _block(x, state, f'{reduce}.layers.{i}', heads, stride)
    return frames, _poses(x, state, 'fcn')[:, 0]
