# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Whole checkpoint files, value by value."""

import re
from pathlib import Path
from typing import Any, Iterator, List, Tuple, Union

import numpy as np
import torch

from mmdiffpose.checkpoints.safe_classes import load_safely

MAY_DIFFER = (
    r'meta\.time',  # when the file was written
    r'(meta|message_hub\.runtime_info)\.experiment_name',  # has the start's
    r'(meta|message_hub\.runtime_info)\.cfg',  # says workers, folder, resume
    # Has the commit that the working folder is at.
    r'(meta|message_hub\.runtime_info)\.mmengine_version',
    r'message_hub\.log_scalars\.(train|val)/(data_)?time\..*',  # seconds
)
"""What two runs of one training may have of their own."""


def leaves(value: Any, name: str = '') -> Iterator[Tuple[str, Any]]:
    """Every value of a checkpoint with its dotted name."""
    if isinstance(value, dict):
        if not value:
            yield name, {}
        for key, part in value.items():
            yield from leaves(part, f'{name}.{key}' if name else str(key))
    elif isinstance(value, (list, tuple)):
        yield f'{name}.length', len(value)
        for place, part in enumerate(value):
            yield from leaves(part, f'{name}.{place}')
    elif hasattr(value, '__dict__') and not torch.is_tensor(value) \
            and not callable(value):
        yield from leaves(vars(value), name)
    else:
        yield name, value


def same(first: Any, second: Any) -> bool:
    """Bit by bit; NaN is NaN."""
    if torch.is_tensor(first) and torch.is_tensor(second):
        first, second = first.numpy(), second.numpy()
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        return first.dtype == second.dtype and first.shape == second.shape \
            and first.tobytes() == second.tobytes()
    return type(first) is type(second) and (first == second or callable(first)
                                            or first != first)


def differences(first: Union[str, Path], second: Union[str,
                                                       Path]) -> List[str]:
    """Names of all that differs between two checkpoints, but
    :data:`MAY_DIFFER`.

    Folders are cut off paths: each run has its own.
    """
    sides = []
    for path in (first, second):
        values = dict(leaves(load_safely(str(path))))
        sides.append({
            name: value
            for name, value in values.items()
            if not any(re.fullmatch(pattern, name) for pattern in MAY_DIFFER)
        })
    folders = [str(Path(path).parent) for path in (first, second)]
    found = []
    for name in sorted(set(sides[0]) | set(sides[1])):
        if name not in sides[0] or name not in sides[1]:
            found.append(f'{name}: in one of them only')
            continue
        values = [
            value.replace(folder, '') if isinstance(value, str) else value
            for folder, value in zip(folders, (side[name] for side in sides))
        ]
        if not same(*values):
            found.append(f'{name}: {_distance(*values)}')
    return found


def _distance(first: Any, second: Any) -> str:
    if torch.is_tensor(first) and torch.is_tensor(second) \
            and first.shape == second.shape:
        return f'{(first.double() - second.double()).abs().max():.3g} apart'
    return f'{str(first)[:60]!r} and {str(second)[:60]!r}'
