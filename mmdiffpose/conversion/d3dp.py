# Copyright (c) mmdiffpose contributors. All rights reserved.
"""D3DP's published weights (``.bin``)."""

import torch

from mmdiffpose.diffusion.schedules import make_alphas
from .layers import mixste_trunk
from .mixste import window_options
from .weight_table import Conversion, WeightTable

CHANNELS = 5
"""u, v, x, y, z."""
MAX_BETA = 0.999
BUFFERS = ('alphas_cumprod_prev', 'sqrt_alphas_cumprod',
           'sqrt_one_minus_alphas_cumprod', 'log_one_minus_alphas_cumprod',
           'sqrt_recip_alphas_cumprod', 'sqrt_recipm1_alphas_cumprod',
           'posterior_variance', 'posterior_log_variance_clipped',
           'posterior_mean_coef1', 'posterior_mean_coef2')
"""Of the schedule; all follow from the betas."""


def _schedule(table: WeightTable) -> int:
    """Check that betas in the file are those that the config computes.

    Returns:
        int: The number of diffusion steps.
    """
    betas = table.take('betas').double()
    levels = table.take('alphas_cumprod').double()
    expected = make_alphas('cosine', len(betas), max_beta=MAX_BETA)[1:]
    for name, found in (('alphas_cumprod', levels),
                        ('betas', torch.cumprod(1 - betas, 0))):
        if found.shape != expected.shape or not torch.allclose(
                found, expected, rtol=1e-5, atol=1e-9):
            raise table.error(
                f'{name} of a cosine schedule of {len(betas)} steps with '
                f'betas up to {MAX_BETA}', 'another schedule')
    for name in BUFFERS:
        table.take(name)
    return len(betas)


def convert_d3dp(table: WeightTable) -> Conversion:
    """``pose_estimator.*``, a MixSTE with a step embedding, and buffers."""
    theirs, ours = 'pose_estimator.', 'head.denoiser.'
    sizes = mixste_trunk(table, theirs, f'{ours}trunk.')
    if sizes.pop('in_channels') != CHANNELS:
        raise table.error('an embedding of u, v, x, y, z',
                          'another number of channels')
    for old, new in (('time_mlp.1', 'step_mlp.0'), ('time_mlp.3',
                                                    'step_mlp.2'),
                     ('head.0', 'norm'), ('head.1', 'linear')):
        table.move(f'{theirs}{old}', f'{ours}{new}')
    steps = _schedule(table)
    options = {f'model.head.denoiser.{key}': sizes[key] for key in sizes}
    options.update({
        'model.head.denoiser.num_steps': steps,
        'model.head.num_steps': steps,
        'model.backbone.seq_len': sizes['seq_len'],
        **window_options(sizes['seq_len']),
    })
    return Conversion(
        'd3dp_h36m-243', options, "D3DP's release is under the MIT licence; "
        'its network goes back to MixSTE, which has none',
        ('8 attention heads and poses at scale 1, which tensors do not show',
         'the root joint is subtracted, where the published evaluation sets '
         'it to zero'))
