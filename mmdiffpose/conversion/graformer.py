# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffPose's published GraFormer, the context encoder of single frames."""

from typing import Any, Dict

from .layers import cheb_conv, graformer_stack
from .weight_table import Conversion, WeightTable


def graformer_encoder(table: WeightTable, head: str) -> dict:
    """GraFormer and its last graph convolution.

    The files also hold a step embedding (``temb``) that this network never
    uses.

    Args:
        table (WeightTable): The weights.
        head (str): Name of the regression head in the model.

    Returns:
        dict: Width and number of layers.
    """
    _, _, in_channels, _ = table.shape('gconv_input.weight', 4)
    if in_channels != 2:
        raise table.error('gconv_input of 2 coordinates', str(in_channels))
    sizes = graformer_stack(table, 'backbone.')
    cheb_conv(table, 'gconv_input', 'backbone.input')
    cheb_conv(table, 'gconv_output', f'{head}.output')
    table.drop('temb.')
    return sizes


def encoder_options(sizes: dict, head: str) -> Dict[str, Any]:
    """What a config says about GraFormer and its regression head."""
    return {
        'model.backbone.embed_dims': sizes['width'],
        'model.backbone.num_layers': sizes['depth'],
        f'model.{head}.in_channels': sizes['width'],
    }


def convert_graformer(table: WeightTable) -> Conversion:
    """``gconv_input``, ``gconv_layers.i``, ``atten_layers.i`` ..."""
    sizes = graformer_encoder(table, 'head')
    return Conversion(
        'graformer_h36m-1', encoder_options(sizes, 'head'),
        "DiffPose's release is under the MIT licence, GraFormer's code under "
        'Apache-2.0', ('4 attention heads, which tensors do not show', ))
