# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MixSTE from its equations, on weights under their published names."""
import math

import torch
from plain_layers import Weights, attend, layer_norm, linear, sinusoids


def draw_mixste(width=16, depth=2, frames=3, in_channels=2, prefix='', seed=0):
    state = Weights(seed)
    state.linear('Spatial_patch_to_embedding', in_channels, width)
    state.draw('Spatial_pos_embed', 1, 17, width, scale=0.3)
    state.draw('Temporal_pos_embed', 1, frames, width, scale=0.3)
    for kind in ('STE', 'TTE'):
        for i in range(depth):
            block = f'{kind}blocks.{i}'
            state.norm(f'{block}.norm1', width)
            state.linear(f'{block}.attn.qkv', width, 3 * width)
            state.linear(f'{block}.attn.proj', width, width)
            state.norm(f'{block}.norm2', width)
            state.linear(f'{block}.mlp.fc1', width, 2 * width)
            state.linear(f'{block}.mlp.fc2', 2 * width, width)
    state.norm('Spatial_norm', width)
    state.norm('Temporal_norm', width)
    state.norm('head.0', width)
    state.linear('head.1', width, 3)
    return {prefix + name: value for name, value in state.items()}


def _block(x, state, name, heads):
    q, k, v = linear(
        layer_norm(x, state, f'{name}.norm1', 1e-6), state,
        f'{name}.attn.qkv').chunk(3, -1)
    x = x + linear(attend(q, k, v, heads), state, f'{name}.attn.proj')
    hidden = linear(
        layer_norm(x, state, f'{name}.norm2', 1e-6), state, f'{name}.mlp.fc1')
    hidden = hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2
    return x + linear(hidden, state, f'{name}.mlp.fc2')


def mixste_features(state, x, step=None, heads=8):
    """(B, T, J, C_in) to (B, T, J, C); ``step`` (B,) is D3DP's."""
    x = linear(x, state, 'Spatial_patch_to_embedding')
    x = x + state['Spatial_pos_embed'][:, None]
    if step is not None:
        hidden = linear(sinusoids(step, x.shape[-1]), state, 'time_mlp.1')
        hidden = hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2
        x = x + linear(hidden, state, 'time_mlp.3')[:, None, None]
    depth = sum(name.endswith('attn.qkv.weight') for name in state) // 2
    for i in range(depth):
        rows = []
        for t in range(x.shape[1]):
            row = _block(x[:, t], state, f'STEblocks.{i}', heads)
            rows.append(layer_norm(row, state, 'Spatial_norm', 1e-6))
        x = torch.stack(rows, 1)
        if i == 0:
            x = x + state['Temporal_pos_embed'][:, :, None]
        rows = []
        for j in range(x.shape[2]):
            row = _block(x[:, :, j], state, f'TTEblocks.{i}', heads)
            rows.append(layer_norm(row, state, 'Temporal_norm', 1e-6))
        x = torch.stack(rows, 2)
    return x


def mixste_poses(state, x, step=None, heads=8):
    features = mixste_features(state, x, step, heads)
    return linear(layer_norm(features, state, 'head.0', 1e-5), state, 'head.1')
