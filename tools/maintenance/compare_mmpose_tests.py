# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Run MMPose's own tests with and without mmdiffpose, and compare each.

    python tools/maintenance/compare_mmpose_tests.py MMPOSE --out tests.json

MMPOSE is a checkout of https://github.com/open-mmlab/mmpose at the version
that is installed (v1.3.2). pytest runs twice in each of its folders, once
with ``import mmdiffpose`` before anything else. A test that passes without it
and does not with it is a fault of mmdiffpose: the command ends with 1 and
names it. Tests that only pass with it are what its fixes of MMPose mend.
Downloads are refused at once, so that what needs them fails in both runs.
Some import ``parameterized``, which has to be installed.

It takes an hour and more. Folders that the file of ``--out`` has are not run
again; one that takes more than ``--timeout`` seconds is named, and is.

Where mmcv-lite is installed, MMPose alone cannot be imported. There the run
without mmdiffpose gets a stand-in for MMCV's compiled operators, which raises
when one is called, and nothing else.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from whole_files import write_whole

ROOT = Path(__file__).resolve().parents[2]
TESTS = ('test_codecs', 'test_engine', 'test_evaluation', 'test_structures',
         'test_utils', 'test_visualization', 'test_datasets/test_transforms',
         'test_datasets/test_datasets', 'test_models/test_data_preprocessors',
         'test_models/test_distillers', 'test_models/test_heads',
         'test_models/test_losses', 'test_models/test_necks',
         'test_models/test_pose_estimators', 'test_models/test_utils',
         'test_models/test_backbones', 'test_apis', 'test_external')
"""Folders of MMPose's tests."""
NOWHERE = 'http://127.0.0.1:9'
"""A port that refuses connections, for the proxies."""
WITH, WITHOUT = 'with_mmdiffpose', 'without_mmdiffpose'
PLUGINS = {
    WITH:
    'import mmdiffpose\n',
    WITHOUT:
    """
import importlib.util
import sys
import types

if importlib.util.find_spec('mmcv._ext') is None:

    class Operators(types.ModuleType):

        def __getattr__(self, name):
            if name.startswith('__'):
                raise AttributeError(name)

            def operator(*args, **kwargs):
                raise NotImplementedError(name)

            return operator

    sys.modules['mmcv._ext'] = Operators('mmcv._ext')
"""
}
PASSED = 'passed'

Folders = Dict[str, Dict[str, Dict[str, str]]]
"""Outcome by folder, plugin and test."""


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('mmpose', type=Path, help='the checkout')
    parser.add_argument(
        '--tests', nargs='+', default=TESTS, help='of its folder tests')
    parser.add_argument(
        '--timeout', type=int, default=3600, help="seconds of a folder's run")
    parser.add_argument(
        '--out',
        type=Path,
        help='write the outcomes here, and go on from them')
    return parser.parse_args(argv)


def outcomes(report: Path) -> Dict[str, str]:
    """Each test's outcome in a JUnit report.

    Returns:
        dict: ``passed``, ``skipped``, ``failed`` or ``error``, by the test's
        class and name.
    """
    found: Dict[str, str] = {}
    for case in ElementTree.parse(report).iter('testcase'):
        name = f'{case.get("classname")}::{case.get("name")}'
        kinds = {child.tag for child in case}
        found[name] = next(
            (label
             for tag, label in (('error', 'error'), ('failure', 'failed'),
                                ('skipped', 'skipped')) if tag in kinds),
            PASSED)
    return found


def run(mmpose: Path, plugin: str, tests: str, timeout: int) -> Dict[str, str]:
    """Run a folder of tests with a plugin; their outcomes.

    Raises:
        subprocess.TimeoutExpired: If it took too long.
        ValueError: If pytest ended without a report.
    """
    proxies = dict.fromkeys(
        ('http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'), NOWHERE)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f'{plugin}.py').write_text(PLUGINS[plugin])
        report = Path(folder) / 'report.xml'
        done = subprocess.run(
            [
                sys.executable, '-m', 'pytest', '-q', '-p', plugin, '-p',
                'no:cacheprovider', '-o', 'addopts=',
                '--continue-on-collection-errors', f'--junitxml={report}',
                f'tests/{tests}'
            ],
            cwd=mmpose,
            timeout=timeout,
            capture_output=True,
            text=True,
            errors='replace',
            env={
                **os.environ,
                **proxies, 'PYTHONPATH': f'{folder}{os.pathsep}{ROOT}',
                'MPLBACKEND': 'agg',
                'no_proxy': '',
                'NO_PROXY': ''
            })
        if not report.is_file():
            raise ValueError(f'{mmpose}, {plugin}: pytest ended with '
                             f'{done.returncode} and no report:\n'
                             f'{done.stdout[-2000:]}{done.stderr[-2000:]}')
        return outcomes(report)


def compare(without: Dict[str, str],
            with_it: Dict[str, str]) -> Dict[str, List[str]]:
    """Tests by what mmdiffpose changed.

    Returns:
        dict: ``broken``: passed without it only; ``mended``: passed with it
        only; ``other``: neither passed, and the outcomes differ or one of
        them is missing.
    """
    found: Dict[str, List[str]] = dict(broken=[], mended=[], other=[])
    for name in sorted({*without, *with_it}):
        before = without.get(name, 'missing')
        after = with_it.get(name, 'missing')
        if before == after:
            continue
        kind = ('broken' if before == PASSED else
                'mended' if after == PASSED else 'other')
        found[kind].append(f'{name}: {before} -> {after}')
    return found


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Compare; 1 where mmdiffpose breaks a test."""
    args = parse_args(argv)
    if not (args.mmpose / 'tests').is_dir():
        raise FileNotFoundError(f'{args.mmpose} has no folder tests: expected '
                                'a checkout of MMPose')
    folders: Folders = {}
    if args.out and args.out.is_file():
        folders = json.loads(args.out.read_text(encoding='utf-8'))['folders']
    unfinished = []
    for name in args.tests:
        if name in folders:
            continue
        try:
            folders[name] = {
                plugin: run(args.mmpose, plugin, name, args.timeout)
                for plugin in (WITHOUT, WITH)
            }
        except subprocess.TimeoutExpired:
            unfinished.append(name)
            continue
        if args.out:
            write(args.out, folders)
    found = summary(folders)
    for plugin in (WITHOUT, WITH):
        print(f'{plugin}: {told(folders, plugin)}')
    for kind, names in found.items():
        print(f'{kind}: {len(names)}')
        for name in names:
            print(f'  {name}')
    print(f'took more than {args.timeout} s: {unfinished}')
    return 1 if found['broken'] or unfinished else 0


def summary(folders: Folders) -> Dict[str, List[str]]:
    """All folders' tests by what mmdiffpose changed."""
    found: Dict[str, List[str]] = dict(broken=[], mended=[], other=[])
    for runs in folders.values():
        for kind, names in compare(runs[WITHOUT], runs[WITH]).items():
            found[kind] += names
    return found


def told(folders: Folders, plugin: str) -> str:
    """How many tests had which outcome."""
    counts = Counter(outcome for runs in folders.values()
                     for outcome in runs[plugin].values())
    return ', '.join(f'{counts[kind]} {kind}' for kind in sorted(counts))


def write(path: Path, folders: Folders) -> None:
    """Write outcomes, whole or not at all."""
    write_whole(
        path,
        json.dumps(dict(folders=folders, **summary(folders)), indent=1) + '\n')


if __name__ == '__main__':
    sys.exit(main())
