# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffPose and DiffHPE on the scaled residual of a regression."""
import math

import pytest
import torch
from head_cases import CSDI, GCN, LIGHT, RESIDUAL, make
from lifter_factory import WIDTH, T, batch

from mmdiffpose.diffusion.initial_distribution import JointMixtures
from mmdiffpose.diffusion.noise import HypothesisNoise
from mmdiffpose.models.heads import DenoiserRegressionHead
from mmdiffpose.models.heads.parts.base import LiftingContext
from mmdiffpose.registry import MODELS


def build(kind='DiffPoseHead', **config):
    torch.manual_seed(0)
    head = MODELS.build(
        dict(
            type=f'mmdiffpose.{kind}',
            **{
                'denoiser': LIGHT,
                'in_channels': WIDTH,
                'residual_diffusion': RESIDUAL,
                **config
            }))
    return head.eval()


def context(B=2, seed=0):
    """Of windows at 0.2 m, and a head's own std."""
    g = torch.Generator().manual_seed(seed)
    shape = (B, T, 17)
    return LiftingContext(
        torch.randn(*shape, WIDTH, generator=g),
        torch.randn(*shape, 3, generator=g) / 5, torch.full((17, 3), 0.07),
        torch.ones(shape))


def test_the_start_is_a_draw_of_the_mixture_widened(monkeypatch):
    r"""Two modes in x and in z, by hand.

    :math:`\mu` = 0.1 m, s = 0.05 m, tan = 3/4: cos = 4/5, sin = 3/5. The
    modes at 0.1 and 0.3 m with weights 1/4 and 3/4 and a std of 0.01 m are in
    residual space at 0 and 4 with a std of 0.2: their mean is 3, their
    variance 3/4 * 1/4 * 16 + 0.04 = 3.04. Of z: 12/5, and 0.64 * 3.04 + 0.36
    = 2.3056. With F = 0 a pose is 0.1 + 0.05 z.
    """
    head = build()
    head.diffusion.noise = 'white'
    shape = (1, T, 17, 3)
    known = context(1)._replace(
        mean=torch.full(shape, 0.1), std=torch.full(shape, 0.05))
    means = torch.full((1, T, 17, 2, 3), 0.1)
    means[..., 1, 0] = means[..., 1, 2] = 0.3
    joints = JointMixtures(
        torch.tensor([0.25, 0.75]).expand(1, T, 17, 2), means,
        torch.full((1, T, 17, 2, 3), 0.01))
    monkeypatch.setattr(head, 'initial', lambda *_: joints)
    poses = head.reverse(
        known, torch.zeros(1), HypothesisNoise([3], 20_000, T, 17),
        dict(head.test_defaults, recentre=False, sigma_max=0.75), None)[:, :,
                                                                        0]
    expected = torch.full((1, 17, 3), 0.1 + 0.05 * 12 / 5)
    expected[..., 1] = 0.1
    torch.testing.assert_close(poses.mean(dim=1), expected, atol=0.003, rtol=0)
    variance = torch.full((1, 17, 3), 2.3056)
    # y has one mode: 0.64 * 0.04 + 0.36.
    variance[..., 1] = 0.3856
    torch.testing.assert_close(
        poses.var(dim=1), 0.05**2 * variance, atol=0, rtol=0.05)
    # One component a joint: x and z have the same mode, and are apart.
    z = (poses - 0.1) / 0.05
    both = ((z[..., 0] - 2.4) * (z[..., 2] - 2.4)).mean(dim=1)
    # 0.64 * 3/4 * 1/4 * 16.
    torch.testing.assert_close(
        both, torch.full((1, 17), 1.92), atol=0.1, rtol=0)


def test_h_k_is_around_the_refined_pose_as_wide_as_it_may_be_off():
    """The image's x and y, in depth the pose and its predicted std."""
    head = build()
    known = head.prepare(context())
    mixtures = torch.zeros(2, T, 17, 1, 5)
    mixtures[..., 0] = 1
    # Exactly the pose's x and y, at 2 m a unit of the picture.
    mixtures[..., 1:3] = known.mean[..., None, :2] / 2 + 0.3
    mixtures[..., 3:] = 0.02
    joints = head.initial(known, mixtures)
    torch.testing.assert_close(joints.means[:, :, 1:, 0], known.mean[:, :, 1:])
    # The root's own blur is in every joint's place relative to it.
    torch.testing.assert_close(joints.stds[:, :, 1:, 0, :2],
                               torch.full((2, T, 16, 2), 0.04 * math.sqrt(2)))
    torch.testing.assert_close(joints.stds[:, :, 1:, 0, 2], known.std[:, :, 1:,
                                                                      2])


