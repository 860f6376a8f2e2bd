# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The command ``mmdiffpose``, its list of models, and the thin tools."""
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mmdiffpose import __version__
from mmdiffpose.apis import find_model, list_models
from mmdiffpose.checkpoints.model_zoo import sha256_of
from mmdiffpose.cli import __main__ as cli
from mmdiffpose.cli import models

ROOT = Path(__file__).parents[2]
TOOLS = {
    'tools/train.py': 'train',
    'tools/test.py': 'test',
    'tools/infer.py': 'infer',
    'tools/model_converters/official.py': 'convert',
}


def printed(capsys, main, arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    out = capsys.readouterr()
    return stop.value.code, out.out + out.err


def test_help_and_version(capsys):
    code, text = printed(capsys, cli.main, ['--help'])
    assert code == 0
    for name, what in cli.COMMANDS.items():
        assert f'  {name:<8} {what}\n' in text
    assert printed(capsys, cli.main,
                   ['--version']) == (0, f'mmdiffpose {__version__}\n')


@pytest.mark.parametrize('name', cli.COMMANDS)
def test_a_command_explains_itself(name, capsys):
    code, text = printed(capsys, cli.main, [name, '--help'])
    assert code == 0
    assert text.startswith(f'usage: mmdiffpose {name} ')


@pytest.mark.parametrize('arguments, words', [
    ([], 'COMMAND'),
    (['fly'], "invalid choice: 'fly'"),
    (['train'], 'usage: mmdiffpose train'),
    (['convert', 'vhs', 'a', 'b'], "invalid choice: 'vhs'"),
])
def test_wrong_arguments(arguments, words, capsys):
    code, text = printed(capsys, cli.main, arguments)
    assert code == 2 and words in text


def test_arguments_reach_the_command(monkeypatch):
    calls = []
    train = importlib.import_module('mmdiffpose.cli.train')
    monkeypatch.setattr(train, 'main', lambda argv, prog: calls.append(
        (argv, prog)))
    cli.main(['train', 'a.py', '--seed', '3', '--cfg-options', 'a.b=1'])
    assert calls == [(['a.py', '--seed', '3', '--cfg-options',
                       'a.b=1'], 'mmdiffpose train')]


@pytest.mark.parametrize('tool, command', TOOLS.items())
def test_a_tool_is_the_command(tool, command, load_tool):
    module = load_tool(tool[len('tools/'):-len('.py')])
    expected = importlib.import_module(f'mmdiffpose.cli.{command}')
    assert module.main is expected.main
    assert len((ROOT / tool).read_text().splitlines()) <= 10


def test_the_zoo_as_json(capsys):
    models.main(['--json'])
    listed = json.loads(capsys.readouterr().out)
    assert [entry['name']
            for entry in listed] == [model.name for model in list_models()]
    for entry in listed:
        weights = Path(entry['weights'])
        assert sha256_of(weights) == entry['sha256']
        assert Path(entry['config']).is_file() and Path(
            entry['card']).is_file()
        for alias in entry['aliases']:
            assert find_model(alias).weights == weights


def test_the_zoo_as_a_table(capsys):
    models.main([])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ['name', 'alias', 'size', 'licence']
    assert len(lines) == 1 + len(list_models())


def test_the_package_runs_as_a_module(tmp_path):
    done = subprocess.run(
        [sys.executable, '-m', 'mmdiffpose.cli', 'models', '--json'],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True)
    assert len(json.loads(done.stdout)) == len(list_models())
