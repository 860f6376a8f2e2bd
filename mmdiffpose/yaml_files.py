# Copyright (c) mmdiffpose contributors. All rights reserved.
"""YAML files of plain data: metafiles and configs."""

from pathlib import Path
from typing import Any, Union

import yaml

from mmdiffpose.input_files import (check_file, check_unfolded, printable,
                                    read_text)

MAX_CONFIG = 10_000_000
"""Bytes of a config or a metafile."""


def load_yaml(path: Union[str, Path]) -> Any:
    """Read a YAML file of plain data.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is none, makes objects, or unfolds without end.
    """
    text = read_text(check_file(path, 'a YAML file', MAX_CONFIG))
    try:
        content = yaml.safe_load(text)
        check_unfolded(content)
        return content
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = str(error) or 'it is nested too deep'
        raise ValueError(
            f'{printable(path)}: not a YAML file ({reason})') from error
