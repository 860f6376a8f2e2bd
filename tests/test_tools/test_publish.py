# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From a training checkpoint to a model of the zoo."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from mmdiffpose.apis import init_model, list_models, verified_weights
from mmdiffpose.checkpoints.checkpoint import read_checkpoint
from mmdiffpose.checkpoints.safe_classes import load_safely
from mmdiffpose.lifting.frame_rate import lifter_fps

ROOT = Path(__file__).parents[2]
NAME = 'mixste_mini-27'
RECORD = dict(split='val', dataset=dict(data_root='/some/where/mini'))


@pytest.fixture
def root(tmp_path):
    """A checkout with empty metafiles."""
    root = tmp_path / 'checkout'
    (root / 'configs').mkdir(parents=True)
    shutil.copytree(ROOT / 'configs/_base_', root / 'configs/_base_')
    shutil.copytree(ROOT / 'configs/metafiles', root / 'configs/metafiles')
    shutil.copy(ROOT / f'configs/{NAME}.py', root / 'configs')
    shutil.copy(ROOT / 'model-index.yml', root)
    for path in (root / 'configs/metafiles').glob('*.yml'):
        content = dict(yaml.safe_load(path.read_text()), Models=[])
        path.write_text(yaml.safe_dump(content, sort_keys=False))
    return root


@pytest.fixture
def trained(root, tmp_path):
    """A checkpoint as MMEngine writes it."""
    torch.manual_seed(3)
    model = init_model(root / f'configs/{NAME}.py')
    path = tmp_path / 'epoch_4.pth'
    torch.save(
        dict(
            state_dict=model.state_dict(),
            optimizer=dict(state=[torch.zeros(9)]),
            meta=dict(seed=7, epoch=4, std_calibration=RECORD)), path)
    return path


@pytest.fixture
def log(tmp_path):
    rows = [
        dict(lr=1e-3, loss=1 / (i + 1), time=.5, epoch=1, iter=i, step=i)
        for i in range(1000)
    ]
    rows.append(dict(MPJPE_mm=81.25, data_time=.1, step=1))
    path = tmp_path / 'scalars.json'
    path.write_text('\n'.join(map(json.dumps, rows)) + '\n')
    return path


@pytest.fixture
def publish(load_tool, root):
    """Run the tool on the checkout."""
    tool = load_tool('model_converters/publish')

    def run(checkpoint, *arguments, config=None):
        return tool.publish(
            tool.parse_args([
                str(config or root / f'configs/{NAME}.py'),
                str(checkpoint), '--collection', 'MixSTE', '--data',
                'mocap-mini', '--root',
                str(root), *map(str, arguments)
            ]))

    return run


def test_half_precision(publish, root, trained, log):
    publish(trained, '--alias', 'tiny', '--log', log, '--half')
    model, = list_models(root)
    state = read_checkpoint(verified_weights(model))[0]
    expected = read_checkpoint(trained)[0]
    parameters = dict(init_model(model.config).named_parameters())
    for name, value in state.items():
        if name in parameters:
            assert value.dtype == torch.float16
            # Ten bits behind the point.
            torch.testing.assert_close(
                value.float(), expected[name], rtol=2**-11, atol=6e-8)
        else:
            assert torch.equal(value, expected[name])
    assert model.metadata['Precision'] == 'float16'
    assert 'stored in float16' in model.card.read_text()


def test_a_checkpoint_becomes_a_model(publish, root, trained, log):
    paths = publish(trained, '--alias', 'tiny', '--log', f'stage1={log}')
    model, = list_models(root)
    assert (model.name, model.aliases) == (NAME, ('tiny', ))
    assert [p.name for p in paths] == [
        f'{NAME}.safetensors', f'{NAME}.log.json', f'{NAME}.md', 'mixste.yml'
    ]
    state, meta = read_checkpoint(verified_weights(model))
    expected = read_checkpoint(trained)[0]
    assert set(state) == set(expected)
    assert all(torch.equal(state[k], expected[k]) for k in state)
    assert (meta['seed'], meta['epoch'], meta['config']) == ('7', '4', NAME)
    calibration = json.loads(meta['std_calibration'])
    assert calibration['dataset'] == dict(data_root='mini')
    assert model.weights.stat().st_size < trained.stat().st_size
    number = sum(p.numel() for p in init_model(model.config).parameters())
    assert model.metadata['Parameters'] == number

    rows = json.loads(model.log.read_text())
    assert 200 < len(rows) < 320
    assert rows[0] == dict(
        stage='stage1', lr=1e-3, loss=1., epoch=1, iter=0, step=0)
    assert rows[-2]['iter'] == 999
    assert rows[-1] == dict(stage='stage1', MPJPE_mm=81.25, step=1)
    card = model.card.read_text()
    front = yaml.safe_load(card.split('---\n')[1])
    assert front['license'] == 'cc-by-sa-3.0'
    assert "init_model('tiny')" in card and model.sha256 in card
    assert 'at about chest height' in card
    assert 'configs/hdm05_protocol.md' in card

    # Again: results and keys of others stay, the bytes are the same.
    model.card.write_text(card.replace('Not measured yet.', '| 81.25 |'))
    metafile = paths[-1]
    content = yaml.safe_load(metafile.read_text())
    content['Models'][0]['Results'] = [dict(Task='3D', Metrics=dict(a=1))]
    metafile.write_text(yaml.safe_dump(content, sort_keys=False))
    publish(trained, '--note', 'A model of the tests.')
    again, = list_models(root)
    assert again == model
    entry, = yaml.safe_load(metafile.read_text())['Models']
    assert entry['Results'] and entry['Alias'] == ['tiny']
    card = model.card.read_text()
    assert '| 81.25 |' in card and 'A model of the tests.' in card
    assert "init_model('tiny')" in card


