# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Trained models that come with the package, found by name or alias.

OpenMMLab's metafiles say which there are: ``model-index.yml`` lists them, at
the root of a checkout or in ``mmdiffpose/.mim`` of an installed package. A
model's ``Weights`` there is a path that starts with ``mmdiffpose/``, the
package itself, so that nothing is downloaded.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import yaml

from mmdiffpose.yaml_files import load_yaml

PACKAGE = Path(__file__).resolve().parents[1]
ROOTS = (PACKAGE / '.mim', PACKAGE.parent)
"""Of an installed package, and of a checkout."""

INDEX = 'model-index.yml'

RESULTS_MARKERS = ('<!-- results: begin -->', '<!-- results: end -->')
"""Lines of a model card that its test tables stand between."""


@dataclass(frozen=True)
class ZooModel:
    """A trained model that comes with the package.

    Attributes:
        name: Also the name of its config and the stem of its files.
        aliases: Short names.
        config: Its config file.
        weights: Its ``.safetensors`` file.
        sha256: Of the weights, hexadecimal, as published.
        metadata: ``Metadata`` of the metafile: parameters, licence, ...
    """
    name: str
    aliases: Tuple[str, ...]
    config: Path
    weights: Path
    sha256: str
    metadata: Dict[str, Any] = field(hash=False)

    @property
    def label(self) -> str:
        """Its first alias, or its name."""
        return self.aliases[0] if self.aliases else self.name

    @property
    def card(self) -> Path:
        """The model card."""
        return self.weights.with_suffix('.md')

    @property
    def log(self) -> Path:
        """The training log."""
        return self.weights.with_suffix('.log.json')


def list_models(root: Optional[Union[str, Path]] = None) -> List[ZooModel]:
    """The zoo, in the order of the metafiles.

    Args:
        root (str | Path, optional): A checkout. Defaults to the package that
            runs, installed or in its checkout.

    Returns:
        list[ZooModel]: Empty where there is no index.

    Raises:
        ValueError: If a metafile is none; names it.
    """
    if root is None:
        root = next((r for r in ROOTS if (r / INDEX).is_file()), ROOTS[-1])
        package = PACKAGE
    else:
        root = Path(root)
        package = root / 'mmdiffpose'
    if not (root / INDEX).is_file():
        return []
    models = []
    for metafile in metafiles(root):
        for entry in read_yaml(metafile).get('Models') or []:
            try:
                models.append(_model(entry, root, package))
            except (KeyError, TypeError) as error:
                raise ValueError(
                    f'{metafile}: expected models with Name, Config, Weights '
                    f'and Metadata, found one without {error}') from error
    return models


def metafiles(root: Path) -> List[Path]:
    """The metafiles that an index lists."""
    return [root / name for name in read_yaml(root / INDEX)['Import']]


def read_yaml(path: Path) -> Dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it does not.
    """
    content = load_yaml(path)
    if not isinstance(content, dict):
        raise ValueError(f'{path}: expected a mapping, found '
                         f'{type(content).__name__}')
    return content


def format_metafile(content: Dict[str, Any]) -> str:
    """A metafile as text; ``Weights`` end an entry, as in OpenMMLab's files.

    Args:
        content (dict): From :func:`read_yaml`, perhaps changed.
    """
    models = []
    for entry in content.get('Models') or []:
        others = {key: entry[key] for key in entry if key != 'Weights'}
        models.append(dict(others, Weights=entry['Weights']))
    content = dict(content, Models=models)
    return yaml.safe_dump(
        content, sort_keys=False, allow_unicode=True, width=79)


def _model(entry: Dict[str, Any], root: Path, package: Path) -> ZooModel:
    aliases = entry.get('Alias') or ()
    metadata = entry['Metadata']
    return ZooModel(
        name=entry['Name'],
        aliases=(aliases, ) if isinstance(aliases, str) else tuple(aliases),
        config=root / entry['Config'],
        weights=package.parent / entry['Weights'],
        sha256=str(metadata.get('SHA256', '')),
        metadata=metadata)


def find_model(name: str) -> Optional[ZooModel]:
    """The model of a name or an alias; None where the zoo has none.

    Args:
        name (str): In any case, as MMEngine's inferencers take it.
    """
    name = str(name).lower()
    for model in list_models():
        if name in (n.lower() for n in (model.name, *model.aliases)):
            return model
    return None


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def verified_weights(model: ZooModel) -> Path:
    """The weights of a model, if they are those that were published.

    Args:
        model (ZooModel): From :func:`find_model`.

    Returns:
        Path: The file.

    Raises:
        FileNotFoundError: If it is absent.
        ValueError: If its bytes are others; names the file, and the hashes
            that were expected and found.
    """
    if not model.weights.is_file():
        raise FileNotFoundError(
            f'the weights of {model.name} are missing: no {model.weights}; '
            'install the package again')
    found = sha256_of(model.weights)
    if found != model.sha256.lower():
        raise ValueError(
            f'{model.weights} is not the published file: expected the SHA-256 '
            f'{model.sha256 or "(none in the metafile)"}, found {found}; '
            'install the package again')
    return model.weights


def describe_models() -> str:
    """A table of the zoo: name, alias, size, licence."""
    rows = [('name', 'alias', 'size', 'licence')]
    for model in list_models():
        size = (f'{model.weights.stat().st_size / 1e6:.2f} MB'
                if model.weights.is_file() else 'missing')
        rows.append((model.name, ', '.join(model.aliases)
                     or '-', size, str(model.metadata.get('License', '-'))))
    if len(rows) == 1:
        return 'no trained models come with this copy of the package'
    widths = [max(map(len, column)) for column in zip(*rows)]
    return '\n'.join('  '.join(
        cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                     for row in rows)
