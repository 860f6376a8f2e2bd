# Copyright (c) mmdiffpose contributors. All rights reserved.
"""One joint set throughout a config: said once, filled in, compared."""

import copy
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from mmengine.config import Config
from mmengine.registry import Registry

from mmdiffpose.registry import (DATASETS, KEYPOINT_CODECS, MODELS,
                                 accepted_arguments)
from mmdiffpose.skeletons import H36M_17, Skeleton, as_skeleton
from mmdiffpose.skeletons.metainfo import skeleton_from_metainfo
from .config_names import find_config_and_weights

_COUNTS = ('num_joints', 'num_keypoints')
_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_EVALUATORS = ('val_evaluator', 'test_evaluator')

Part = Tuple[str, Dict[str, Any], frozenset]
"""Dotted key, the config there, arguments that its class takes."""


def fill_skeleton(
        cfg: Config,
        dataset_meta: Optional[Mapping[str,
                                       Any]] = None) -> Optional[Skeleton]:
    """Build a lifter for the joints of its data.

    Names, bones, left and right come from the data set's METAINFO, or from a
    checkpoint's ``dataset_meta``; the root from the one place that says it
    (codec, head, metric, or METAINFO's ``root_joint``), else from the joints'
    names. What the config leaves out, ``num_joints``, ``num_keypoints``,
    ``root_index`` and ``skeleton`` of networks, losses and codecs, is filled
    in; what it says is compared.

    Args:
        cfg (Config): Changed in place. One without a lifter stays as it is,
            and so does one of Human3.6M's joints.
        dataset_meta (Mapping, optional): Of a checkpoint; takes the place of
            the training data's.

    Returns:
        Skeleton | None: The joints; None where nothing says what they are.

    Raises:
        ValueError: If two places contradict each other; names both.
    """
    parts = list(_parts(cfg.get('model'), 'model', MODELS))
    if not any({'num_joints', 'skeleton'} & known for _, _, known in parts):
        return None
    if dataset_meta and _describes(dataset_meta):
        # Whoever got the checkpoint may not have the data.
        metas = {'the checkpoint': dict(dataset_meta)}
    else:
        metas = dict(stated_metainfos(cfg))
    codecs = list(_codecs(cfg))
    if not metas:
        return None
    root = _stated_root([*parts, *codecs, *_metrics(cfg)])
    where, meta = next(iter(metas.items()))
    skeleton = skeleton_from_metainfo(meta, root)
    _compare_root(skeleton, where, meta)
    _compare_data(skeleton, where, metas)
    for key, part, known in [*parts, *codecs]:
        _fill(key, part, known, skeleton, where)
    return skeleton


def prepare_skeleton(cfg: Config, transfer: bool = False) -> None:
    """What a command does with a config before a runner reads it.

    Its joints are filled in and compared (:func:`fill_skeleton`), an alias of
    the model zoo in ``load_from`` becomes the file, and
    :class:`~mmdiffpose.engine.SkeletonHook` watches what is loaded.

    Args:
        cfg (Config): Changed in place; left as it is where nothing says what
            the joints are.
        transfer (bool): Whether a checkpoint of other joints may start a
            training.

    Raises:
        ValueError: As for :func:`fill_skeleton`.
    """
    skeleton = fill_skeleton(cfg)
    if skeleton is None:
        return
    named = cfg.get('load_from')
    if named and not Path(named).exists() and '://' not in named:
        weights = find_config_and_weights(named)[1]
        if weights is None:
            raise FileNotFoundError(f'load_from: there is no checkpoint '
                                    f'{named}, and no model of the zoo of '
                                    'this name')
        cfg.load_from = str(weights)
    cfg.custom_hooks = [
        *(cfg.get('custom_hooks') or []),
        dict(type='mmdiffpose.SkeletonHook', transfer=transfer)
    ]


def restate_skeleton(cfg: Config, skeleton: Skeleton) -> None:
    """Make a config's model one of other joints, whatever it says of them.

    Args:
        cfg (Config): With ``model``, changed in place.
        skeleton (Skeleton): The joints.
    """
    values: Dict[str, Any] = dict(
        skeleton=skeleton.as_dict(), root_index=skeleton.root)
    values.update(dict.fromkeys(_COUNTS, skeleton.num_joints))
    parts = [*_parts(cfg.model, 'model', MODELS), *_codecs(cfg)]
    for _, part, known in parts:
        part.update({k: v for k, v in values.items() if k in known})


def _fill(key: str, part: Dict[str, Any], known: frozenset, skeleton: Skeleton,
          where: str) -> None:
    """Fill in or compare one part's joints."""
    if key.endswith('.traj_head'):
        # It says where the root is, one joint.
        return
    values: Dict[str, Any] = dict(root_index=skeleton.root)
    values.update(dict.fromkeys(_COUNTS, skeleton.num_joints))
    decoder = part.get('decoder')
    if isinstance(decoder, Mapping) and decoder.get('remove_root'):
        # The codec puts the root back.
        values['num_joints'] -= 1
    defaults = dict(root_index=0, num_joints=17, num_keypoints=17)
    for name, value in values.items():
        if name not in known:
            continue
        if part.get(name) is None:
            if value != defaults[name]:
                part[name] = value
        elif part[name] != value:
            raise ValueError(f'{key}.{name} is {part[name]}, but {where} has '
                             f'{skeleton.num_joints} joints with the root '
                             f'{skeleton.root}: leave it out')
    if 'skeleton' not in known:
        return
    if part.get('skeleton') is None:
        if skeleton is not H36M_17:
            part['skeleton'] = skeleton.as_dict()
    elif not as_skeleton(part['skeleton']).same_joints(skeleton):
        raise ValueError(
            f'{key}.skeleton has the joints '
            f'{list(as_skeleton(part["skeleton"]).joints)}, but {where} has '
            f'{list(skeleton.joints)} (or other bones, root, left and right): '
            'leave it out')


