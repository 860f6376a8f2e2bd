# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Points in space over time: TRC, C3D and CSV files.

=== =========================================================================
trc ``Units`` m or mm; a blank or NaN is a point that is not known
c3d the units of POINT:UNITS; a residual of -1 or a NaN is a point that is not
    known. Needs the package ``c3d``
csv a header with ``<name>_x``, ``<name>_y`` and ``<name>_z`` of each point,
    and a column ``time`` in seconds; a blank is a point that is not known
=== =========================================================================
"""

import csv
import io
import struct
from pathlib import Path
from typing import List, NamedTuple, Optional, Union

import numpy as np

SUFFIXES = ('.trc', '.c3d', '.csv')
UNITS = dict(m=1., meters=1., cm=.01, mm=.001)


class Markers(NamedTuple):
    """Points over time.

    Attributes:
        names: Of M points.
        points: (F, M, 3), metres; NaN where a point is not known.
        fps: Frames a second.
    """
    names: List[str]
    points: np.ndarray
    fps: float


def read_markers(path: Union[str, Path],
                 unit: Optional[float] = None) -> Markers:
    """Read a file of points in space.

    Args:
        path: The file.
        unit: Metres in its unit. Defaults to what the file says; for a CSV,
            which does not, to 1.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is none of these files, or says no unit.
        ImportError: For a C3D file without the package that reads it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: there is no such file')
    readers = {'.trc': _read_trc, '.c3d': _read_c3d, '.csv': _read_csv}
    if path.suffix.lower() not in readers:
        raise ValueError(f'{path}: expected points in space in one of '
                         f'{list(SUFFIXES)}')
    names, points, fps, found = readers[path.suffix.lower()](path)
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f'{path}: expected points of different names, found '
                         f'{twice} twice')
    if not len(points) or not names:
        raise ValueError(f'{path}: expected points and frames, found '
                         f'{len(names)} and {len(points)}')
    if not 0 < fps < 10000:
        raise ValueError(f'{path}: expected a frame rate, found {fps:g}')
    if unit is None:
        if found.lower() not in UNITS:
            raise ValueError(f'{path}: expected points in one of '
                             f'{list(UNITS)}, found {found!r}; say the unit')
        unit = UNITS[found.lower()]
    return Markers(names, points * unit, fps)


def _read_trc(path: Path) -> tuple:
    lines = path.read_bytes().decode('utf-8-sig', 'replace').splitlines()
    if len(lines) < 6 or not lines[0].startswith('PathFileType'):
        raise ValueError(f'{path}: expected a TRC file, found one that begins '
                         f'with {lines[:1]}')
    header = dict(zip(lines[1].split('\t'), lines[2].split('\t')))
    names = [name.strip() for name in lines[3].split('\t')[2:] if name.strip()]
    rows = []
    for line in lines[5:]:
        cells = [cell.strip() for cell in line.split('\t')]
        if any(cells):
            cells = cells[2:2 + 3 * len(names)]
            cells += [''] * (3 * len(names) - len(cells))
            rows.append(_numbers(cells, path))
    points = np.array(rows).reshape(len(rows), len(names), 3)
    return (names, points, float(header.get('DataRate',
                                            'nan')), header.get('Units',
                                                                '').strip())


def _numbers(cells: List[str], path: Path) -> List[float]:
    try:
        return [float(cell or 'nan') for cell in cells]
    except ValueError as error:
        raise ValueError(f'{path}: expected numbers ({error})') from None


def _read_c3d(path: Path) -> tuple:
    try:
        import c3d
    except ImportError as error:
        raise ImportError(
            f'{path}: expected the package c3d, found none ({error}): run '
            '"pip install mmdiffpose[c3d]" or "pip install c3d"') from error
    try:
        reader = c3d.Reader(io.BytesIO(path.read_bytes()))
        names = [label.strip() for label in reader.point_labels]
        frames = []
        for _, points, _ in reader.read_frames():
            places = points[:, :3].astype(np.float64)
            places[points[:, 3] < 0] = np.nan
            frames.append(places)
        unit = reader.get('POINT:UNITS')
        text = 'mm' if unit is None else unit.string_value.strip()
        rate = float(reader.point_rate)
    except (AssertionError, ValueError, KeyError, EOFError, AttributeError,
            IndexError, TypeError, struct.error) as error:
        raise ValueError(f'{path}: no C3D file ({error})') from error
    return names, np.array(frames), rate, text


def _read_csv(path: Path) -> tuple:
    with open(path, newline='', encoding='utf-8-sig') as file:
        rows = list(csv.reader(file))
    header = [cell.strip() for cell in rows[0]] if rows else []
    names = [cell[:-2] for cell in header if cell.lower().endswith('_x')]
    lower = [cell.lower() for cell in header]
    wanted = [f'{name}_{axis}'.lower() for name in names for axis in 'xyz']
    missing = sorted(set(wanted) - set(lower))
    if not names or missing or 'time' not in lower:
        raise ValueError(
            f'{path}: expected a header with time and <name>_x, <name>_y, '
            f'<name>_z of each point, found {header[:7]}'
            f'{" without " + str(missing) if missing else ""}')
    columns = [lower.index(name) for name in wanted]
    time = lower.index('time')
    body = [row for row in rows[1:] if any(cell.strip() for cell in row)]
    points = np.array([[
        _numbers([row[i].strip() if i < len(row) else ''], path)[0]
        for i in columns
    ] for row in body]).reshape(len(body), len(names), 3)
    times = np.array([_numbers([row[time]], path)[0] for row in body])
    steps = np.diff(times)
    if not len(steps) or not (
            steps > 0).all() or np.ptp(steps) > .1 * np.median(steps):
        raise ValueError(f'{path}: expected times in seconds that go up by '
                         'equal steps')
    return names, points, float(1 / np.median(steps)), 'm'
