# Copyright (c) mmdiffpose contributors. All rights reserved.
"""P-STMO's published weights (``no_refine_*.pth``)."""

from math import prod
from typing import List

from .layers import (NUM_JOINTS, attention, batch_norm, check_joints,
                     pointwise_conv, std_norm)
from .mixste import window_options
from .weight_table import Conversion, WeightTable

STRIDES = {
    9: (1, 3, 3),
    27: (3, 3, 3),
    81: (3, 3, 3, 3),
    243: (3, 3, 3, 3, 3),
    351: (3, 9, 13)
}
"""Frames to the strides that P-STMO's code uses for them."""


def _pose_mlp(table: WeightTable) -> None:
    """SEM, an MLP of pointwise convolutions."""
    place = 'backbone.encoder.spatial'
    inner = 'encoder.layers.0'
    for conv, norm, target in (('encoder.fc_1', 'encoder.bn_1',
                                'input'), (f'{inner}.w1',
                                           f'{inner}.batch_norm1', 'block.0'),
                               (f'{inner}.w2', f'{inner}.batch_norm2',
                                'block.1')):
        pointwise_conv(table, conv, f'{place}.{target}.0')
        batch_norm(table, norm, f'{place}.{target}.1')
    pointwise_conv(table, 'encoder.fc_2', f'{place}.output')


def _block(table: WeightTable, theirs: str, ours: str, strided: bool) -> None:
    attention(table, f'{theirs}.self_attn', f'{ours}.attn')
    for i in (0, 1):
        std_norm(table, f'{theirs}.sublayer.{i}.norm', f'{ours}.norm{i + 1}')
    first = f'{theirs}.feed_forward.w_1'
    if strided:
        pointwise_conv(table, first, f'{ours}.fc1')
    else:
        table.move(first, f'{ours}.fc1')
    table.move(f'{theirs}.feed_forward.w_2', f'{ours}.fc2')


def _aggregator(table: WeightTable, frames: int) -> List[int]:
    """MOFA; of its position embeddings only the rows that are ever read."""
    theirs, ours = 'Transformer_reduce.model', 'backbone.aggregator'
    depth = table.count(f'{theirs}.layers')
    strides = STRIDES.get(frames)
    if strides is None or len(strides) != depth:
        raise table.error(
            f'one of the frame counts {sorted(STRIDES)} with as many strided '
            'blocks as P-STMO has for it', f'{frames} frames, {depth} blocks')
    for i in range(depth):
        _block(table, f'{theirs}.layers.{i}', f'{ours}.blocks.{i}', True)
    for i in range(3):
        name = f'{theirs}.pos_embedding_{i + 1}'
        rows = table.take(name)[:, :frames // prod(strides[:i])]
        table.put(f'{ours}.positions.{i}', rows, name)
    table.drop(f'{theirs}.norm.')
    return list(strides)


def convert_p_stmo(table: WeightTable) -> Conversion:
    """``encoder``, ``Transformer``, ``Transformer_reduce``, ``fcn``."""
    _, frames, width = table.shape('Transformer.pos_embedding', 3)
    _, coordinates, _ = table.shape('encoder.fc_1.weight', 3)
    outputs, _, _ = table.shape('fcn.1.weight', 3)
    hidden, _ = table.shape(
        'Transformer.model.layers.0.feed_forward.w_1.'
        'weight', 2)
    check_joints(table, 'encoder.fc_1', coordinates // 2)
    check_joints(table, 'fcn.1', outputs // 3)
    depth = table.count('Transformer.model.layers')

    _pose_mlp(table)
    for i in range(depth):
        _block(table, f'Transformer.model.layers.{i}',
               f'backbone.encoder.temporal.{i}', False)
    table.move('Transformer.pos_embedding', 'backbone.encoder.temporal_pos',
               ('', ))
    table.drop('Transformer.model.norm.')
    strides = _aggregator(table, frames)
    for theirs, ours in (('fcn_1', 'frame_joints'), ('fcn', 'center_joints')):
        batch_norm(table, f'{theirs}.0', f'backbone.{ours}.norm')
        pointwise_conv(table, f'{theirs}.1', f'backbone.{ours}.linear')

    options = {
        'model.backbone.seq_len': frames,
        'model.backbone.num_joints': NUM_JOINTS,
        'model.backbone.embed_dims': width,
        'model.backbone.hidden_dims': hidden,
        'model.backbone.num_layers': depth,
        'model.backbone.strides': strides,
        # The last layer's outputs per joint are the pose.
        'model.backbone.joint_dims': 3,
        'model.head.type': 'mmdiffpose.PoseFeatureHead',
        'model.head.in_channels': 3,
        # One frame of each window, the middle one.
        'model.backbone.output': 'center',
        'test_dataloader.dataset.stride': 1,
        **window_options(frames),
    }
    return Conversion(
        'pstmo_h36m-243', options, "P-STMO's release is under the MIT licence",
        ('8 attention heads and the strides '
         f'{strides}, which tensors do not show',
         'every window gives its middle frame; for all frames at once, and '
         'less accurate: --cfg-options model.backbone.output=frames '
         f'test_dataloader.dataset.stride={frames}'))
