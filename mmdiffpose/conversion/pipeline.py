# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From a published file to a checkpoint and the config that goes with it."""

from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Union

from mmengine.config import Config
from safetensors.torch import save_file

from mmdiffpose.atomic_files import replacing
from .converted_model import complete
from .d3dp import convert_d3dp
from .diffhpe import convert_diffhpe
from .diffpose import convert_diffpose, encoder_beside
from .graformer import convert_graformer
from .mixste import convert_mixste
from .official_files import OfficialFile, read_official
from .p_stmo import convert_p_stmo
from .weight_table import (SIGNATURES, Conversion, WeightTable, identify,
                           strip_prefix)

CONVERTERS: Dict[str, Callable[..., Conversion]] = dict(
    mixste=convert_mixste,
    graformer=convert_graformer,
    diffpose=convert_diffpose,
    diffhpe=convert_diffhpe,
    pstmo=convert_p_stmo,
    d3dp=convert_d3dp)
"""Converters by method."""

WITH_ENCODER = ('diffpose', 'diffhpe')
KEYPOINTS = ('detection', 'gt')
TRAINING_KEYS = ('train_dataloader', 'train_cfg', 'optim_wrapper',
                 'param_scheduler', 'auto_scale_lr', 'custom_hooks',
                 'max_epochs', 'val_interval', 'patience_epochs', 'warmup',
                 'cosine', 'encoder', 'diffusion_hooks')
"""What a config for testing and inference has no use for, with variables of
the config file."""


class Report(NamedTuple):
    """What a conversion did.

    Attributes:
        checkpoint: The weights written.
        config: The config written.
        base: Name of the config that it comes from.
        options: Changes to it, by dotted key.
        metadata: What the checkpoint says of itself.
        num_tensors: Tensors that have found their place.
        unused: Tensors that the published code never reads either.
        defaults: Values of ours that the published file does not have.
        notes: What was taken for granted.
    """
    checkpoint: Path
    config: Path
    base: str
    options: Dict[str, Any]
    metadata: Dict[str, str]
    num_tensors: int
    unused: List[str]
    defaults: List[str]
    notes: List[str]


def convert_official(method: str,
                     source: Union[str, Path],
                     destination: Union[str, Path],
                     load_config: Callable[[str], Config],
                     encoder: Optional[Union[str, Path]] = None,
                     averaged: bool = False,
                     keypoints: Optional[str] = None) -> Report:
    """Convert a published file; writes both files or neither.

    Args:
        method (str): Key of :data:`CONVERTERS`.
        source (str | Path): The published file.
        destination (str | Path): The ``.safetensors`` file to write; the
            config is written beside it, as ``<stem>.py``.
        load_config (Callable): Reads this package's config of a name.
        encoder (str | Path, optional): The context encoder's file. For
            ``'diffpose'`` it defaults to the one published with the denoiser,
            in the same folder; for ``'diffhpe'`` it adds the conditioner's
            own poses.
        averaged (bool): Whether to take the running average of the weights,
            which published code saves but never tests. Defaults to False.
        keypoints (str, optional): What the model takes, ``'detection'`` or
            ``'gt'``. Defaults to what the file's name says.

    Returns:
        Report: What was done.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file cannot be read, is another method's, or has
            tensors that do not fit. Nothing is written then.
    """
    destination = _check_arguments(method, destination, encoder, keypoints)
    file = read_official(source)
    companion = _companion(method, file.path, encoder)
    table = _table(file, method, averaged, method)
    conversion = _convert(method, table, companion)
    if keypoints is None:
        words = file.path.stem.lower().replace('-', '_').split('_')
        keypoints = 'gt' if 'gt' in words else 'detection'
    options = {**conversion.options, **_keypoint_options(method, keypoints)}
    config = _test_config(load_config(conversion.config), options)
    state, defaults = complete(config, table)

    metadata = dict(
        format='pt',
        converter=f'mmdiffpose {method}',
        source=file.path.name,
        source_sha256=file.sha256,
        licence=conversion.licence,
        config=conversion.config)
    if companion is not None:
        metadata.update(
            encoder=companion.path.name, encoder_sha256=companion.sha256)
    written = destination.with_suffix('.py')
    with replacing(destination) as weights, replacing(written) as text:
        save_file(state, weights, metadata=metadata)
        text.write_text(
            _header(metadata) + config.pretty_text, encoding='utf-8')
    return Report(destination, written, conversion.config, options, metadata,
                  len(table.converted), table.unused, defaults,
                  [*conversion.notes, f'2D keypoints: {keypoints}'])


