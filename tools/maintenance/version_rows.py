# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Try the set-up with one Python, one stack and one MMCV.

:mod:`version_table` makes a table of such rows.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import time
from glob import glob
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[2]
STACKS: Dict[str, Tuple[str, ...]] = dict(
    pinned=(),
    newest=('numpy', 'opencv-python-headless', 'matplotlib', 'setuptools'))
"""What is installed before the set-up, in its newest release: the set-up
leaves it as it is. With nothing there it takes requirements/constraints.txt.
"""
FULL_MMCV = 'mmcv==2.1.0'
TRACK = ROOT / 'mmdiffpose' / 'data' / 'demo_track_coco17.json'
MODEL = 'diffpose-v1'
"""Of the zoo; lifts in every row. It samples, and its weights never change,
so that rows of different days are compared with each other; what has no
version in its name is trained anew now and then.
"""
FROM_TORCH = ('setuptools', 'pkg_resources', '_distutils_hack', 'numpy')
"""What torch may bring along and every row has in a version of its own."""
SEEN = ('torch', 'numpy', 'opencv-python-headless', 'matplotlib', 'setuptools',
        'mmcv-lite', 'mmcv', 'mmengine', 'mmpose')

Row = Dict[str, Any]

NOT_TRIED = 'not tried: '
"""How the outcome of such a row begins."""


class Failed(Exception):
    """A step of a row; the message is for the table."""


def version_of(path: str) -> Optional[str]:
    """Version of an interpreter of which a virtual environment can be made;
    None where it is no such one."""
    ask = ('import sys, venv, ensurepip; '
           'print("%d.%d" % sys.version_info[:2])')
    try:
        answer = subprocess.run([path, '-c', ask],
                                capture_output=True,
                                text=True)
    except OSError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def find_python(wanted: str) -> Tuple[str, Optional[str]]:
    """Version and path of an interpreter.

    Args:
        wanted (str): Its version, for example '3.12', or its path.

    Returns:
        tuple[str, str | None]: No path where there is no such version.

    Raises:
        ValueError: If it is neither, or leads to no Python that has ``venv``
            and ``ensurepip``.
    """
    if not re.fullmatch(r'\d+\.\d+', wanted):
        path = shutil.which(os.path.expanduser(wanted))
        version = version_of(path) if path else None
        if version is None:
            raise ValueError(f'--pythons {wanted}: expected a version such as '
                             '3.12, or the path of a Python that has venv and '
                             'ensurepip')
        return version, path
    installed = os.path.expanduser(f'~/.pyenv/versions/{wanted}.*/bin/python')
    for name in (f'python{wanted}', *sorted(glob(installed)), 'python3'):
        path = shutil.which(name)
        if path is not None and version_of(path) == wanted:
            return wanted, path
    return wanted, None


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
    add_torch(folder, version, torch)
    return python


def add_torch(environment: Path, version: str, torch: Path) -> None:
    """Let an environment see the torch of its Python."""
    site = environment / 'lib' / f'python{version}' / 'site-packages'
    (site / 'torch_of_all_rows.pth').write_text(f'{torch}\n')


def full_mmcv(base: str, version: str, args: argparse.Namespace,
              log: Path) -> Path:
    """A wheel of the full MMCV for one Python and its torch.

    Raises:
        Failed: If there is none and none is to be compiled.
    """
    tag = f'cp{version.replace(".", "")}'
    folder = args.mmcv_wheels or args.work_dir / 'mmcv'
    name = f'mmcv-*-{tag}-*.whl'
    if not list(folder.glob(name)) and args.compile_mmcv:
        compile_mmcv(base, version, folder, args, log)
    found = sorted(folder.glob(name))
    if not found:
        raise Failed(f'{NOT_TRIED}no wheel of {FULL_MMCV} for {tag}, and '
                     'compiling one takes 20 minutes (--compile-mmcv)')
    return found[-1]


