# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The released denoiser against its equations, written out in loops."""
import math

import numpy as np
import pytest
import torch

from mmdiffpose.models.denoisers import GCNDiff

BONES = ((0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (5, 6), (0, 7), (7, 8),
         (8, 9), (9, 10), (8, 11), (11, 12), (12, 13), (8, 14), (14, 15), (15,
                                                                           16))
J = 17


def released_state(channels, layers, seed=0):
    """Random tensors by the released names, in the released shapes."""
    rng = np.random.default_rng(seed)
    C = channels

    def draw(*shape):
        return 0.3 * rng.standard_normal(shape)

    def conv(name, c_in, c_out):
        return {
            f'{name}.weight': draw(3, 1, c_in, c_out),
            f'{name}.bias': draw(1, 1, c_out)
        }

    def linear(name, c_in, c_out):
        return {
            f'{name}.weight': draw(c_out, c_in),
            f'{name}.bias': draw(c_out)
        }

    state = {
        **conv('gconv_input', 5, C),
        **conv('gconv_output', C, 5),
        **linear('temb.dense.0', C, 4 * C),
        **linear('temb.dense.1', 4 * C, 4 * C)
    }
    for i in range(layers):
        atten = f'atten_layers.{i}'
        for n in range(4):
            state.update(linear(f'{atten}.self_attn.linears.{n}', C, C))
        forward = f'{atten}.feed_forward'
        state[f'{forward}.A_hat'] = np.abs(draw(J, J)) + np.eye(J)
        state.update(linear(f'{forward}.gconv1.fc', C, 2 * C))
        state.update(linear(f'{forward}.gconv2.fc', 2 * C, C))
        for n in range(2):
            state[f'{atten}.sublayer.{n}.norm.a_2'] = 1 + draw(C)
            state[f'{atten}.sublayer.{n}.norm.b_2'] = draw(C)
        for n in (1, 2):
            state.update(conv(f'gconv_layers.{i}.gconv{n}.gconv', C, C))
        state.update(linear(f'gconv_layers.{i}.temb_proj', 4 * C, C))
    return state


def converted(state, layers):
    """By the table in GCNDiff's docstring."""
    out = {}

    def conv(theirs, ours):
        weight = torch.from_numpy(state[f'{theirs}.weight'])
        out[f'{ours}.linear.weight'] = weight.flatten(0, 2).T
        out[f'{ours}.linear.bias'] = torch.from_numpy(
            state[f'{theirs}.bias']).flatten()

    def same(theirs, ours, fields=('weight', 'bias')):
        for name, field in zip(('weight', 'bias'), fields):
            out[f'{ours}.{name}'] = torch.from_numpy(
                state[f'{theirs}.{field}'])

    conv('gconv_input', 'input')
    conv('gconv_output', 'output')
    same('temb.dense.0', 'step_mlp.0')
    same('temb.dense.1', 'step_mlp.2')
    for i in range(layers):
        theirs, ours = f'atten_layers.{i}', f'attention_layers.{i}'
        for name in ('weight', 'bias'):
            out[f'{ours}.attn.qkv.{name}'] = torch.cat([
                torch.from_numpy(
                    state[f'{theirs}.self_attn.linears.{n}.{name}'])
                for n in range(3)
            ])
        same(f'{theirs}.self_attn.linears.3', f'{ours}.attn.proj')
        out[f'{ours}.mlp.adjacency'] = torch.from_numpy(
            state[f'{theirs}.feed_forward.A_hat'])
        for n in (1, 2):
            same(f'{theirs}.feed_forward.gconv{n}.fc', f'{ours}.mlp.fc{n}')
            same(f'{theirs}.sublayer.{n - 1}.norm', f'{ours}.norm{n}',
                 ('a_2', 'b_2'))
            conv(f'gconv_layers.{i}.gconv{n}.gconv',
                 f'graph_blocks.{i}.conv{n}')
        same(f'gconv_layers.{i}.temb_proj', f'graph_blocks.{i}.embed_proj')
    return out


class Reference:
    """One pose through the released network, in NumPy, float64."""

    def __init__(self, state, channels, layers, heads):
        self.state, self.C = state, channels
        self.layers, self.heads = layers, heads
        looped = np.eye(J)
        for a, b in BONES:
            looped[a, b] = looped[b, a] = 1
        graph = looped / looped.sum(1, keepdims=True)
        degree = graph.sum(1)  # ones
        lap = np.eye(J) - graph / np.sqrt(np.outer(degree, degree))
        self.terms = [np.eye(J), lap, 2 * lap @ lap - np.eye(J)]

    def conv(self, name, x):
        weight = self.state[f'{name}.weight'][:, 0]
        out = np.zeros((J, weight.shape[-1]))
        for term, w in zip(self.terms, weight):
            out += term @ x @ w
        return out + self.state[f'{name}.bias'][0]

    def linear(self, name, x):
        s = self.state
        return x @ s[f'{name}.weight'].T + s[f'{name}.bias']

    def norm(self, name, x):
        out = np.empty_like(x)
        for j in range(J):
            std = math.sqrt(((x[j] - x[j].mean())**2).sum() / (self.C - 1))
            out[j] = (
                self.state[f'{name}.a_2'] * (x[j] - x[j].mean()) /
                (std + 1e-6) + self.state[f'{name}.b_2'])
        return out

    def attention(self, name, x):
        d = self.C // self.heads
        q, k, v = (self.linear(f'{name}.{n}', x) for n in range(3))
        out = np.empty_like(x)
        for h in range(self.heads):
            part = slice(h * d, (h + 1) * d)
            for j in range(J):
                score = np.array(
                    [q[j, part] @ k[i, part] / math.sqrt(d) for i in range(J)])
                share = np.exp(score - score.max())
                share /= share.sum()
                out[j, part] = sum(share[i] * v[i, part] for i in range(J))
        return self.linear(f'{name}.3', out)

    def graph_net(self, name, x):
        A = self.state[f'{name}.A_hat']
        scale = (A.sum(0) + 1e-5)**-0.5
        lap = scale[:, None] * A * scale[None]
        hidden = np.maximum(self.linear(f'{name}.gconv1.fc', lap @ x), 0)
        return self.linear(f'{name}.gconv2.fc', lap @ hidden)

    def __call__(self, x, t):
        half = self.C // 2
        angles = [
            t * math.exp(-i * math.log(1e4) / (half - 1)) for i in range(half)
        ]
        temb = np.array([math.sin(a)
                         for a in angles] + [math.cos(a) for a in angles])

        def swish(value):
            return value / (1 + np.exp(-value))

        temb = self.linear('temb.dense.1',
                           swish(self.linear('temb.dense.0', temb)))
        x = self.conv('gconv_input', x)
        for i in range(self.layers):
            name = f'atten_layers.{i}'
            x = x + self.attention(f'{name}.self_attn.linears',
                                   self.norm(f'{name}.sublayer.0.norm', x))
            x = x + self.graph_net(f'{name}.feed_forward',
                                   self.norm(f'{name}.sublayer.1.norm', x))
            name = f'gconv_layers.{i}'
            out = np.maximum(self.conv(f'{name}.gconv1.gconv', x), 0)
            out = out + self.linear(f'{name}.temb_proj', swish(temb))
            x = x + np.maximum(self.conv(f'{name}.gconv2.gconv', out), 0)
        return self.conv('gconv_output', x)


def test_it_has_the_released_number_of_parameters():
    assert sum(p.numel() for p in GCNDiff().parameters()) == 1_025_674


def test_every_released_tensor_has_its_place():
    state = released_state(96, 5)
    assert sum(value.size for value in state.values()) == 1_025_674
    model = GCNDiff()
    ours = {k: v.shape for k, v in model.state_dict().items()}
    assert {k: v.shape for k, v in converted(state, 5).items()} == ours


@pytest.mark.parametrize('t', [0, 12, 50])
def test_it_computes_what_the_released_network_does(t):
    state = released_state(16, 2)
    model = GCNDiff(channels=16, num_layers=2).double().eval()
    model.load_state_dict(converted(state, 2))
    reference = Reference(state, 16, 2, 4)
    poses = np.random.default_rng(1).standard_normal((3, J, 5))
    with torch.no_grad():
        out = model(torch.from_numpy(poses)[:, None], torch.full((3, ), t + 1))
    for ours, pose in zip(out[:, 0].numpy(), poses):
        theirs = reference(pose, t)
        assert np.abs(theirs).max() > 1
        np.testing.assert_allclose(
            ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r'T, 17, 5\), but got \(2, 1, 17, 3'):
        GCNDiff(
            channels=8, num_layers=1)(torch.zeros(2, 1, J, 3), torch.zeros(2))
