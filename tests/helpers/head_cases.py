# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A small model around each registered lifting head.

Whoever registers a head adds a case here; ``tests/models/heads`` has the
contract that each of them passes.
"""
import torch
from lifter_factory import WIDTH, T, build, encoder_config

from mmdiffpose.models.heads.parts.base import BaseLiftingHead
from mmdiffpose.models.heads.parts.sampling import SamplingHead
from mmdiffpose.registry import MODELS

GCN = dict(type='mmdiffpose.GCNAttention', channels=16, dropout=0.)
CSDI = dict(type='mmdiffpose.CSDIGCN', seq_len=T, channels=8, num_blocks=2)
WRAPPED = dict(CSDI, context_channels=WIDTH, pose_channels=6)
LIGHT = dict(type='mmdiffpose.ResidualMLP', width=16)
RESIDUAL = dict(refine=dict(width=16), std=dict(width=16))
PSTMO = dict(
    type='mmdiffpose.PSTMO',
    seq_len=T,
    embed_dims=16,
    hidden_dims=16,
    num_layers=1,
    num_heads=2)

CASES = {
    'LiftingRegressionHead':
    dict(encoder=encoder_config(), head=dict(in_channels=WIDTH)),
    'GraphRegressionHead':
    dict(
        encoder=dict(
            type='mmdiffpose.GraFormer', embed_dims=WIDTH, num_layers=1),
        head=dict(in_channels=WIDTH)),
    'ManyToOneRegressionHead':
    dict(encoder=dict(PSTMO, joint_dims=8), head=dict(in_channels=8)),
    'PoseFeatureHead':
    dict(encoder=dict(PSTMO, joint_dims=3), head=dict()),
    'DenoiserRegressionHead':
    dict(head=dict(denoiser=CSDI)),
    'DenoiserRegressionHead, wrapped':
    dict(coarse=True, head=dict(denoiser=WRAPPED)),
    'RefiningHead':
    dict(coarse=True, head=dict(RESIDUAL, in_channels=WIDTH)),
    'RefiningHead, no encoder':
    dict(head=dict(RESIDUAL, regression=CSDI)),
    'SinglePassHead':
    dict(
        coarse=True,
        head=dict(
            in_channels=WIDTH,
            denoiser=GCN,
            num_stacks=2,
            condition_on_start=True)),
    'DiffPoseHead':
    dict(
        coarse=True,
        head=dict(
            in_channels=WIDTH,
            denoiser=GCN,
            num_components=2,
            condition_on_start=True,
            target='sample')),
    'DiffPoseHead, joint':
    dict(
        coarse=True,
        head=dict(
            in_channels=WIDTH, denoiser=GCN, start='joint', target='sample')),
    'DiffPoseHead, standard':
    dict(
        coarse=True,
        head=dict(
            in_channels=WIDTH,
            denoiser=GCN,
            start='standard',
            num_train_hypotheses=2,
            target='sample')),
    'DiffPoseHead, all frames':
    dict(
        coarse=True,
        head=dict(
            in_channels=WIDTH, denoiser=CSDI, start='joint', target='sample')),
    'DiffHPEHead':
    dict(head=dict(denoiser=CSDI)),
    'DiffHPEHead, wrapped':
    dict(coarse=True, head=dict(denoiser=WRAPPED)),
    'DiffPoseHead, residual':
    dict(
        coarse=True,
        residual=True,
        head=dict(
            in_channels=WIDTH, denoiser=GCN, residual_diffusion=RESIDUAL)),
    'DiffPoseHead, residual of all frames':
    dict(
        coarse=True,
        residual=True,
        head=dict(
            in_channels=WIDTH,
            denoiser=CSDI,
            residual_diffusion=dict(RESIDUAL, start='gaussian'))),
    'DiffHPEHead, residual':
    dict(
        residual=True,
        head=dict(
            denoiser=CSDI, residual_diffusion=dict(RESIDUAL,
                                                   regression=CSDI))),
    'DiffHPEHead, residual and wrapped':
    dict(
        coarse=True,
        residual=True,
        head=dict(
            denoiser=WRAPPED,
            residual_diffusion=dict(RESIDUAL, in_channels=WIDTH))),
    'DiffHPEHead, light residual':
    dict(
        coarse=True,
        residual=True,
        head=dict(
            denoiser=LIGHT,
            residual_diffusion=dict(RESIDUAL, in_channels=WIDTH))),
    'ReleasedDiffPoseHead':
    dict(
        coarse=True,
        head=dict(
            denoiser=dict(
                type='mmdiffpose.GCNDiff', channels=16, num_layers=1)),
        test_cfg=dict(start_noise=1.)),
    'ResidualDiffusionHead':
    dict(
        coarse=True,
        residual=True,
        head=dict(RESIDUAL, in_channels=WIDTH,
                  diffusion=dict(denoiser=LIGHT))),
}
"""Of the head's type: the head's config, and its encoder's; ``coarse`` where
that has a regression head; ``residual`` where it diffuses a regression's
residual; what sampling needs in ``test_cfg``."""

HEADS = sorted({
    name
    for name, module in MODELS.module_dict.items()
    if issubclass(module, BaseLiftingHead)
    and module.__module__.startswith('mmdiffpose.')
})
"""All of the package that are registered."""


def case_type(case):
    """The head's registered name."""
    return case.split(',')[0]


def samples_hypotheses(case):
    return issubclass(MODELS.get(case_type(case)), SamplingHead)


def is_stage_one(case):
    """Whether the head is an encoder's own, in MMPose's PoseLifter."""
    return 'encoder' in CASES[case]


def config_of(case, **head):
    """The model's config."""
    parts = CASES[case]
    config = dict(
        head=dict(
            type=f'mmdiffpose.{case_type(case)}', **{
                **parts['head'],
                **head
            }))
    if is_stage_one(case):
        config.update(type='PoseLifter', backbone=parts['encoder'])
    elif parts.get('coarse'):
        config.update(
            type='mmdiffpose.DiffusionPoseLifter',
            backbone=encoder_config(),
            coarse_head=dict(
                type='mmdiffpose.LiftingRegressionHead', in_channels=WIDTH))
    else:
        config.update(
            type='mmdiffpose.DiffusionPoseLifter',
            backbone=dict(type='mmdiffpose.IdentityContext'))
    return config


def make(case, **head):
    """The model, in evaluation, with values where training starts from none.

    Residual stds differ between axes and joints, as measured ones do.
    """
    parts = CASES[case]
    torch.manual_seed(0)
    model = build(config_of(case, **head))
    generator = torch.Generator().manual_seed(1)
    for name, value in model.head.named_parameters():
        if value.detach().unique().numel() == 1:
            value.data.uniform_(0.05, 0.3, generator=generator)
    for module in model.modules():
        if hasattr(module, 'set_residual_std'):
            module.set_residual_std(
                torch.rand(17, 3, generator=generator) / 10 + 0.02)
    if parts.get('coarse'):
        model.context_loaded.fill_(True)
    model.test_cfg = dict(parts.get('test_cfg', {}))
    return model.eval()


def predict(model, inputs, samples, **test_cfg):
    """Fields of B windows' predictions; ``test_cfg`` beside the model's."""
    before = model.test_cfg
    model.test_cfg = {**before, **test_cfg}
    try:
        with torch.no_grad():
            # MMPose's own lifter mirrors its inputs in place.
            out = model.predict(inputs.clone(), samples)
    finally:
        model.test_cfg = before
    return [sample.pred_instances for sample in out]
