# Copyright (c) mmdiffpose contributors. All rights reserved.
import pytest
import torch

from mmdiffpose.models.encoders import MixSTE


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_parameter_counts_of_the_published_models():

    def head(width):
        return 2 * width + 3 * width + 3

    assert count(MixSTE()) + head(512) == 33_783_811
    conditioner = MixSTE(seq_len=27, embed_dims=64)
    assert count(conditioner) == 538_944 - 2 * 64
    assert count(conditioner) + head(64) == 539_139


def small(**kwargs):
    torch.manual_seed(0)
    return MixSTE(seq_len=9, embed_dims=16, depth=2, num_heads=4, **kwargs)


def test_output_is_a_tuple_of_one_feature_map():
    out = small()(torch.randn(3, 9, 17, 2))
    assert isinstance(out, tuple) and len(out) == 1
    assert out[0].shape == (3, 9, 17, 16)


def test_every_frame_and_joint_reaches_every_output():
    model = small().eval()
    x = torch.randn(1, 9, 17, 2, requires_grad=True)
    model(x)[0][0, 4, 8, 0].backward()
    assert (x.grad.abs().sum(-1) > 0).all()


def test_frames_attend_to_the_same_joint_and_joints_within_a_frame():
    """With the temporal blocks silenced, frames are independent."""
    model = small().eval()
    for block in model.temporal_blocks:
        for layer in (block.attn.proj, block.mlp[3]):
            torch.nn.init.zeros_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
    x = torch.randn(1, 9, 17, 2, requires_grad=True)
    model(x)[0][0, 4, :, 0].sum().backward()
    reached = x.grad[0].abs().sum((1, 2)) > 0
    assert reached.nonzero().flatten().tolist() == [4]


def test_batch_of_one_equals_a_row_of_a_batch():
    model = small().eval()
    x = torch.randn(4, 9, 17, 2)
    torch.testing.assert_close(
        model(x[2:3])[0], model(x)[0][2:3], atol=1e-5, rtol=1e-5)


def test_standardising_removes_position_and_size_only():
    model = small(standardize=True).eval()
    x = torch.randn(2, 9, 17, 2)
    out = model(x)[0]
    torch.testing.assert_close(
        model(3 * x + torch.tensor([0.5, -2.]))[0], out, atol=1e-4, rtol=1e-4)
    assert (model(x * torch.tensor([1., 2.]))[0] - out).abs().max() > 1e-2
    plain = small().eval()
    assert (plain(x + 1)[0] - plain(x)[0]).abs().max() > 1e-2


@pytest.mark.parametrize('shape', [(1, 8, 17, 2), (1, 9, 16, 2), (1, 9, 17, 3),
                                   (9, 17, 2)])
def test_another_shape_is_an_error_that_names_both(shape):
    with pytest.raises(ValueError, match=r'9, 17, 2.*but got'):
        small()(torch.randn(shape))
