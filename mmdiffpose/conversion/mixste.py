# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MixSTE's published weights, those of DiffHPE's conditioner among them."""

from typing import Any, Dict

from .layers import mixste_trunk
from .weight_table import Conversion, WeightTable

NO_LICENCE = ('MixSTE was published without a licence: use these weights '
              'where you may, and do not redistribute them')
DIFFHPE_WIDTH = 64
"""Width of DiffHPE's conditioner, which is tested without mirror images."""


def mixste_encoder(table: WeightTable, head: str) -> dict:
    """MixSTE and its regression head.

    Args:
        table (WeightTable): The weights.
        head (str): Name of the regression head in the model.

    Returns:
        dict: Arguments of the encoder.
    """
    sizes = mixste_trunk(table, '', 'backbone.')
    if sizes['in_channels'] != 2:
        raise table.error('an encoder of 2 input coordinates',
                          str(sizes['in_channels']))
    table.move('head.0', f'{head}.norm')
    table.move('head.1', f'{head}.linear')
    return sizes


def window_options(seq_len: int) -> Dict[str, Any]:
    """What a config says about the length of windows."""
    return {
        'seq_len': seq_len,
        'val_dataloader.dataset.seq_len': seq_len,
        'test_dataloader.dataset.seq_len': seq_len,
    }


def encoder_options(sizes: dict, head: str) -> Dict[str, Any]:
    """What a config says about MixSTE and its regression head."""
    options = {f'model.backbone.{key}': sizes[key] for key in sizes}
    options[f'model.{head}.in_channels'] = sizes['embed_dims']
    return {**options, **window_options(sizes['seq_len'])}


def convert_mixste(table: WeightTable) -> Conversion:
    """``Spatial_pos_embed``, ``STEblocks.i`` ... ``head.0``, ``head.1``."""
    sizes = mixste_encoder(table, 'head')
    small = sizes['embed_dims'] == DIFFHPE_WIDTH
    return Conversion('mixste_h36m-27' if small else 'mixste_h36m-243',
                      encoder_options(sizes, 'head'), NO_LICENCE,
                      ('8 attention heads, which tensors do not show', ))
