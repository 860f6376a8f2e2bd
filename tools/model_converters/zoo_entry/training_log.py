# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The training log of a zoo entry, from MMEngine's scalars."""

import json
import math
from pathlib import Path
from typing import Any, Dict, List, Sequence

MAX_ROWS = 300
DROPPED = ('time', 'data_time', 'memory', 'eta')
"""What says more of the machine than of the training."""

Row = Dict[str, Any]


def read_logs(sources: Sequence[str], max_rows: int = MAX_ROWS) -> List[Row]:
    """Read the logs of a training, stage by stage.

    Args:
        sources (sequence[str]): ``vis_data/scalars.json`` of MMEngine's runs,
            or ``STAGE=FILE``, in the order in which they ran.
        max_rows (int): Rows of training are thinned to about so many in
            total; rows of validation are all kept. Defaults to 300.

    Returns:
        list[dict]: Rows with ``stage`` where one was named, ``epoch`` and
        ``iter``, losses and learning rate; or metrics and ``step``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it has no rows, or one is not JSON.
    """
    logs = [_read(source) for source in sources]
    # MMEngine writes the learning rate with losses only.
    training = sum('lr' in row for log in logs for row in log)
    every = max(1, math.ceil(training / max_rows))
    rows = []
    for log in logs:
        last = max((i for i, row in enumerate(log) if 'lr' in row), default=-1)
        seen = -1
        for number, row in enumerate(log):
            seen += 'lr' in row
            if 'lr' not in row or seen % every == 0 or number == last:
                rows.append(row)
    return rows


def _read(source: str) -> List[Row]:
    # A path may have an equals sign; a stage has no slash.
    stage, equals, name = source.partition('=')
    if not equals or '/' in stage:
        stage, name = '', source
    path = Path(name)
    if not path.is_file():
        raise FileNotFoundError(f'there is no training log {path}')
    rows = []
    lines = path.read_text(encoding='utf-8').splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = dict(json.loads(line))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f'{path}:{number}: expected a JSON object as '
                f'MMEngine logs it, found {line[:40]!r}') from error
        row = {k: _short(v) for k, v in row.items() if k not in DROPPED}
        rows.append(dict(stage=stage, **row) if stage else row)
    if not rows:
        raise ValueError(f'{path}: expected a training log, found no rows')
    return rows


def _short(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return float(f'{value:.6g}') if math.isfinite(value) else None


def format_log(rows: Sequence[Row]) -> str:
    """A list of rows as JSON, one a line."""
    lines = (json.dumps(row, allow_nan=False) for row in rows)
    return '[\n' + ',\n'.join(lines) + '\n]\n'
