# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Find a config by its path or by its name."""

from pathlib import Path
from typing import Union

from mmengine.config import Config

_PACKAGE = Path(__file__).parents[1]
FOLDERS = (_PACKAGE.parent / 'configs', _PACKAGE / '.mim' / 'configs')
"""Of a checkout, and of an installed package."""


def find_config(config: Union[str, Path, Config]) -> Union[Path, Config]:
    """The config file that a path or a name means.

    Args:
        config (str | Path | Config): A path, or the name of one of this
            package's configs, like ``'diffpose_mixste_h36m-243'``.

    Returns:
        Path | Config: A file that exists, or the config as it came.

    Raises:
        FileNotFoundError: If there is none; names those that there are.
    """
    if isinstance(config, Config) or Path(config).is_file():
        return config if isinstance(config, Config) else Path(config)
    name = str(config)
    name = name if name.endswith('.py') else f'{name}.py'
    for folder in FOLDERS:
        if (folder / name).is_file():
            return folder / name
    known = sorted({f.stem for d in FOLDERS for f in d.glob('*.py')})
    raise FileNotFoundError(f'no config at {config}, and none of this name; '
                            f'names are {", ".join(known)}')
