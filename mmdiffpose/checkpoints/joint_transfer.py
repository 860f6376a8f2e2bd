# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Weights of one skeleton's joints for another's.

Which axes of which weights belong to joints is found by building the same
model for one joint more: what grows is an axis of joints, whatever the
network. A tensor with C values per joint along an axis has them joint by
joint.

Joints are matched by name (:mod:`mmdiffpose.skeletons.mapping`); a joint that
is nowhere in the source is the mean of its nearest neighbours in the new
skeleton that are. Along an input axis of a linear layer the weights are
divided such that a joint that stands where the old ones would have been is
read as these were.
"""

import copy
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmdiffpose.input_files import parse_json
from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons import H36M_17, Skeleton, as_skeleton
from mmdiffpose.skeletons.mapping import mapping_matrix
from mmdiffpose.skeletons.metainfo import skeleton_from_metainfo
from .config_skeleton import restate_skeleton

Axes = Dict[str, List[Tuple[int, int]]]
"""Name of a tensor to (axis, values per joint) of its axes of joints."""


def permutation(source: Skeleton, target: Skeleton) -> List[int]:
    """Index in the source of each of the target's joints.

    Args:
        source (Skeleton): What weights were trained on.
        target (Skeleton): What they are needed for.

    Raises:
        ValueError: If the two have other joints, or another root; lists both.
    """
    if set(source.joints) != set(target.joints):
        raise ValueError(
            f'the checkpoint is of the joints {list(source.joints)}, the data '
            f'have {list(target.joints)}: only in the first '
            f'{sorted(set(source.joints) - set(target.joints))}, only in the '
            f'second {sorted(set(target.joints) - set(source.joints))}. To '
            'train on from its weights, name it as load_from')
    one, other = (s.joints[s.root] for s in (source, target))
    if one != other:
        raise ValueError(f'the checkpoint is of poses relative to {one}, the '
                         f'data\'s are relative to {other}')
    return [source.index[joint] for joint in target.joints]


def transfer_matrices(source: Skeleton,
                      target: Skeleton) -> Tuple[np.ndarray, np.ndarray]:
    """How two skeletons' joints are made of each other's.

    Args:
        source (Skeleton): J joints.
        target (Skeleton): J' joints.

    Returns:
        tuple[np.ndarray, np.ndarray]: What each target joint takes from the
        source's, (J', J), and what each source joint takes from the
        target's, (J, J'); rows sum to 1.

    Raises:
        ValueError: If nothing in the source makes the target's root, or less
            than half of the target's joints are there.
    """
    matrix = np.array(mapping_matrix(source, target))
    known = matrix.any(1)
    if known.sum() < target.num_joints / 2:
        missing = [j for j, k in zip(target.joints, known) if not k]
        raise ValueError(f'of the joints {list(target.joints)} too few have a '
                         f'like among {list(source.joints)}: {missing} have '
                         'none')
    # A source joint is read off those that take most of it.
    back = matrix.T * (matrix.T == matrix.T.max(1, keepdims=True))
    back = back / np.maximum(back.sum(1, keepdims=True), 1e-12)
    return _from_neighbours(matrix, target), _from_neighbours(back, source)


def _from_neighbours(matrix: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Give rows of 0 the mean of their nearest neighbours' in the graph."""
    known = matrix.any(1)
    graph = skeleton.adjacency() > 0
    while not known.all():
        near = graph & known[None]
        new = near.any(1) & ~known
        if not new.any():
            new = ~known  # joints that no bone reaches
            near = np.broadcast_to(known, graph.shape)
        rows = near[new].astype(float)
        matrix[new] = rows @ matrix / rows.sum(1, keepdims=True)
        known = known | new
    return matrix


def joint_axes(model_config: Mapping[str, Any], skeleton: Skeleton) -> Axes:
    """The axes of joints of a model's weights and buffers.

    Args:
        model_config (Mapping): ``cfg.model``.
        skeleton (Skeleton): The joints that it is for, J.

    Raises:
        ValueError: If a tensor grows with the joints in a way that is not a
            number of values for each.
    """
    J = skeleton.num_joints
    longer = Skeleton('probe', (*skeleton.joints, 'extra joint'),
                      (*skeleton.parents, skeleton.root), skeleton.flip_pairs,
                      (*(skeleton.links or skeleton.bones),
                       (skeleton.root, J)), skeleton.root)
    shapes = []
    with torch.random.fork_rng(devices=[]):
        for joints in (skeleton, longer):
            config = Config(dict(model=copy.deepcopy(dict(model_config))))
            restate_skeleton(config, joints)
            _take_out_files(config.model)
            state = MODELS.build(config.model).state_dict()
            shapes.append({key: value.shape for key, value in state.items()})
    axes: Axes = {}
    for key, shape in shapes[0].items():
        for axis, (size, grown) in enumerate(zip(shape, shapes[1][key])):
            if grown == size:
                continue
            values = grown - size
            if size != J * values:
                raise ValueError(f'{key}: axis {axis} has {size} entries for '
                                 f'{J} joints and {grown} for {J + 1}')
            axes.setdefault(key, []).append((axis, values))
    return axes


