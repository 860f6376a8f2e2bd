# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Try the set-up on other Pythons and packages, and make a table of it.

    python tools/maintenance/version_table.py --json rows.json --work-dir rows

A row is a Python, a stack and an MMCV: an environment is made for it, the
set-up (``tools/setup_env.sh --no-venv``) runs in it, a real track is lifted
there with a model of the zoo and compared with the first row's poses, and
some tests run. Rows that could not be tried say why. Rows of the JSON file
that were tried are kept, so that an interrupted table goes on; ``--again``
tries them anew. The first row's poses are kept beside that file. ``--page``
puts the table into the docs.

Needs nothing but a Python to run it: it may be one without any package.
Other Pythons are given by path, or found on the path and in ``~/.pyenv``.
torch is installed once for each Python, since it is large, and a compilation
of the full MMCV goes on where it was interrupted.
"""
import argparse
import json
import re
import sys
from itertools import product
from pathlib import Path
from typing import Dict, Optional, Sequence, Tuple

from version_rows import (FULL_MMCV, ROOT, STACKS, Row, find_python, try_row,
                          was_tried)
from whole_files import write_whole

PAGE = ROOT / 'docs' / 'robustness.md'
MARKERS = ('<!-- versions: begin -->', '<!-- versions: end -->')
PYTHONS = ('3.10', '3.11', '3.12', '3.13')
MMCVS = ('lite', 'full')
TESTS = ('tests/compat', 'tests/codecs', 'tests/checkpoints',
         'tests/test_end_to_end.py::test_both_stages_leave_their_weights',
         'tests/test_end_to_end.py::test_test_writes_metrics',
         'tests/apis/test_mmpose_inferencer.py', 'tests/lifting/test_lift.py',
         'tests/files/test_result_files.py', 'tests/visualization')
"""What hangs on other packages: their fixes, both stages' training and test,
MMPose's inferencer, files and pictures.
"""


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--json', type=Path, required=True, help='the rows, read and written')
    parser.add_argument(
        '--work-dir',
        type=Path,
        required=True,
        help='folder of the environments; a row\'s goes when it is done')
    parser.add_argument(
        '--pythons',
        nargs='*',
        default=PYTHONS,
        help=f'versions ({", ".join(PYTHONS)}), or paths of interpreters')
    parser.add_argument('--stacks', nargs='+', choices=STACKS, default=STACKS)
    parser.add_argument('--mmcvs', nargs='+', choices=MMCVS, default=MMCVS)
    parser.add_argument(
        '--torch',
        default='torch==2.13.0',
        help='arguments of pip that install it (%(default)s)')
    parser.add_argument(
        '--mmcv-wheels',
        type=Path,
        help=f'folder of wheels of {FULL_MMCV}, each compiled for the torch '
        'of its row; rows of the full MMCV without a wheel are not tried')
    parser.add_argument(
        '--compile-mmcv',
        action='store_true',
        help='compile wheels that are missing: 20 minutes on two cores, each; '
        'MAX_JOBS says on how many')
    parser.add_argument(
        '--tests',
        nargs='*',
        default=TESTS,
        help='arguments of pytest; none: no tests')
    parser.add_argument(
        '--again', action='store_true', help='try rows anew that are there')
    parser.add_argument(
        '--page',
        action='store_true',
        help=f'write the table into {PAGE.relative_to(ROOT)}; with --pythons '
        'and nothing behind it, that is all')
    args = parser.parse_args(argv)
    try:
        args.pythons = [find_python(wanted) for wanted in args.pythons]
    except ValueError as error:
        parser.error(str(error))
    return args


def key_of(row: Row) -> Tuple[str, ...]:
    """What a row is of."""
    return row['python'], row['stack'], row['mmcv']


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        '| Python | stack | MMCV | torch | NumPy | OpenCV | matplotlib | '
        'setuptools | apart | tests | fixes | seen |',
        '|---|---|---|---|---|---|---|---|---|---|---|---|',
    ]
    for row in rows:
        seen = row.get('seen', {})
        apart = row.get('apart_mm')
        cells = [
            seen.get('python', row['python']), row['stack'], row['mmcv'],
            *(seen.get(name, '')
              for name in ('torch', 'numpy', 'opencv-python-headless',
                           'matplotlib', 'setuptools')),
            '' if apart is None else f'{apart:.2g} mm',
            row.get('tests', ''),
            str(len(row['fixes'])) if 'fixes' in row else '',
            row['outcome'].replace('|', '/')
        ]
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines)


def put_table(rows: Sequence[Row], page: Path) -> None:
    """Put the table between its markers on a page.

    Raises:
        ValueError: If the page has not each of them once, in order.
    """
    text = page.read_text(encoding='utf-8')
    parts = re.split('|'.join(map(re.escape, MARKERS)), text)
    if len(parts) != 3 or text.index(MARKERS[0]) > text.index(MARKERS[1]):
        raise ValueError(f'{page}: expected {MARKERS[0]} and then '
                         f'{MARKERS[1]}, each once')
    write_whole(
        page,
        f'{parts[0]}{MARKERS[0]}\n\n{table(rows)}\n\n{MARKERS[1]}{parts[2]}')


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Try the rows; the number of those that failed."""
    args = parse_args(argv)
    args.work_dir = args.work_dir.resolve()
    args.work_dir.mkdir(parents=True, exist_ok=True)
    rows: Dict[Tuple[str, ...], Row] = {}
    if args.json.is_file():
        rows = {
            key_of(row): row
            for row in json.loads(args.json.read_text(encoding='utf-8'))
        }
    failed = 0
    # torch's Pythons one after the other.
    for (version, base), stack, mmcv in product(args.pythons, args.stacks,
                                                args.mmcvs):
        key = version, stack, mmcv
        if args.again or not was_tried(rows.get(key)):
            print(f'[versions] {" ".join(key)}', file=sys.stderr, flush=True)
            rows[key] = try_row(*key, base, args)
            write_whole(
                args.json,
                json.dumps([rows[k] for k in sorted(rows)], indent=1) + '\n')
        failed += was_tried(rows[key]) and rows[key]['outcome'] != 'works'
    in_order = sorted(
        rows.values(),
        key=lambda row:
        ([int(n) for n in row['python'].split('.')], list(STACKS).index(row[
            'stack']), MMCVS.index(row['mmcv'])))
    print(table(in_order))
    if args.page:
        put_table(in_order, PAGE)
    return min(failed, 1)


if __name__ == '__main__':
    sys.exit(main())
