# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Print what a quickstart's training has reached.

    python tools/analysis_tools/quickstart_table.py work_dirs/quickstart

Reads the ``metrics.json`` that ``tools/test.py --out`` has written there.
"""

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

COLUMNS = {
    'context encoder alone': ('context/MPJPE_mm', 'context/P-MPJPE_mm'),
    'DiffPose': ('MPJPE_mm', 'P-MPJPE_mm'),
    'oracle: best of N': ('oracle/P-Best_mm', 'oracle/P-Best_P-MPJPE_mm'),
}
ROWS = ('MPJPE', 'P-MPJPE')


def main() -> None:
    """Read the metrics and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work_dir', type=Path)
    path = parser.parse_args().work_dir / 'metrics.json'
    if not path.is_file():
        sys.exit(f'{path} does not exist; write it with: python '
                 f'tools/test.py CONFIG CHECKPOINT --out {path}')
    metrics = json.loads(path.read_text())
    missing = [
        k for keys in COLUMNS.values() for k in keys if k not in metrics
    ]
    if missing:
        sys.exit(f'{path} misses {missing}: it is not from the test of a '
                 'diffusion lifter')

    table = Table(
        title='mocap-mini, test split (mm, mean over frames)',
        caption='The oracle picks each frame\'s best hypothesis by the ground '
        'truth: an upper bound, not a result.')
    table.add_column('')
    for name in COLUMNS:
        table.add_column(name, justify='right')
    for i, row in enumerate(ROWS):
        table.add_row(
            row, *(f'{metrics[keys[i]]:.1f}' for keys in COLUMNS.values()))
    Console().print(table)


if __name__ == '__main__':
    main()
