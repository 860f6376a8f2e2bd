# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Bookkeeping of a conversion: where every published tensor has gone."""

from pathlib import Path
from typing import (Any, Dict, Iterable, List, NamedTuple, Optional, Sequence,
                    Tuple)

from torch import Tensor

SHOWN = 4
"""Names that a message gives."""


class Conversion(NamedTuple):
    """A published model, in this package's words.

    Attributes:
        config: Name of the config to start from.
        options: Changes to it, by dotted key.
        licence: What is known of the weights' licence.
        notes: What the tensors do not say and was taken for granted.
    """
    config: str
    options: Dict[str, Any]
    licence: str
    notes: Sequence[str] = ()


class WeightTable:
    """Hands out published tensors, each once, and collects them renamed.

    Args:
        weights (dict[str, Tensor]): By published name.
        path (Path): Where they come from, for messages.
        method (str): Whose they should be, for messages.
    """

    def __init__(self, weights: Dict[str, Tensor], path: Path,
                 method: str) -> None:
        self._left = dict(weights)
        self._path = path
        self._method = method
        self.converted: Dict[str, Tensor] = {}
        self.origins: Dict[str, str] = {}
        self.unused: List[str] = []

    def names(self) -> List[str]:
        """Published names that have no place yet."""
        return list(self._left)

    def shape(self, name: str, ndim: int) -> Tuple[int, ...]:
        """Shape of a tensor that must be there and have ``ndim`` axes."""
        if name not in self._left:
            raise self.error(f'a tensor {name!r}',
                             f'no such one among {self.sample()}')
        shape = tuple(self._left[name].shape)
        if len(shape) != ndim:
            raise self.error(f'{name} with {ndim} axes', f'shape {shape}')
        return shape

    def count(self, prefix: str) -> int:
        """Number of layers ``prefix.0``, ``prefix.1`` ... without a gap."""
        found = {
            name[len(prefix) + 1:].split('.')[0]
            for name in self._left if name.startswith(prefix + '.')
        }
        if not found or found != {str(i) for i in range(len(found))}:
            raise self.error(f'layers {prefix}.0, {prefix}.1 ...',
                             f'{sorted(found) or "none"}')
        return len(found)

    def take(self, name: str) -> Tensor:
        """Take a tensor out of the table."""
        if name not in self._left:
            raise self.error(f'a tensor {name!r}',
                             f'no such one among {self.sample()}')
        return self._left.pop(name)

    def put(self, ours: str, value: Tensor, theirs: str) -> None:
        """Give a tensor its place."""
        self.converted[ours] = value
        self.origins[ours] = theirs

    def move(self,
             theirs: str,
             ours: str,
             fields: Sequence[str] = ('weight', 'bias')) -> None:
        """Rename a layer whose tensors keep their shape."""
        for field in fields:
            name = f'{theirs}.{field}' if field else theirs
            place = f'{ours}.{field}' if field else ours
            self.put(place, self.take(name), name)

    def drop(self, prefix: str) -> None:
        """Leave out tensors that the published code never reads."""
        names = [name for name in self._left if name.startswith(prefix)]
        for name in names:
            del self._left[name]
        self.unused += names

    def close(self) -> None:
        """Say that all is done.

        Raises:
            ValueError: If tensors are left.
        """
        if self._left:
            raise self.error(
                'a place for every tensor',
                f'{len(self._left)} that it has no use for: '
                f'{self.sample()}')

    def error(self, expected: str, found: str) -> ValueError:
        """An error that names the file."""
        return ValueError(f'{self._path} as {self._method}: expected '
                          f'{expected}, found {found}')

    def adopt(self, other: 'WeightTable') -> None:
        """Take over what another file's table has converted."""
        self.converted.update(other.converted)
        self.origins.update(other.origins)
        self.unused += other.unused

    def sample(self) -> str:
        """Some of the names that have no place yet."""
        names = sorted(self._left)
        more = len(names) - SHOWN
        text = ', '.join(names[:SHOWN]) or 'nothing'
        return f'{text} and {more} more' if more > 0 else text


SIGNATURES = dict(
    d3dp='pose_estimator.Spatial_patch_to_embedding.weight',
    diffhpe='diffmodel.input_projection.weight',
    mixste='Spatial_patch_to_embedding.weight',
    diffpose='gconv_layers.0.temb_proj.weight',
    graformer='gconv_layers.0.gconv1.gconv.weight',
    pstmo='Transformer_reduce.model.pos_embedding_1',
    pstmo_pretraining='Transformer_dec.model.norm.a_2')
"""A tensor that each method's files have and those above it have not."""


def identify(names: Iterable[str]) -> Optional[str]:
    """The method whose tensors these are, a key of :data:`SIGNATURES`."""
    names = set(names)
    for method, name in SIGNATURES.items():
        if name in names:
            return method
    return None


def strip_prefix(weights: Dict[str, Tensor], prefix: str) -> Dict[str, Tensor]:
    """Take a prefix off that all names share."""
    if not all(name.startswith(prefix) for name in weights):
        return weights
    return {name[len(prefix):]: value for name, value in weights.items()}
