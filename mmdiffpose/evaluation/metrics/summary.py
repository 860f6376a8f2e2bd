# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Means over frames, actions and sequences, and how they are shown."""

import io
import math
from dataclasses import dataclass, field
from typing import Any, Dict, List, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from .samples import VideoKey

# A log file doesn't wrap: wide tables are cut into several instead.
_COLUMNS, _WIDTH = 6, 200
MEANS = ('frame_mean', 'action_mean', 'sequence_mean')
_ORACLE_NOTE = ('oracle: ground truth chose among the hypotheses; an upper '
                'bound, not a result of a usable method')


@dataclass(frozen=True)
class Quantity:
    """One measured quantity.

    Attributes:
        name: Key, with the unit in it (``'MPJPE_mm'``).
        oracle: Whether ground truth was used to choose the prediction.
        frame_mean: Mean over all that counts, each frame (and joint) once.
        action_mean: Unweighted mean of the per-action means, what papers on
            Human3.6M report.
        sequence_mean: Unweighted mean of the per-video means, what D3DP
            reports on MPI-INF-3DHP.
        actions: Mean of each action.
    """
    name: str
    oracle: bool
    frame_mean: float
    action_mean: float
    sequence_mean: float
    actions: Dict[str, float]


def _group_means(groups: Sequence[Any], totals: np.ndarray) -> Dict[Any, Any]:
    """Ratio of summed values and weights per group, without empty groups."""
    names = sorted(set(groups))
    position = {name: i for i, name in enumerate(names)}
    index = np.array([position[group] for group in groups])
    summed = np.zeros((len(names), 2))
    np.add.at(summed, index, totals)
    return {
        name: float(value / weight)
        for name, (value, weight) in zip(names, summed) if weight > 0
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def summarise(name: str,
              videos: Sequence[VideoKey],
              totals: np.ndarray,
              oracle: bool = False) -> Quantity:
    """Average a quantity.

    Args:
        name: Key of the quantity.
        videos: Video of each row of ``totals``.
        totals: Sum and weight of each row (W, 2); rows of one video may be
            many. A row with weight 0 counts nowhere.
        oracle: Whether ground truth was used to choose.

    Returns:
        The means; NaN where nothing has a weight.
    """
    value, weight = totals.sum(axis=0)
    actions = _group_means([video[1] for video in videos], totals)
    sequences = _group_means(videos, totals)
    return Quantity(
        name=name,
        oracle=oracle,
        frame_mean=float(value / weight) if weight > 0 else math.nan,
        action_mean=_mean(list(actions.values())),
        sequence_mean=_mean(list(sequences.values())),
        actions=actions)


@dataclass
class Summary:
    """What one metric found on a whole data set.

    Attributes:
        title: Name of the metric.
        quantities: What was averaged, in the order of the columns.
        scalars: Numbers that are no mean over frames (``AUSE_mm``).
        curves: Arrays for the JSON file, by name.
        settings: How it was measured (root joint, number of frames ...).
    """
    title: str
    quantities: List[Quantity]
    scalars: Dict[str, float] = field(default_factory=dict)
    curves: Dict[str, List[float]] = field(default_factory=dict)
    settings: Dict[str, Any] = field(default_factory=dict)

    @property
    def has_oracle(self) -> bool:
        """Whether any quantity used ground truth to choose."""
        return any(quantity.oracle for quantity in self.quantities)

    def as_log(self, per_action: bool) -> Dict[str, float]:
        """Flat dict for MMEngine's log.

        The frame mean has the plain name, the others follow a slash:
        ``MPJPE_mm``, ``MPJPE_mm/action_mean``, ``MPJPE_mm/sequence_mean``,
        ``MPJPE_mm/Directions``.
        """
        log = {}
        for quantity in self.quantities:
            log[quantity.name] = quantity.frame_mean
            log[f'{quantity.name}/action_mean'] = quantity.action_mean
            log[f'{quantity.name}/sequence_mean'] = quantity.sequence_mean
            if per_action:
                for action, value in quantity.actions.items():
                    log[f'{quantity.name}/{action}'] = value
        log.update(self.scalars)
        return log

    def as_json(self) -> Dict[str, Any]:
        """Everything, as a dict that JSON can hold (NaN becomes None)."""
        return _without_nan(
            dict(
                settings=self.settings,
                oracle_warning=_ORACLE_NOTE if self.has_oracle else None,
                quantities={
                    quantity.name: {
                        'oracle': quantity.oracle,
                        **{
                            mean: getattr(quantity, mean)
                            for mean in MEANS
                        }, 'actions': quantity.actions
                    }
                    for quantity in self.quantities
                },
                scalars=self.scalars,
                curves=self.curves))

    def as_text(self) -> str:
        """The tables, actions down and quantities across."""
        stream = io.StringIO()
        console = Console(file=stream, width=_WIDTH, color_system=None)
        for first in range(0, len(self.quantities), _COLUMNS):
            columns = self.quantities[first:first + _COLUMNS]
            console.print(_table(self.title, columns))
        for name, value in self.scalars.items():
            console.print(f'{name}: {value:.3f}', highlight=False)
        if self.has_oracle:
            console.print(_ORACLE_NOTE, highlight=False)
        return stream.getvalue()


def _table(title: str, quantities: Sequence[Quantity]) -> Table:
    table = Table(title=title, title_justify='left')
    table.add_column('action', no_wrap=True)
    for quantity in quantities:
        header = quantity.name.replace('/', '/\n')
        if quantity.oracle and not header.startswith('oracle/'):
            header += '\n(oracle)'
        table.add_column(header, justify='right', no_wrap=True)
    for action in sorted({a for q in quantities for a in q.actions}):
        table.add_row(
            action,
            *(_cell(q.actions.get(action, math.nan)) for q in quantities))
    table.add_section()
    for mean in MEANS:
        table.add_row(
            mean.replace('_', ' '),
            *(_cell(getattr(q, mean)) for q in quantities))
    return table


def _cell(value: float) -> str:
    return '-' if math.isnan(value) else f'{value:.3f}'


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
