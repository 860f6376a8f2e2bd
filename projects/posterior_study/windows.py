# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The windows of hdm05-views that the rows are compared on."""

from typing import Dict, Iterator, List, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmdiffpose.datasets.views_grid import (GRID, STANDARD, cell_simulator,
                                            cells)
from mmdiffpose.datasets.world_motions import WorldMotions

CONDITIONS = {'nothing further missing': 'none', 'joints missing': 'mixture'}
"""Titles of the two tables, and what is missing in their windows."""
VARIED = tuple(factor for factor in GRID if factor != 'missing')


class Windows(NamedTuple):
    """B windows.

    Attributes:
        inputs: u, v and seen in the canonical view, (B, T, J, 3).
        truth: (B, T, J, 3), root-relative metres.
        clip: Which clip each is of, (B,).
        sight: Keypoints (B, T, J, 2) pixels, scores (B, T, J), focal lengths
            (B, 2), centres (B, 2), and the turn to the canonical view
            (B, 3, 3): what joint-wise aggregation by reprojection needs.
    """
    inputs: Tensor
    truth: np.ndarray
    clip: np.ndarray
    sight: Dict[str, np.ndarray]


def draw_windows(motions: WorldMotions, seq_len: int, seed: int, per_cell: int,
                 missing: str) -> List[Windows]:
    """Windows of all cells of the grid but those of missing joints.

    Args:
        motions: Of the people.
        seq_len: Frames T.
        seed: Of the draw.
        per_cell: Windows of a cell.
        missing: Pattern of missing joints, the same in all cells.
    """
    return [
        _windows(motions, seq_len, seed + number, per_cell, cell)
        for number, cell in enumerate(_cells(missing))
    ]


def _cells(missing: str) -> Iterator[dict]:
    """Each cell once: the standard one belongs to every factor."""
    seen = []
    for entry in cells(VARIED):
        cell = {**STANDARD, **entry['cell'], 'missing': missing}
        if cell not in seen:
            seen.append(cell)
            yield cell


def _windows(motions: WorldMotions, seq_len: int, seed: int, number: int,
             cell: dict) -> Windows:
    drawn = cell_simulator(motions, cell, seq_len, seed).draw(range(number), 0)
    focal = np.repeat(drawn['focal'][:, None], 2, 1)
    return Windows(
        torch.from_numpy(drawn['inputs']), drawn['targets'].astype(float),
        drawn['clip'],
        dict(
            keypoints=drawn['keypoints'],
            scores=drawn['scores'],
            focal=focal,
            center=drawn['center'],
            rotation=drawn['rotation']))
