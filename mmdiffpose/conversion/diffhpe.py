# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffHPE's published weights (``model.pth``)."""

from typing import Optional

import torch

from mmdiffpose.models.denoisers.csdi_gcn import released_name
from . import mixste
from .layers import check_joints, mixste_trunk
from .weight_table import Conversion, WeightTable, identify

LICENCE = "DiffHPE's release is under Apache-2.0"
KEYPOINT_CHANNELS = 2
POSE_CHANNELS = 3


def _denoiser(table: WeightTable) -> dict:
    """The graph denoiser, ``diffmodel.*``."""
    time = 'diffmodel.residual_layers.0.time_layer.gconv.W'
    _, joints, frames, _ = table.shape(time, 4)
    check_joints(table, time, joints)
    width, inputs, _ = table.shape('diffmodel.input_projection.weight', 3)
    depth = table.count('diffmodel.residual_layers')
    for name in table.names():
        if not name.startswith('diffmodel.'):
            continue
        place = released_name(name[len('diffmodel.'):])
        value = table.take(name)
        # Convolutions of kernel 1 are linear layers here.
        if name.endswith('.weight') and value.ndim > 2:
            value = value.flatten(1)
        table.put(f'head.denoiser.{place}', value, name)
    return dict(width=width, inputs=inputs, depth=depth, frames=frames)


def _wrapper(table: WeightTable, sizes: dict,
             encoder: Optional[WeightTable]) -> dict:
    """The frozen MixSTE, ``conditioning.*``, and what embeds noisy poses."""
    trunk = mixste_trunk(table, 'conditioning.', 'backbone.')
    table.move('conditioning.head', 'coarse_head.norm')
    pose_channels = sizes['inputs'] - trunk['embed_dims']
    embedded = 'conditioning.data_enc.weight' in table.names()
    if embedded:
        table.move('conditioning.data_enc', 'head.denoiser.pose_embed')
    elif pose_channels != POSE_CHANNELS:
        raise table.error(
            'conditioning.data_enc, which embeds noisy poses for an input of '
            f'{sizes["inputs"]} channels', 'none')
    _coarse_layer(table, encoder, trunk['embed_dims'])
    return {
        **mixste.encoder_options(trunk, 'coarse_head'),
        'model.head.denoiser.pose_channels':
        pose_channels if embedded else None,
    }


def _coarse_layer(table: WeightTable, encoder: Optional[WeightTable],
                  width: int) -> None:
    """MixSTE's own last layer, which the Wrapper's file does not have.

    Raises:
        ValueError: If the conditioner's file is of another conditioner.
    """
    if encoder is None:
        for field, shape in (('weight', (3, width)), ('bias', (3, ))):
            table.put(f'coarse_head.linear.{field}', torch.zeros(shape),
                      'no tensor')
        return
    if identify(encoder.names()) != 'mixste':
        raise encoder.error('the conditioner, a MixSTE', encoder.sample())
    mixste.mixste_encoder(encoder, 'coarse_head')
    for name, value in encoder.converted.items():
        wrapped = table.converted.get(name)
        if wrapped is not None and not torch.equal(wrapped, value):
            raise encoder.error(
                'the conditioner that the Wrapper was trained '
                'with', f'another one: {encoder.origins[name]} differs')


def convert_diffhpe(table: WeightTable,
                    encoder: Optional[WeightTable] = None) -> Conversion:
    """DiffHPE-2D or DiffHPE-Wrapper.

    Args:
        table (WeightTable): ``model.pth``.
        encoder (WeightTable, optional): The Wrapper's conditioner, for its
            own poses.

    Raises:
        ValueError: For tensors that do not fit, and for an encoder of
            DiffHPE-2D, which has none.
    """
    sizes = _denoiser(table)
    options = {
        'model.head.denoiser.channels': sizes['width'],
        'model.head.denoiser.num_blocks': sizes['depth'],
        'model.head.denoiser.seq_len': sizes['frames'],
    }
    notes = ['50 diffusion steps, which tensors do not show']
    wrapped = any(name.startswith('conditioning.') for name in table.names())
    if not wrapped:
        if encoder is not None:
            raise table.error('DiffHPE-Wrapper, since an encoder was named',
                              'DiffHPE-2D, which has none')
        channels = sizes['inputs'] - POSE_CHANNELS
        if channels != KEYPOINT_CHANNELS:
            raise table.error('an input of 3D poses and 2D keypoints',
                              f'{sizes["inputs"]} channels')
        options.update({
            'model.backbone.seq_len': sizes['frames'],
            **mixste.window_options(sizes['frames'])
        })
        return Conversion(CONFIG_2D, options, LICENCE, notes)
    options.update(_wrapper(table, sizes, encoder))
    options['model.head.denoiser.context_channels'] = options[
        'model.backbone.embed_dims']
    notes.append('8 attention heads in the conditioner, likewise')
    if encoder is None:
        notes.append(
            "the file lacks the conditioner's own last layer, so that "
            'coarse_keypoints are zero; --encoder with the conditioner (.pt) '
            'gives them')
    return Conversion(
        CONFIG_WRAPPER, options, f'{LICENCE}; its conditioner is a MixSTE. '
        f'{mixste.NO_LICENCE}', notes)


CONFIG_2D = 'diffhpe-2d_h36m-27'
CONFIG_WRAPPER = 'diffhpe-wrapper_mixste_h36m-27'
"""The configs to start from."""
