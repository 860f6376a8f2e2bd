# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The JSON file that several metrics of one evaluation share."""

import json
from pathlib import Path
from typing import Any, Dict, Union

from mmdiffpose.atomic_files import replace_text
from mmdiffpose.input_files import read_json


def read_results(path: Union[str, Path]) -> Dict[str, Any]:
    """Read a results file, {} if there is none yet.

    Args:
        path: JSON file.

    Raises:
        ValueError: The file exists and isn't a JSON object.
    """
    path = Path(path)
    if not path.exists():
        return {}
    try:
        content = read_json(path, 'results')
    except ValueError as error:
        raise ValueError(f'out_file {path} exists and is not JSON ({error}); '
                         'name another file.') from error
    if not isinstance(content, dict):
        raise ValueError(f'out_file {path} exists and holds a JSON '
                         f'{type(content).__name__} instead of an object; '
                         'name another file.')
    return content


def write_results(path: Union[str, Path], name: str,
                  results: Dict[str, Any]) -> None:
    """Put the results of one metric into the file, beside the others'.

    The file is replaced as a whole, so that it is never half-written.

    Args:
        path: JSON file; missing folders are made.
        name: Entry of the metric, replaced where it exists.
        results: What JSON can hold.
    """
    content = {**read_results(path), name: results}
    text = json.dumps(content, indent=2, allow_nan=False)
    replace_text(path, text)
