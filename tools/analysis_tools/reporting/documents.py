# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Files that the report writes: results.json, the zoo page, model cards."""

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

from mmdiffpose.atomic_files import replace_text
from .rows import printed_figures

FORMAT = 1
PAGE_MARKERS = ('<!-- zoo results: begin -->', '<!-- zoo results: end -->')


def read_results(path: Path) -> Dict[str, Any]:
    """Models' names to what was measured; empty without the file.

    Raises:
        ValueError: If the file is another's or broken.
    """
    if not path.is_file():
        return {}
    try:
        document = json.loads(path.read_text(encoding='utf-8'))
    except json.JSONDecodeError as error:
        raise ValueError(f'{path}: expected JSON, found {error}') from error
    found = document.get('format') if isinstance(document, dict) else None
    if found != FORMAT:
        raise ValueError(f'{path}: expected "format": {FORMAT}, found {found}')
    return document['models']


def write_results(models: Dict[str, Any], path: Path) -> None:
    """Write what was measured; the file is whole or not changed."""
    document = dict(
        format=FORMAT,
        written_by='tools/analysis_tools/report.py',
        models=models)
    text = json.dumps(document, indent=1, allow_nan=False)
    replace_text(path, text + '\n')


def merge(committed: Dict[str, Any], found: Dict[str, Any],
          zoo: Dict[str, str]) -> Dict[str, Any]:
    """New figures beside older ones of the same weights.

    Args:
        committed (dict): From :func:`read_results`.
        found (dict): What was measured now, perhaps not everything.
        zoo (dict): Names of the zoo's models, in its order, to SHA-256.

    Returns:
        dict: In the zoo's order. Figures of other weights are gone.
    """
    merged = {}
    for name, sha256 in zoo.items():
        old = committed.get(name, {})
        if old.get('sha256') != sha256:
            old = {}
        new = found.get(name, {})
        if old or new:
            merged[name] = {
                **old,
                **new, 'test_sets': {
                    **old.get('test_sets', {}),
                    **new.get('test_sets', {})
                }
            }
    return merged


def differences(committed: Dict[str, Any],
                found: Dict[str, Any]) -> Tuple[List[str], int]:
    """Compare printed figures with the committed ones.

    Args:
        committed (dict): From :func:`read_results`.
        found (dict): What was measured now; only that is compared.

    Returns:
        tuple[list[str], int]: A line for each difference, and how many
        figures were compared.
    """
    lines = [
        f'{name}: weights: committed are figures of '
        f'{committed.get(name, {}).get("sha256")}, found '
        f'{model["sha256"]}' for name, model in found.items()
        if committed.get(name, {}).get('sha256') != model['sha256']
    ]
    before, now = printed_figures(committed), printed_figures(found)
    tested = {key[:2] for key in now}
    for key in sorted({*now, *(k for k in before if k[:2] in tested)}):
        old, new = before.get(key, 'nothing'), now.get(key, 'nothing')
        if old != new:
            lines.append(f'{": ".join(key)}: committed {old}, found {new}')
    return lines, len(now)


def put_between(path: Path, markers: Tuple[str, str], body: str) -> str:
    """A file's text with ``body`` between its two marker lines.

    Raises:
        ValueError: If the file has not each marker once, in order.
    """
    text = path.read_text(encoding='utf-8')
    begin, end = markers
    if (text.count(begin),
            text.count(end)) != (1, 1) or text.index(end) < text.index(begin):
        raise ValueError(f'{path}: expected "{begin}" and then "{end}", each '
                         f'once, found {text.count(begin)} and '
                         f'{text.count(end)}')
    head, rest = text.split(begin)
    return f'{head}{begin}\n{body.strip()}\n{end}{rest.split(end)[1]}'


def write_between(path: Path, markers: Tuple[str, str], body: str) -> None:
    """Write :func:`put_between` back; the file is whole or not changed."""
    text = put_between(path, markers, body)
    replace_text(path, text)
