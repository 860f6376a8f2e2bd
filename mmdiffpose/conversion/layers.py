# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Published layers that several methods share, in this package's layout."""

import torch

from .weight_table import WeightTable

NUM_JOINTS = 17


def check_joints(table: WeightTable, name: str, found: int) -> None:
    """Refuse models of other joint sets.

    Raises:
        ValueError: Unless ``found`` is Human3.6M's 17.
    """
    if found != NUM_JOINTS:
        raise table.error(f"{name} of Human3.6M's {NUM_JOINTS} joints",
                          f'{found} joints')


def cheb_conv(table: WeightTable, theirs: str, ours: str) -> None:
    """A Chebyshev graph convolution, weight (K + 1, 1, C_in, C_out)."""
    terms, _, _, width = table.shape(f'{theirs}.weight', 4)
    if terms != 3:
        raise table.error(f'{theirs}.weight with 3 terms', f'{terms}')
    weight = table.take(f'{theirs}.weight').flatten(0, 2).T
    table.put(f'{ours}.linear.weight', weight, f'{theirs}.weight')
    bias = table.take(f'{theirs}.bias').reshape(-1)
    table.put(f'{ours}.linear.bias', bias, f'{theirs}.bias')


def attention(table: WeightTable, theirs: str, ours: str) -> None:
    """Q, K, V and output as four linear layers ``linears.0-3``."""
    for field in ('weight', 'bias'):
        parts = [table.take(f'{theirs}.linears.{i}.{field}') for i in range(3)]
        if len({tuple(part.shape) for part in parts}) > 1:
            raise table.error(f'{theirs}.linears.0-2.{field} of one shape',
                              str([tuple(part.shape) for part in parts]))
        table.put(f'{ours}.qkv.{field}', torch.cat(parts),
                  f'{theirs}.linears.0-2.{field}')
    table.move(f'{theirs}.linears.3', f'{ours}.proj')


def std_norm(table: WeightTable, theirs: str, ours: str) -> None:
    """The layer norm with ``a_2`` and ``b_2``."""
    for name, field in (('a_2', 'weight'), ('b_2', 'bias')):
        table.put(f'{ours}.{field}', table.take(f'{theirs}.{name}'),
                  f'{theirs}.{name}')


def pointwise_conv(table: WeightTable, theirs: str, ours: str) -> None:
    """A Conv1d of kernel 1, weight (C_out, C_in, 1), as a linear layer."""
    *_, kernel = table.shape(f'{theirs}.weight', 3)
    if kernel != 1:
        raise table.error(f'{theirs} with a kernel of 1', f'{kernel}')
    table.put(f'{ours}.weight',
              table.take(f'{theirs}.weight').squeeze(2), f'{theirs}.weight')
    table.put(f'{ours}.bias', table.take(f'{theirs}.bias'), f'{theirs}.bias')


def batch_norm(table: WeightTable, theirs: str, ours: str) -> None:
    """A batch normalisation with its running moments."""
    fields = ('weight', 'bias', 'running_mean', 'running_var',
              'num_batches_tracked')
    table.move(theirs, ours, fields)


def mixste_trunk(table: WeightTable, theirs: str, ours: str) -> dict:
    """Everything of MixSTE but the regression head.

    Args:
        table (WeightTable): The weights.
        theirs (str): Prefix there, with its dot.
        ours (str): Prefix here, with its dot.

    Returns:
        dict: Arguments of :class:`~mmdiffpose.models.encoders.MixSTE`.
    """
    name = f'{theirs}Spatial_pos_embed'
    _, joints, width = table.shape(name, 3)
    check_joints(table, name, joints)
    _, frames, _ = table.shape(f'{theirs}Temporal_pos_embed', 3)
    embed = f'{theirs}Spatial_patch_to_embedding'
    _, in_channels = table.shape(f'{embed}.weight', 2)
    depth = table.count(f'{theirs}STEblocks')
    if table.count(f'{theirs}TTEblocks') != depth:
        raise table.error(f'{depth} temporal blocks, as spatial ones',
                          str(table.count(f'{theirs}TTEblocks')))
    hidden, _ = table.shape(f'{theirs}STEblocks.0.mlp.fc1.weight', 2)

    table.move(embed, f'{ours}embed')
    table.move(name, f'{ours}spatial_pos', ('', ))
    table.move(f'{theirs}Temporal_pos_embed', f'{ours}temporal_pos', ('', ))
    for kind, place in (('STE', 'spatial'), ('TTE', 'temporal')):
        for i in range(depth):
            block = f'{theirs}{kind}blocks.{i}'
            target = f'{ours}{place}_blocks.{i}'
            for layer in ('norm1', 'attn.qkv', 'attn.proj', 'norm2'):
                table.move(f'{block}.{layer}', f'{target}.{layer}')
            table.move(f'{block}.mlp.fc1', f'{target}.mlp.0')
            table.move(f'{block}.mlp.fc2', f'{target}.mlp.3')
    table.move(f'{theirs}Spatial_norm', f'{ours}spatial_norm')
    table.move(f'{theirs}Temporal_norm', f'{ours}temporal_norm')
    return dict(
        seq_len=frames,
        in_channels=in_channels,
        embed_dims=width,
        depth=depth,
        mlp_ratio=hidden / width)


def graformer_stack(table: WeightTable, place: str) -> dict:
    """GraFormer's layers between its first and last graph convolution.

    Args:
        table (WeightTable): The weights.
        place (str): Prefix here, with its dot.

    Returns:
        dict: Width and number of layers.
    """
    *_, width = table.shape('gconv_input.weight', 4)
    depth = table.count('gconv_layers')
    if table.count('atten_layers') != depth:
        raise table.error(f'{depth} attention layers, as graph blocks',
                          str(table.count('atten_layers')))
    for i in range(depth):
        theirs, ours = f'atten_layers.{i}', f'{place}attention_layers.{i}'
        attention(table, f'{theirs}.self_attn', f'{ours}.attn')
        graph = f'{theirs}.feed_forward.A_hat'
        check_joints(table, graph, table.shape(graph, 2)[0])
        table.move(graph, f'{ours}.mlp.adjacency', ('', ))
        for layer in (1, 2):
            table.move(f'{theirs}.feed_forward.gconv{layer}.fc',
                       f'{ours}.mlp.fc{layer}')
            std_norm(table, f'{theirs}.sublayer.{layer - 1}.norm',
                     f'{ours}.norm{layer}')
            cheb_conv(table, f'gconv_layers.{i}.gconv{layer}.gconv',
                      f'{place}graph_blocks.{i}.conv{layer}')
    return dict(width=width, depth=depth)
