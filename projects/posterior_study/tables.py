# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Tables of all seeds."""

from typing import Any, Dict, List, Sequence

import numpy as np

from mmdiffpose.evaluation.functional import expected_calibration_error
from .measures import LEVELS, OTHERS, SCORES, SHARES, clustered_error
from .rows import CONTROL

Results = Sequence[Dict[str, Dict[str, Any]]]


def write(results: Results, seeds: Sequence[int]) -> str:
    """All tables as Markdown.

    Args:
        results: Of each seed: titles of the conditions to what
            ``measure_rows`` gave.
        seeds: Of which.
    """
    parts = [f'Seeds {", ".join(map(str, seeds))}; means over them.\n']
    for title in results[0]:
        of_seeds = [result[title] for result in results]
        smooth = of_seeds[0]['acceleration']
        parts += [
            f'## {title[0].upper()}{title[1:]}\n',
            'Single poses, MPJPE in mm: ' +
            ', '.join(f'{name} {_mean(of_seeds, "points", name):.1f}'
                      for name in of_seeds[0]['points']) +
            '. Acceleration of the '
            f'truth {smooth["truth"]:.1f}, of the refined pose '
            f'{smooth["mean"]:.1f} mm a frame squared.\n',
            '**Raw**\n',
            _table(of_seeds, 'raw'),
            "**With each row's own factor on its spread**\n",
            _table(of_seeds, 'scaled'),
            '**Few hypotheses** (*best of N*: an oracle)\n',
            _few(of_seeds),
            '**Aggregates**, MPJPE in mm\n',
            _aggregates(of_seeds),
            '**Forearms and shins: which end is nearer?** Brier score of the '
            'share of hypotheses that say so\n',
            _brier(of_seeds),
        ]
    return '\n'.join(parts)


def _mean(of_seeds: List[Dict], *keys: str) -> float:
    found = []
    for result in of_seeds:
        for key in keys:
            result = result[key]
        found.append(result)
    return float(np.mean(found))


def _values(of_seeds: List[Dict], kind: str, row: str, key: str) -> np.ndarray:
    """(seeds, windows)."""
    return np.array([result[kind][row]['values'][key] for result in of_seeds])


def difference(of_seeds: List[Dict], kind: str, row: str, key: str) -> str:
    """Mean difference from the control, percent of it, with its standard
    error over clips, and the range over seeds."""
    mine = _values(of_seeds, kind, row, key)
    other = _values(of_seeds, kind, CONTROL, key)
    base = other.mean() / 100
    change = mine - other
    error = clustered_error(change.mean(0), np.asarray(
        of_seeds[0]['clip'])) / base
    each = change.mean(1) / base
    return (f'{change.mean() / base:+.1f} ± {error:.1f} % '
            f'({each.min():+.1f} to {each.max():+.1f})')


def _table(of_seeds: List[Dict], kind: str) -> str:
    columns = (*SCORES[:-1], '90 % hold, x, y, z', 'ECE, of unseen joints',
               "cGNF's ECE", *OTHERS, 'factor', 'energy against the control',
               'of the window', 'best of N', 'frames a second')
    lines = [
        '| row | ' + ' | '.join(columns) + ' |',
        '|---|' + '---:|' * len(columns)
    ]
    for row in of_seeds[0][kind]:
        cells = []
        for key in SCORES[:-1]:
            text = f'{_values(of_seeds, kind, row, key).mean():.1f}'
            cells.append(f'*{text}*' if key.startswith('best') else text)
        cells.append(', '.join(
            f'{100 * _values(of_seeds, kind, row, key).mean():.0f}'
            for key in SHARES))
        cells.append(', '.join(
            _calibration(of_seeds, kind, row, held)
            for held in ('covered', 'covered_unseen')))
        cells.append(f'{_mean(of_seeds, kind, row, "cgnf"):.3f}')
        cells += [
            f'{_values(of_seeds, kind, row, key).mean():.1f}' for key in OTHERS
        ]
        factor = _mean(of_seeds, 'factors', row) if kind == 'scaled' else 1
        cells.append(f'{factor:.2f}')
        for key in ('energy', 'energy of the window', 'best of N'):
            cells.append('–' if row ==
                         CONTROL else difference(of_seeds, kind, row, key))
        cells.append(f'{_mean(of_seeds, "frames_a_second", row):.0f}')
        lines.append(f'| {row} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


def _calibration(of_seeds: List[Dict], kind: str, row: str, held: str) -> str:
    """Mean distance of held and nominal shares; a dash where no joint was
    unseen."""
    found = [result[kind][row] for result in of_seeds]
    if held == 'covered_unseen' and not found[0]['number_unseen']:
        return '–'
    errors = [
        expected_calibration_error(LEVELS.tolist(), np.array(one[held]))
        for one in found
    ]
    return f'{np.mean(errors):.3f}'


def _few(of_seeds: List[Dict]) -> str:
    lines = ['| row | MPJPE | best of N |', '|---|---:|---:|']
    for name in of_seeds[0]['few']:
        mpjpe, best = (
            np.mean([result['few'][name][key] for result in of_seeds])
            for key in ('MPJPE', 'best'))
        lines.append(f'| {name} | {mpjpe:.1f} | *{best:.1f}* |')
    return '\n'.join(lines) + '\n'


def _aggregates(of_seeds: List[Dict]) -> str:
    found = of_seeds[0]['aggregates']
    names = list(next(iter(found.values())))
    lines = [
        '| row | ' + ' | '.join(names) + ' |', '|---|' + '---:|' * len(names)
    ]
    for row in found:
        cells = (f'{_mean(of_seeds, "aggregates", row, name):.1f}'
                 for name in names)
        lines.append(f'| {row} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


def _brier(of_seeds: List[Dict]) -> str:
    lines = ['| row | Brier score |', '|---|---:|']
    for row in of_seeds[0]['reliability']:
        sums = np.sum([result['reliability'][row] for result in of_seeds], 0)
        lines.append(f'| {row} | {sums[-1, 1] / sums[-1, 0]:.4f} |')
    return '\n'.join(lines) + '\n'
