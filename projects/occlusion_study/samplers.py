# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Error and speed of all 50 steps and of few, side by side."""

from typing import Dict, List, Sequence, Union

from ..common.speed import SAMPLER_CLIPS, frames_per_second
from .protocol import METHODS, SAMPLERS, STUDIES, Cell

Row = Dict[str, Union[str, float]]


def compare_samplers(cells: Sequence[Cell]) -> List[Row]:
    """Rows of the cells that were tested with all samplers.

    Returns:
        list[dict]: ``method``, ``sampler``, ``MPJPE`` in mm, ``fps``, and
        ``ratio`` of that to the first sampler's.
    """
    rows: List[Row] = []
    for cell in cells:
        metrics = {name: cell.metrics(name) for name in SAMPLERS}
        if not cell.samplers or not all(metrics.values()):
            continue
        speeds = frames_per_second(
            cell, {
                name: changes
                for name, changes in cell.tests.items() if name in SAMPLERS
            })
        first = speeds[next(iter(SAMPLERS))]
        key = 'MPJPE_mm' + STUDIES[cell.study].average
        rows += [
            dict(
                method=METHODS[cell.method],
                sampler=name,
                MPJPE=found[key],
                fps=speeds[name],
                ratio=speeds[name] / first) for name, found in metrics.items()
        ]
    return rows


def samplers_as_markdown(rows: Sequence[Row]) -> str:
    """A table; MPJPE on :data:`SAMPLER_CLIPS` clips of the test split."""
    text = (f'\n### Samplers, {SAMPLER_CLIPS} evenly spaced test clips\n\n'
            '| method | sampler | MPJPE [mm] | frames a second | ratio |\n'
            '|---|---|---|---|---|\n')
    for row in rows:
        text += (f'| {row["method"]} | {row["sampler"]} '
                 f'| {row["MPJPE"]:.1f} | {row["fps"]:.0f} '
                 f'| {row["ratio"]:.1f} |\n')
    return text
