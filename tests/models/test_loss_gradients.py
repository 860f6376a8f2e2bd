# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Gradients of every loss against finite differences, in float64."""
import pytest
import torch
from head_cases import CASES, make
from lifter_factory import batch

from mmdiffpose.models import losses
from mmdiffpose.models.losses.lifting_losses import masked_mean
from mmdiffpose.models.posterior.regressors import ResidualStdRegressor
from mmdiffpose.registry import MODELS

B, J = 2, 5
LOSSES = sorted(name for name, module in MODELS.module_dict.items()
                if module.__module__.startswith('mmdiffpose.models.losses'))


def poses(*shape, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def make_loss(name):
    options = dict(joint_weights=(1., 2., .5, 1., 3.))
    return MODELS.build(
        dict(
            type=f'mmdiffpose.{name}',
            loss_weight=1.5,
            **options if name == 'MixSTELoss' else {}))


def weights(kind, frames):
    if kind == 'none':
        return None
    weight = poses(B, frames, J, seed=3).abs()
    if kind == 'some unknown':
        weight[0, :, 2] = 0
        weight[1, 0] = 0
    return weight


def test_every_registered_loss_is_here():
    assert LOSSES == sorted(losses.__all__)


@pytest.mark.parametrize('name', LOSSES)
@pytest.mark.parametrize('kind', ['none', 'all', 'some unknown'])
@pytest.mark.parametrize('frames', [1, 4])
def test_losses(name, kind, frames):
    loss = make_loss(name)
    pred = poses(B, frames, J, 3, seed=1).requires_grad_()
    target = poses(B, frames, J, 3, seed=2).requires_grad_()
    weight = weights(kind, frames)
    assert torch.autograd.gradcheck(lambda p, t: loss(p, t, weight),
                                    (pred, target))


@pytest.mark.parametrize('name', LOSSES)
def test_a_perfect_prediction_and_unknown_poses_have_finite_gradients(name):
    pred = poses(B, 3, J, 3, seed=1).requires_grad_()
    make_loss(name)(pred, pred.detach().clone()).backward()
    assert pred.grad.isfinite().all()
    pred.grad = None
    nothing = torch.zeros(B, 3, J, dtype=torch.float64)
    loss = make_loss(name)(pred, pred.detach() + 1, nothing)
    loss.backward()
    assert loss == 0 and (pred.grad == 0).all()


def test_a_weighted_mean():
    value = poses(B, 3, J, seed=1).requires_grad_()
    weight = poses(B, 3, J, seed=2).abs().requires_grad_()
    assert torch.autograd.gradcheck(masked_mean, (value, weight))


@pytest.mark.parametrize('kind', ['none', 'some unknown'])
def test_the_likelihood_of_a_residual(kind):
    std = (poses(B, 4, J, 3, seed=1).abs() + .1).requires_grad_()
    mean = poses(B, 4, J, 3, seed=2).requires_grad_()
    target = poses(B, 4, J, 3, seed=3).requires_grad_()
    weight = weights(kind, 4)
    assert torch.autograd.gradcheck(
        lambda s, t: ResidualStdRegressor.likelihood_loss(s, mean, t, weight),
        (std, target))
    # A std that is learned leaves the pose alone.
    ResidualStdRegressor.likelihood_loss(std, mean, target, weight).backward()
    assert mean.grad is None


# What RefiningHead is trained by stands above.
@pytest.mark.parametrize(
    'case', [case for case in CASES if not case.startswith('RefiningHead')])
def test_heads(case):
    """Along a random direction of a head's parameters.

    Of heads that diffuse a regression's residual, the denoiser's: nothing
    else gets a gradient through the residual, by intention.
    """
    model = make(case).double()
    if 'PSTMO' in str(CASES[case].get('encoder')):
        model.train()  # with both of its feature maps
    inputs, samples = batch([0, 1])
    inputs = inputs.double()
    part = CASES[case].get('residual')
    # One head has none of its own.
    owner = model.head if list(model.head.parameters()) else model
    chosen = [(name, parameter)
              for name, parameter in owner.named_parameters()
              if parameter.requires_grad and (not part or 'diffusion' in name)]
    generator = torch.Generator().manual_seed(5)
    steps = [
        torch.randn(parameter.shape, dtype=torch.float64, generator=generator)
        for _, parameter in chosen
    ]

    def loss():
        torch.manual_seed(0)  # dropout
        if hasattr(model.head, 'iteration'):
            model.head.iteration.zero_()  # the same noise
        found = model.loss(inputs, samples)
        if part:
            return found['loss_diffusion']
        return sum(value for name, value in found.items() if 'loss' in name)

    def moved(size):
        with torch.no_grad():
            for (_, parameter), step in zip(chosen, steps):
                parameter.add_(step, alpha=size)
            value = loss()
            for (_, parameter), step in zip(chosen, steps):
                parameter.add_(step, alpha=-size)
        return value

    gradients = torch.autograd.grad(
        loss(), [parameter for _, parameter in chosen], allow_unused=True)
    expected = sum((gradient * step).sum()
                   for gradient, step in zip(gradients, steps)
                   if gradient is not None)
    size = 1e-7  # few ReLUs have their kink so near
    found = (moved(size) - moved(-size)) / (2 * size)
    assert abs(expected) > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-7)
