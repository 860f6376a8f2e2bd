# Copyright (c) mmdiffpose contributors. All rights reserved.
import torch

from mmdiffpose.models.denoisers import GCNAttention


def test_the_papers_size():
    model = GCNAttention()
    assert model.input.linear.out_features == 128
    assert model.context_channels == 128
    assert len(model.blocks) == 3
    # 2 input/output convolutions, 3 blocks of 2 convolutions and attention.
    convs = (3 * 3 + 1) * 128 - 0 + (3 * 256 + 1) * 3
    block = 2 * (3 * 256 + 1) * 256 + 4 * 256 * 256 + 4 * 256 + 2 * 2 * 256
    total = sum(p.numel() for p in model.parameters())
    assert total == convs + 3 * block + 2 * 256


def test_frames_are_independent_and_everything_conditions():
    torch.manual_seed(0)
    model = GCNAttention(channels=32).eval()
    x = torch.randn(2, 4, 17, 3)
    k = torch.tensor([1, 30])
    context = torch.randn(2, 4, 17, 16)
    assert (model(x, k, context) == 0).all()
    torch.nn.init.normal_(model.output.linear.weight)
    out = model(x, k, context)
    assert out.shape == (2, 4, 17, 3)
    single = model(x[1:, 2:3], k[1:], context[1:, 2:3])
    torch.testing.assert_close(single, out[1:, 2:3], atol=1e-5, rtol=1e-5)
    for other in (model(x + 1, k,
                        context), model(x, k + 1,
                                        context), model(x, k, context + 1)):
        assert (other - out).abs().max() > 1e-4
