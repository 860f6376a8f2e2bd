# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The encoder with a token for each frame."""

import pytest
import torch
from torch import nn

from mmdiffpose.models.encoders import FrameTransformer

T, J, C, WIDTH, HEADS = 5, 17, 4, 16, 2


def build(**options):
    torch.manual_seed(0)
    model = FrameTransformer(
        seq_len=T,
        width=WIDTH,
        embed_dims=C,
        depth=2,
        num_heads=HEADS,
        **options)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model.eval()


def plain_block(block, x):
    """A pre-norm block, its attention by torch's own module."""
    attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    attention.in_proj_weight.data = block.attn.qkv.weight.data
    attention.in_proj_bias.data = block.attn.qkv.bias.data
    attention.out_proj.weight.data = block.attn.proj.weight.data
    attention.out_proj.bias.data = block.attn.proj.bias.data
    normed = block.norm1(x)
    x = x + attention(normed, normed, normed, need_weights=False)[0]
    return x + block.mlp(block.norm2(x))


def test_equals_a_transformer_over_frames():
    model = build()
    x = torch.randn(3, T, J, 3)
    tokens = torch.stack([
        x[:, t].reshape(3, J * 3) @ model.embed.weight.T + model.embed.bias +
        model.temporal_pos[0, t] for t in range(T)
    ], 1)
    for block in model.blocks:
        tokens = plain_block(block, tokens)
    flat = model.features(model.norm(tokens))
    expected = torch.stack([flat[..., j * C:(j + 1) * C] for j in range(J)], 2)
    found, = model(x)
    assert found.shape == (3, T, J, C)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_every_frame_and_joint_reaches_every_frame():
    model = build()
    x = torch.randn(1, T, J, 3, requires_grad=True)
    model(x)[0][0, 1, 4].sum().backward()
    assert (x.grad.abs() > 0).all()


def test_a_missing_joint_is_not_one_in_the_middle():
    model = build()
    seen = torch.zeros(1, T, J, 3)
    seen[..., 2] = 1
    missing = seen.clone()
    missing[:, :, 3, 2] = 0
    assert not torch.allclose(model(seen)[0], model(missing)[0])


@pytest.mark.parametrize('shape', [(2, T + 1, J, 3), (2, T, 16, 3),
                                   (2, T, J, 2), (T, J, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match='FrameTransformer was built for'):
        build()(torch.zeros(shape))