def compile_mmcv(base: str, version: str, folder: Path,
                 args: argparse.Namespace, log: Path) -> None:
    """Compile the full MMCV, in an environment that no row uses.

    What an interrupted compilation has done stays in the work folder, and the
    next one goes on from there.
    """
    builder = args.work_dir / f'builder-{version}'
    run([base, '-m', 'venv', '--clear', builder], log, 'venv')
    python = builder / 'bin' / 'python'
    add_torch(builder, version, shared_torch(base, version, args, log))
    # pkg_resources, which its setup.py imports, is gone from newer ones.
    install(python, log, 'setuptools<80.9', 'wheel', 'ninja', 'psutil',
            'packaging', 'numpy')
    source = args.work_dir / f'mmcv-{version}'
    if not source.is_dir():
        archives = args.work_dir / 'mmcv-sdist'
        run([
            python, '-m', 'pip', 'download', '--quiet', '--no-deps',
            '--no-binary', 'mmcv', '--no-build-isolation', '--dest', archives,
            FULL_MMCV
        ], log, f'downloading {FULL_MMCV}')
        archive, = archives.glob('mmcv-*.tar.gz')
        part = args.work_dir / f'mmcv-{version}.part'
        shutil.rmtree(part, ignore_errors=True)
        shutil.unpack_archive(str(archive), part)
        inside, = part.iterdir()
        say_version(inside / 'setup.py')
        inside.rename(source)
        part.rmdir()
    run([python, 'setup.py', 'bdist_wheel', '--dist-dir',
         folder.resolve()],
        log,
        f'compiling {FULL_MMCV}',
        dict(
            MMCV_WITH_OPS='1',
            PATH=f'{python.parent}{os.pathsep}{os.environ["PATH"]}'),
        cwd=source)
    shutil.rmtree(source)
    shutil.rmtree(builder)


def say_version(script: Path) -> None:
    """Let MMCV's setup.py find its version on Python 3.13 and newer.

    There ``exec`` writes into no function's ``locals()`` (PEP 667), and the
    script ends with ``KeyError: '__version__'``.
    """
    text = script.read_text(encoding='utf-8')
    for old, new in {
            "exec(compile(f.read(), version_file, 'exec'))":
            "exec(compile(f.read(), version_file, 'exec'), globals())",
            "return locals()['__version__']": 'return __version__'
    }.items():
        text = text.replace(old, new)
    script.write_text(text, encoding='utf-8')


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


def reference_of(rows: Path) -> Path:
    """The first row's poses, beside the file of the rows: whatever becomes of
    environments, rows that are kept and new ones have the same."""
    return rows.with_name(f'{rows.stem}_{MODEL}.npz')


def lift(python: Path, folder: Path, reference: Path, log: Path) -> float:
    """Lift a track, draw it, and compare it with the first row's poses.

    Returns:
        float: How far the farthest joint of any frame is from there, mm.
    """
    shutil.rmtree(folder, ignore_errors=True)
    run([
        python, '-m', 'mmdiffpose.cli', 'infer', TRACK, '--config', MODEL,
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


def test(python: Path, tests: Sequence[str],
         log: Path) -> Tuple[str, List[str]]:
    """Run tests.

    Returns:
        tuple[str, list[str]]: pytest's closing line without the time, and
        the tests that did not pass.
    """
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
    broken = re.findall(r'^(?:FAILED|ERROR) (\S+)', said, re.MULTILINE)
    return re.sub(r', \d+ warnings?', '', found[-1]), broken


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


def try_row(version: str, stack: str, mmcv: str, base: Optional[str],
            args: argparse.Namespace) -> Row:
    """Make a row; what was not to be had or failed is said in ``outcome``.

    Args:
        base (str, optional): The Python to make its environment with.
    """
    row: Row = dict(
        python=version,
        stack=stack,
        mmcv=mmcv,
        date=time.strftime('%Y-%m-%d'),
        asked=list(STACKS[stack]))
    log = args.work_dir / f'{version}-{stack}-{mmcv}.log'
    log.write_text('')
    if base is None:
        return dict(row, outcome=f'{NOT_TRIED}no Python {version} was found')
    folder = args.work_dir / f'{version}-{stack}'
    try:
        python = make_environment(base, version, stack, args, log)
        if mmcv == 'full':
            install(python, log, '--no-deps',
                    str(full_mmcv(base, version, args, log)))
        start = time.monotonic()
        run(['bash', ROOT / 'tools' / 'setup_env.sh', '--no-venv'], log,
            'set-up', dict(PYTHON=str(python)))
        row['setup_seconds'] = round(time.monotonic() - start)
        row['seen'] = versions(python)
        row['fixes'] = fixes(python, log)
        row['apart_mm'] = lift(python, args.work_dir / 'lifted',
                               reference_of(args.json), log)
        row['model'] = MODEL
        row['outcome'] = 'works'
        if args.tests:
            row['tests'], broken = test(python, args.tests, log)
            if broken:
                row['outcome'] = f'did not pass: {", ".join(broken)}'
    except Failed as error:
        row['outcome'] = str(error)
    shutil.rmtree(folder, ignore_errors=True)
    return row


def was_tried(row: Optional[Row]) -> bool:
    """Whether there is a row, what it needs was to be had, and its poses, if
    it came so far, are of the model that rows are compared by."""
    return (row is not None and not row['outcome'].startswith(NOT_TRIED)
            and ('apart_mm' not in row or row.get('model') == MODEL))
