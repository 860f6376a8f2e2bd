# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Linear layers by either library say the same."""
import pytest
import torch
from torch import nn

from mmdiffpose.models.layers import FullPrecisionLinear, Linear, fast_linear

SHAPE = (3, 30, 300)
OUT = 100
"""2.7 million products, forwards and backwards."""


@pytest.fixture
def calls(monkeypatch):
    """oneDNN wherever it may be; the products that it makes."""
    if not torch.backends.mkldnn.is_available():
        pytest.skip('PyTorch was built without oneDNN')
    monkeypatch.setattr(fast_linear, 'onednn_is_faster', lambda: True)
    made = []
    product = fast_linear._product
    monkeypatch.setattr(
        fast_linear, '_product', lambda x, weight, bias: made.append(
            (tuple(x.shape), tuple(weight.shape))) or product(x, weight, bias))
    return made


def layer_and_input(kind=Linear, **options):
    torch.manual_seed(0)
    layer = kind(SHAPE[-1], OUT, **options)
    return layer, torch.randn(SHAPE, requires_grad=True)


def by_hand(layer, x):
    """The product in float64, and its gradients for a sum of squares."""
    x, weight = x.detach().double().flatten(0, 1), layer.weight.double()
    y = x @ weight.T
    if layer.bias is not None:
        y = y + layer.bias.double()
    grad = 2 * y
    return y, grad @ weight, grad.T @ x, grad.sum(0)


@pytest.mark.parametrize('bias', [True, False])
@pytest.mark.parametrize('kind', [Linear, FullPrecisionLinear])
def test_products_and_gradients_are_those_of_float64(calls, kind, bias):
    layer, x = layer_and_input(kind, bias=bias)
    y = layer(x)
    assert y.shape == (*SHAPE[:2], OUT) and len(calls) == 1
    y.square().sum().backward()
    assert calls[1:] == [((*SHAPE[:2], OUT), (SHAPE[2], OUT)),
                         ((OUT, 90), (SHAPE[2], 90))]
    expected = by_hand(layer, x)
    found = [y.flatten(0, 1), x.grad.flatten(0, 1), layer.weight.grad]
    if bias:
        found.append(layer.bias.grad)
    for a, b in zip(found, expected):
        error = (a.double() - b).abs().max() / b.abs().max()
        assert error < 2e-6
    with torch.no_grad():
        assert torch.equal(layer(x), y)


def test_the_narrow_side_has_the_rows_of_a_weight_s_gradient(calls):
    torch.manual_seed(0)
    layer, x = Linear(100, 300), torch.randn(90, 100)
    layer(x).square().sum().backward()
    assert calls[1:] == [((100, 90), (300, 90))]
    _, _, expected, _ = by_hand(layer, x[None])
    error = (layer.weight.grad - expected).abs().max()
    assert error < 2e-6 * expected.abs().max()


def test_only_the_gradients_that_are_asked_for_are_made(calls):
    layer, x = layer_and_input()
    layer.requires_grad_(False)
    layer(x).sum().backward()
    assert x.grad is not None and layer.weight.grad is None
    assert len(calls) == 2
    layer.requires_grad_(True)
    layer(x.detach()).sum().backward()
    assert len(calls) == 4 and layer.bias.grad is not None


def test_gradients_have_gradients(calls):
    layer, x = layer_and_input()
    first, = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
    second, = torch.autograd.grad(first.sum(), x)
    # Of |W x|^2 that is 2 W^T W.
    weight = layer.weight.double()
    expected = (2 * weight.T @ weight).sum(0)
    assert (second.double() - expected).abs().max() < 1e-4
    assert calls


def test_other_products_are_pytorch_s_own(calls):
    layer, x = layer_and_input()
    with torch.no_grad():
        layer(x[:1])  # too few to matter
        layer.double()(x.double())
        layer.float()
        with torch.autocast('cpu', dtype=torch.bfloat16):
            assert layer(x).dtype == torch.bfloat16
        layer.to('meta')(x.to('meta'))
    assert not calls
    assert type(Linear(2, 2)).__mro__[1] is nn.Linear


@pytest.mark.parametrize('maker, capability, expected', [
    ('AuthenticAMD', 'AVX512', True),
    ('AuthenticAMD', 'AVX2', False),
    ('GenuineIntel', 'AVX512', False),
    ('', 'DEFAULT', False),
])
def test_who_gets_which_library(monkeypatch, maker, capability, expected):
    for library in ('mkl', 'mkldnn'):
        monkeypatch.setattr(
            getattr(torch.backends, library), 'is_available', lambda: True)
    monkeypatch.setattr(torch.backends.cpu, 'get_cpu_capability',
                        lambda: capability)
    monkeypatch.setattr(fast_linear, 'processor_maker', lambda: maker)
    asked = fast_linear.onednn_is_faster.__wrapped__
    if expected and not hasattr(torch.ops.mkldnn, '_linear_pointwise'):
        pytest.skip('this PyTorch has no such product')
    assert asked() is expected

    def broken(*args):
        raise RuntimeError('no such operator')

    monkeypatch.setattr(fast_linear, '_product', broken)
    assert asked() is False


def test_part_of_a_wider_matrix_is_not_turned(monkeypatch):
    """The narrower has the rows, unless a gradient is a slice: 100 times
    as slow."""
    rows = []

    def watched(x, weight, bias=None):
        rows.append(len(x))
        return x @ weight.t()

    monkeypatch.setattr(fast_linear, 'linear', watched)
    x, wide = torch.randn(50, 9), torch.randn(50, 64)
    for grad in (wide[:, :32], wide[:, :32].contiguous()):
        torch.testing.assert_close(
            fast_linear._weight_gradient(grad, x),
            grad.t() @ x)
    assert rows == [32, 9]
