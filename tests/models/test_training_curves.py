# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Faster ways of the same mathematics train alike."""
import pytest
import torch
from benchmarks.train import config_of, train

from mmdiffpose.models.encoders import MixSTE
from mmdiffpose.models.layers import attention, fast_linear


def pytorch_s_own(monkeypatch):
    """Leave attention and linear layers to PyTorch."""
    monkeypatch.setattr(fast_linear, '_by_onednn', lambda *given: False)
    monkeypatch.setattr(attention, '_is_short', lambda *given: False)


def curve_of(config, folder, steps):
    folder.mkdir()
    losses = []
    train(
        config_of(config),
        folder,
        steps,
        lambda step, loss: losses.append(loss),
        batch_size=4,
        num_workers=0,
        persistent_workers=False)
    return torch.tensor(losses)


def small_curve(steps=20):
    torch.manual_seed(0)
    model = MixSTE(
        seq_len=9, embed_dims=32, depth=2, num_heads=4, drop_path_rate=0.2)
    head = torch.nn.Linear(32, 3)
    weights = [*model.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=1e-3)
    x, y = torch.randn(4, 9, 17, 2), torch.randn(4, 9, 17, 3)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (head(model(x)[0]) - y).norm(dim=-1).mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return torch.tensor(losses)


def test_a_small_mixste_trains_alike(monkeypatch):
    used = []
    if torch.backends.mkldnn.is_available():
        monkeypatch.setattr(fast_linear, 'onednn_is_faster', lambda: True)
        monkeypatch.setattr(fast_linear, 'MIN_PRODUCTS', 0)
    plain = attention._PlainAttention.backward
    monkeypatch.setattr(attention._PlainAttention, 'backward',
                        lambda *given: used.append(1) or plain(*given))
    found = small_curve()
    assert len(used) == 20 * 4
    pytorch_s_own(monkeypatch)
    expected = small_curve()
    assert len(used) == 20 * 4
    assert expected[0] - expected[-1] > 0.2
    assert (found - expected).abs().max() < 1e-4
    assert not torch.equal(found, expected)  # that is, it went other ways


@pytest.mark.slow
def test_a_hundred_steps_have_the_same_losses(tmp_path, monkeypatch):
    """Not for ever: a rounding of one weight grows, too."""
    found = curve_of('mixste', tmp_path / 'fast', 100)
    pytorch_s_own(monkeypatch)
    expected = curve_of('mixste', tmp_path / 'plain', 100)
    assert len(found) == 100
    distance = (found - expected).abs().max()
    print(f'losses from {expected[0]:.4f} to {expected[-1]:.4f}, '
          f'{distance:.2g} apart at most')
    assert distance < 1e-4
