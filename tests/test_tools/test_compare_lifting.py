# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Two checkouts are compared number by number."""

import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
TRACK = ROOT / 'mmdiffpose/data/demo_track_coco17.json'


@pytest.fixture
def tool(load_tool):
    return load_tool('analysis_tools/compare_lifting')


def test_what_differs_is_named(tool, capsys):
    one = dict(a=np.zeros((2, 3)), b=np.zeros(4), c=np.ones(2), d=np.ones(1))
    other = dict(a=np.zeros((2, 3)), b=np.zeros(5), c=np.array([1, 1.5]))
    assert tool.compare(one, other, 1e-6) == ['d', 'b', 'c']
    assert tool.compare(one, other, 0.5) == ['d', 'b']
    printed = capsys.readouterr().out
    assert 'c (2,): at most 0.5 apart, 50.0 % to the last bit' in printed
    other['c'] = np.array([np.nan, 1])
    assert 'c' in tool.compare(one, other, 1e-6), 'NaN is no agreement'


def test_a_checkout_agrees_with_itself(run_tool, tmp_path):
    document = json.loads(TRACK.read_text())
    document['instance_info'] = document['instance_info'][:6]
    path = tmp_path / 'short.json'
    path.write_text(json.dumps(document))
    result = run_tool('analysis_tools/compare_lifting.py', ROOT, path,
                      '--config', 'mixste')
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    for name in ('view/keypoints (6, 17, 3)', 'scene/root (6, 3)'):
        assert any(line.startswith(name) for line in lines)
    assert all('100.0 % to the last bit' in line for line in lines
               if 'apart' in line)
