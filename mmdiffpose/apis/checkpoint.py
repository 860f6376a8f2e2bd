# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Load a checkpoint into a model: safely, strictly, with clear errors."""

from pathlib import Path
from typing import Any, Dict, List, Tuple, Union

import torch
from torch import Tensor, nn

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
        the file has none).

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If a ``.safetensors`` file meets no such package.
        ValueError: If the file is no checkpoint, or holds what
            ``weights_only=True`` refuses.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'no checkpoint at {path}')
    if path.suffix == '.safetensors':
        return _read_safetensors(path), {}
    try:
        content = torch.load(path, map_location='cpu', weights_only=True)
    # A file that is no pickle makes the unpickler stumble in any way.
    except Exception as error:
        reason = (str(error).strip().splitlines() or [''])[0]
        raise ValueError(f'{path}: expected a checkpoint that loads with '
                         'weights_only=True, found another file or content '
                         f'({type(error).__name__}: {reason})') from error
    meta: Dict[str, Any] = {}
    if isinstance(content, dict) and 'state_dict' in content:
        meta = content.get('meta') or {}
        content = content['state_dict']
    if not isinstance(content, dict) or not content or not all(
            isinstance(value, Tensor) for value in content.values()):
        found = (f'keys {sorted(map(str, content))[:SHOWN]}' if isinstance(
            content, dict) else type(content).__name__)
        raise ValueError(f'{path}: expected a state dict of tensors, found '
                         f'{found}')
    return dict(content), meta


def _read_safetensors(path: Path) -> Dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise ImportError(f'{path} needs the package safetensors: '
                          'pip install safetensors') from error
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(
            f'{path}: not a safetensors file ({error})') from error


def load_weights(model: nn.Module, state: Dict[str, Tensor],
                 source: Union[str, Path]) -> None:
    """Load a state dict, all of it and nothing else.

    Args:
        model (nn.Module): Gets the weights.
        state (dict[str, Tensor]): As saved; a leading ``module.`` of a
            distributed wrapper is dropped.
        source (str | Path): Name of the checkpoint, for the message.

    Raises:
        ValueError: If the checkpoint is of another architecture; names
            missing, unexpected and wrongly shaped keys, a few of each. The
            model is unchanged then. A module with a true ``optional_state``
            completes what older checkpoints lack by itself.
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
        raise ValueError(
            f'{source} is a checkpoint of another architecture than '
            f'{type(model).__name__} of this config: '
            f'{"; ".join(filter(None, problems))}')
    model.load_state_dict(state)


def _list(kind: str, keys: List[str]) -> str:
    if not keys:
        return ''
    more = f' and {len(keys) - SHOWN} more' if len(keys) > SHOWN else ''
    return f'{len(keys)} keys {kind}: {", ".join(keys[:SHOWN])}{more}'
