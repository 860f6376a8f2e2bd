# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Trained models as folders, and on a hub that is a folder."""

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

import inspect
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mmdiffpose.apis import DiffusionPose3DInferencer, from_pretrained
from mmdiffpose.checkpoints.model import init_model
from mmdiffpose.checkpoints.pretrained import (pull, push, read_folder,
                                               save_pretrained)
from mmdiffpose.cli.hub import main
from mmdiffpose.lifting.frame_rate import lifter_fps
from mmdiffpose.lifting.window_inference import meets_missing
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.skeletons.metainfo import describe_skeleton

ALIAS = 'mixste-v1'
CONFIG = Path(mmdiffpose.__file__).parents[1] / 'configs' / 'mixste_mini-27.py'


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
    return save_pretrained(ALIAS, tmp_path_factory.mktemp('a') / 'model')


def same(one, other):
    expected, found = one.state_dict(), other.state_dict()
    assert list(expected) == list(found)
    return all(torch.equal(expected[key], found[key]) for key in expected)


def test_a_folder_is_the_model(saved):
    assert sorted(path.name for path in saved.iterdir()) == [
        'README.md', 'config.json', 'model.safetensors'
    ]
    model, own = from_pretrained(saved), from_pretrained(ALIAS)
    assert same(model, own)
    assert model.skeleton == own.skeleton
    assert model.cfg.model == own.cfg.model
    for key in ('lifter_fps', 'test_dataloader', 'train_dataloader'):
        expected = own.cfg.get(key)
        assert json.dumps(model.cfg.get(key)) == json.dumps(expected), key
    card = (saved / 'README.md').read_text()
    assert card.startswith('---\nlicense: ') and '\n# ' in card
    with pytest.raises(ValueError, match='no key .nothing'):
        from_pretrained(saved, cfg_options={'model.nothing': 1})


@pytest.mark.parametrize('alias', ['residual', 'diffpose', 'diffhpe-2d'])
def test_models_of_other_kinds(tmp_path, alias):
    """With a head of their own, a frame rate, joints missing in training."""
    model = from_pretrained(save_pretrained(alias, tmp_path / 'a'))
    own = from_pretrained(alias)
    assert same(model, own)
    assert lifter_fps(model) == lifter_fps(own)
    assert meets_missing(model) == meets_missing(own)


def test_weights_of_ones_own(tmp_path):
    model = init_model(CONFIG)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-0.1, 0.1)
    torch.save(
        dict(state_dict=model.state_dict(), meta={}), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='licence'):
        save_pretrained(CONFIG, tmp_path / 'mine', tmp_path / 'a.pth')
    folder = save_pretrained(CONFIG, tmp_path / 'mine', tmp_path / 'a.pth',
                             'MIT')
    assert 'license: mit' in (folder / 'README.md').read_text()
    assert str(tmp_path) not in (folder / 'config.json').read_text()
    assert same(from_pretrained(str(folder)), model)
    with pytest.raises(ValueError, match='expected a checkpoint'):
        save_pretrained(CONFIG, tmp_path / 'none', licence='MIT')


def test_an_inferencer(saved):
    inferencer = DiffusionPose3DInferencer.from_pretrained(saved, device='cpu')
    assert same(inferencer.model, from_pretrained(ALIAS))


def change(folder, path, edit):
    shutil.copytree(folder, path)
    document = json.loads((path / 'config.json').read_text())
    edit(document)
    (path / 'config.json').write_text(json.dumps(document))
    return path


@pytest.mark.parametrize('edit, message', [
    (lambda d: d.update(format='other'), "mmdiffpose-1.*'other'"),
    (lambda d: d['config'].update(custom_imports=dict(imports=['os'])),
     r"\['custom_imports'\]"),
    (lambda d: d['config']['model'].update(type='subprocess.Popen'),
     "registered modules.*'subprocess.Popen'"),
    (lambda d: d['config']['model'].update(x=[dict(type='mmengine.os.system')]
                                           ), "'mmengine.os.system'"),
    (lambda d: d['config']['model'].update(
        x=dict(type='mmengine.call_command', cmd=['ls'])),
     "'mmengine.call_command'"),
    (lambda d: d['config']['model'].update(type='antigravity'),
     "'antigravity'"),
    (lambda d: d['config']['model'].update(type=['a']), 'registered modules'),
    (lambda d: d['config']['test_dataloader']['dataset'].update(
        metainfo=dict(from_file='evil.py')), "no key from_file.*'evil.py'"),
    (lambda d: d['config']['model'].update(_base_=['evil.py']), '_base_'),
    (lambda d: d['config']['model'].update(teacher_cfg='evil.py'),
     "names no files, found 'evil.py' as teacher_cfg"),
    (lambda d: d['config']['model'].update(x=[dict(y=['a', 'https://b/c'])]),
     'names no files.*as y'),
    (lambda d: d.update(weights_sha256='0' * 64), "SHA-256 '0000"),
    (lambda d: d.pop('config'), 'with a config'),
])
def test_folders_that_are_refused(saved, tmp_path, edit, message):
    with pytest.raises(ValueError, match=message):
        from_pretrained(change(saved, tmp_path / 'a', edit))


