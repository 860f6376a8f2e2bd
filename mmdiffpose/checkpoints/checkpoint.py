# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Load a checkpoint into a model: safely, strictly, with clear errors."""

from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple, Union

import torch
from torch import Tensor, nn

from mmdiffpose.input_files import check_file
from .checkpoint_formats import check_container
from .safe_classes import load_safely

NEGLIGIBLE = 1e-20
"""Weights smaller than that are lost in float32 beside any other."""

SHOWN = 3
"""Keys of each kind that an error message names."""


def read_checkpoint(
        path: Union[str, Path]) -> Tuple[Dict[str, Tensor], Dict[str, Any]]:
    """Read weights and metadata without running code from the file.

    Args:
        path (str | Path): A ``.pth`` of MMEngine (``state_dict`` and
            ``meta``), a bare state dict, or a ``.safetensors`` file.

    Returns:
        tuple[dict, dict]: State dict on the CPU, and metadata (empty where
        the file has none; a ``.safetensors`` file's are strings).

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If a ``.safetensors`` file meets no such package.
        ValueError: If the file is no checkpoint, of another format than its
            name says, cut short, or holds what ``weights_only=True`` refuses.
    """
    path = check_file(path, 'a checkpoint')
    check_container(path)
    if path.suffix == '.safetensors':
        return _read_safetensors(path)
    content = load_safely(path)
    meta: Dict[str, Any] = {}
    if isinstance(content, dict) and 'state_dict' in content:
        meta = content.get('meta') or {}
        content = content['state_dict']
        if not isinstance(meta, dict):
            raise ValueError(f'{path}: expected keys and values as meta, found'
                             f' {type(meta).__name__}')
    if not isinstance(content, dict) or not content or not all(
            isinstance(value, Tensor) for value in content.values()):
        found = (f'keys {sorted(map(str, content))[:SHOWN]}' if isinstance(
            content, dict) else type(content).__name__)
        raise ValueError(f'{path}: expected a state dict of tensors, found '
                         f'{found}')
    check_tensors(path, content)
    return dict(content), meta


def check_tensors(path: Union[str, Path], state: Mapping[Any, Any]) -> None:
    """Raise unless weights are tensors that hold their own numbers, by name.

    A tensor may say that its numbers are those of a smaller storage again and
    again, and one of four bytes then takes terabytes as soon as it is used.

    Args:
        path (str | Path): The file, for messages.
        state (Mapping): Tensors by name.

    Raises:
        ValueError: If a name is no text, or a tensor is sparse, quantized,
            not in memory, or larger than what it is made of.
    """
    for name, value in state.items():
        if not isinstance(name, str):
            raise ValueError(f'{path}: expected tensors by name, found the '
                             f'name {name!r}')
        layout = str(value.layout).replace('torch.', '')
        if layout != 'strided' or value.is_quantized or (value.device.type
                                                         != 'cpu'):
            raise ValueError(f'{path}: expected a dense tensor as {name}, '
                             f'found one of {value.dtype}, {layout}, on '
                             f'{value.device.type}')
        held = value.untyped_storage().nbytes() // max(value.element_size(), 1)
        if value.numel() > held:
            raise ValueError(f'{path}: expected {value.numel()} numbers of '
                             f'{name} as its shape says, found {held}')


def _read_safetensors(path: Path) -> Tuple[Dict[str, Tensor], Dict[str, str]]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise ImportError(f'{path} needs the package safetensors: '
                          'pip install safetensors') from error
    try:
        with safe_open(path, framework='pt') as file:
            state = {key: file.get_tensor(key) for key in file.keys()}
            meta = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(
            f'{path}: not a safetensors file ({error})') from error
    if not state:
        raise ValueError(f'{path}: expected at least one tensor, found none')
    return state, meta


def origin_of(meta: Mapping[str, Any]) -> str:
    """What a checkpoint's metadata says of where it comes from.

    Args:
        meta (Mapping): From :func:`read_checkpoint`.

    Returns:
        str: A config's or a run's name; empty where it says nothing.
    """
    return str(meta.get('config') or meta.get('experiment_name') or '')


def load_weights(model: nn.Module,
                 state: Dict[str, Tensor],
                 source: Union[str, Path],
                 origin: str = '') -> None:
    """Load a state dict, all of it and nothing else.

    Weights below ``NEGLIGIBLE`` become zero. Weight decay leaves such in
    channels that died; they change no pose, but their products are subnormal,
    for which a CPU takes so much longer that it halves the speed.

    Args:
        model (nn.Module): Gets the weights.
        state (dict[str, Tensor]): As saved; a leading ``module.`` of a
            distributed wrapper is dropped.
        source (str | Path): Name of the checkpoint, for the message.
        origin (str): From :func:`origin_of`, for the message.

    Raises:
        ValueError: As for :func:`check_weights`. The model is unchanged then.
    """
    model.load_state_dict(check_weights(model, state, source, origin))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter[parameter.abs() < NEGLIGIBLE] = 0


def check_weights(model: nn.Module,
                  state: Mapping[str, Tensor],
                  source: Union[str, Path],
                  origin: str = '') -> Dict[str, Tensor]:
    """Check that a state dict is a model's, all of it and nothing else.

    Args:
        model (nn.Module): The model.
        state (Mapping[str, Tensor]): As for :func:`load_weights`.
        source (str | Path): As there.
        origin (str): As there.

    Returns:
        dict[str, Tensor]: The state dict with the model's names.

    Raises:
        ValueError: If the checkpoint is of another architecture; names
            missing, unexpected and wrongly shaped keys, a few of each. A
            module with a true ``optional_state`` completes what older
            checkpoints lack by itself. Or if a parameter has values that are
            not finite.
    """
    if all(key.startswith('module.') for key in state):
        state = {key[len('module.'):]: value for key, value in state.items()}
    expected = model.state_dict()
    optional = {
        f'{name}.{key}' if name else key
        for name, module in model.named_modules()
        if getattr(module, 'optional_state', False)
        for key in module.state_dict()
    }
    problems = [
        _list('missing', sorted(set(expected) - set(state) - optional)),
        _list('unexpected', sorted(set(state) - set(expected))),
        _list('of another shape', [
            f'{key} (expected {tuple(expected[key].shape)}, found '
            f'{tuple(state[key].shape)})' for key in expected
            if key in state and expected[key].shape != state[key].shape
        ])
    ]
    if any(problems):
        foreign = ('' if set(expected)
                   & set(state) else ' (they have no key in common)')
        said = f'; its metadata say it is of {origin}' if origin else ''
        raise ValueError(
            f'{source} is a checkpoint of another architecture than '
            f'{type(model).__name__} of this config{foreign}: '
            f'{"; ".join(filter(None, problems))}{said}')
    broken = [
        name for name, _ in model.named_parameters()
        if not bool(torch.isfinite(state[name]).all())
    ]
    if broken:
        raise ValueError(f'{source} is corrupted, or its training diverged: '
                         f'{_list("with NaN or infinite values", broken)}')
    return dict(state)


def _list(kind: str, keys: List[str]) -> str:
    if not keys:
        return ''
    more = f' and {len(keys) - SHOWN} more' if len(keys) > SHOWN else ''
    return f'{len(keys)} keys {kind}: {", ".join(keys[:SHOWN])}{more}'
