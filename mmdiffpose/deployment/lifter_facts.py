# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What an exported lifter's file says of it, as JSON in its metadata."""

import json
from pathlib import Path
from typing import Any, Dict, Mapping, NamedTuple, Optional, Union

import numpy as np
from mmengine.config import Config

from mmdiffpose.input_files import parse_json, printable
from mmdiffpose.skeletons import Skeleton
from mmdiffpose.skeletons.metainfo import (check_stats_info,
                                           skeleton_from_metainfo)
from .lifter_graph import Draws

META_KEY = 'mmdiffpose'
MAX_DRAWN = 10_000_000
"""Numbers that are drawn for a frame."""
MAX_SEED = 1 << 63

_NEEDED = {'model', 'dataset_meta', 'root_index', 'draws', 'seed'}


class LifterFacts(NamedTuple):
    """What an exported lifter is.

    Attributes:
        model: The model's part of the config that it was exported from.
        dataset_meta: As of a model from
            :func:`~mmdiffpose.checkpoints.model.init_model`.
        skeleton: Its joints.
        draws: What it draws for a window.
        seed: That the draws hang on, beside the clip.
    """
    model: Dict[str, Any]
    dataset_meta: Dict[str, Any]
    skeleton: Skeleton
    draws: Draws
    seed: int


def model_facts(config: Config) -> Dict[str, Any]:
    """The model's part of a config as JSON knows it.

    Without what weights in a file do not depend on.
    """
    model = parse_json(json.dumps(config.model.to_dict()))
    for part in (model, model.get('backbone') or {}):
        for key in ('init_cfg', 'context_checkpoint', 'train_cfg'):
            part.pop(key, None)
    return model


def write_meta(meta: Mapping[str, Any]) -> Any:
    """A data set's metainfo for JSON: arrays become marked lists."""
    if isinstance(meta, Mapping):
        return {'items': [[k, write_meta(v)] for k, v in meta.items()]}
    if isinstance(meta, np.ndarray):
        return {'array': meta.tolist(), 'dtype': str(meta.dtype)}
    if isinstance(meta, (list, tuple, set)):
        return [write_meta(value) for value in meta]
    return meta.item() if isinstance(meta, np.generic) else meta


def read_meta(stored: Any) -> Any:
    """The inverse of :func:`write_meta`, with lists for other sequences.

    Raises:
        ValueError: If it is nothing that it writes.
    """
    if isinstance(stored, list):
        return [read_meta(value) for value in stored]
    if not isinstance(stored, dict):
        return stored
    if set(stored) == {'items'}:
        return {key: read_meta(value) for key, value in stored['items']}
    if set(stored) != {'array', 'dtype'}:
        raise ValueError('dataset_meta: expected items, or array and dtype, '
                         f'found {sorted(stored)!r:.80}')
    kind = np.dtype(stored['dtype'])
    if kind.kind not in 'biuf' or kind.fields or kind.shape:
        raise ValueError(f'dataset_meta: expected numbers, found {kind}')
    return np.array(stored['array'], kind)


def read_facts(stored: Optional[str], path: Union[str, Path]) -> LifterFacts:
    """What a file says of its lifter.

    Args:
        stored (str, optional): The file's metadata at :data:`META_KEY`.
        path (str | Path): The file, for messages.

    Raises:
        ValueError: If it has none, or none that
            :func:`~.onnx_export.export_lifter` writes; names what is wrong.
    """
    path = printable(path)
    if stored is None:
        raise ValueError(f'{path}: expected a file of "mmdiffpose export", '
                         'found an ONNX model without its metadata')
    try:
        return _facts(parse_json(stored))
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError,
            RecursionError) as error:
        raise ValueError(f'{path}: its metadata cannot be read: expected what '
                         f'"mmdiffpose export" writes, found: '
                         f'{printable(error)[:500]}') from error


def _facts(told: Any) -> LifterFacts:
    if not isinstance(told, dict) or _NEEDED - set(told):
        raise ValueError(f'lacks {sorted(_NEEDED - set(told or ()))}')
    meta = read_meta(told['dataset_meta'])
    _expect(meta, dict, 'dataset_meta')
    check_stats_info(meta)
    skeleton = skeleton_from_metainfo(meta,
                                      _whole(told['root_index'], 'root_index'))
    draws = _draws(_expect(told['draws'], dict, 'draws'), skeleton.num_joints)
    # What draws nothing hangs on none.
    seed = 0 if told['seed'] is None and not draws.order else told['seed']
    return LifterFacts(
        _expect(told['model'], dict, 'model'), meta, skeleton, draws,
        _whole(seed, 'seed', -MAX_SEED))


def _expect(value: Any, kind: type, key: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool)
                                       and kind is not bool):
        raise ValueError(f'{key}: expected {kind.__name__}, found '
                         f'{value!r:.80}')
    return value


def _whole(value: Any, key: str, least: int = 0) -> int:
    if not least <= _expect(value, int, key) < MAX_SEED:
        raise ValueError(f'{key}: expected a whole number from {least} on, '
                         f'found {value!r:.80}')
    return value


def _draws(told: Dict[str, Any], num_joints: int) -> Draws:
    """What is drawn for a window; not more than memory holds."""
    order = tuple(
        _whole(channels, 'draws.order')
        for channels in _expect(told['order'], list, 'draws.order'))
    joints = told['joint_order']
    if joints is not None and (not isinstance(joints, list)
                               or sorted(joints) != list(range(num_joints))):
        raise ValueError('draws.joint_order: expected each of '
                         f'{num_joints} joints once, found {joints!r:.80}')
    count = _whole(told['num_hypotheses'], 'draws.num_hypotheses', 1)
    drawn = count * num_joints * sum(max(1, channels) for channels in order)
    if drawn > MAX_DRAWN:
        raise ValueError(f'draws: expected at most {MAX_DRAWN} numbers of a '
                         f'frame, found {drawn}')
    return Draws(order, count,
                 _expect(told['share_frames'], bool, 'draws.share_frames'),
                 joints)
