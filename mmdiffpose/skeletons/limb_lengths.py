# Copyright (c) mmdiffpose contributors. All rights reserved.
"""How long people's limbs are, and how tall they are for that.

The table is of 6,068 adults whom ANSUR II measured. Where the joint centres
lie on a measured body is told in ``tools/dataset_converters/ansur.py``, which
makes it.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Dict, Mapping, Tuple

import numpy as np

from mmdiffpose.input_files import read_json

TABLE = Path(__file__).parents[1] / 'data/ansur_limbs.json'

LENGTHS: Mapping[str, Tuple[str, ...]] = MappingProxyType({
    'hip': ('right_hip', 'left_hip'),
    'thigh': ('right_knee', 'left_knee'),
    'shin': ('right_foot', 'left_foot'),
    'lower_spine': ('spine', ),
    'upper_spine': ('thorax', ),
    'neck': ('neck_base', ),
    'head': ('head', ),
    'shoulder': ('left_shoulder', 'right_shoulder'),
    'upper_arm': ('left_elbow', 'right_elbow'),
    'forearm': ('left_wrist', 'right_wrist'),
})
"""The lengths of a body, each with the joints at the far ends of the bones
that have it: ``hip`` goes from the middle of the hips to a hip, ``shoulder``
from the thorax to a shoulder."""

CHAIN = ('thigh', 'shin', 'lower_spine', 'upper_spine', 'neck', 'head')
"""The lengths from the ankle to the ear. Somebody who stands straight is 1.13
times as tall, women as men, with a standard deviation of 0.6 %."""

PLACEMENT: Mapping[str, Tuple[float, float]] = MappingProxyType({
    'hip': (-0.06, 0.17),
    'thigh': (0.01, 0.),
    'shin': (0.03, 0.04),
    'lower_spine': (0., 0.),
    'upper_spine': (0.07, 0.05),
    'neck': (0.16, 0.),
    'head': (-0.01, 0.),
    'shoulder': (0.06, 0.13),
    'upper_arm': (-0.01, 0.05),
    'forearm': (0.01, 0.05),
})
"""Where motion capture puts joints: mean and standard deviation of
log(length in the skeleton / anatomical length), rounded, of six actors (HDM05
bd, bk, dg; CMU 01, 02, 03) against ANSUR's men, as ``ansur.py --compare``
prints them. Skeletons are fitted to markers: hips and shoulders vary more
than people do, and the thorax and neck joints lie higher. ANSUR's own
variation is taken out of the standard deviations."""


@dataclass(frozen=True)
class LimbTable:
    """Logarithms of the lengths of one sex.

    Attributes:
        mean: Mean of log(length in metres), (10,).
        factor: Matrix (10, 10) whose product with its transpose is the
            covariance of the logarithms.
        stature: Mean of log(stature / sum of the lengths of :data:`CHAIN`).
    """
    mean: np.ndarray
    factor: np.ndarray
    stature: float


@lru_cache(maxsize=None)
def load_limb_table(path: Path = TABLE) -> Dict[str, LimbTable]:
    """Read the table of lengths.

    Args:
        path: A file that ``tools/dataset_converters/ansur.py`` wrote.

    Returns:
        A table for ``'women'`` and one for ``'men'``.

    Raises:
        ValueError: If the file holds other lengths than :data:`LENGTHS`.
    """
    content = read_json(path, 'a table of lengths')
    if content.get('lengths') != list(LENGTHS):
        raise ValueError(
            f'{path} has the lengths {content.get("lengths")}, expected '
            f'{list(LENGTHS)}; make it anew with '
            'tools/dataset_converters/ansur.py')
    tables = {}
    for sex in ('women', 'men'):
        values, vectors = np.linalg.eigh(
            np.array(content[sex]['covariance'], np.float64))
        # Neck and head are fixed shares of one length: one value is zero.
        factor = vectors * np.sqrt(np.maximum(values, 0))
        mean = np.array(content[sex]['mean'], np.float64)
        stature, _ = content[sex]['log_stature_over_chain']
        tables[sex] = LimbTable(mean, factor, float(stature))
    return tables


def stature_shares() -> Dict[str, float]:
    """Lengths of :data:`CHAIN` of the adults who are drawn, over stature.

    Of ANSUR's mean woman and man, with joints where they are drawn on average
    (half of :data:`PLACEMENT`'s means). They add up to 0.90.
    """
    placed = np.array([mean / 2 for mean, _ in PLACEMENT.values()])
    rows = [list(LENGTHS).index(name) for name in CHAIN]
    shares = []
    for table in load_limb_table().values():
        anatomical = np.exp(table.mean[rows])
        stature = np.exp(table.stature) * anatomical.sum()
        shares.append(anatomical * np.exp(placed[rows]) / stature)
    return dict(zip(CHAIN, np.mean(shares, axis=0).tolist()))
