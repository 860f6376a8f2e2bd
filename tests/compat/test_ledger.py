# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The report on the fixes, and the switch that turns them off."""
import os
import subprocess
import sys

import pytest

from mmdiffpose import compat
from mmdiffpose.compat import ledger

_REPORT = """
import json, sys
{before}
import mmdiffpose
mended = {{r.name: r.done for r in mmdiffpose.compat.report()}}
import {module}
print(json.dumps([mended,
                  {{r.name: [r.done, r.condition, r.issue]
                    for r in mmdiffpose.compat.report()}}]))
"""


def broken_process(run_python, missing, module):
    before = f'from broken_stack import simulate\nsimulate(missing={missing})'
    return run_python(_REPORT.format(before=before, module=module))


def test_what_is_broken_is_reported(run_python):
    at_first, at_last = broken_process(
        run_python, ['mmcv._ext', 'xtcocotools', 'pkg_resources'],
        'mmcv.ops, xtcocotools.coco, mmengine.runner')
    assert set(at_first) == {fix.name for fix in compat.FIXES}
    assert at_first['stand_in_for_compiled_ops'] == 'waiting'
    assert at_last['stand_in_for_compiled_ops'] == [
        'applied', 'mmcv._ext is not installed', 'open-mmlab/mmpose#3250'
    ]
    assert at_last['provide_xtcocotools'][:2] == [
        'applied', 'xtcocotools is not installed'
    ]
    assert at_last['ask_importlib_metadata'][:2] == [
        'applied', 'there is no pkg_resources'
    ]
    assert at_last['allow_checkpoint_classes'][0] == 'applied'
    assert at_last['accept_mmcv_2_2'][:2] == [
        'waiting', 'mmdet is not imported'
    ]


def test_the_switch_leaves_everything_alone(monkeypatch, run_python):
    monkeypatch.setenv(compat.SWITCH, '0')
    found = run_python("""
import json, sys
finders = len(sys.meta_path)
import mmdiffpose, mmengine.runner.checkpoint, mmengine.dist.utils as dist
loader = mmengine.runner.checkpoint.CheckpointLoader
print(json.dumps(dict(
    finders=[type(f).__name__ for f in sys.meta_path],
    missing=[n for f in sys.meta_path for n in getattr(f, 'builders', ())],
    loader=hasattr(loader.load_checkpoint, '__wrapped__'),
    dist=hasattr(dist._init_dist_pytorch, '__wrapped__'),
    report=[[r.done, r.condition] for r in mmdiffpose.compat.report()])))
""")
    assert '_HookFinder' not in found['finders']
    assert all(name.startswith('mmdiffpose.') for name in found['missing'])
    assert not found['loader'] and not found['dist']
    assert found['report'] == [['off', 'MMDIFFPOSE_COMPAT=0']] * len(
        compat.FIXES)


def test_another_value_is_an_error():
    done = subprocess.run([sys.executable, '-c', 'import mmdiffpose'],
                          capture_output=True,
                          text=True,
                          env=dict(os.environ, MMDIFFPOSE_COMPAT='no'))
    assert done.returncode
    assert 'MMDIFFPOSE_COMPAT: expected 0 (no fix of MMPose' in done.stderr
    assert "found 'no'" in done.stderr


def test_a_report_prints_as_lines(monkeypatch):

    def mend() -> None:
        """Do nothing."""

    def wait() -> None:
        """Do nothing."""

    monkeypatch.setattr(ledger, '_found', {})
    fixes = [
        compat.Fix(mend, 'no.such_module', 'owner/repository#1'),
        compat.Fix(wait, 'no.such_module')
    ]
    ledger.note(mend, True, 'it was broken')
    report = ledger.describe(fixes)
    assert str(report).splitlines() == [
        'applied    mend: it was broken (owner/repository#1)',
        'waiting    wait: no.such_module is not imported'
    ]
    ledger.note(mend, False, 'it works')
    assert ledger.describe(fixes)[0].done == 'not needed'
    assert ledger.describe([compat.Fix(
        wait, 'sys')])[0].condition == ('sys had been imported without it')


@pytest.mark.parametrize('fix', compat.FIXES, ids=lambda fix: fix.name)
def test_a_fix_says_what_it_mends(fix):
    """The docstring tells of the same issue as the report, or of none."""
    text = ' '.join(fix.apply.__doc__.split())
    assert (fix.issue or 'No upstream issue is known') in text