def test_figures_of_a_note_stand_beside_their_commands(publish, root, trained,
                                                       log):
    note = 'Trained for 2 hours. Its error is 81.2 mm, of which 3 % remain.'
    with pytest.raises(ValueError, match='"rs. Its error is 81.2 mm" is meas'):
        publish(trained, '--log', log, '--note', note)
    assert not list_models(root)
    publish(trained, '--log', log, '--note', note, '--note-commands',
            'python a.py --b', 'python c.py')
    card, = (model.card.read_text() for model in list_models(root))
    after = card.split(note)[1].split('```')
    assert after[1] == 'bash\npython a.py --b\npython c.py\n'


def test_a_model_of_own_joints_needs_nobody_elses_data(publish, root, log,
                                                       tmp_path):
    """Its file says joints, root and frame rate; the recording is gone."""
    own = root / 'configs/own.py'
    shutil.copy(ROOT / 'configs/mixste_own-27.py', root / 'configs')
    data = tmp_path / 'own.npz'
    own.write_text("_base_ = ['mixste_own-27.py']\n" + ''.join(
        f"{split}_dataloader = dict(dataset=dict(ann_file='{data}'))\n"
        for split in ('train', 'val', 'test')))
    names = ['neck', 'L_Hip', 'R_Hip', 'L_Knee', 'R_Knee', 'head_top']
    np.savez(
        data,
        joints=names,
        links=[(0, 1), (0, 2), (1, 3), (2, 4), (0, 5)],
        root='neck',
        fps=25)
    torch.manual_seed(3)
    model = init_model(own)
    assert model.head.num_joints == 6 and lifter_fps(model) == 25
    path = tmp_path / 'epoch_1.pth'
    meta = dict(seed=7, dataset_meta=model.dataset_meta)
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    data.unlink()
    publish(path, '--alias', 'six', '--log', log, config=own)
    published, = list_models(root)
    weights = verified_weights(published)
    assert str(tmp_path) not in json.dumps(read_checkpoint(weights)[1])
    for file in (path, weights):
        found = init_model(own, file)
        assert found.skeleton.joints == tuple(names)
        assert found.skeleton.flip_pairs == ((1, 2), (3, 4))
        assert found.dataset_meta['root_joint'] == 'neck'
        assert found.dataset_meta['flip_indices'] == [0, 2, 1, 4, 3, 5]
        assert lifter_fps(found) == 25
    with pytest.raises(FileNotFoundError, match='own.npz'):
        init_model(own)


def contents(folder):
    return {p: p.read_bytes() for p in folder.rglob('*') if p.is_file()}


def test_what_does_not_fit_changes_nothing(publish, root, trained, log,
                                           tmp_path):
    before = contents(root)
    with pytest.raises(ValueError, match='has no training log'):
        publish(trained)
    with pytest.raises(FileNotFoundError, match='no training log .*nowhere'):
        publish(trained, '--log', tmp_path / 'nowhere.json')
    with pytest.raises(ValueError, match='alias mixste_mini-27 is the name'):
        publish(trained, '--log', log, '--alias', NAME)
    with pytest.raises(ValueError, match='expected a config in'):
        publish(trained, '--log', log, config=ROOT / f'configs/{NAME}.py')
    foreign = tmp_path / 'foreign.pth'
    torch.save(dict(state_dict={'a': torch.zeros(2)}), foreign)
    with pytest.raises(ValueError, match='another architecture'):
        publish(foreign, '--log', log)
    content = load_safely(trained)
    torch.save(dict(content, meta={}), trained)
    with pytest.raises(ValueError, match='does not say its seed'):
        publish(trained, '--log', log)
    log.write_text('no log')
    with pytest.raises(ValueError, match='scalars.json:1: expected a JSON'):
        publish(trained, '--log', log, '--seed', 1)
    assert contents(root) == before
