# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Build a trained model from its config and checkpoint."""

from pathlib import Path
from threading import RLock
from typing import Any, Dict, Mapping, Optional, Union

from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

from mmdiffpose.config_files import read_config_file
from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.skeletons.metainfo import check_stats_info, describe_skeleton
from .checkpoint import load_weights, origin_of, read_checkpoint
from .config_names import find_config, find_config_and_weights
from .config_overrides import check_overrides, check_test_cfg
from .config_skeleton import fill_skeleton, stated_metainfos
from .joint_transfer import skeleton_of_checkpoint

_PLACES = ('init_cfg', 'context_checkpoint', 'pretrained')
"""Keys of a model's parts for weights to start from."""

_READING = RLock()
"""MMEngine imports a config as a module, for which it puts a folder on
``sys.path`` and takes the first one off again: one thread at a time."""


def init_model(config: Union[str, Path, Config],
               checkpoint: Optional[Union[str, Path]] = None,
               device: str = 'cpu',
               cfg_options: Optional[Dict[str, Any]] = None) -> nn.Module:
    """Build a model for inference.

    As ``mmpose.apis.init_model``, but weights load safely and strictly: a
    checkpoint that does not fit is an error, not a warning.

    Example::

        model = init_model('diffpose')  # trained weights of the package

    Args:
        config (str | Path | Config): The model's config; or its name, or a
            name or an alias of the model zoo (:func:`list_models`).
        checkpoint (str | Path, optional): ``.pth`` or ``.safetensors``.
            Defaults to the model zoo's weights, verified, where ``config`` is
            a name or an alias of it, and else to random weights.
        device (str): Defaults to ``'cpu'``.
        cfg_options (dict, optional): Overrides, by dotted key; one that
            nothing reads is refused.

    Returns:
        nn.Module: In evaluation mode, with ``cfg``, ``dataset_meta`` and
        ``skeleton``, the joints that it lifts.

    Raises:
        FileNotFoundError: If the config or the checkpoint is missing.
        ValueError: If the config has no model, the checkpoint is no
            checkpoint or of another architecture, or the model zoo's file is
            not the published one.
    """
    # Imported late: they bring all of MMPose, and torch's distributed parts.
    from mmengine.model import revert_sync_batchnorm
    from mmpose.utils import register_all_modules
    found, checkpoint = find_config_and_weights(config, checkpoint)
    register_all_modules(init_default_scope=False)
    config = read_config(found, cfg_options)
    forget_places(config.model)
    config.model.train_cfg = None
    state, meta = read_checkpoint(checkpoint) if checkpoint else ({}, {})
    described = dataset_meta_of(meta, checkpoint or '')
    skeleton = fill_skeleton(config, described)
    model = revert_sync_batchnorm(MODELS.build(config.model))
    check_test_cfg(model)

    if checkpoint is not None:
        load_weights(model, state, checkpoint, origin_of(meta))
    model.dataset_meta = described or _dataset_meta(config)
    model.skeleton = skeleton or H36M_17
    model.cfg = config
    try:
        return model.to(device).eval()
    except RuntimeError as error:
        if 'device' not in str(error):
            raise
        raise ValueError(f'device: expected one of torch\'s, such as cpu or '
                         f'cuda:0, got {device!r}') from error


def forget_places(part: Any) -> None:
    """Take out of a model where its parts' weights are to come from.

    A checkpoint has them all, and what is told by a stranger's config is not
    to be fetched.

    Args:
        part: The model's config, changed in place.
    """
    if isinstance(part, dict):
        for key in _PLACES:
            if part.get(key) is not None:
                part[key] = None
    if isinstance(part, (dict, list, tuple)):
        for inner in part.values() if isinstance(part, dict) else part:
            forget_places(inner)


def read_config(config: Union[str, Path, Config],
                cfg_options: Optional[Dict[str, Any]] = None) -> Config:
    """The config of a model, with overrides; its scope becomes the default.

    Args:
        config (str | Path | Config): As for :func:`init_model`.
        cfg_options (dict, optional): As there.

    Raises:
        FileNotFoundError: If the config is missing.
        ValueError: If it has no model, or nothing reads an override.
    """
    with _READING:
        config = _read_file(find_config(config))
    init_default_scope(config.get('default_scope') or 'mmpose')
    if cfg_options:
        check_overrides(config, cfg_options)
        config.merge_from_dict(cfg_options)
    return config


def _read_file(config: Union[Path, Config]) -> Config:
    if not isinstance(config, Config):
        config = read_config_file(config)
    else:
        # Building a model changes its config; the caller's stays as it is.
        config = config.copy()
    if 'model' not in config:
        raise ValueError(f'{config.filename or "config"}: expected a key '
                         f"'model', found {sorted(config.keys())}")
    if not isinstance(config.model, dict):
        raise ValueError(f'{config.filename or "config"}: expected keys and '
                         f'values as model, found {config.model!r}')
    return config


def dataset_meta_of(
        meta: Mapping[str, Any],
        source: Union[str,
                      Path] = 'the checkpoint') -> Optional[Dict[str, Any]]:
    """What a checkpoint says of the data that it was trained on.

    Args:
        meta (Mapping): From
            :func:`~mmdiffpose.checkpoints.checkpoint.read_checkpoint`:
            ``dataset_meta`` of MMEngine, or ``skeleton`` and ``fps`` of a
            published file.
        source (str | Path): The file, for messages.

    Returns:
        dict | None: As MMPose parses METAINFO; None where it says nothing.

    Raises:
        ValueError: If it says where people are, and does not.
    """
    stated = meta.get('dataset_meta')
    if stated:
        try:
            check_stats_info(stated)
        except (ValueError, AttributeError) as error:
            raise ValueError(f'{source}: expected a data set as dataset_meta, '
                             f'found another: {error}') from error
        return stated
    if not meta.get('skeleton'):
        return None
    from mmpose.datasets.datasets.utils import parse_pose_metainfo
    skeleton = skeleton_of_checkpoint(meta)
    assert skeleton is not None
    parsed = parse_pose_metainfo(describe_skeleton(skeleton))
    parsed.update(
        num_keypoints=skeleton.num_joints,
        root_joint=skeleton.joints[skeleton.root])
    if meta.get('fps'):
        parsed['fps'] = float(meta['fps'])
    return parsed


def _dataset_meta(config: Config) -> Dict[str, Any]:
    """The data set's metainfo: of the training set, else of another one."""
    for _, meta in stated_metainfos(config):
        return meta
    raise ValueError('the checkpoint holds no dataset_meta, and neither '
                     'train_dataloader nor another loader of the config '
                     'names a data set with metainfo')