def test_a_model_starts_from_no_other_weights(saved, tmp_path, monkeypatch):
    """Places of these in a model from elsewhere lead nowhere."""
    from mmengine.runner.checkpoint import CheckpointLoader

    def fetch(*_, **__):
        raise AssertionError('something was fetched')

    monkeypatch.setattr(CheckpointLoader, 'load_checkpoint', fetch)
    places = dict(type='Pretrained', checkpoint='https://evil/x.pth')

    def edit(document):
        model = document['config']['model']
        model.update(init_cfg=places)
        model['backbone'].update(init_cfg=[places])
        model['head'].update(init_cfg=places)

    model = from_pretrained(change(saved, tmp_path / 'a', edit))
    assert same(model, from_pretrained(ALIAS))
    assert model.cfg.model.head.init_cfg is None
    with pytest.raises(AssertionError, match='was fetched'):
        model.head.init_cfg = places
        model.head.init_weights()


def test_a_file_of_joints_goes_along(saved, tmp_path):
    config = read_folder(saved)[0]
    file = tmp_path / 'joints.py'
    joints = describe_skeleton(H36M_17)
    file.write_text(f'dataset_info = {joints!r}')
    config.test_dataloader.dataset.metainfo = dict(from_file=str(file))
    folder = save_pretrained(config, tmp_path / 'b',
                             saved / 'model.safetensors', 'MIT')
    text = (folder / 'config.json').read_text()
    assert 'from_file' not in text
    found = json.loads(text)['config']['test_dataloader']['dataset']
    assert found['metainfo'] == json.loads(json.dumps(joints))
    assert from_pretrained(folder).skeleton == H36M_17


def test_what_is_not_there(saved, tmp_path):
    with pytest.raises(FileNotFoundError, match='no config.json'):
        from_pretrained(tmp_path)
    with pytest.raises(FileNotFoundError, match='did you mean diffpose'):
        from_pretrained('difpose')
    with pytest.raises(ValueError, match='config without weights'):
        from_pretrained('mixste_mini-27')
    shutil.copytree(saved, tmp_path / 'a')
    (tmp_path / 'a' / 'model.safetensors').unlink()
    with pytest.raises(FileNotFoundError, match='no model.safetensors'):
        from_pretrained(tmp_path / 'a')


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub whose repositories are folders; calls are held against the real
    client where that is installed."""
    root = tmp_path / 'hub'
    try:
        from huggingface_hub import HfApi
    except ImportError:
        HfApi = None

    def check(name, options):
        if HfApi is not None:
            function = getattr(HfApi, name)
            inspect.signature(function).bind(None, **options)

    class Api:

        def create_repo(self, **options):
            check('create_repo', options)
            (root / options['repo_id']).mkdir(parents=True, exist_ok=True)

        def upload_folder(self, **options):
            check('upload_folder', options)
            source = Path(options['folder_path'])
            for pattern in options['allow_patterns']:
                for path in source.glob(pattern):
                    shutil.copy(path, root / options['repo_id'])

    def snapshot_download(**options):
        check('snapshot_download', options)
        target = Path(options['cache_dir'] or tmp_path / 'cache')
        target = target / options['repo_id']
        shutil.copytree(
            root / options['repo_id'],
            target,
            dirs_exist_ok=True,
            ignore=lambda folder, names:
            [name for name in names if name not in options['allow_patterns']])
        return str(target)

    monkeypatch.setitem(
        sys.modules, 'huggingface_hub',
        SimpleNamespace(HfApi=Api, snapshot_download=snapshot_download))
    return root


def test_push_and_pull(saved, hub, tmp_path):
    shutil.copytree(saved, tmp_path / 'mine')
    (tmp_path / 'mine' / 'secret.txt').write_text('a key')
    push(tmp_path / 'mine', 'me/lifter', private=True)
    assert not (hub / 'me' / 'lifter' / 'secret.txt').exists()
    (hub / 'me' / 'lifter' / 'evil.py').write_text('raise SystemExit')
    folder = pull('me/lifter', cache_dir=tmp_path / 'c')
    assert sorted(path.name for path in folder.iterdir()) == [
        'README.md', 'config.json', 'model.safetensors'
    ]
    assert same(
        from_pretrained('me/lifter', revision='main'), from_pretrained(ALIAS))


def test_command(hub, tmp_path, capsys):
    main(['save', ALIAS, str(tmp_path / 'a')])
    main(['push', str(tmp_path / 'a'), 'me/lifter', '--private'])
    main(['pull', 'me/lifter', '--revision', 'main'])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2] == 'pushed: me/lifter'
    assert (Path(lines[-1].split(': ')[1]) / 'config.json').is_file()
    for arguments in (['pull', 'a/b',
                       'c'], ['save',
                              'a'], ['push', 'a', 'b/c', '--licence',
                                     'MIT'], ['pull', 'a/b', '--private']):
        with pytest.raises(SystemExit, match='2'):
            main(arguments)
    with pytest.raises(SystemExit, match='no config.json'):
        main(['push', str(tmp_path), 'me/lifter'])


def test_what_is_not_pushed(saved, hub, tmp_path):
    with pytest.raises(FileNotFoundError, match='no config.json'):
        push(tmp_path, 'me/lifter')
    for name in ('lifter', 'a/b/c', '../x', 'me/'):
        with pytest.raises(ValueError, match='owner/name'):
            push(saved, name)
        with pytest.raises(ValueError, match='owner/name'):
            pull(name)


def test_without_the_client(saved, monkeypatch):
    monkeypatch.setitem(sys.modules, 'huggingface_hub', None)
    for call in (lambda: push(saved, 'me/it'), lambda: pull('me/it'),
                 lambda: from_pretrained('me/it')):
        with pytest.raises(ImportError, match=r'mmdiffpose\[hub\]'):
            call()
