# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Tables 2 and 4 and the matrices of Figs. 3 to 5, from finished cells."""

from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmengine.config import Config

from mmdiffpose.models.heads.diffusion.diffhpe_head import TEST_DEFAULTS
from ..common.reports import mean_text
from .protocol import METHODS, PATTERNS, SINGLE_PASS, STUDIES, Cell

METRICS = {
    'MPJPE': 'MPJPE_mm',
    'symmetry gap': 'symmetry_gap_mm',
    'segment std': 'segment_std_mm',
}
"""Name to key, all in mm; Figs. 3, 4 and 5."""

TABLE_2 = {
    **METRICS,
    'spread': 'hypotheses/spread_mm',
    'calibration error of the spread': 'uncertainty/spread_ECE',
    'of the reported std': 'uncertainty/ECE',
}
"""Name to key; the two calibration errors have no unit."""

Values = List[Optional[float]]


class Results:
    """What cells measured.

    Args:
        cells: All cells of one study, finished or not.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = cells

    def values(self, method: str, train: str, test: str,
               metric: str) -> Values:
        """A metric, one value per seed that is done.

        The wrapper on a vanilla MixSTE without occlusion is the wrapper.
        """
        if (method, train) == ('wrapper-vanilla', 'none'):
            method = 'wrapper'
        found = [(cell, cell.metrics(test)) for cell in self.cells
                 if (cell.method, cell.pattern) == (method, train)]

        def key(cell: Cell) -> str:
            average = STUDIES[cell.study].average
            return TABLE_2[metric] + (average if metric in METRICS else '')

        return [metrics.get(key(cell)) for cell, metrics in found if metrics]

    def mean(self, method: str, train: str, test: str,
             metric: str) -> Optional[float]:
        """The mean over seeds, None where there is none."""
        values = [
            value for value in self.values(method, train, test, metric)
            if value is not None
        ]
        return float(np.mean(values)) if values else None

    def matrix(self, method: str, metric: str) -> np.ndarray:
        """Train pattern (rows) by test pattern, mm; NaN where not done."""
        return np.array([[
            np.nan if value is None else value
            for value in (self.mean(method, train, test, metric)
                          for test in PATTERNS)
        ] for train in PATTERNS])

    def matrices(self, metric: str) -> Dict[str, np.ndarray]:
        """MixSTE's, the wrapper's and their difference, which is positive
        where the wrapper is better."""
        mixste, wrapper = (
            self.matrix(method, metric) for method in ('mixste', 'wrapper'))
        return {
            METHODS['mixste']: mixste,
            METHODS['wrapper']: wrapper,
            'difference': mixste - wrapper
        }

    def hypotheses(self, method: str) -> str:
        """How many are averaged, as the config says."""
        if method in SINGLE_PASS:
            return '1'
        path = STUDIES[self.cells[0].study].config(method)
        test_cfg = Config.fromfile(path).model.get('test_cfg') or {}
        key = 'num_hypotheses'
        return str(test_cfg.get(key, TEST_DEFAULTS[key]))


def table_2(results: Results) -> str:
    """MixSTE, both methods and their controls without occlusions; mean ±
    standard deviation over the seeds."""
    heads = [f'{name} [mm]' for name in METRICS]
    heads += ['spread [mm]', *list(TABLE_2)[len(METRICS) + 1:]]
    text = ('| method | condition | H | seeds | ' + ' | '.join(heads) +
            ' | MPJPE vs MixSTE |\n' + '|---' * (len(heads) + 5) + '|\n')
    conditions = {
        'mixste': '–',
        'diffhpe-2d': 'x2D',
        'diffhpe-2d-control': 'x2D',
        'wrapper': 'E2D',
        'wrapper-control': 'E2D'
    }
    base = results.mean('mixste', 'none', 'none', 'MPJPE')
    for method, condition in conditions.items():
        values = {
            metric: results.values(method, 'none', 'none', metric)
            for metric in TABLE_2
        }
        own = results.mean(method, 'none', 'none', 'MPJPE')
        gain = '–'
        if method != 'mixste' and own and base:
            gain = f'{100 * (own / base - 1):+.1f} %'
        hypotheses = results.hypotheses(method) if own else '–'
        numbers = [
            mean_text(found, 1 if TABLE_2[metric].endswith('_mm') else 3)
            for metric, found in values.items()
        ]
        text += (f'| {METHODS[method]} | {condition} | {hypotheses} '
                 f'| {len(values["MPJPE"])} | ' + ' | '.join(numbers) +
                 f' | {gain} |\n')
    return text


def table_4(results: Results) -> str:
    """MPJPE where training and test have the same pattern."""
    text = ('| MPJPE [mm], train and test pattern | MixSTE | Wrapper, vanilla '
            'conditioning | Wrapper, occlusion-trained conditioning |\n'
            '|---|---|---|---|\n')
    for pattern, name in PATTERNS.items():
        numbers = [
            mean_text(results.values(method, pattern, pattern, 'MPJPE'))
            for method in ('mixste', 'wrapper-vanilla', 'wrapper')
        ]
        text += f'| {name} | ' + ' | '.join(numbers) + ' |\n'
    return text


def matrix_text(name: str, matrix: np.ndarray) -> str:
    """A matrix as Markdown; a difference has its sign."""
    sign = '+' if name == 'difference' else ''
    text = f'| {name}: train / test | ' + ' | '.join(PATTERNS.values())
    text += ' |\n' + '|---' * (len(PATTERNS) + 1) + '|\n'
    for label, row in zip(PATTERNS.values(), matrix):
        numbers = [
            '–' if np.isnan(value) else f'{value:{sign}.1f}' for value in row
        ]
        text += f'| {label} | ' + ' | '.join(numbers) + ' |\n'
    return text


def as_markdown(results: Results) -> str:
    """Everything that is done."""
    text = ('### Table 2: without occlusions\n\n' + table_2(results) +
            '\n### Table 4: the same pattern in training and test\n\n' +
            table_4(results))
    for figure, metric in enumerate(METRICS, start=3):
        text += f'\n### Fig. {figure}: {metric} [mm]\n\n'
        text += '\n'.join(
            matrix_text(name, matrix)
            for name, matrix in results.matrices(metric).items()
            if np.isfinite(matrix).any())
    return text


def as_document(results: Results) -> Dict[str, Any]:
    """Everything as JSON: per cell and test pattern a list over seeds, and
    the matrices, null where not done."""

    def numbers(matrix: np.ndarray) -> Dict[str, Dict[str, Optional[float]]]:
        return {
            train: {
                test: None if np.isnan(value) else float(value)
                for test, value in zip(PATTERNS, row)
            }
            for train, row in zip(PATTERNS, matrix)
        }

    pairs = {
        (cell.method, cell.pattern): cell.tested
        for cell in results.cells
    }
    return dict(
        cells=[
            dict(
                method=method,
                train=train,
                test=test,
                **{
                    metric: results.values(method, train, test, metric)
                    for metric in TABLE_2
                }) for (method, train), tested in pairs.items()
            for test in tested
        ],
        matrices={
            metric: {
                name: numbers(matrix)
                for name, matrix in results.matrices(metric).items()
            }
            for metric in METRICS
        })