def test_the_same_weights_start_from_either():
    model = make('DiffPoseHead, residual')
    assert model.head.reads_mixtures
    other = make(
        'DiffPoseHead, residual',
        residual_diffusion=dict(RESIDUAL, start='gaussian'))
    assert not other.head.reads_mixtures
    other.load_state_dict(model.state_dict(), strict=True)


def test_the_papers_heads_have_none_of_it():
    for case in ('DiffPoseHead', 'DiffHPEHead'):
        head = make(case).head
        assert head.diffusion is None
        assert head.test_defaults['num_hypotheses'] == 5


@pytest.mark.parametrize('kind,config,words', [
    ('DiffPoseHead', dict(num_steps=7), 'num_steps'),
    ('DiffPoseHead', dict(condition_on_start=True), 'condition_on_start'),
    ('DiffPoseHead', dict(start='joint'), 'start'),
    ('DiffHPEHead',
     dict(target='sample', residual_diffusion=dict(in_channels=3)), 'target'),
    ('DiffHPEHead', dict(residual_diffusion=dict()), 'in_channels'),
    ('DiffHPEHead',
     dict(residual_diffusion=dict(in_channels=3, start='modes')), 'modes'),
    ('DiffHPEHead',
     dict(
         residual_diffusion=dict(
             in_channels=3, diffusion=dict(denoiser=LIGHT))), 'denoiser'),
    ('DiffHPEHead',
     dict(
         denoiser=dict(type='mmdiffpose.GCNDiff'),
         residual_diffusion=dict(in_channels=3)), 'context'),
])
def test_options_without_a_meaning_are_refused(kind, config, words):
    if kind == 'DiffHPEHead':
        config = dict(dict(denoiser=CSDI), **config)
    else:
        config = dict(
            dict(denoiser=GCN, in_channels=WIDTH, residual_diffusion=RESIDUAL),
            **config)
    with pytest.raises(ValueError, match=words):
        MODELS.build(dict(type=f'mmdiffpose.{kind}', **config))


def test_a_regression_has_to_regress():
    with pytest.raises(TypeError, match='GCNAttention'):
        MODELS.build(
            dict(
                type='mmdiffpose.DiffHPEHead',
                denoiser=CSDI,
                residual_diffusion=dict(regression=GCN)))


def test_the_2d_heads_own_regression_is_the_single_pass_control():
    """The same network in the control's head says the same pose; only its
    own loss trains it."""
    model = make(
        'DiffHPEHead, residual',
        residual_diffusion=dict(RESIDUAL, refine=None, regression=CSDI))
    head = model.head
    control = DenoiserRegressionHead(CSDI).eval()
    control.denoiser.load_state_dict(head.regression.state_dict())
    inputs, samples = batch([0, 1])
    feats = model.extract_feat(inputs)
    with torch.no_grad():
        mean, _ = head.mean_and_std(feats)
        torch.testing.assert_close(
            mean, control.to_root_relative(control.regress(feats)))
    losses = model.train().loss(inputs, samples)
    (losses['loss_diffusion'] + losses['loss_std']).backward()
    assert all(p.grad is None for p in head.regression.parameters())
    losses['loss_coarse'].backward()
    assert all(p.grad is not None for p in head.regression.parameters())


@pytest.mark.parametrize('iteration,rows', [(0, [0, 2]), (1, [1])])
def test_stride_takes_windows_of_a_temporal_denoiser(iteration, rows,
                                                     monkeypatch):
    model = make(
        'DiffPoseHead, residual of all frames',
        residual_diffusion=dict(RESIDUAL, diffusion_stride=2))
    head = model.head
    head.iteration.fill_(iteration)
    inputs, samples = batch([5, 6, 7])
    seen = {}

    def loss(features, mean, std, target, weight, mask, noise):
        seen.update(target=target, noise=noise)
        return torch.tensor(8.)

    monkeypatch.setattr(head.diffusion, 'loss', loss)
    model.loss(inputs, samples)
    targets, _ = head.targets(samples, inputs)
    torch.testing.assert_close(seen['target'], targets[rows])
    # A window's noise is its own, whichever windows are trained on.
    assert seen['noise'].shape == (len(rows), 8, 1, 17, 7)
    head.iteration.fill_(iteration)
    for row, drawn in zip(rows, seen['noise']):
        head.iteration.fill_(iteration)
        alone = head.training_noise(samples[row:row + 1], inputs[:1, :1], 8)
        torch.testing.assert_close(alone.normal(7)[0], drawn)
