# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Run MMPose's own tests with and without mmdiffpose, and compare each.

    python tools/maintenance/compare_mmpose_tests.py MMPOSE --out tests.json

MMPOSE is a checkout of https://github.com/open-mmlab/mmpose at the version
that is installed (v1.3.2). pytest runs twice in it, once with ``import
mmdiffpose`` before anything else. A test that passes without it and does not
with it is a fault of mmdiffpose: the command ends with 1 and names it. Tests
that only pass with it are what its fixes of MMPose mend.

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

ROOT = Path(__file__).resolve().parents[2]
TESTS = ('test_codecs', 'test_datasets', 'test_engine', 'test_evaluation',
         'test_models', 'test_structures', 'test_utils', 'test_visualization',
         'test_apis')
"""Folders of MMPose's tests; those that download fail in both runs."""
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


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('mmpose', type=Path, help='the checkout')
    parser.add_argument(
        '--tests',
        nargs='+',
        default=TESTS,
        help='of its folder tests; all that can run offline without it')
    parser.add_argument(
        '--timeout', type=int, default=3600, help='seconds of a run')
    parser.add_argument('--out', type=Path, help='write the outcomes here')
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


def run(mmpose: Path, plugin: str, tests: Sequence[str],
        timeout: int) -> Dict[str, str]:
    """Run tests with a plugin; their outcomes.

    Raises:
        ValueError: If pytest ended without a report.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f'{plugin}.py').write_text(PLUGINS[plugin])
        report = Path(folder) / 'report.xml'
        done = subprocess.run(
            [
                sys.executable, '-m', 'pytest', '-q', '-p', plugin, '-p',
                'no:cacheprovider', '-o', 'addopts=',
                '--continue-on-collection-errors', f'--junitxml={report}',
                *(f'tests/{name}' for name in tests)
            ],
            cwd=mmpose,
            timeout=timeout,
            capture_output=True,
            text=True,
            errors='replace',
            env={
                **os.environ, 'PYTHONPATH': f'{folder}{os.pathsep}{ROOT}',
                'MPLBACKEND': 'agg'
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
    runs = {
        plugin: run(args.mmpose, plugin, args.tests, args.timeout)
        for plugin in (WITHOUT, WITH)
    }
    found = compare(runs[WITHOUT], runs[WITH])
    for plugin, results in runs.items():
        counts = Counter(results.values())
        told = ', '.join(f'{counts[kind]} {kind}' for kind in sorted(counts))
        print(f'{plugin}: {told}')
    for kind, names in found.items():
        print(f'{kind}: {len(names)}')
        for name in names:
            print(f'  {name}')
    if args.out:
        args.out.write_text(
            json.dumps(dict(runs, **found), indent=1) + '\n', encoding='utf-8')
    return 1 if found['broken'] else 0


if __name__ == '__main__':
    sys.exit(main())
