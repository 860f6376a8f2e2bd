# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The models that come with the package are complete and agree."""

import json
from collections import Counter
from pathlib import Path

import golden_window
import numpy as np
import pytest
import yaml

from mmdiffpose.apis import (init_model, list_models, read_checkpoint,
                             verified_weights)
from mmdiffpose.checkpoints.model_zoo import INDEX, metafiles, read_yaml

ROOT = Path(__file__).parents[1]
ZOO = ROOT / 'mmdiffpose' / 'zoo'
MODELS = list_models(ROOT)
MAX_BYTES = 50_000_000


@pytest.mark.parametrize('model', MODELS, ids=lambda model: model.name)
def test_a_model_is_complete(model):
    assert model.config == ROOT / 'configs' / f'{model.name}.py'
    assert model.config.is_file()
    assert verified_weights(model).parent == ZOO
    metadata = read_checkpoint(model.weights)[1]
    assert metadata['config'] == model.config.stem
    assert metadata['seed'] == str(model.metadata['Seed'])
    # Nobody else has the folders of the machine that trained it.
    assert '"/' not in metadata.get('std_calibration', '')
    rows = json.loads(model.log.read_text())
    assert 0 < len(rows) < 1000
    assert any('lr' in row for row in rows)
    card = model.card.read_text()
    front = yaml.safe_load(card.split('---\n')[1])
    assert front['license'] == model.metadata['License'].lower()
    assert front['library_name'] == 'mmdiffpose'
    for text in (model.sha256, model.metadata['Training Command'],
                 '<!-- results: begin -->', '<!-- results: end -->'):
        assert text in card
    assert '/tmp' not in card and '/home' not in card


def test_names_mean_one_thing():
    names = [model.name for model in MODELS]
    aliases = [alias for model in MODELS for alias in model.aliases]
    assert all(count == 1 for count in Counter(names + aliases).values())
    assert all(alias == alias.lower() for alias in aliases)
    configs = {path.stem for path in (ROOT / 'configs').glob('*.py')}
    assert not configs & set(aliases)


def test_the_zoo_is_small_and_has_no_strays():
    weights = set(ZOO.glob('*.safetensors'))
    assert weights == {model.weights for model in MODELS}
    assert sum(path.stat().st_size for path in weights) < MAX_BYTES


def test_metafiles_are_those_of_openmmlab():
    paths = metafiles(ROOT)
    assert set(paths) == set((ROOT / 'configs/metafiles').glob('*.yml'))
    assert list(read_yaml(ROOT / INDEX)) == ['Import']
    for path in paths:
        content = read_yaml(path)
        collections = {c['Name'] for c in content['Collections']}
        for collection in content['Collections']:
            assert set(collection['Paper']) == {'Title', 'URL'}
            assert (ROOT / collection['Code']['URL']).is_file()
        for model in content['Models']:
            assert model['In Collection'] in collections
            # MMEngine and mim take a string for a list of letters.
            assert model['Alias'] and isinstance(model['Alias'], list)
            assert model['Metadata']['Training Data']


@pytest.mark.parametrize('model', MODELS, ids=lambda model: model.name)
def test_a_model_says_what_it_said_when_it_was_published(model):
    with np.load(golden_window.PATH) as golden:
        lifter = init_model(model.config, model.weights)
        poses, std = golden_window.predict_window(
            lifter, **{
                key: golden[key]
                for key in ('keypoints', 'scores', 'image_size')
            })
        np.testing.assert_allclose(
            poses, golden[f'{model.name}/keypoints'], rtol=0, atol=1e-4)
        np.testing.assert_allclose(
            std, golden[f'{model.name}/std'], rtol=0, atol=1e-4)
