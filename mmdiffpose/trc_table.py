# Copyright (c) mmdiffpose contributors. All rights reserved.
"""TRC files of any tool, as text: what Sports2D and motion capture share."""

from pathlib import Path
from typing import Dict, List, NamedTuple

from .input_files import read_text


class TrcTable(NamedTuple):
    """The cells of a TRC file.

    Attributes:
        header: ``DataRate``, ``Units``, ... to what stands below them.
        names: Of M markers.
        rows: Of each frame its number, its time, and x, y, z of the markers,
            2 + 3 M cells without blanks around them; empty ones where the
            line ends early.
    """
    header: Dict[str, str]
    names: List[str]
    rows: List[List[str]]


def read_trc_table(path: Path) -> TrcTable:
    """Read a TRC file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no TRC file, or has fewer frames than its header
            says.
    """
    lines = read_text(path, 'a TRC file').splitlines()
    if len(lines) < 5 or not lines[0].startswith('PathFileType'):
        raise ValueError(f'{path}: expected a TRC file, found one that begins '
                         f'with {[line[:80] for line in lines[:1]]}')
    header = {
        name.strip(): value.strip()
        for name, value in zip(lines[1].split('\t'), lines[2].split('\t'))
    }
    names = [name.strip() for name in lines[3].split('\t')[2:] if name.strip()]
    width = 2 + 3 * len(names)
    rows = []
    for line in lines[5:]:
        cells = [cell.strip() for cell in line.split('\t')][:width]
        if any(cells):
            rows.append(cells + [''] * (width - len(cells)))
    stated = header.get('NumFrames', '')
    if stated.isdecimal() and len(rows) < int(stated[:18]):
        raise ValueError(f'{path} is cut short: expected {stated[:18]} frames '
                         f'as its header says, found {len(rows)}')
    return TrcTable(header, names, rows)
