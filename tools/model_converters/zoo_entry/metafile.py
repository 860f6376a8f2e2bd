# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A model's entry in a metafile of OpenMMLab."""

from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence

from mmdiffpose.checkpoints.model_zoo import (INDEX, format_metafile,
                                              list_models, metafiles,
                                              read_yaml)


def find_metafile(root: Path, collection: str) -> Path:
    """The metafile that defines a collection.

    Args:
        root (Path): A checkout.
        collection (str): Name of the collection.

    Raises:
        FileNotFoundError: If the checkout has no index.
        ValueError: If no metafile in it has the collection.
    """
    if not (root / INDEX).is_file():
        raise FileNotFoundError(f'there is no {INDEX} in {root}')
    names: List[str] = []
    for path in metafiles(root):
        found = [c['Name'] for c in read_yaml(path).get('Collections') or []]
        if collection in found:
            return path
        names += found
    raise ValueError(f'no metafile in {root} has a collection {collection!r}; '
                     f'there are {", ".join(names)}')


def collection_of(metafile: Path, name: str) -> Dict[str, Any]:
    """A collection's entry in its metafile."""
    return next(
        c for c in read_yaml(metafile)['Collections'] if c['Name'] == name)


def check_aliases(root: Path, name: str, aliases: Sequence[str]) -> None:
    """Check that aliases mean one model and no config.

    Raises:
        ValueError: If one is taken; says by what.
    """
    for alias in aliases:
        if (root / 'configs' / f'{alias}.py').is_file():
            raise ValueError(f'the alias {alias} is the name of a config')
        for model in list_models(root):
            if model.name != name and alias in (model.name, *model.aliases):
                raise ValueError(f'the alias {alias} is taken by {model.name}')


def updated_metafile(metafile: Path, entry: Mapping[str, Any]) -> str:
    """A metafile with a model's entry, new or brought up to date.

    Args:
        metafile (Path): Whose other content is kept.
        entry (Mapping): With ``Name``; its other keys replace those that
            there are, those of ``Metadata`` one by one, and keys that only
            the file has stay.

    Returns:
        str: The new content.
    """
    content = read_yaml(metafile)
    models = content.get('Models') or []
    number = next(
        (i
         for i, model in enumerate(models) if model['Name'] == entry['Name']),
        len(models))
    old = models[number] if number < len(models) else {}
    new = {**old, **entry}
    new['Metadata'] = {**(old.get('Metadata') or {}), **entry['Metadata']}
    models[number:number + 1] = [new]
    content['Models'] = models
    return format_metafile(content)
