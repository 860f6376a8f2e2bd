# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Arguments of commands: each bad one ends the command with a sentence, and
nothing is written or loaded before."""
import importlib
import os
import re

import pytest

TRACK = 'tests/data/seeds/mmpose.json'
POINTS = ['points.trc', '--calibration', 'calib.toml', '--out', 'own.npz']
INFER = [TRACK, '--config', 'mixste', '--out-dir', 'out', '--device', 'cpu']
ODD = 'x\x1b]0;title\x07.json'

CASES = [
    ('infer', [], 'required'),
    ('infer', ['--config', 'mixste', '--out-dir', 'out'], 'expected an input'),
    ('infer', [*INFER, '--jobs', '0'], '--jobs should be 1 or more'),
    ('infer', [*INFER, '--jobs', '9' * 5000], 'invalid int'),
    ('infer', [*INFER, '--image-size', '0', '5'], 'image_size should be'),
    ('infer', [*INFER, '--image-size', '-1',
               '5'], 'expected 2 arguments|image_size'),
    ('infer', [*INFER, '--fps', 'nan'], 'fps should be'),
    ('infer', [*INFER, '--fps', '-1'], 'fps should be|expected one argument'),
    ('infer', [*INFER, '--fps', '1e999'], 'fps should be'),
    ('infer', [*INFER, '--focal-length', '0'], 'focal_length should be'),
    ('infer', [*INFER, '--focal-length', 'inf'], 'focal_length should be'),
    ('infer', [*INFER, '--score-thr', 'nan'], 'score_thr'),
    ('infer', [*INFER, '--score-thr', '2'], 'score_thr'),
    ('infer', [*INFER, '--latency', '-1'], 'latency should be|expected one'),
    ('infer', [*INFER, '--overlap', '-1'], 'overlap should be|expected one'),
    ('infer', [*INFER, '--panel-size', '1'], 'panel_size should be'),
    ('infer', [*INFER, '--panel-size', '1000000'], 'panel_size should be'),
    ('infer', [*INFER, '--max-frames', '0'], 'max_frames should be'),
    ('infer', [*INFER, '--batch-size', '0'], 'batch_size should be'),
    ('infer', [*INFER, '--formats', '../../x'], 'invalid choice'),
    ('infer', [*INFER, '--skeleton', '\x1b[2J'], 'invalid choice'),
    ('infer', [*INFER, '--track-id', '1e3'], 'invalid int'),
    ('infer', [ODD, *INFER[1:]], 'does not exist'),
    ('infer', ['tests', *INFER[1:], '--keypoint-format',
               'coco'], 'found a folder'),
    ('infer', ['--list', 'none.txt', *INFER[1:]], 'does not exist'),
    ('infer', ['--list', 'tests', *INFER[1:]], 'found a folder'),
    ('infer', [TRACK, '--config', 'no\x1bsuch', '--out-dir',
               'out'], r'there is no config at no\\x1bsuch'),
    ('infer', [TRACK, '--config', 'tests', '--out-dir',
               'out'], 'found a folder'),
    ('infer', [*INFER, '--checkpoint', 'none.pth'], 'expected a checkpoint'),
    ('infer', [*INFER, '--cfg-options', 'nothing.reads=1'], 'nothing'),
    ('infer', [*INFER, '--cfg-options', 'model'], 'expected KEY=VALUE'),
    ('record', POINTS[:1], 'required'),
    ('record', [*POINTS, '--unit', '0'], 'expected a number above 0'),
    ('record', [*POINTS, '--unit', 'nan'], 'expected a number above 0'),
    ('record', [*POINTS, '--unit', '1e400'], 'expected a number above 0'),
    ('record', [*POINTS, '--fps', '-5'], 'above 0|expected one argument'),
    ('record', [*POINTS, '--fps', '\x1b'], 'expected a number above 0'),
    ('record', [*POINTS, '--axes', 'up'], 'invalid choice'),
    ('record', [*POINTS, '--form', 'x'], 'invalid choice'),
    ('record', [*POINTS, '--root', 'ghost'], 'root|cameras see'),
    ('record', [*POINTS, '--keypoints', 'front'], 'expected CAMERA=FILE'),
    ('record', [*POINTS, '--joints', 'tests'], 'found a folder'),
    ('record', [ODD, *POINTS[1:]], 'does not exist'),
    ('check', [], 'required'),
    ('check', ['none.npz'], 'does not exist'),
    ('check', [ODD], 'there is no config'),
    ('check', ['tests/data/seeds/track.npz'], 'expected a recording file'),
    ('convert', ['x', 'a', 'b'], 'invalid choice'),
    ('convert', ['mixste', 'none.bin',
                 'out.safetensors'], 'expected a checkpoint'),
    ('convert', ['mixste', 'tests/data/seeds/tiny.pth',
                 'out.safetensors'], 'expected'),
    ('view', ['none.json'], 'expected a file of results'),
    ('view', ['tests/data/seeds/mmpose.json', '--no-open'], 'meta_info'),
    ('view', ['tests/data/seeds/mmpose.json', '--hypotheses',
              '-1'], '0 or more|expected one argument'),
    ('export', ['mixste'], 'required'),
    ('export', ['no-such-model', '--out', 'a.onnx'], 'there is no config'),
]


@pytest.mark.parametrize(
    'command, argv, sentence',
    CASES,
    ids=[f'{c} {" ".join(a)[-40:]!a}' for c, a, _ in CASES])
def test_a_bad_argument_gets_its_sentence(command, argv, sentence, tmp_path,
                                          monkeypatch, capsys):
    module = importlib.import_module(f'mmdiffpose.cli.{command}')
    seeds = os.path.abspath('tests/data/seeds')
    root = os.getcwd()
    monkeypatch.chdir(tmp_path)
    os.symlink(f'{root}/tests', 'tests')
    for name in ('points.trc', 'calib.toml'):
        os.symlink(f'{seeds}/{name}', name)
    before = sorted(os.listdir())
    with pytest.raises(SystemExit) as ended:
        module.main([str(word) for word in argv])
    said = f'{capsys.readouterr().err}{ended.value.code}'
    assert re.search(sentence, said), said
    assert ended.value.code not in (0, None)
    assert '\x07' not in str(ended.value.code)
    assert sorted(os.listdir()) == before
