# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffPose's published denoiser, with the encoder that it refines."""

from . import graformer, mixste
from .layers import cheb_conv, graformer_stack
from .weight_table import Conversion, WeightTable, identify

CHANNELS = 5
"""u, v, x, y, z."""


def _denoiser(table: WeightTable) -> dict:
    place = 'head.denoiser.'
    _, _, in_channels, _ = table.shape('gconv_input.weight', 4)
    if in_channels != CHANNELS:
        raise table.error('gconv_input of the channels u, v, x, y, z',
                          f'{in_channels} channels')
    sizes = graformer_stack(table, place)
    for i in range(sizes['depth']):
        table.move(f'gconv_layers.{i}.temb_proj',
                   f'{place}graph_blocks.{i}.embed_proj')
    cheb_conv(table, 'gconv_input', f'{place}input')
    cheb_conv(table, 'gconv_output', f'{place}output')
    table.move('temb.dense.0', f'{place}step_mlp.0')
    table.move('temb.dense.1', f'{place}step_mlp.2')
    return sizes


def convert_diffpose(table: WeightTable, encoder: WeightTable) -> Conversion:
    """The five-channel denoiser and a context encoder.

    Args:
        table (WeightTable): ``diffpose_uvxyz_*.pth`` or
            ``diffpose_video_uvxyz_*.pth``.
        encoder (WeightTable): GraFormer (single frames) or MixSTE (video).

    Raises:
        ValueError: For tensors that do not fit, and for another encoder.
    """
    sizes = _denoiser(table)
    options = {
        'model.head.denoiser.channels': sizes['width'],
        'model.head.denoiser.num_layers': sizes['depth'],
    }
    notes = ['4 attention heads in the denoiser, which tensors do not show']
    kind = identify(encoder.names())
    if kind == 'graformer':
        found = graformer.graformer_encoder(encoder, 'coarse_head')
        options.update(graformer.encoder_options(found, 'coarse_head'))
        config = 'diffpose_graformer_h36m-1_released'
        licence = "DiffPose's release is under the MIT licence"
    elif kind == 'mixste':
        found = mixste.mixste_encoder(encoder, 'coarse_head')
        options.update(mixste.encoder_options(found, 'coarse_head'))
        config = 'diffpose_mixste_h36m-243_released'
        licence = ("DiffPose's video code was published without a licence "
                   f'file; {mixste.NO_LICENCE}')
        notes.append('8 in the encoder, likewise')
    else:
        raise encoder.error(
            'the context encoder, GraFormer (gcn_xyz_*.pth) or MixSTE '
            '(mixste_*.bin)', f'tensors of {kind or "no known method"}')
    return Conversion(config, options, licence, notes)


def encoder_beside(name: str) -> str:
    """The file that a denoiser was published together with.

    Args:
        name (str): File name of the denoiser.

    Returns:
        str: File name of the encoder.
    """
    if 'video' in name:
        return 'mixste_cpn_243f.bin'
    return 'gcn_xyz_gt.pth' if 'gt' in name else 'gcn_xyz_cpn.pth'
