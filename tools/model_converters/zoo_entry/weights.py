# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The weights of a zoo entry, and where they come from."""

import json
import os
from pathlib import Path
from typing import Any, Dict, Mapping

import torch
from safetensors.torch import save
from torch import Tensor, nn

from mmdiffpose.engine.std_calibration_hook import META_KEY
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.version import __version__


def round_to_half(model: nn.Module) -> None:
    """Round a model's parameters to what float16 holds, in place.

    Buffers stay as they are: they are small, and some of them are matrices to
    be factorised.
    """
    for parameter in model.parameters():
        parameter.data = parameter.data.half().to(parameter.dtype)


def weights_of(model: nn.Module, half: bool = False) -> Dict[str, Tensor]:
    """A model's state dict, floating point numbers in float32.

    Args:
        model (nn.Module): The model.
        half (bool): Whether parameters are stored in float16, which loading
            turns back. Defaults to False.
    """
    short = {name for name, _ in model.named_parameters()} if half else set()
    return {
        # safetensors refuses tensors that share memory.
        name: (value.to(torch.float16 if name in short else torch.float32)
               if value.is_floating_point() else
               value).detach().cpu().clone().contiguous()
        for name, value in model.state_dict().items()
    }


def provenance(name: str, config: Path, meta: Mapping[str, Any],
               model: nn.Module) -> Dict[str, str]:
    """What the file says of itself.

    Args:
        name (str): Of the model.
        config (Path): Of the model.
        meta (Mapping): The training checkpoint's metadata.
        model (nn.Module): From ``init_model``: joints that are not
            Human3.6M's, and the frame rate of data that say it, are the
            file's own, since nobody else has the data.

    Returns:
        dict[str, str]: Nothing in it names a place on this machine.
    """
    found = dict(
        format='pt',
        name=name,
        config=config.stem,
        mmdiffpose=__version__,
        torch=torch.__version__)
    for key in ('seed', 'epoch', 'iter'):
        if meta.get(key) is not None:
            found[key] = str(meta[key])
    if model.skeleton is not H36M_17:
        found['skeleton'] = json.dumps(model.skeleton.as_dict())
    if model.dataset_meta.get('fps'):
        found['fps'] = f'{model.dataset_meta["fps"]:g}'
    if meta.get(META_KEY):
        found[META_KEY] = json.dumps(
            _without_places(meta[META_KEY]), sort_keys=True, default=str)
    return found


def _without_places(value: Any) -> Any:
    """Absolute paths become their last part."""
    if isinstance(value, Mapping):
        return {str(k): _without_places(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_places(v) for v in value]
    if isinstance(value, str) and os.path.isabs(value):
        return os.path.basename(value.rstrip('/'))
    return value


def write_weights(path: Path, state: Mapping[str, Tensor],
                  metadata: Mapping[str, str]) -> None:
    """Write a ``.safetensors`` file; the same content is the same bytes.

    The package writes metadata in an order that differs from call to call,
    and with it the file's SHA-256; here they are sorted.
    """
    content = save(dict(state), metadata=dict(metadata))
    length = int.from_bytes(content[:8], 'little')
    header = json.loads(content[8:8 + length])
    header['__metadata__'] = dict(sorted(metadata.items()))
    text = json.dumps(header, separators=(',', ':')).encode()
    # The data start at a multiple of 8 bytes.
    text += b' ' * (-len(text) % 8)
    path.write_bytes(
        len(text).to_bytes(8, 'little') + text + content[8 + length:])