def _convert(method: str, table: WeightTable,
             companion: Optional[OfficialFile]) -> Conversion:
    """Give every tensor of both files its place."""
    if companion is None:
        conversion = CONVERTERS[method](table)
    else:
        encoder = _table(companion, method, False, f'the encoder of {method}')
        conversion = CONVERTERS[method](table, encoder)
        encoder.close()
        table.adopt(encoder)
    table.close()
    return conversion


def _test_config(config: Config, options: Dict[str, Any]) -> Config:
    """A config with changes, without what only training reads."""
    config.merge_from_dict(options)
    for key in (*TRAINING_KEYS, *[k for k in config if k.startswith('_')]):
        config.pop(key, None)
    return config


def _check_arguments(method: str, destination: Union[str, Path],
                     encoder: Optional[Union[str, Path]],
                     keypoints: Optional[str]) -> Path:
    destination = Path(destination)
    if method not in CONVERTERS:
        raise ValueError(f'expected a method among {sorted(CONVERTERS)}, '
                         f'found {method!r}')
    if destination.suffix != '.safetensors':
        raise ValueError('expected a .safetensors file to write, found '
                         f'{destination}')
    if encoder is not None and method not in WITH_ENCODER:
        raise ValueError(f'{method} takes no encoder, found {encoder}')
    if keypoints is not None and keypoints not in KEYPOINTS:
        raise ValueError(f'expected keypoints among {KEYPOINTS}, found '
                         f'{keypoints!r}')
    return destination


def _table(file: OfficialFile, method: str, averaged: bool,
           label: str) -> WeightTable:
    """The tensors of a file, which are the method's."""
    weights = file.weights
    if averaged:
        if file.averaged is None:
            raise ValueError(f'{file.path}: expected a running average of '
                             'the weights, found none')
        weights = file.averaged
    weights = strip_prefix(weights, 'model.')
    found = identify(weights)
    table = WeightTable(weights, file.path, label)
    if label == method and found != method:
        raise table.error(
            f'tensors such as {SIGNATURES[method]!r}',
            f'{table.sample()} (weights of {found or "no known method"})')
    return table


def _companion(method: str, source: Path,
               encoder: Optional[Union[str, Path]]) -> Optional[OfficialFile]:
    """The encoder's file, where one is named or needed."""
    if encoder is not None:
        return read_official(encoder)
    if method != 'diffpose':
        return None
    beside = source.with_name(encoder_beside(source.name))
    if not beside.is_file():
        raise FileNotFoundError(
            f'{source} refines the poses of a context encoder: name its '
            f'file with --encoder, or put {beside.name} beside it')
    return read_official(beside)


def _keypoint_options(method: str, keypoints: str) -> Dict[str, Any]:
    if keypoints == 'detection':
        return {}
    options: Dict[str, Any] = {
        'keypoint_2d_src': 'gt',
        'val_dataloader.dataset.keypoint_2d_src': 'gt',
        'test_dataloader.dataset.keypoint_2d_src': 'gt',
    }
    if method == 'diffpose':
        options['model.test_cfg.sampling_range'] = (12, 2)
    return options


def _header(metadata: Dict[str, str]) -> str:
    """Say where a config comes from."""
    lines = [
        f'From {metadata["config"]}.py, for the converted weights of '
        f'{metadata["source"]!r}', f'(SHA-256 {metadata["source_sha256"]}).',
        'Their std is not calibrated.', f'Licence: {metadata["licence"]}.'
    ]
    return ''.join(f'# {line}\n' for line in lines)
