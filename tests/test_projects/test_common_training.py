# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The loop of the studies that train by themselves."""

import pytest
import torch

from projects.common.training import Loop, train_or_go_on

LOOP = Loop('net', decay=.5, warm_up=2, last_share=.1, save_every=2)


def test_rate_by_hand():
    """Half a cosine of four steps has 1, 0.854, 0.5, 0.146 of its height."""
    found = [LOOP.rate(i, 4) for i in range(4)]
    assert found == pytest.approx([
        .5, .1 + .9 * (1 + .5**.5) / 2, .1 + .9 * .5,
        .1 + .9 * (1 - .5**.5) / 2
    ])


def test_first_steps_by_hand(tmp_path, capsys):
    """AdamW's first step has the length of the rate and the gradient's sign,
    after the weights have shrunk by rate x 0.05."""
    net = torch.nn.Linear(1, 1)
    with torch.no_grad():
        net.weight.fill_(1.)
        net.bias.fill_(-1.)

    def step(_):
        return dict(first=3 * net.weight.sum(), second=-2 * net.bias.sum())

    file = tmp_path / 'net.pth'
    averaged = train_or_go_on(net, step, LOOP, dict(iterations=1, batch=7),
                              file, [net])
    rate = 5e-4
    weight = 1 - .05 * rate - rate
    assert net.weight.item() == pytest.approx(weight, abs=1e-7)
    assert net.bias.item() == pytest.approx(-weight, abs=1e-7)
    # The average begins with the weights after the first step.
    assert averaged.weight.item() == pytest.approx(weight, abs=1e-7)
    assert capsys.readouterr().out.startswith(
        'net, 1 of 1: first 3.0000, second 2.0000 (')
    saved = torch.load(file, weights_only=True)
    assert set(saved) == {
        'net', 'averaged', 'optimizer', 'iteration', 'schedule'
    }
    assert saved['schedule'] == [1, 7]
    with pytest.raises(
            ValueError,
            match=r'net.pth: was trained for \[1, 7\] '
            r'\(iterations, batch\), expected \[1, 8\]'):
        train_or_go_on(net, step, LOOP, dict(iterations=1, batch=8), file,
                       [net])


def test_parts_are_clipped_apart(tmp_path):
    """Gradients of 30 and 0.5: the small one stays where it is apart."""
    for apart, expected in ((True, .5), (False, .5 / 30)):
        net = torch.nn.ModuleList(
            [torch.nn.Linear(1, 1, bias=False) for _ in range(2)])
        train_or_go_on(
            net, lambda _: dict(sum=30 * net[0].weight.sum() +
                                .5 * net[1].weight.sum()), LOOP,
            dict(iterations=1), tmp_path / f'{apart}.pth',
            net if apart else [net])
        assert net[1].weight.grad.item() == pytest.approx(expected, rel=1e-3)
