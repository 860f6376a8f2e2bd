# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Tables of a study, as Markdown and JSON."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

# running.py has made the projects' shared modules importable.
from ..common.reports import mean_text
from .running import Cell

COLUMNS: Tuple[Tuple[str, str, int], ...] = (
    ('MPJPE', 'MPJPE_mm', 1),
    ('P-MPJPE', 'P-MPJPE_mm', 1),
    ('symmetry gap', 'symmetry_gap_mm', 1),
    ('segment std', 'segment_std_mm', 1),
    ('spread', 'hypotheses/spread_mm', 1),
    ('calibration error of the spread', 'uncertainty/spread_ECE', 3),
    ('of the reported std', 'uncertainty/ECE', 3),
)
"""Header, key of the metrics file, digits. All but the last two are mm."""

VARIANTS = {'': '', 'flip': ', flip averaging'}


def main_rows(cells: Sequence[Cell]) -> List[Dict[str, Any]]:
    """One entry per row and variant of the main table.

    Returns:
        list[dict]: ``name``, ``label``, ``seeds`` and for each column the
        list of its values, one per seed that is done.
    """
    names = list(dict.fromkeys(cell.name for cell in cells))
    entries = []
    for name in names:
        own = [cell for cell in cells if cell.name == name]
        for variant, suffix in VARIANTS.items():
            if variant not in own[0].row.tests:
                continue
            found = [(cell.seed, cell.metrics(variant)) for cell in own]
            found = [(seed, metrics) for seed, metrics in found if metrics]
            if not found:
                continue
            entries.append(
                dict(
                    name=f'{name}{variant and "-"}{variant}',
                    label=own[0].row.label + suffix,
                    seeds=[seed for seed, _ in found],
                    **{
                        header: [metrics.get(key) for _, metrics in found]
                        for header, key, _ in COLUMNS
                    }))
    return entries


def main_table(entries: Sequence[Dict[str, Any]]) -> str:
    """Markdown; mean ± standard deviation over the seeds.

    The column "vs encoder" compares seed by seed with the encoder that the
    row was trained on, without flip averaging.
    """
    lines = [
        '| method | seeds | ' + ' | '.join(header for header, *_ in COLUMNS) +
        ' | vs encoder |', '|---' * (len(COLUMNS) + 3) + '|'
    ]
    encoder = next((entry for entry in entries if entry['name'] == 'encoder'),
                   None)
    for entry in entries:
        numbers = [
            mean_text(entry[header], digits) for header, _, digits in COLUMNS
        ]
        lines.append(f'| {entry["label"]} | {len(entry["seeds"])} | ' +
                     ' | '.join(numbers) + f' | {_gain(entry, encoder)} |')
    return '\n'.join(lines) + '\n'


def _gain(entry: Dict[str, Any], encoder: Optional[Dict[str, Any]]) -> str:
    if encoder is None or entry is encoder:
        return '–'
    own = dict(zip(encoder['seeds'], encoder['MPJPE']))
    gains = [
        100 * (value / own[seed] - 1)
        for seed, value in zip(entry['seeds'], entry['MPJPE']) if seed in own
    ]
    return f'{np.mean(gains):+.1f} %' if gains else '–'


def sweep(cells: Sequence[Cell], names: Sequence[str],
          key: str) -> List[Optional[float]]:
    """A metric of several rows, their first seed; None where not done."""
    by_name: Dict[str, Cell] = {}
    for cell in cells:
        by_name.setdefault(cell.name, cell)
    metrics = [
        by_name[name].metrics() if name in by_name else None for name in names
    ]
    return [found.get(key) if found else None for found in metrics]
