# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Try the set-up on other Pythons and packages, and make a table of it.

    python tools/maintenance/version_table.py --json rows.json --work-dir rows

A row is a Python, a stack and an MMCV: an environment is made for it, the
set-up (``tools/setup_env.sh --no-venv``) runs in it, a real track is lifted
there with a model of the zoo and compared with the first row's poses, and
some tests run. Rows that could not be tried say why. Rows that the JSON file
has already are kept; ``--again`` tries them anew. ``--page`` puts the table
into the docs.

Needs nothing but a Python to run it: it may be one without any package.
torch is installed once for each Python, since it is large.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from glob import glob
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / 'docs' / 'robustness.md'
MARKERS = ('<!-- versions: begin -->', '<!-- versions: end -->')
PYTHONS = ('3.10', '3.11', '3.12', '3.13')
STACKS: Dict[str, Tuple[str, ...]] = dict(
    pinned=(),
    newest=('numpy', 'opencv-python-headless', 'matplotlib', 'setuptools'))
"""What is installed before the set-up, in its newest release: the set-up
leaves it as it is. With nothing there it takes requirements/constraints.txt.
"""
MMCVS = ('lite', 'full')
FULL_MMCV = 'mmcv==2.1.0'
TESTS = ('tests/compat', 'tests/codecs', 'tests/checkpoints',
         'tests/test_end_to_end.py', 'tests/apis/test_mmpose_inferencer.py',
         'tests/lifting/test_lift.py', 'tests/files/test_result_files.py',
         'tests/visualization')
TRACK = ROOT / 'mmdiffpose' / 'data' / 'demo_track_coco17.json'
FROM_TORCH = ('setuptools', 'pkg_resources', '_distutils_hack', 'numpy')
"""What torch may bring along and every row has in a version of its own."""
SEEN = ('torch', 'numpy', 'opencv-python-headless', 'matplotlib', 'setuptools',
        'mmcv-lite', 'mmcv', 'mmengine', 'mmpose')

Row = Dict[str, Any]


class Failed(Exception):
    """A step of a row; the message is for the table."""


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
    parser.add_argument('--pythons', nargs='+', default=PYTHONS)
    parser.add_argument('--stacks', nargs='+', choices=STACKS, default=STACKS)
    parser.add_argument('--mmcvs', nargs='+', choices=MMCVS, default=MMCVS)
    parser.add_argument(
        '--torch',
        default='torch==2.13.0',
        help='arguments of pip that install it (%(default)s)')
    parser.add_argument(
        '--mmcv-wheels',
        type=Path,
        help=f'folder of wheels of {FULL_MMCV}; rows of the full MMCV whose '
        'wheel is not there are not tried')
    parser.add_argument(
        '--compile-mmcv',
        action='store_true',
        help='compile wheels that are missing: 20 minutes on two cores, each')
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
    return parser.parse_args(argv)


def find_python(version: str) -> Optional[str]:
    """The interpreter of a version, of which a virtual environment can be
    made; None where there is none."""
    names = [
        f'python{version}', *sorted(
            glob(
                os.path.expanduser(
                    f'~/.pyenv/versions/{version}.*/bin/python'))), 'python3'
    ]
    ask = ('import sys, venv, ensurepip; '
           'print("%d.%d" % sys.version_info[:2])')
    for name in names:
        path = shutil.which(name)
        if path is None:
            continue
        found = subprocess.run([path, '-c', ask],
                               capture_output=True,
                               text=True)
        if found.returncode == 0 and found.stdout.strip() == version:
            return path
    return None


def run(command: Sequence[object],
        log: Path,
        what: str,
        env: Optional[Dict[str, str]] = None,
        allowed: Sequence[int] = (0, ),
        cwd: Optional[Path] = None) -> str:
    """Run a command; all that it says goes to a log.

    Raises:
        Failed: If it ends otherwise than ``allowed``; names the last error.
    """
    result = subprocess.run([str(word) for word in command],
                            stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT,
                            text=True,
                            errors='replace',
                            cwd=cwd,
                            env={
                                **os.environ, 'PYTHONPATH': '',
                                **(env or {})
                            })
    with log.open('a', encoding='utf-8') as file:
        file.write(f'$ {" ".join(map(str, command))}\n{result.stdout}\n')
    if result.returncode not in allowed:
        raise Failed(f'{what}: {last_error(result.stdout)}')
    return result.stdout


