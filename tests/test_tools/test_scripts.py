# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The shell scripts parse and explain themselves; the pins agree."""

import re
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Callable, Dict, List

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / 'tools').glob('*.sh')) + [ROOT / '.ci' / 'run']
EXPLAINED = ['setup_env.sh', 'run_tests.sh', 'quickstart.sh', 'lint.sh']


def _bash(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(['bash', *map(str, arguments)],
                          capture_output=True,
                          text=True,
                          cwd='/',
                          timeout=60)


@pytest.mark.parametrize('script', SCRIPTS, ids=lambda path: path.name)
def test_script_parses(script: Path) -> None:
    result = _bash('-n', script)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize('name', EXPLAINED)
def test_help_names_the_command(name: str) -> None:
    result = _bash(ROOT / 'tools' / name, '--help')
    assert result.returncode == 0
    assert f'bash tools/{name}' in result.stdout
    assert 'set -' not in result.stdout


@pytest.mark.parametrize('name', ['setup_env.sh', 'quickstart.sh'])
def test_unknown_argument(name: str) -> None:
    result = _bash(ROOT / 'tools' / name, '--no-such-thing')
    assert result.returncode != 0
    assert '--no-such-thing' in result.stderr


def _requirements(name: str) -> List[Requirement]:
    lines = (ROOT / 'requirements' / name).read_text().splitlines()
    return [Requirement(line) for line in lines if line[:1] not in ('', '#')]


@pytest.mark.parametrize('python, numpy, matplotlib', [
    ('3.10', '1.26.4', '3.9.4'),
    ('3.12', '1.26.4', '3.9.4'),
    ('3.13', '2.3.5', '3.9.4'),
    ('3.14', '2.3.5', '3.11.2'),
])
def test_pins_allow_one_numpy_per_python(python: str, numpy: str,
                                         matplotlib: str) -> None:
    pins = [
        pin for pin in _requirements('constraints.txt') if pin.marker is None
        or pin.marker.evaluate({'python_version': python})
    ]
    of_numpy = [pin for pin in pins if pin.name == 'numpy']
    assert len(of_numpy) == 1
    assert of_numpy[0].specifier.contains(numpy)
    assert not of_numpy[0].specifier.contains('2.4.6')
    assert all(
        pin.specifier.contains(matplotlib) for pin in pins
        if pin.name == 'matplotlib')


def test_openmmlab_packages_bring_nothing_along() -> None:
    """They are installed without dependencies; the list must not name them
    or what they would bring."""
    names = {pin.name for pin in _requirements('runtime.txt')}
    unwanted = {'mmcv', 'mmcv-lite', 'mmengine', 'mmdet', 'mmpose'}
    unwanted |= {'chumpy', 'torchvision', 'opencv-python', 'xtcocotools'}
    assert not names & unwanted


def test_pre_commit_runs_what_lint_runs() -> None:
    versions = {
        pin.name: str(pin.specifier).lstrip('=')
        for pin in _requirements('lint.txt')
        # These look at the package as a whole.
        if pin.name not in ('import-linter', 'mypy')
    }
    hooks = yaml.safe_load((ROOT / '.pre-commit-config.yaml').read_text())
    revisions: Dict[str, str] = {
        hook['id']: repo.get('rev', '').lstrip('v')
        for repo in hooks['repos']
        for hook in repo['hooks']
    }
    assert {name: revisions[name] for name in versions} == versions


def test_project_rules(load_tool: Callable[[str], ModuleType],
                       tmp_path: Path) -> None:
    rules = load_tool('lint_rules')
    path = tmp_path / 'module.py'
    header = rules.COPYRIGHT + '\n'
    for text, expected in [
        ('', []),
        ('x = 1\n', ['copyright']),
        (header + '"""Doc."""\nx = \'a\'\ny = "it\'s"\n', []),
        (header + 'x = "a"\n', ['double-quoted']),
        (header + 'x = sys.path\n', []),
        (header + 'sys.path' + '[:0] = [x]\n', ['sys.path is changed']),
        (header + 'sys.path' + '.insert(0, x)\n', ['sys.path is changed']),
        (header + 'torch.load(x, weights_' + 'only=False)\n', ['torch.load']),
        (header + 'x = 1\n' * 500, ['500 lines']),
    ]:
        path.write_text(text)
        found = list(rules.complaints(path))
        assert len(found) == len(expected)
        for complaint, word in zip(found, expected):
            assert re.match(rf'{re.escape(str(path))}:\d+: ', complaint)
            assert word in complaint


def test_the_package_reads_files_by_its_guards(load_tool, tmp_path):
    rules = load_tool('lint_rules')
    package = tmp_path / 'mmdiffpose'
    package.mkdir()
    for call, guard in [('Config.' + 'fromfile(x)', 'config_files'),
                        ('json.' + 'load(x)', 'input_files'),
                        ('yaml.' + 'safe_load(x)', 'yaml_files'),
                        ('np.' + 'load(x)', 'array_files'),
                        ('pickle.' + 'loads(x)', 'plain_pickle'),
                        ('torch.' + 'load(x)', 'safe_classes'),
                        ('zipfile.' + 'ZipFile(x)', 'array_files')]:
        for folder, name, complains in ((package, 'module',
                                         True), (package, guard, False),
                                        (tmp_path, 'module', False)):
            path = folder / f'{name}.py'
            path.write_text(f'{rules.COPYRIGHT}\ny = {call}\n')
            found = list(rules.complaints(path))
            assert len(found) == complains, (call, found)
            assert not complains or guard in found[0]
    assert not [
        complaint for path in rules.python_files([str(ROOT / 'mmdiffpose')])
        for complaint in rules.complaints(path)
    ]
