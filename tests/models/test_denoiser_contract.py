# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What every registered denoiser has to do, whatever is inside it."""
import pytest
import torch
from lifter_factory import mirrored_poses

import mmdiffpose.models.denoisers  # noqa: F401
from mmdiffpose.models.denoisers import Denoiser
from mmdiffpose.registry import MODELS

J, T, K = 17, 5, 50
SMALL_CSDI = dict(seq_len=T, channels=8, num_blocks=2)

CASES = dict(
    CSDIGCN=SMALL_CSDI,
    CSDITransformer=dict(SMALL_CSDI, num_heads=2),
    GCNAttention=dict(channels=16),
    GCNDiff=dict(channels=16, num_layers=1),
    MixSTEDenoiser=dict(seq_len=T, embed_dims=16, depth=2, num_heads=2))
"""A small one of each. Whoever registers a denoiser adds it here."""

OTHER_KINDS = {'ResidualMLP'}
"""Networks that step along an angle; tests/models/posterior has theirs."""

each = pytest.mark.parametrize('name', CASES)


def make(name, **options):
    """In evaluation, with random values where training starts from none."""
    torch.manual_seed(0)
    network = MODELS.build(
        dict(type=f'mmdiffpose.{name}', **CASES[name], **options))
    generator = torch.Generator().manual_seed(1)
    for value in network.state_dict().values():
        if value.is_floating_point() and value.unique().numel() == 1:
            value.uniform_(0.3, 0.9, generator=generator)
    return network.eval()


def inputs(network, windows=3, hypotheses=None, seed=2):
    """Noisy poses, steps and context."""
    g = torch.Generator().manual_seed(seed)
    shape = (windows, ) if hypotheses is None else (windows, hypotheses)
    x = torch.randn(*shape, T, J, network.in_channels, generator=g)
    context = torch.randn(windows, T, J, network.context_channels, generator=g)
    return x, torch.randint(1, K + 1, (windows, ), generator=g), context


def test_every_registered_denoiser_is_tested():
    names = {
        name
        for name, module in MODELS.module_dict.items()
        if module.__module__.startswith('mmdiffpose.models.denoisers.')
    }
    assert names == set(CASES) | OTHER_KINDS


@each
def test_it_has_all_that_a_denoiser_has(name):
    network = make(name)
    assert isinstance(network, Denoiser)
    assert isinstance(network.temporal, bool)
    assert network.num_steps is None or network.num_steps >= 1


@each
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@torch.no_grad()
def test_shape_and_dtype_are_those_of_the_poses(name, dtype):
    network = make(name)
    x, k, context = inputs(network)
    expected = network(x, k, context)
    out = network.to(dtype)(x.to(dtype), k, context.to(dtype))
    assert out.shape == x.shape and out.dtype == dtype
    assert out.isfinite().all() and out.abs().max() > 1e-3
    torch.testing.assert_close(out.float(), expected, rtol=1e-3, atol=1e-3)


@each
@torch.no_grad()
def test_a_window_is_on_its_own_with_its_own_step(name):
    network = make(name)
    x, _, context = inputs(network)
    k = torch.tensor([1, 17, K])
    whole = network(x, k, context)
    for i in range(3):
        part = slice(i, i + 1)
        torch.testing.assert_close(
            network(x[part], k[part], context[part]), whole[part])
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(
        network(x[order], k[order], context[order]), whole[order])
    other = network(x, torch.tensor([1, 17, K - 1]), context)
    torch.testing.assert_close(other[:2], whole[:2])
    assert not torch.allclose(other[2], whole[2])


@each
@torch.no_grad()
def test_frames_are_independent_where_it_says_so(name):
    network = make(name)
    x, k, context = inputs(network)
    changed = x.clone()
    changed[:, 0] += 1
    moved = network(changed, k, context) - network(x, k, context)
    assert moved[:, 0].abs().max() > 1e-3
    assert bool(moved[:, 1:].abs().max() > 1e-6) == network.temporal