def _stated_root(parts: List[Part]) -> Optional[int]:
    """The root that the config's parts agree on; None: none says it."""
    stated = {
        key: part['root_index']
        for key, part, known in parts if part.get('root_index') is not None
    }
    if len(set(stated.values())) > 1:
        places = ', '.join(f'{key}.root_index={value}'
                           for key, value in sorted(stated.items()))
        raise ValueError('the config names several roots: '
                         f'{places}; say it once, of the codec or as '
                         'root_joint of METAINFO')
    return next(iter(stated.values()), None)


def _compare_root(skeleton: Skeleton, where: str, meta: Mapping) -> None:
    """Refuse a root that METAINFO contradicts by name."""
    named = meta.get('root_joint')
    if named is not None and named != skeleton.joints[skeleton.root]:
        raise ValueError(
            f'the config names the root {skeleton.root} '
            f'({skeleton.joints[skeleton.root]}), METAINFO of {where} the '
            f'joint {named!r}: say it once')


def _compare_data(skeleton: Skeleton, where: str,
                  metas: Mapping[str, Mapping]) -> None:
    """Refuse splits with other joints, or another frame rate, than those
    trained on."""
    for other, meta in metas.items():
        found = skeleton_from_metainfo(meta, skeleton.root)
        if (found.joints, found.flip_indices) != (skeleton.joints,
                                                  skeleton.flip_indices):
            raise ValueError(
                f'{where} has the joints {list(skeleton.joints)}, but {other} '
                f'has {list(found.joints)} (or another left and right)')
        rates = [metas[where].get('fps'), meta.get('fps')]
        if None not in rates and rates[0] != rates[1]:
            raise ValueError(
                f'{where} has {rates[0]:g} frames a second, but {other} has '
                f'{rates[1]:g}: a lifter has learnt how far people move from '
                'frame to frame')


def _describes(meta: Mapping[str, Any]) -> bool:
    return 'keypoint_id2name' in meta or 'keypoint_info' in meta


def stated_metainfos(cfg: Config) -> Iterator[Tuple[str, Dict[str, Any]]]:
    """Metainfo of each data set of a config that has any, by dotted key."""
    for loader in _LOADERS:
        dataset = (cfg.get(loader) or {}).get('dataset')
        if dataset is not None:
            for key, part in _datasets(dataset, f'{loader}.dataset'):
                meta = dataset_metainfo(part)
                if meta is not None and _describes(meta):
                    yield key, meta


def _datasets(node: Any, key: str) -> Iterator[Tuple[str, Dict[str, Any]]]:
    """The data sets within wrappers; one that converts joints stands for
    those within."""
    if not isinstance(node, dict):
        return
    if node.get('metainfo') is None:
        if node.get('dataset') is not None:
            yield from _datasets(node['dataset'], f'{key}.dataset')
            return
        if node.get('datasets') is not None:
            for i, part in enumerate(node['datasets']):
                yield from _datasets(part, f'{key}.datasets.{i}')
            return
    yield key, node


def dataset_metainfo(dataset: Mapping[str, Any]) -> Optional[Dict[str, Any]]:
    """What a data set's config says of its joints, without loading it.

    Args:
        dataset (Mapping): Config with ``type``.

    Returns:
        dict | None: The parsed METAINFO; None for a type without any.
    """
    kind = dataset.get('type')
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    own = getattr(kind, 'metainfo_of', None)
    if own is not None:
        return own(dataset)
    load, given = getattr(kind, '_load_metainfo',
                          None), dataset.get('metainfo')
    if not getattr(kind, 'METAINFO', None):
        # Imported late, as it brings MMPose. Its wrappers parse what they get.
        from mmpose.datasets.datasets.utils import parse_pose_metainfo
        return parse_pose_metainfo(copy.deepcopy(
            dict(given))) if given else (None)
    if load is None:
        return None
    return load(copy.deepcopy(dict(given)) if given else None)


def _parts(node: Any, key: str, registry: Registry) -> Iterator[Part]:
    """All configs with a type, outermost first."""
    if isinstance(node, (list, tuple)):
        for i, item in enumerate(node):
            yield from _parts(item, f'{key}.{i}', registry)
    if not isinstance(node, dict):
        return
    kind = node.get('type')
    if isinstance(kind, str):
        kind = registry.get(kind)
    if isinstance(kind, type):
        yield key, node, frozenset(accepted_arguments(kind))
    for name, value in node.items():
        if name not in ('decoder', 'skeleton', 'data_preprocessor'):
            yield from _parts(value, f'{key}.{name}', registry)


def _codecs(cfg: Config) -> Iterator[Part]:
    """Codecs of heads and of the data sets' pipelines."""
    for key in ('model', *_LOADERS):
        yield from _nested_codecs(cfg.get(key), key)


def _nested_codecs(node: Any, key: str) -> Iterator[Part]:
    if isinstance(node, (list, tuple)):
        for i, item in enumerate(node):
            yield from _nested_codecs(item, f'{key}.{i}')
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        place = f'{key}.{name}'
        if name in ('decoder', 'encoder') and isinstance(value, dict):
            yield from _parts(value, place, KEYPOINT_CODECS)
        else:
            yield from _nested_codecs(value, place)


def _metrics(cfg: Config) -> Iterator[Part]:
    """Evaluators; their joints are the data set's, so none is filled in."""
    for key in _EVALUATORS:
        nodes = cfg.get(key) or ()
        if isinstance(nodes, dict):
            yield key, nodes, frozenset()
            continue
        for i, node in enumerate(nodes):
            if isinstance(node, dict):
                yield f'{key}.{i}', node, frozenset()
