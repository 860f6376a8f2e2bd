# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Training in bfloat16 on a CPU."""
import pytest
import torch
from lifter_factory import WIDTH, batch, build, encoder_config
from mmengine.optim import build_optim_wrapper
from torch.nn import functional as F

from mmdiffpose.models import layers
from mmdiffpose.models.layers.full_precision import autocasts


def wrapper(model, kind='mmdiffpose.CpuAmpOptimWrapper'):
    return build_optim_wrapper(
        model, dict(type=kind, optimizer=dict(type='SGD', lr=0.1)))


def lifter():
    torch.manual_seed(0)
    return build(
        dict(
            type='mmdiffpose.DiffusionPoseLifter',
            freeze_context=False,
            backbone=encoder_config(),
            coarse_head=dict(
                type='mmdiffpose.LiftingRegressionHead', in_channels=WIDTH),
            head=dict(
                type='mmdiffpose.DiffPoseHead',
                in_channels=WIDTH,
                denoiser=dict(type='mmdiffpose.ResidualMLP', width=16),
                residual_diffusion=dict(
                    refine=dict(width=16), std=dict(width=16)))))


def step(kind):
    model = lifter().train()
    optim = wrapper(model, kind)
    inputs, samples = batch([0, 1])
    with optim.optim_context(model):
        losses = model(inputs, samples, mode='loss')
    total = sum(losses.values())
    optim.update_params(total)
    return losses, dict(model.named_parameters())


def test_losses_and_a_step_are_those_of_float32_but_for_rounding():
    """bfloat16 has eight bits: half a percent."""
    expected, plain = step('OptimWrapper')
    found, rounded = step('mmdiffpose.CpuAmpOptimWrapper')
    assert set(found) == set(expected)
    different = 0
    for name, loss in found.items():
        assert loss.dtype == torch.float32
        assert loss.item() == pytest.approx(expected[name].item(), rel=0.01)
        different += loss.item() != expected[name].item()
    assert different
    before = dict(lifter().named_parameters())
    for name, value in rounded.items():
        assert value.dtype == torch.float32
        change = plain[name] - before[name]
        error = (value - before[name] - change).norm()
        assert error <= 0.1 * change.norm() + 1e-6, name


def test_only_the_loss_is_in_bfloat16():
    model = torch.nn.Linear(4, 4)
    optim = wrapper(model)
    x = torch.ones(2, 4)
    with optim.optim_context(model):
        assert model(x).dtype == torch.bfloat16
    assert model(x).dtype == torch.float32


@pytest.mark.parametrize('tokens', [3, 40])
def test_attention_and_the_last_layer_are_in_float32(monkeypatch, tokens):
    """In either way that attention takes."""
    seen = []
    compute = layers.attention.attend_packed

    def watched(qkv, dropout=0.):
        seen.append((qkv.dtype, autocasts(qkv)))
        return compute(qkv, dropout)

    monkeypatch.setattr(layers.attention, 'attend_packed', watched)
    x = torch.randn(2, tokens, 8)
    layer = layers.SelfAttention(8, 2)
    last = layers.FullPrecisionLinear(8, 3)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert last(layer(x)).dtype == torch.float32
    assert torch.equal(last(x), F.linear(x, last.weight, last.bias))
    assert seen == [(torch.bfloat16, True), (torch.float32, False)]