def last_error(text: str) -> str:
    """The line of an output that says what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [
        line for line in lines
        if re.search(r'^(E  |ERROR|error|\[setup\] error)|Error\b', line)
    ]
    return (errors or lines or ['no output'])[-1][:200]


def install(python: Path, log: Path, *packages: str, **told: str) -> None:
    """pip, in an environment."""
    run([
        python, '-m', 'pip', 'install', '--quiet',
        '--disable-pip-version-check', *packages
    ], log, f'pip install {" ".join(packages)}', told)


def shared_torch(base: str, version: str, args: argparse.Namespace,
                 log: Path) -> Path:
    """A folder with torch for one Python, without what rows choose."""
    folder = args.work_dir / f'torch-{version}'
    if (folder / 'whole').is_file():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    maker = args.work_dir / f'maker-{version}'
    run([base, '-m', 'venv', maker], log, 'venv')
    install(maker / 'bin' / 'python', log, '--no-cache-dir', '--target',
            str(folder), *args.torch.split())
    for name in FROM_TORCH:
        for path in glob(str(folder / name)) + glob(str(
                folder / f'{name}-*')) + glob(str(folder / f'{name}.libs')):
            shutil.rmtree(path)
    for path in folder.glob('distutils-precedence.pth'):
        path.unlink()
    shutil.rmtree(maker)
    (folder / 'whole').touch()
    return folder


def make_environment(base: str, version: str, stack: str,
                     args: argparse.Namespace, log: Path) -> Path:
    """An environment with torch and a stack; its Python."""
    folder = args.work_dir / f'{version}-{stack}'
    shutil.rmtree(folder, ignore_errors=True)
    torch = shared_torch(base, version, args, log)
    run([base, '-m', 'venv', folder], log, 'venv')
    python = folder / 'bin' / 'python'
    if STACKS[stack]:
        install(python, log, '--upgrade', *STACKS[stack])
    site = folder / 'lib' / f'python{version}' / 'site-packages'
    (site / 'torch_of_all_rows.pth').write_text(f'{torch}\n')
    return python


def full_mmcv(python: Path, version: str, args: argparse.Namespace,
              log: Path) -> Path:
    """A wheel of the full MMCV for one Python.

    Raises:
        Failed: If there is none and none is to be compiled.
    """
    tag = f'cp{version.replace(".", "")}'
    folder = args.mmcv_wheels or args.work_dir / 'mmcv'
    found = sorted(folder.glob(f'mmcv-*-{tag}-*.whl'))
    if not found and args.compile_mmcv:
        install(python, log, 'setuptools<80.9', 'wheel', 'ninja', 'numpy',
                'psutil', 'packaging')
        run([
            python, '-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation',
            '--wheel-dir', folder, FULL_MMCV
        ], log, f'compiling {FULL_MMCV}', {'MMCV_WITH_OPS': '1'})
        found = sorted(folder.glob(f'mmcv-*-{tag}-*.whl'))
    if not found:
        raise Failed(f'not tried: no wheel of {FULL_MMCV} for {tag}, and '
                     'compiling one takes 20 minutes (--compile-mmcv)')
    return found[-1]


def versions(python: Path) -> Dict[str, str]:
    """What an environment has, by name."""
    ask = ('import json, platform; from importlib import metadata\n'
           'found = dict(python=platform.python_version())\n'
           f'for name in {SEEN!r}:\n'
           '    try: found[name] = metadata.version(name)\n'
           '    except metadata.PackageNotFoundError: pass\n'
           'print(json.dumps(found))')
    return json.loads(
        subprocess.run([python, '-c', ask],
                       capture_output=True,
                       text=True,
                       check=True,
                       cwd='/').stdout)


def lift(python: Path, folder: Path, reference: Path, log: Path) -> float:
    """Lift a track, draw it, and compare it with the first row's poses.

    Returns:
        float: How far the farthest joint of any frame is from there, mm.
    """
    shutil.rmtree(folder, ignore_errors=True)
    run([
        python, '-m', 'mmdiffpose.cli', 'infer', TRACK, '--config', 'residual',
        '--formats', 'npz', 'json', 'csv', 'trc', 'html', '--out-dir', folder
    ],
        log,
        'mmdiffpose infer',
        dict(OMP_NUM_THREADS='1', MPLBACKEND='agg'),
        cwd=Path('/'))
    poses = folder / f'{TRACK.stem}_3d.npz'
    pictures = list(folder.glob('*.png')) + list(folder.glob('*.gif'))
    if len(pictures) != 2:
        raise Failed(f'mmdiffpose infer: expected two pictures, found '
                     f'{[path.name for path in pictures]}')
    if not reference.is_file():
        shutil.copy(poses, reference)
    ask = ('import numpy as np, sys\n'
           'a, b = (np.load(path)["keypoints_3d"] for path in sys.argv[1:])\n'
           'print(1000 * np.linalg.norm(a - b, axis=-1).max())')
    return float(run([python, '-c', ask, poses, reference], log, 'comparing'))


def test(python: Path, tests: Sequence[str], log: Path) -> str:
    """Run tests; pytest's closing line without the time."""
    said = run(
        [python, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', *tests],
        log,
        'pytest',
        dict(OMP_NUM_THREADS='1', MPLBACKEND='agg'),
        allowed=(0, 1),
        cwd=ROOT)
    found = re.findall(r'^(\d+ (?:passed|failed).*?) in [\d.]+s', said,
                       re.MULTILINE)
    if not found:
        raise Failed(f'pytest: {last_error(said)}')
    return re.sub(r', \d+ warnings?', '', found[-1])


def fixes(python: Path, log: Path) -> List[str]:
    """Names of the fixes of upstream packages that were applied."""
    said = run([
        python, '-c', 'import mmdiffpose, mmpose.apis\n'
        'print(*(fix.name for fix in mmdiffpose.compat.report() '
        'if fix.done == "applied"))'
    ],
               log,
               'import mmpose.apis',
               cwd=Path('/'))
    return said.splitlines()[-1].split()


def try_row(version: str, stack: str, mmcv: str,
            args: argparse.Namespace) -> Row:
    """Make a row; what was not to be had or failed is said in ``outcome``."""
    row: Row = dict(
        python=version,
        stack=stack,
        mmcv=mmcv,
        date=time.strftime('%Y-%m-%d'),
        asked=list(STACKS[stack]))
    log = args.work_dir / f'{version}-{stack}-{mmcv}.log'
    log.write_text('')
    base = find_python(version)
    if base is None:
        return dict(row, outcome=f'not tried: no Python {version} was found')
    folder = args.work_dir / f'{version}-{stack}'
    try:
        python = make_environment(base, version, stack, args, log)
        if mmcv == 'full':
            install(python, log, '--no-deps',
                    str(full_mmcv(python, version, args, log)))
        start = time.monotonic()
        run(['bash', ROOT / 'tools' / 'setup_env.sh', '--no-venv'], log,
            'set-up', dict(PYTHON=str(python)))
        row['setup_seconds'] = round(time.monotonic() - start)
        row['seen'] = versions(python)
        row['fixes'] = fixes(python, log)
        row['apart_mm'] = lift(python, args.work_dir / 'lifted',
                               args.work_dir / 'first_row.npz', log)
        if args.tests:
            row['tests'] = test(python, args.tests, log)
        row['outcome'] = 'works'
    except Failed as error:
        row['outcome'] = str(error)
    shutil.rmtree(folder, ignore_errors=True)
    return row


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
    page.write_text(
        f'{parts[0]}{MARKERS[0]}\n\n{table(rows)}\n\n{MARKERS[1]}{parts[2]}',
        encoding='utf-8')


def wanted(args: argparse.Namespace) -> Iterator[Tuple[str, str, str]]:
    """The rows asked for, torch's Pythons one after the other."""
    for version in args.pythons:
        for stack in args.stacks:
            for mmcv in args.mmcvs:
                yield version, stack, mmcv


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
    for key in wanted(args):
        if args.again or key not in rows:
            print(f'[versions] {" ".join(key)}', file=sys.stderr, flush=True)
            rows[key] = try_row(*key, args)
            args.json.write_text(
                json.dumps([rows[k] for k in sorted(rows)], indent=1) + '\n',
                encoding='utf-8')
        outcome = rows[key]['outcome']
        broken = outcome != 'works' and not outcome.startswith('not tried')
        failed += broken or 'failed' in rows[key].get('tests', '')
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
