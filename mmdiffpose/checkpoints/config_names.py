# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Find a config, and trained weights, by path, name or alias."""

import difflib
import os
from pathlib import Path
from typing import Optional, Tuple, Union

from mmengine.config import Config

from mmdiffpose.input_files import check_file
from .model_zoo import find_model, list_models, verified_weights

_PACKAGE = Path(__file__).parents[1]
FOLDERS = (_PACKAGE.parent / 'configs', _PACKAGE / '.mim' / 'configs')
"""Of a checkout, and of an installed package."""


def find_config(config: Union[str, Path, Config]) -> Union[Path, Config]:
    """The config file that a path, a name or an alias means.

    Args:
        config (str | Path | Config): A path, the name of one of this
            package's configs, like ``'diffpose_mixste_h36m-243'``, or an
            alias of the model zoo.

    Returns:
        Path | Config: A file that exists, or the config as it came.

    Raises:
        FileNotFoundError: If there is none; says which names are near.
    """
    if isinstance(config, Config):
        return config
    if os.path.isfile(config):
        return Path(config)
    model = find_model(str(config))
    if model is not None:
        return model.config
    name = str(config)
    name = name if name.endswith('.py') else f'{name}.py'
    for folder in FOLDERS:
        if (folder / name).is_file():
            return folder / name
    if os.path.lexists(config):
        check_file(config, 'a config')
    raise FileNotFoundError(
        f'there is no config at {config}, and neither a trained model nor a '
        f'config of this name; {_hint(Path(name).stem)}')


def find_config_and_weights(
    config: Union[str, Path, Config],
    checkpoint: Optional[Union[str, Path]] = None
) -> Tuple[Union[Path, Config], Optional[Path]]:
    """What a config and a checkpoint mean, with the model zoo's weights.

    Args:
        config (str | Path | Config): As for :func:`find_config`.
        checkpoint (str | Path, optional): Defaults to the published weights
            where ``config`` is a name or an alias of the model zoo, which are
            verified, and else to none.

    Returns:
        tuple: Config file or config, and checkpoint or None.

    Raises:
        FileNotFoundError: If there is no such config, or published weights
            are missing.
        ValueError: If a config is a folder, a pipe or a device, or published
            weights are not those that were published.
    """
    found = find_config(config)
    if checkpoint is not None:
        return found, Path(checkpoint)
    if isinstance(config, Config) or os.path.isfile(config):
        return found, None
    model = find_model(str(config))
    return found, None if model is None else verified_weights(model)


def _hint(name: str) -> str:
    """Which names are near the one asked for."""
    models = list_models()
    aliases = [alias for model in models for alias in model.aliases]
    configs = sorted({f.stem for d in FOLDERS for f in d.glob('*.py')})
    known = list(dict.fromkeys(aliases + [m.name for m in models] + configs))
    near = difflib.get_close_matches(name.lower(), known, n=3)
    if near:
        return f'did you mean {" or ".join(near)}?'
    trained = f'trained models are {", ".join(aliases)}; ' if aliases else ''
    return f'{trained}configs are {", ".join(configs)}'
