# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Random weights under published names, and the containers they come in."""
import numpy as np
import torch


class Weights(dict):
    """A state dict that is filled by drawing layers."""

    def __init__(self, seed=0):
        super().__init__()
        self._generator = torch.Generator().manual_seed(seed)

    def draw(self, name, *shape, scale=None, offset=0.):
        fan = shape[-1] if len(shape) > 1 else 16
        scale = fan**-0.5 if scale is None else scale
        self[name] = offset + scale * torch.randn(
            *shape, generator=self._generator)

    def linear(self, name, inputs, outputs, *kernel):
        self.draw(
            f'{name}.weight', outputs, inputs, *kernel, scale=inputs**-0.5)
        self.draw(f'{name}.bias', outputs, scale=0.2)

    def norm(self, name, width, fields=('weight', 'bias')):
        self.draw(f'{name}.{fields[0]}', width, scale=0.3, offset=1.)
        self.draw(f'{name}.{fields[1]}', width, scale=0.3)

    def batch_norm(self, name, width):
        self.norm(name, width)
        self.draw(f'{name}.running_mean', width, scale=0.2)
        self.draw(f'{name}.running_var', width, scale=0.1, offset=1.)
        self[f'{name}.running_var'].abs_().add_(0.1)
        self[f'{name}.num_batches_tracked'] = torch.tensor(7)


def layer_norm(x, state, name, eps):
    """Biased variance, epsilon under the root."""
    x = x - x.mean(-1, keepdim=True)
    x = x / (x.square().mean(-1, keepdim=True) + eps).sqrt()
    return x * state[f'{name}.weight'] + state[f'{name}.bias']


def std_norm(x, state, name):
    """Unbiased standard deviation, epsilon beside it."""
    center = x - x.mean(-1, keepdim=True)
    count = x.shape[-1] - 1
    std = (center.square().sum(-1, keepdim=True) / count).sqrt()
    return state[f'{name}.a_2'] * center / (std + 1e-6) + state[f'{name}.b_2']


def linear(x, state, name):
    weight = state[f'{name}.weight']
    return x @ weight.reshape(weight.shape[:2]).T + state[f'{name}.bias']


def attend(q, k, v, heads):
    """Scaled dot products, head by head; q, k, v are (B, L, C)."""
    size = q.shape[-1] // heads
    outputs = []
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        scores = q[..., part] @ k[..., part].transpose(1, 2) / size**0.5
        scores = (scores - scores.amax(-1, keepdim=True)).exp()
        outputs.append(scores / scores.sum(-1, keepdim=True) @ v[..., part])
    return torch.cat(outputs, -1)


def four_linear_attention(x, state, name, heads):
    q, k, v = (linear(x, state, f'{name}.linears.{i}') for i in range(3))
    return linear(attend(q, k, v, heads), state, f'{name}.linears.3')


def sinusoids(steps, width):
    half = width // 2
    frequency = torch.exp(-np.log(1e4) / (half - 1) *
                          torch.arange(half, dtype=torch.float64))
    angles = steps.double()[:, None] * frequency
    return torch.cat([angles.sin(), angles.cos()], -1)


def doubled(state):
    return {name: value.double() for name, value in state.items()}


def wrapped(state):
    """Names as nn.DataParallel saves them."""
    return {f'module.{name}': value for name, value in state.items()}


def save_bin(path, state, **others):
    """MixSTE's and D3DP's container, a random state object and all."""
    optimizer = dict(
        state={0: dict(step=torch.tensor(3.), exp_avg=torch.zeros(2))},
        param_groups=[dict(lr=1e-4, params=[0])])
    torch.save(
        dict(
            epoch=3,
            lr=4e-5,
            random_state=np.random.RandomState(4321),
            optimizer=optimizer,
            model_pos=wrapped(state),
            **others), path)
    return path


def save_list(path, state, averaged=None):
    """DiffPose's container."""
    content = [wrapped(state), dict(param_groups=[]), 12, 3456]
    if averaged is not None:
        content.append(averaged)
    torch.save(content, path)
    return path
