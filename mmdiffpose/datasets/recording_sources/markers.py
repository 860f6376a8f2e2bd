# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Points in space over time: TRC, C3D and CSV files.

=== =========================================================================
trc ``Units`` m or mm; a blank or NaN is a point that is not known
c3d the units of POINT:UNITS; a residual of -1 or a NaN is a point that is not
    known. Needs the package ``c3d``
csv a header with ``<name>_x``, ``<name>_y`` and ``<name>_z`` of each point,
    and a column ``time`` in seconds; a blank is a point that is not known
=== =========================================================================

A point in the very origin is not known either.
"""

import csv
import io
from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Union

import numpy as np

from mmdiffpose.input_files import check_file, read_bytes, read_text
from mmdiffpose.optional_imports import C3D, import_for
from mmdiffpose.trc_table import read_trc_table

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
    path = check_file(path, 'points in space')
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
    bad = np.isinf(points).any((0, 2))
    if bad.any():
        raise ValueError(f'{path}: expected places of points, found infinite '
                         f'ones of {names[int(bad.argmax())]!r}')
    if not 0 < fps < 10000:
        raise ValueError(f'{path}: expected a frame rate, found {fps:g}')
    if unit is not None and not 0 < unit < float('inf'):
        raise ValueError(f'unit: expected metres, found {unit}')
    if unit is None:
        if found.lower() not in UNITS:
            raise ValueError(f'{path}: expected points in one of '
                             f'{list(UNITS)}, found {found!r}; say the unit')
        unit = UNITS[found.lower()]
    # Writers put the origin where they know nothing.
    points[(points == 0).all(axis=-1)] = np.nan
    return Markers(names, points * unit, fps)


def _read_trc(path: Path) -> tuple:
    table = read_trc_table(path)
    points = np.array([_numbers(cells[2:], path) for cells in table.rows])
    rate, = _numbers([table.header.get('DataRate', '')], path)
    return (table.names, points.reshape(len(table.rows),
                                        len(table.names), 3), rate,
            table.header.get('Units', ''))


def _numbers(cells: List[str], path: Path) -> List[float]:
    try:
        return [float(cell or 'nan') for cell in cells]
    except ValueError as error:
        raise ValueError(f'{path}: expected numbers ({error})') from None


def _read_c3d(path: Path) -> tuple:
    c3d = import_for(str(path), C3D)
    try:
        reader = c3d.Reader(io.BytesIO(read_bytes(path, 'a C3D file')))
        _check_c3d_length(path, reader)
        names = [label.strip() for label in reader.point_labels]
        frames = []
        for _, points, _ in reader.read_frames():
            places = points[:, :3].astype(np.float64)
            places[points[:, 3] < 0] = np.nan
            frames.append(places)
        unit = reader.get('POINT:UNITS')
        text = 'mm' if unit is None else unit.string_value.strip()
        rate = float(reader.point_rate)
    # Bytes that are no C3D file's make the package stumble in any way.
    except Exception as error:
        raise ValueError(f'{path}: no C3D file ({error})') from error
    return names, np.array(frames), rate, text


def _check_c3d_length(path: Path, reader: Any) -> None:
    """Raise where a header says more frames than a file holds.

    What is not there would be read as points in the origin.
    """
    width = 4 if reader.point_scale < 0 else 2
    analog = reader.analog_used * reader.analog_per_frame
    row = (4 * reader.point_used + analog) * width
    held = path.stat().st_size - 512 * (reader.header.data_block - 1)
    stated = reader.last_frame - reader.first_frame + 1
    if stated * row > held:
        raise ValueError(f'it is cut short: expected {stated} frames of {row} '
                         f'bytes as its header says, found {max(held, 0)} '
                         'bytes')


def _read_csv(path: Path) -> tuple:
    try:
        rows = list(csv.reader(io.StringIO(read_text(path), newline='')))
    except csv.Error as error:
        raise ValueError(f'{path}: no CSV file ({error})') from error
    header = [cell.strip() for cell in rows[0]] if rows else []
    names = [cell[:-2] for cell in header if cell.lower().endswith('_x')]
    lower = [cell.lower() for cell in header]
    wanted = [f'{name}_{axis}'.lower() for name in names for axis in 'xyz']
    missing = sorted(set(wanted) - set(lower))
    if not names or missing or 'time' not in lower:
        raise ValueError(
            f'{path}: expected a header with time and <name>_x, <name>_y, '
            f'<name>_z of each point, found {[s[:40] for s in header[:7]]}'
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
