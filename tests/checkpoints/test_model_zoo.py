# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Models that come with the package: names, aliases, hashes."""

import warnings
from pathlib import Path

import mmpose
import pytest
import torch
import yaml
from mmpose.apis import MMPoseInferencer
from safetensors.torch import save_file

from mmdiffpose.apis import (DiffusionPose3DInferencer, find_model, init_model,
                             list_models, verified_weights)
from mmdiffpose.apis.mmpose_inferencer import WindowedPose3DInferencer
from mmdiffpose.checkpoints import model_zoo
from mmdiffpose.checkpoints.config_names import (find_config,
                                                 find_config_and_weights)

NAME = 'tiny_zoo-9'
POSE2D = Path(mmpose.__file__).parent / (
    '.mim/configs/body_2d_keypoint/topdown_heatmap/coco/'
    'td-hm_mobilenetv2_8xb64-210e_coco-256x192.py')


@pytest.fixture
def zoo(tmp_path, monkeypatch, regression_config):
    """A zoo of one model; returns its weights' file."""
    (tmp_path / 'configs').mkdir()
    regression_config.dump(tmp_path / 'configs' / f'{NAME}.py')
    weights = tmp_path / 'mmdiffpose' / 'zoo' / f'{NAME}.safetensors'
    weights.parent.mkdir(parents=True)
    torch.manual_seed(5)
    save_file(init_model(regression_config).state_dict(), weights)
    entry = {
        'Name': NAME,
        'Alias': ['tiny', 'Tiny-27'],
        'Config': f'configs/{NAME}.py',
        'Metadata': {
            'SHA256': model_zoo.sha256_of(weights),
            'License': 'CC0-1.0'
        },
        'Weights': f'mmdiffpose/zoo/{NAME}.safetensors'
    }
    index, metafile = dict(Import=['configs/a.yml']), dict(Models=[entry])
    (tmp_path / 'model-index.yml').write_text(yaml.safe_dump(index))
    (tmp_path / 'configs/a.yml').write_text(yaml.safe_dump(metafile))
    monkeypatch.setattr(model_zoo, 'ROOTS', (tmp_path, ))
    monkeypatch.setattr(model_zoo, 'PACKAGE', tmp_path / 'mmdiffpose')
    return weights


def same_weights(model, path):
    from safetensors.torch import load_file
    state = model.state_dict()
    return all(torch.equal(state[k], v) for k, v in load_file(path).items())


def test_names_and_aliases(zoo, tmp_path):
    model, = list_models()
    assert model == list_models(tmp_path)[0]
    assert (model.name, model.weights) == (NAME, zoo)
    assert model.card.name == f'{NAME}.md'
    assert model.log.name == f'{NAME}.log.json'
    for name in (NAME, 'tiny', 'TINY', 'tiny-27'):
        assert find_model(name) == model
        assert find_config(name) == tmp_path / 'configs' / f'{NAME}.py'
    assert find_model('tin') is None
    table = model_zoo.describe_models()
    assert 'tiny, Tiny-27' in table and 'CC0-1.0' in table


def test_an_alias_is_a_trained_model(zoo, tmp_path):
    assert same_weights(init_model('tiny'), zoo)
    with warnings.catch_warnings(record=True) as caught:
        assert same_weights(DiffusionPose3DInferencer('tiny').model, zoo)
    assert not [w for w in caught if 'random weights' in str(w.message)]
    other = tmp_path / 'other.pth'
    torch.save(init_model(find_config('tiny')).state_dict(), other)
    loaded = init_model('tiny', other)
    assert not same_weights(loaded, zoo)
    # A path names a config, not its weights.
    assert find_config_and_weights(find_config('tiny'))[1] is None


def test_mmpose_finds_it_too(zoo):
    found = MMPoseInferencer(
        pose3d='tiny',
        pose2d=str(POSE2D),
        det_model='whole_image',
        device='cpu').inferencer
    assert type(found) is WindowedPose3DInferencer
    assert same_weights(found.model, zoo)


def test_other_bytes_are_refused(zoo):
    model, = list_models()
    assert verified_weights(model) == zoo
    content = bytearray(zoo.read_bytes())
    content[-1] ^= 1
    zoo.write_bytes(content)
    found = model_zoo.sha256_of(zoo)
    for load in (lambda: verified_weights(model), lambda: init_model('tiny'),
                 lambda: DiffusionPose3DInferencer(NAME)):
        with pytest.raises(ValueError) as caught:
            load()
        for part in (str(zoo), model.sha256, found):
            assert part in str(caught.value)
    zoo.unlink()
    with pytest.raises(FileNotFoundError, match=f'{NAME}.safetensors'):
        init_model('tiny')


def test_unknown_names(zoo):
    with pytest.raises(FileNotFoundError, match='did you mean tiny'):
        init_model('tinny')
    with pytest.raises(FileNotFoundError, match='did you mean .*mixste_mini'):
        init_model('mixste_mimi-27')
    with pytest.raises(FileNotFoundError, match='trained models are tiny'):
        init_model('xyz')


def test_wrong_metafiles(zoo, tmp_path):
    metafile = tmp_path / 'configs/a.yml'
    metafile.write_text('Models:\n- Name: a\n')
    with pytest.raises(ValueError, match="a.yml.*one without 'Metadata'"):
        list_models()
    metafile.write_text('Models: [')
    with pytest.raises(ValueError, match='a.yml: not a YAML file'):
        list_models()
    (tmp_path / 'model-index.yml').unlink()
    assert list_models() == []
    assert 'no trained models' in model_zoo.describe_models()
