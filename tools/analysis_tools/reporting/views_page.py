# Copyright (c) mmdiffpose contributors. All rights reserved.
"""hdm05-views for every model of the zoo: what was measured, and its page."""

import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from mmdiffpose.apis import init_model
from mmdiffpose.atomic_files import replace_text
from mmdiffpose.checkpoints import model_zoo
from mmdiffpose.datasets.views_grid import GRID, TEST_ACTORS
from mmdiffpose.datasets.world_motions import read_motions
from .documents import put_between
from .measuring import chosen_models
from .views import picture, run, tables

WINDOWS = 96
"""Of a cell: errors of means of some 2 %."""
MARKERS = ('<!-- hdm05-views: begin -->', '<!-- hdm05-views: end -->')
SUPERSEDED = 'Superseded By'
"""Key in a metafile's ``Metadata``: the alias of the model to take now."""

Stored = Dict[str, Dict[str, Any]]


def read_views(path: Path) -> Stored:
    """What was measured: names of models to ``sha256`` and ``rows``; nothing
    without the file.

    Raises:
        ValueError: If the file is broken.
    """
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except json.JSONDecodeError as error:
        raise ValueError(f'{path}: expected JSON, found {error}') from error


def write_views(stored: Stored, path: Path) -> None:
    """Write what was measured, a line for each cell."""
    models = []
    for name, measured in stored.items():
        rows = ',\n'.join(f'   {json.dumps(row)}' for row in measured['rows'])
        models.append(f' {json.dumps(name)}: {{"sha256": '
                      f'{json.dumps(measured["sha256"])}, "rows": [\n'
                      f'{rows}]}}')
    text = '{\n' + ',\n'.join(models) + '}\n'
    replace_text(path, text)


def measure_views(names: Optional[Sequence[str]],
                  motions_file: Path,
                  path: Path,
                  windows: int = WINDOWS,
                  factors: Sequence[str] = tuple(GRID),
                  subjects: Sequence[str] = TEST_ACTORS) -> List[str]:
    """Measure models that have not been, one after another, and keep each.

    Args:
        names: Models by name or alias; None for the whole zoo.
        motions_file: Of ``tools/dataset_converters/world_motions.py``.
        path: File of :func:`write_views`.
        windows: Of a cell.
        factors: What is varied.
        subjects: Whom to lift.

    Returns:
        list[str]: What failed.
    """
    if not motions_file.is_file():
        print(f'hdm05-views is left out: there is no {motions_file}')
        return []
    motions = read_motions(motions_file, subjects)
    failures = []
    for model in chosen_models(names):
        stored = current(read_views(path))
        if model.name in stored:
            continue
        try:
            model_zoo.verified_weights(model)
        except (FileNotFoundError, ValueError) as error:
            failures.append(str(error))
            continue
        print(f'{model.name}: hdm05-views', flush=True)
        rows = run({model.name: init_model(model.name)}, motions, windows,
                   factors)
        rows = [{
            key: round(value, 4) if isinstance(value, float) else value
            for key, value in row.items() if key != 'model'
        } for row in rows]
        stored[model.name] = dict(sha256=model.sha256, rows=rows)
        write_views(current(stored), path)
    return failures


def current(stored: Stored) -> Stored:
    """What was measured of the zoo's present weights, in the zoo's order."""
    return {
        model.name: stored[model.name]
        for model in model_zoo.list_models()
        if stored.get(model.name, {}).get('sha256') == model.sha256
    }


def rows_of_zoo(stored: Stored) -> Tuple[List[Dict[str, Any]], List[str]]:
    """Rows of all models by alias, and the aliases that are superseded."""
    rows, old = [], []
    for model in model_zoo.list_models():
        measured = current(stored).get(model.name, dict(rows=[]))
        rows += [dict(row, model=model.label) for row in measured['rows']]
        if SUPERSEDED in model.metadata:
            old.append(model.label)
    return rows, old


def views_document(page: Path, stored: Stored) -> str:
    """The page with its tables."""
    rows, _ = rows_of_zoo(stored)
    return put_between(page, MARKERS, tables(rows))


def draw_views(stored: Stored, path: Path) -> None:
    """The page's picture; superseded models are dashed."""
    rows, old = rows_of_zoo(stored)
    if rows:
        picture(rows, path, dashed=old)
