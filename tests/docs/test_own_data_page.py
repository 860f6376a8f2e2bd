# Copyright (c) mmdiffpose contributors. All rights reserved.
"""docs/own_data.md works, from its own text."""
import importlib
import json
import shlex
import shutil

import numpy as np
from test_snippets import BLOCK, ROOT

PAGE = ROOT / 'docs' / 'own_data.md'
DEMO = 'mmdiffpose/data/demo_track_coco17.json'


def test_the_page_trains_a_lifter_and_lifts_with_it(tmp_path, monkeypatch,
                                                    capsys):
    (tmp_path / DEMO).parent.mkdir(parents=True)
    shutil.copy(ROOT / DEMO, tmp_path / DEMO)
    monkeypatch.chdir(tmp_path)
    names = {'__name__': 'page'}
    said = {}
    for language, _, code in BLOCK.findall(PAGE.read_text(encoding='utf-8')):
        if language == 'python':
            exec(compile(code, str(PAGE), 'exec'), names)
        if language != 'bash' or '# notest' in code:
            continue
        for line in code.splitlines():
            words = shlex.split(line)
            assert words[0] == 'mmdiffpose'
            capsys.readouterr()
            command = importlib.import_module(f'mmdiffpose.cli.{words[1]}')
            command.main(words[2:])
            said[words[1]] = capsys.readouterr().out
    assert list(said) == ['check', 'train', 'test', 'infer']
    assert 'joints: 15' in said['check'] and 'WARNING' not in said['check']
    assert len(list(tmp_path.glob('work_dirs/check/own/*.png'))) == 3
    metrics = json.loads((tmp_path / 'work_dirs/own/metrics.json').read_text())
    assert 50 < metrics['MPJPE_mm'] < 400
    assert list(tmp_path.glob('work_dirs/own/pictures/test_*.png'))
    found = [np.load(path) for path in tmp_path.glob('outputs/**/*.npz')]
    poses = [
        array[key] for array in found for key in array.files
        if array[key].shape[-2:] == (15, 3)
    ]
    assert poses and all(np.isfinite(pose).all() for pose in poses)
