# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Reading the files that published code saved, without running them.

``torch.load`` with ``weights_only=True`` refuses the files of MixSTE and
D3DP, which hold a NumPy random state beside the weights. The reader here
puts something that keeps nothing in its place.
"""

import hashlib
import tarfile
import zipfile
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Union

from torch import Tensor

from mmdiffpose.checkpoints.checkpoint import check_tensors
from mmdiffpose.checkpoints.safe_classes import checkpoint_classes, load_safely
from mmdiffpose.input_files import check_file


class OfficialFile(NamedTuple):
    """What a published file holds.

    Attributes:
        path: The file.
        sha256: Of its bytes, hexadecimal.
        weights: Tensors by name, without the ``module.`` of a wrapper.
        averaged: The running average of the weights (EMA), where there is
            one.
    """
    path: Path
    sha256: str
    weights: Dict[str, Tensor]
    averaged: Optional[Dict[str, Tensor]]


class _Discarded:
    """Stands for a random state: takes anything, keeps nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


def _stand_in(full_name: str) -> type:
    """A class by whose name a file asks for a part of a random state."""
    module, _, name = full_name.rpartition('.')
    return type(name, (_Discarded, ), dict(__module__=module))


_RANDOM_STATES = [
    _stand_in(f'numpy.random.{name}')
    for name in ('__RandomState_ctor', '_generator.Generator',
                 '_mt19937.MT19937', '_pcg64.PCG64', '_pcg64.PCG64DXSM',
                 '_philox.Philox', '_pickle.__bit_generator_ctor',
                 '_pickle.__generator_ctor', '_pickle.__randomstate_ctor',
                 '_sfc64.SFC64', 'bit_generator.SeedSequence',
                 'bit_generator.__pyx_unpickle_SeedSequence',
                 'mtrand.RandomState')
]
"""Under the names of NumPy 1.16 to 2.x."""


def read_official(path: Union[str, Path]) -> OfficialFile:
    """Read a checkpoint of MixSTE's, DiffPose's, DiffHPE's ... code.

    Known containers: a dict with ``model_pos`` (``.bin``, ``.pt``), a list
    ``[weights, optimizer, epoch, step, average]`` (``.pth``), and a bare
    state dict.

    Args:
        path (str | Path): The file, or a folder with a ``model.pth``.

    Returns:
        OfficialFile: Tensors on the CPU.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is truncated, asks for anything but tensors and
            plain data, is another container, or has NaN in it.
    """
    path = Path(path)
    if path.is_dir():
        path = path / 'model.pth'
    check_file(path, 'a checkpoint')
    weights, averaged = _open_container(path, _read(path))
    return OfficialFile(
        path, _sha256(path), _state_dict(path, weights),
        None if averaged is None else _state_dict(path, averaged))


def _read(path: Path) -> Any:
    kind = _foreign_kind(path)
    if kind is not None:
        raise ValueError(f'{path}: expected a checkpoint of torch.save, '
                         f'found {kind}')
    return load_safely(path, [*checkpoint_classes(), *_RANDOM_STATES])


def _foreign_kind(path: Path) -> Optional[str]:
    """Name what torch would read by other ways than the unpickler's."""
    if path.stat().st_size == 0:
        return 'an empty file'
    if path.suffix == '.safetensors':
        return 'a .safetensors file, which needs no conversion'
    with open(path, 'rb') as file:
        zipped = file.read(4) == b'PK\x03\x04'  # as torch tells
    if zipped:
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
                # torch does not look at the checksums.
                damaged = archive.testzip()
        # Names in no encoding, numbers that are too large, and so on.
        except Exception as error:
            return f'a zip archive that is truncated or damaged ({error})'
        if damaged is not None:
            return f'a zip archive whose {damaged} is damaged'
        if any(name.endswith('/constants.pkl') for name in names):
            return 'a TorchScript archive'
        if not any(name.endswith('/data.pkl') for name in names):
            return f'a zip archive of {names[:3]}'
    elif tarfile.is_tarfile(path):
        return 'a tar archive'
    return None


def _open_container(path: Path, content: Any) -> List[Any]:
    """Weights and, or None, their average."""
    if isinstance(content, dict) and 'model_pos' in content:
        return [content['model_pos'], None]
    if isinstance(content,
                  (list, tuple)) and 4 <= len(content) <= 5 and (isinstance(
                      content[0], dict)):
        return [content[0], content[4] if len(content) == 5 else None]
    if isinstance(content, dict):
        return [content, None]
    raise ValueError(
        f"{path}: expected a dict with 'model_pos', a list [weights, "
        'optimizer, epoch, step, average] or a bare state dict, found '
        f'{type(content).__name__}')


def _state_dict(path: Path, content: Any) -> Dict[str, Tensor]:
    """Check a state dict, and take the wrapper's prefix off."""
    if not isinstance(content, dict) or not content:
        raise ValueError(f'{path}: expected tensors by name, found '
                         f'{content if content == {} else type(content)}')
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise ValueError(
                f'{path}: expected tensors by name, found '
                f'{type(value).__name__} under {name!r}; is it a training '
                'state rather than weights?')
        check_tensors(path, {name: value})
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise ValueError(f'{path}: {name} holds NaN or infinity; the '
                             'file is damaged')
    if all(name.startswith('module.') for name in content):
        content = {
            name[len('module.'):]: value
            for name, value in content.items()
        }
    return {name: value.detach() for name, value in content.items()}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()