def _take_out_files(node: Any) -> None:
    """Weights and loss weights that are for other joints are not read."""
    if isinstance(node, list):
        for item in node:
            _take_out_files(item)
    if isinstance(node, dict):
        for key in ('init_cfg', 'context_checkpoint', 'pretrained',
                    'depth_histogram', 'joint_weights'):
            node.pop(key, None)
        for item in node.values():
            _take_out_files(item)


def reorder_weights(state: Mapping[str, Tensor], axes: Axes,
                    order: List[int]) -> Dict[str, Tensor]:
    """Weights for the same joints in another order, exactly.

    Args:
        state (Mapping[str, Tensor]): A state dict.
        axes (Axes): From :func:`joint_axes`.
        order (list[int]): From :func:`permutation`.
    """
    result = dict(state)
    for key, value in state.items():
        for axis, values in axes.get(_name(key), ()):
            index = torch.tensor(
                [joint * values + i for joint in order for i in range(values)])
            value = value.index_select(axis, index.to(value.device))
        result[key] = value
    return result


def transfer_weights(
        state: Mapping[str, Tensor], model: nn.Module, axes: Axes,
        matrices: Tuple[np.ndarray, np.ndarray]) -> Dict[str, Tensor]:
    """Weights for other joints, as a start for training.

    Args:
        state (Mapping[str, Tensor]): A state dict of the source's joints, J.
        model (nn.Module): A model of the target's joints, J'. What was
            measured and cannot be carried over (``measured_anew`` of a
            module) is left as it has it.
        axes (Axes): From :func:`joint_axes`.
        matrices (tuple): From :func:`transfer_matrices`.
    """
    out = torch.from_numpy(matrices[0])
    into = torch.from_numpy(matrices[1].T)
    own = model.state_dict()
    kept = {
        f'{name}.{key}' if name else key
        for name, module in model.named_modules()
        for key in getattr(module, 'measured_anew', ())
    }
    result = dict(state)
    for key, value in state.items():
        name = _name(key)
        if name in kept:
            result[key] = own[name].clone()
            continue
        for axis, values in axes.get(name, ()):
            reads = axis == 1 and _reads_joints(model, name)
            value = _along(value, axis, values, into if reads else out)
        result[key] = value
    return result


def _name(key: str) -> str:
    return key[len('module.'):] if key.startswith('module.') else key


def _reads_joints(model: nn.Module, name: str) -> bool:
    """Whether axis 1 of a tensor is what its module reads."""
    path, _, leaf = name.rpartition('.')
    module = model.get_submodule(path)
    return leaf in getattr(module, 'matrices_over_joints',
                           ()) or (leaf == 'weight'
                                   and isinstance(module, nn.Linear))


def _along(value: Tensor, axis: int, values: int, matrix: Tensor) -> Tensor:
    """Multiply an axis of J * C entries by (J', J)."""
    split = value.double().unflatten(axis, (-1, values))
    moved = torch.tensordot(matrix, split, dims=([1], [axis]))
    moved = moved.movedim(0, axis).flatten(axis, axis + 1)
    return moved.to(value.dtype) if value.is_floating_point() else (
        moved.round().to(value.dtype))


def skeleton_of_checkpoint(
        meta: Mapping[str, Any],
        source: Union[str, Path] = 'the checkpoint') -> Optional[Skeleton]:
    """The joints that a checkpoint's metadata describe, if they do.

    Args:
        meta (Mapping): From
            :func:`~mmdiffpose.checkpoints.checkpoint.read_checkpoint`:
            ``dataset_meta`` of MMEngine, or ``skeleton`` of a published file.
        source (str | Path): The file, for messages.

    Raises:
        ValueError: If they describe none.
    """
    try:
        if meta.get('skeleton'):
            stored = meta['skeleton']
            return as_skeleton(
                parse_json(stored) if isinstance(stored, str) else stored)
        data = meta.get('dataset_meta') or {}
        if 'keypoint_id2name' not in data:
            return None
        return skeleton_from_metainfo(data)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f'{source}: expected joints in its metadata, found no'
                         f' skeleton: {error}') from error


def skeleton_of_model(model_config: Any) -> Skeleton:
    """The joints that a filled model config is for."""
    found = _find_skeleton(model_config)
    return H36M_17 if found is None else as_skeleton(found)


def _find_skeleton(node: Any) -> Any:
    if isinstance(node, dict):
        if node.get('skeleton') is not None:
            return node['skeleton']
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for item in node:
            found = _find_skeleton(item)
            if found is not None:
                return found
    return None
