# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Small DiffHPE models with weights that say something."""
import torch
from lifter_factory import WIDTH, T, build, encoder_config

from mmdiffpose.models.denoisers import CSDIGCN


def shake(network):
    """Random values where training starts from zeros or ones."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if 'norm.weight' in name or 'running_var' in name:
                tensor.uniform_(0.5, 1.5, generator=generator)
            elif 'norm.bias' in name or 'running_mean' in name:
                tensor.normal_(0, 0.2, generator=generator)
            elif 'output2' in name or 'mixer.time.weight' in name:
                tensor.normal_(0, 0.2, generator=generator)
    return network


def network(kind=CSDIGCN, **options):
    torch.manual_seed(0)
    options = {
        **dict(seq_len=T, channels=8, num_blocks=2, dropout=0.1),
        **options
    }
    return shake(kind(**options)).eval()


def diffhpe(wrapper=False, head='DiffHPEHead', denoiser=None, **options):
    """A lifter: DiffHPE-2D, DiffHPE-Wrapper or their control."""
    torch.manual_seed(0)
    config = dict(
        type='mmdiffpose.CSDIGCN',
        seq_len=T,
        channels=8,
        num_blocks=2,
        dropout=0.1)
    encoder = dict(type='mmdiffpose.IdentityContext')
    coarse = None
    if wrapper:
        encoder = encoder_config()
        coarse = dict(
            type='mmdiffpose.LiftingRegressionHead', in_channels=WIDTH)
        config.update(context_channels=WIDTH, pose_channels=6)
    config.update(denoiser or {})
    model = build(
        dict(
            type='mmdiffpose.DiffusionPoseLifter',
            backbone=encoder,
            coarse_head=coarse,
            head=dict(type=f'mmdiffpose.{head}', denoiser=config, **options)))
    if wrapper:
        model.context_loaded.fill_(True)
        torch.nn.init.normal_(model.coarse_head.norm.bias, std=0.3)
    shake(model.head.denoiser)
    return model.eval()
