# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Many inputs: none stops the others, and a second run does what is left."""

import json
import os

import pytest
from list_work import prepare

from mmdiffpose.cli import infer
from mmdiffpose.cli.infer_list import (Ledger, Outcome, is_endless, name_tasks,
                                       read_list)


@pytest.fixture
def inputs(tmp_path):
    """Files of all kinds, two of one name."""
    names = ('a/walk.mp4', 'b/walk.mp4', 'broken.mp4', 'crash.mp4', 'run.mp4')
    paths = [tmp_path / name for name in names]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b'x')
    return [str(path) for path in paths]


def parse(tmp_path, *arguments):
    return infer.parse_args([
        '--config', 'diffpose', '--out-dir',
        str(tmp_path / 'out'), '--device', 'cpu', *map(str, arguments)
    ])


def test_a_list_in_two_processes(tmp_path, inputs, capfd):
    listed = tmp_path / 'videos.txt'
    listed.write_text('\ufeff# all\n\n' + '\n'.join(inputs[1:] + inputs[:2]),
                      'utf-8')
    args = parse(tmp_path, inputs[0], '--list', listed, '--jobs', 2)
    assert infer.run_several(args, prepare) == 2
    out = tmp_path / 'out'
    told = capfd.readouterr().out
    assert 'broken.mp4: error: ValueError: ' in told and 'found none' in told
    assert 'crash.mp4: error: its process ended with exit code -9' in told
    assert '[5/5]' in told
    names = sorted(path.name for path in out.iterdir())
    assert names == [
        'inputs.jsonl', 'run_3d.json', 'walk_2_3d.json', 'walk_3d.json'
    ]
    # Again: what failed, and what is new or changed.
    before = {name: (out / name).read_text() for name in names[1:]}
    os.utime(inputs[4], (1, 1))
    args.jobs = 1
    assert infer.run_several(args, prepare) == 2
    assert '2 of 5 inputs were lifted before' in capfd.readouterr().out
    changed = [
        n for n, text in before.items() if (out / n).read_text() != text
    ]
    assert changed == ['run_3d.json']
    entries = [
        json.loads(line)
        for line in (out / 'inputs.jsonl').read_text().splitlines()
    ]
    assert len(entries) == 8 and entries[-1]['input'].startswith(str(tmp_path))
    assert sum('error' in entry for entry in entries) == 4


def test_what_counts_as_done(tmp_path, inputs):
    args = parse(tmp_path, *inputs[:2])
    task, other = name_tasks(args.inputs, '_3d')
    out = tmp_path / 'out'
    assert not Ledger(out, args).done(task)
    for one in (task, other):
        Ledger(out, args).add(Outcome(one, prepare(args)(one), None, 1.))
    assert Ledger(out, args).done(task) and Ledger(out, args).done(other)
    # Another option, but not another number of processes or device.
    assert not Ledger(out, parse(tmp_path, *inputs, '--fps', 25)).done(task)
    same = parse(tmp_path, *inputs, '--jobs', 3, '--device', 'cuda')
    assert Ledger(out, same).done(task)
    # A line that was cut off, a result that is gone.
    for line in ('[' * 10**5, '5', '[]', '{}', '{"input": []}', '{"input": 1}',
                 '{"input": "a", "files": 5}', '{"input": "a", "files": [5]}'):
        text = (out / 'inputs.jsonl').read_text()
        (out / 'inputs.jsonl').write_text(f'{line}\n{text}')
        assert Ledger(out, args).done(task)
    with (out / 'inputs.jsonl').open('a') as file:
        file.write('{"input": "')
    assert Ledger(out, args).done(task)
    (out / 'walk_3d.json').unlink()
    assert not Ledger(out, args).done(task) and Ledger(out, args).done(other)


def test_names_of_results():

    def stems(*names):
        return [
            f'{name.split("/")[-1].split(".")[0]}{task.suffix}'
            for name, task in zip(names, name_tasks(names, '_3d'))
        ]

    assert stems('a/w.mp4', 'b/w.avi',
                 'c/W.mp4') == ['w_3d', 'w_2_3d', 'W_3_3d']
    # One that is called so already.
    assert stems('a/w.mp4', 'b/w.mp4',
                 'c/w_2.mp4') == ['w_3d', 'w_3_3d', 'w_2_3d']
    assert len(name_tasks(['a.mp4', 'b.mp4', 'a.mp4'], '')) == 2


def test_what_is_refused(tmp_path, inputs, capsys):
    (tmp_path / 'none.txt').write_text('# nothing\n')
    with pytest.raises(ValueError, match='none.txt: expected an input a line'):
        read_list(tmp_path / 'none.txt')
    with pytest.raises(FileNotFoundError, match='no.txt does not exist'):
        infer.run_several(parse(tmp_path, '--list', tmp_path / 'no.txt'))
    with pytest.raises(ValueError, match='webcam:0.*have no end'):
        infer.run_several(parse(tmp_path, 'webcam:0', inputs[0]))
    with pytest.raises(ValueError, match='--video is the video of one'):
        infer.run_several(parse(tmp_path, *inputs, '--video', 'a.mp4'))
    for wrong, message in (((), 'expected an input'), (('a.mp4', '--jobs', 0),
                                                       'should be 1 or more')):
        with pytest.raises(SystemExit):
            parse(tmp_path, *wrong)
        assert message in capsys.readouterr().err
    assert is_endless('rtsp://a/b') and is_endless('webcam:1')
    assert is_endless('0') and not is_endless('https://a/b.mp4')


def test_the_command_says_how_many_failed(tmp_path, inputs, monkeypatch):
    monkeypatch.setattr(infer, 'run_several', lambda args: 2)
    with pytest.raises(SystemExit, match='error: 2 inputs failed'):
        infer.main([
            *inputs[:2], '--config', 'diffpose', '--out-dir',
            str(tmp_path / 'out')
        ])


def test_tracks_of_two_names_alike(tmp_path):
    """The whole way, in a process: two keypoint files, one of nobody."""
    import shutil
    from pathlib import Path
    track = (
        Path(__file__).parents[2] / 'mmdiffpose/data/demo_track_coco17.json')
    document = json.loads(track.read_text())
    document['instance_info'] = document['instance_info'][:6]
    paths = []
    for folder in 'ab':
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / 'short.json')
        paths[-1].write_text(json.dumps(document))
    broken = tmp_path / 'broken.json'
    shutil.copy(track, broken)
    broken.write_text(broken.read_text()[:99])
    args = parse(tmp_path, *paths, broken, '--no-animation', '--panel-size',
                 100, '--formats', 'json', '--cfg-options',
                 'model.test_cfg.num_hypotheses=1')
    assert infer.run_several(args) == 1
    found = {p.name for p in (tmp_path / 'out').glob('*.json')}
    assert found == {'short_3d.json', 'short_2_3d.json'}