@each
@torch.no_grad()
def test_the_context_is_read_where_there_is_one(name):
    network = make(name)
    x, k, context = inputs(network)
    other = network(x, k, context + 1)
    assert torch.equal(other, network(x, k, context)) == (
        network.context_channels == 0)


@each
@torch.no_grad()
def test_steps_count_from_one_to_the_last(name):
    """A pose without noise, 0, is allowed, and so is the last step."""
    network = make(name)
    last = network.num_steps or 1000
    x, _, context = inputs(network)
    no_noise, least, most = (
        network(x, torch.full((3, ), k), context) for k in (0, 1, last))
    for out in (no_noise, least, most):
        assert out.isfinite().all()
    assert not torch.allclose(least, most)
    if name != 'GCNAttention':  # the only one whose weights know a step 0
        assert torch.equal(no_noise, least)


@each
@torch.no_grad()
def test_nothing_is_left_over(name):
    network = make(name)
    x, k, context = inputs(network)
    before = {key: v.clone() for key, v in network.state_dict().items()}
    copies = [value.clone() for value in (x, k, context)]
    first = network(x, k, context)
    network.bind(context, 2)(torch.stack([x, -x], 1), k[:1].expand(3))
    assert torch.equal(network(x, k, context), first)
    for value, copy in zip((x, k, context), copies):
        assert torch.equal(value, copy)
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key]), key


@each
def test_backward_reaches_every_parameter(name):
    network = make(name).train()
    torch.manual_seed(0)
    x, k, context = inputs(network)
    network(x, k, context).square().mean().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.abs().max() > 0, key


@each
@pytest.mark.parametrize('k', [1, K])
@pytest.mark.parametrize('group', [None, 4])
def test_bound_is_the_network_on_every_hypothesis(name, k, group):
    network = make(name)
    x, _, context = inputs(network, hypotheses=4)
    if group is not None:
        network.cpu_group = group
    bound = network.bind(context, 4)
    out = bound(x, torch.full((3, ), k))
    assert out.shape == x.shape and not out.requires_grad
    with torch.no_grad():
        for n in range(4):
            alone = network(x[:, n], torch.full((3, ), k), context)
            torch.testing.assert_close(out[:, n], alone, rtol=1e-4, atol=1e-5)
    # Again, and with other poses: bound once for a whole reverse process.
    assert torch.equal(bound(x, torch.full((3, ), k)), out)
    assert not torch.allclose(bound(-x, torch.full((3, ), k)), out)


@each
def test_other_joints_or_channels_are_refused_by_name(name):
    network = make(name)
    x, k, context = inputs(network)
    wrong = [(x[:, :, :-1], context, 'poses'), (x[..., :2], context, 'poses')]
    if network.context_channels:
        wrong.append((x, context[..., 1:], 'a context'))
    for poses, given, words in wrong:
        with pytest.raises(ValueError, match=f'{name}.*{words}.*but got'):
            network(poses, k, given)


@each
def test_it_runs_where_no_number_can_be_read(name):
    """On the meta device ``int(tensor)`` raises, as it waits on a GPU."""
    network = make(name).to('meta')
    x, k, context = (value.to('meta') for value in inputs(network))
    network.train()(x, k, context).mean().backward()
    assert all(p.grad is not None for p in network.parameters())
    network.eval()
    many = x[:, None].expand(-1, 2, -1, -1, -1)
    assert network.bind(context, 2)(many, k).shape == many.shape


def test_the_mirror_average_is_the_mean_of_both_views():
    network = make('MixSTEDenoiser', mirror_average=True)
    x, _, context = inputs(network, hypotheses=2)
    k = torch.full((3, ), 7)
    out = network.bind(context, 2)(x, k)
    with torch.no_grad():
        for n in range(2):
            plain = network(x[:, n], k, context)
            other = network(
                mirrored_poses(x[:, n]), k, mirrored_poses(context))
            torch.testing.assert_close(out[:, n],
                                       (plain + mirrored_poses(other)) / 2)
