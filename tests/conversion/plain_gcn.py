# Copyright (c) mmdiffpose contributors. All rights reserved.
"""GraFormer and DiffPose's denoiser, on weights under published names."""
import torch
from plain_layers import (Weights, four_linear_attention, linear, sinusoids,
                          std_norm)

BONES = ((0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (5, 6), (0, 7), (7, 8),
         (8, 9), (9, 10), (8, 11), (11, 12), (12, 13), (8, 14), (14, 15), (15,
                                                                           16))


def draw_gcn(inputs, outputs, width=8, depth=2, steps=False, seed=0):
    """The denoiser's with ``steps``; else the encoder's, whose step embedding
    is in the file all the same."""
    state = Weights(seed)

    def conv(name, c_in, c_out):
        state.draw(f'{name}.weight', 3, 1, c_in, c_out, scale=c_in**-0.5 / 2)
        state.draw(f'{name}.bias', 1, 1, c_out, scale=0.2)

    conv('gconv_input', inputs, width)
    conv('gconv_output', width, outputs)
    for i in range(depth):
        for layer in (1, 2):
            conv(f'gconv_layers.{i}.gconv{layer}.gconv', width, width)
        if steps:
            state.linear(f'gconv_layers.{i}.temb_proj', 4 * width, width)
        layer = f'atten_layers.{i}'
        for k in range(4):
            state.linear(f'{layer}.self_attn.linears.{k}', width, width)
        state.draw(f'{layer}.feed_forward.A_hat', 17, 17, scale=0.05)
        state[f'{layer}.feed_forward.A_hat'].abs_().add_(torch.eye(17))
        state.linear(f'{layer}.feed_forward.gconv1.fc', width, 2 * width)
        state.linear(f'{layer}.feed_forward.gconv2.fc', 2 * width, width)
        for k in (0, 1):
            state.norm(f'{layer}.sublayer.{k}.norm', width, ('a_2', 'b_2'))
    state.linear('temb.dense.0', width, 4 * width)
    state.linear('temb.dense.1', 4 * width, 4 * width)
    return dict(state)


def _conv(x, state, name):
    graph = torch.eye(17, dtype=x.dtype)
    for i, j in BONES:
        graph[i, j] = graph[j, i] = 1
    laplacian = torch.eye(17, dtype=x.dtype) - graph / graph.sum(1, True)
    once = laplacian @ x
    terms = x, once, 2 * laplacian @ once - x
    weight = state[f'{name}.weight']
    return sum(term @ weight[i, 0] for i, term in enumerate(terms)) + (
        state[f'{name}.bias'][0])


def _learned_graph(x, state, name):
    graph = state[f'{name}.A_hat']
    scale = torch.diag((graph.sum(0) + 1e-5)**-0.5)
    laplacian = scale @ graph @ scale
    x = linear(laplacian @ x, state, f'{name}.gconv1.fc').clamp(min=0)
    return linear(laplacian @ x, state, f'{name}.gconv2.fc')


def gcn_poses(state, x, step=None, heads=4):
    """(B, 17, C_in) to (B, 17, C_out)."""
    embedding = None
    if step is not None:
        width = state['gconv_input.bias'].shape[-1]
        embedding = linear(sinusoids(step, width), state, 'temb.dense.0')
        embedding = linear(embedding * embedding.sigmoid(), state,
                           'temb.dense.1')
        embedding = embedding * embedding.sigmoid()
    x = _conv(x, state, 'gconv_input')
    depth = sum(name.endswith('A_hat') for name in state)
    for i in range(depth):
        layer = f'atten_layers.{i}'
        x = x + four_linear_attention(
            std_norm(x, state, f'{layer}.sublayer.0.norm'), state,
            f'{layer}.self_attn', heads)
        x = x + _learned_graph(
            std_norm(x, state, f'{layer}.sublayer.1.norm'), state,
            f'{layer}.feed_forward')
        block = f'gconv_layers.{i}'
        y = _conv(x, state, f'{block}.gconv1.gconv').clamp(min=0)
        if embedding is not None:
            y = y + linear(embedding, state, f'{block}.temb_proj')[:, None]
        x = x + _conv(y, state, f'{block}.gconv2.gconv').clamp(min=0)
    return _conv(x, state, 'gconv_output')
