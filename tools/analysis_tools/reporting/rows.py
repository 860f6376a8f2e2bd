# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From metrics to the printed figures of a table."""

import math
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

NONE = '–'
QUALITY = ('MPJPE', 'P-MPJPE', 'symmetry gap', 'segment std',
           '90 % intervals hold', 'calibration error')
COSTS = ('parameters', 'multiply-adds a frame')
HEADER = ('model', 'frames', *QUALITY, *COSTS)


@dataclass(frozen=True)
class Row:
    """One line of a table; all cells are text.

    Attributes:
        label: What it is, in Markdown.
        frames: Of a window.
        quality: As ``QUALITY``.
        costs: As ``COSTS``.
        brief: Whether the zoo's page shows it, too; model cards show all.
    """
    label: str
    frames: str
    quality: Tuple[str, ...]
    costs: Tuple[str, ...] = (NONE, ) * len(COSTS)
    brief: bool = True

    def cells(self) -> Tuple[str, ...]:
        """All, as ``HEADER``."""
        return (self.label, self.frames, *self.quality, *self.costs)


def number(value: Optional[float], digits: int, scale: float = 1.) -> str:
    """A figure with fixed digits; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NONE
    return f'{value * scale:.{digits}f}'


def count(value: Optional[float]) -> str:
    """A large number with three digits and k, M or G."""
    if value is None:
        return NONE
    for limit, unit in ((1e9, 'G'), (1e6, 'M'), (1e3, 'k')):
        # What rounds up to a limit has the limit's unit.
        if value >= limit * 0.9995:
            scaled = value / limit
            digits = max(0, 3 - len(str(int(float(f'{scaled:.3g}')))))
            return f'{scaled:.{digits}f} {unit}'
    return f'{value:.0f}'


def model_rows(model: Mapping[str, Any], test_set: str) -> List[Row]:
    """All rows of one model on one test set; none where it wasn't tested.

    Args:
        model (Mapping): A model's entry of ``results.json``.
        test_set (str): Its name.
    """
    cell = model['test_sets'].get(test_set)
    if cell is None:
        return []
    metrics, frames = cell['metrics'], str(model['frames'])
    name, hypotheses = f'`{model["label"]}`', model['hypotheses']
    costs = (f'{count(model["parameters"])}'
             f'{_trained(model)}', count(model['macs_per_frame']))
    own, rows = _quality(metrics), []
    if 'context/MPJPE_mm' in metrics:
        rows.append(
            Row(f'encoder of {name} alone', frames,
                _quality(metrics, 'context/')))
    title = name
    if hypotheses is not None:
        title += f', mean of {hypotheses}, {model["sampling"]}'
    rows.append(Row(title, frames, own, costs))
    flipped = model['test_sets'].get(f'{test_set}+flip')
    if flipped is not None:
        rows.append(
            Row(f'{title}, averaged with the mirrored window', frames,
                _quality(flipped['metrics'])))
    if hypotheses is None:
        return rows
    for label, keys, brief in (
        (f'{name}, joint by joint (JPMA), root solved',
         ['aggregation/JPMA_mm'], False),
        (f'*oracle: {name}, JPMA with the true root*', ['oracle/JPMA_mm'],
         True),
        (f'*oracle: {name}, best of {hypotheses}*',
         ['oracle/P-Best_mm', 'oracle/P-Best_P-MPJPE_mm'], True),
    ):
        figures = [number(metrics.get(key), 1) for key in keys]
        if label.startswith('*'):
            figures = [NONE if f == NONE else f'*{f}*' for f in figures]
        figures += [NONE] * (len(QUALITY) - len(figures))
        rows.append(Row(label, frames, tuple(figures), brief=brief))
    return rows


def table_rows(models: Mapping[str, Mapping[str, Any]],
               test_set: str) -> List[Row]:
    """The rows of a test set's table on the zoo's page.

    An encoder's row that a model of its own has already is left out.
    """
    rows: List[Row] = []
    for model in models.values():
        known = {(row.frames, row.quality[:4])
                 for row in rows if row.costs[0] != NONE}
        rows += [
            row for row in model_rows(model, test_set)
            if row.brief and not (row.label.startswith('encoder') and
                                  (row.frames, row.quality[:4]) in known)
        ]
    return rows


def printed_figures(
        models: Mapping[str, Mapping[str, Any]]) -> Dict[Tuple[str, ...], str]:
    """Every printed figure: (model, test set, row, column) to text."""
    figures = {}
    for name, model in models.items():
        for test_set in model['test_sets']:
            for row in model_rows(model, test_set):
                for column, text in zip(HEADER[1:], row.cells()[1:]):
                    figures[name, test_set, row.label, column] = text
    return figures


def _quality(metrics: Mapping[str, Any], prefix: str = '') -> Tuple[str, ...]:
    calibrated = {} if prefix else metrics
    covered = number(calibrated.get('uncertainty/coverage@0.9'), 1, 100.)
    return (number(metrics.get(f'{prefix}MPJPE_mm'),
                   1), number(metrics.get(f'{prefix}P-MPJPE_mm'), 1),
            number(metrics.get(f'{prefix}symmetry_gap_mm'), 1),
            number(metrics.get(f'{prefix}segment_std_mm'),
                   1), covered if covered == NONE else f'{covered} %',
            number(calibrated.get('uncertainty/ECE'), 3))


def _trained(model: Mapping[str, Any]) -> str:
    if model['trained_parameters'] == model['parameters']:
        return ''
    return f' ({count(model["trained_parameters"])})'
