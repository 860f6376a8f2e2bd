# Copyright (c) mmdiffpose contributors. All rights reserved.
"""CPNHead: shapes, losses, hard keypoint mining, both configs."""

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.structures import InstanceData, PixelData
from mmpose.structures import MultilevelPixelData, PoseDataSample
from mmpose.testing import get_packed_inputs
from mmpose.utils import register_all_modules

from mmdiffpose.registry import MODELS

CONFIGS = Path(__file__).parents[4] / 'configs'
CODEC = dict(
    type='MSRAHeatmap', input_size=(64, 64), heatmap_size=(16, 16), sigma=1)
CHANNELS = (4, 8, 16, 32)


@pytest.fixture(autouse=True)
def scope():
    register_all_modules()
    torch.manual_seed(0)


def make_head(**options):
    settings = dict(
        type='mmdiffpose.CPNHead',
        in_channels=CHANNELS,
        mid_channels=16,
        decoder=CODEC)
    head = MODELS.build({**settings, **options})
    head.init_weights()
    return head


def make_feats(batch=2):
    return tuple(
        torch.randn(batch, channels, 16 >> level, 16 >> level)
        for level, channels in enumerate(CHANNELS))


def make_samples(batch=2, **options):
    return get_packed_inputs(
        batch,
        input_size=(64, 64),
        heatmap_size=(16, 16),
        img_shape=(64, 64),
        **options)['data_samples']


def test_shapes_and_both_outputs():
    head, feats = make_head().eval(), make_feats()
    heatmaps = head(feats)
    assert [tuple(h.shape) for h in heatmaps] == [(2, 17, 16, 16)] * 5
    preds = head.predict(feats, make_samples())
    assert preds[0].keypoints.shape == (1, 17, 2)
    preds, fields = head.predict(
        feats, make_samples(), test_cfg=dict(output_heatmaps=True))
    torch.testing.assert_close(fields[1].heatmaps, heatmaps[-1][1])
    assert preds[0].keypoint_scores.shape == (1, 17)


def test_flip_test_averages_the_mirrored_heatmaps():
    head, feats = make_head().eval(), make_feats()
    samples = make_samples()
    order = samples[0].metainfo['flip_indices']
    options = dict(flip_test=True, output_heatmaps=True)
    _, fields = head.predict([feats, feats], samples, options)
    plain = head(feats)[-1]
    expected = (plain[0] + plain[0][order].flip(-1)) / 2
    torch.testing.assert_close(fields[0].heatmaps, expected)


def test_outputs_start_near_zero():
    heatmaps = make_head().eval()(make_feats())
    assert max(h.detach().abs().max() for h in heatmaps) < 0.5


def test_every_parameter_learns():
    head = make_head()
    losses = head.loss(make_feats(), make_samples())
    (losses['loss_global'] + losses['loss_refine']).backward()
    still = [n for n, p in head.named_parameters() if p.grad is None]
    assert not still
    assert 0 <= float(losses['acc_pose']) <= 1
    assert 'acc_pose' not in head.loss(make_feats(), make_samples(),
                                       dict(compute_acc=False))


def test_refine_loss_counts_the_hardest_keypoints_only():
    head = make_head(
        refine_loss=dict(
            type='KeypointOHKMMSELoss', use_target_weight=True, topk=3))
    samples = make_samples(1)
    # RefineNet says 0 everywhere; the targets' heights are the errors.
    last = head.refine_net.predict[-1]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.zeros_(last.bias)
    heights = torch.arange(1., 18)
    target = heights[:, None, None].expand(17, 16, 16).clone()
    samples[0].gt_fields = PixelData(heatmaps=target)
    weights = torch.ones(1, 17)
    weights[0, 16] = 0  # the hardest of all isn't labelled
    samples[0].gt_instance_labels.keypoint_weights = weights
    losses = head.loss(make_feats(1), samples)
    assert float(losses['loss_refine']) == pytest.approx(
        (14**2 + 15**2 + 16**2) / 3)
    # GlobalNet's counts them all, at each of four levels.
    for layer in head.global_net.predict:
        torch.nn.init.zeros_(layer[-1].weight)
        torch.nn.init.zeros_(layer[-1].bias)
    losses = head.loss(make_feats(1), samples)
    assert float(losses['loss_global']) == pytest.approx(4 * float(
        (heights[:16]**2).sum()) / 17)


def test_a_multilevel_encoder_trains_levels_on_their_own_targets():
    head = make_head(level_indices=(0, 0, 1, 1, 1))
    for layer in (*head.global_net.predict, head.refine_net.predict):
        torch.nn.init.zeros_(layer[-1].weight)
        torch.nn.init.zeros_(layer[-1].bias)
    sample = PoseDataSample()
    sample.gt_fields = MultilevelPixelData(
        heatmaps=[torch.full((17, 16, 16), v) for v in (3., 1.)])
    sample.gt_instance_labels = InstanceData(
        keypoint_weights=torch.ones(1, 2, 17))
    losses = head.loss(make_feats(2), [sample, sample.clone()])
    assert float(losses['loss_global']) == pytest.approx(9 + 9 + 1 + 1)
    assert float(losses['loss_refine']) == pytest.approx(1)


def test_loss_falls_on_one_batch():
    head, feats, samples = make_head(), make_feats(), make_samples()
    optimizer = torch.optim.Adam(head.parameters(), lr=5e-3)
    values = []
    for _ in range(40):
        losses = head.loss(feats, samples)
        value = losses['loss_global'] + losses['loss_refine']
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(float(value.detach()))
    assert values[-1] < 0.3 * values[0]


@pytest.mark.parametrize('options, message', [
    (dict(in_channels=(4, )), 'two'),
    (dict(level_indices=(0, 1)), 'expected 5'),
])
def test_bad_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make_head(**options)


def test_a_backbone_with_one_output_is_explained():
    with pytest.raises(ValueError, match='out_indices'):
        make_head()(make_feats()[:1])


# ------------------------------------------------------------------ configs


def person_tree(folder, images, annotations):
    """A tiny data set in COCO's format: random images, one person each."""
    rng = np.random.default_rng(0)
    images.mkdir(parents=True)
    document = dict(
        images=[],
        annotations=[],
        categories=[dict(id=1, name='person', keypoints=[], skeleton=[])])
    for i in range(4):
        picture = rng.integers(0, 255, (120, 100, 3), np.uint8)
        cv2.imwrite(str(images / f'{i}.jpg'), picture)
        keypoints = np.full((17, 3), 2.)
        keypoints[:, :2] = rng.uniform([15, 15], [85, 105], (17, 2))
        document['images'].append(
            dict(id=i, file_name=f'{i}.jpg', width=100, height=120))
        document['annotations'].append(
            dict(
                id=i,
                image_id=i,
                category_id=1,
                iscrowd=0,
                bbox=[10, 10, 80, 100],
                area=8000,
                num_keypoints=17,
                keypoints=keypoints.flatten().tolist()))
    for path in annotations:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document))
    return folder


TREES = {
    'cpn_res50_coco-256x192':
    ('train2017', 'annotations', ('person_keypoints_train2017.json',
                                  'person_keypoints_val2017.json')),
    'cpn_res50_h36m-256x256': ('images', 'annotation_body2d',
                               ('h36m_coco_train.json', 'h36m_coco_test.json'))
}


def load_config(name):
    config = Config.fromfile(CONFIGS / f'{name}.py')
    # No weights from the network in a test.
    config.model.backbone.init_cfg = None
    return config


@pytest.mark.parametrize('name', sorted(TREES))
def test_config_trains_and_evaluates(name, tmp_path, monkeypatch):
    config = load_config(name)
    # Same code, less to compute.
    config.merge_from_dict({
        'model.backbone.depth': 18,
        'model.head.in_channels': (64, 128, 256, 512),
        'model.head.mid_channels': 16,
        'work_dir': str(tmp_path / 'work'),
        'train_cfg': dict(max_epochs=1, val_interval=2),
        'default_hooks.checkpoint.save_best': None
    })
    images, annotations, files = TREES[name]
    root = person_tree(tmp_path, tmp_path / images,
                       [tmp_path / annotations / file for file in files])
    for loader in (config.train_dataloader, config.val_dataloader,
                   config.test_dataloader):
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        loader.dataset.data_root = str(root)
        loader.dataset.data_prefix = dict(img=f'{images}/')
        loader.dataset.bbox_file = None
    if name.endswith('coco-256x192'):
        config.val_evaluator.ann_file = str(root / annotations / files[1])
        config.test_evaluator = config.val_evaluator
    monkeypatch.chdir(tmp_path)
    runner = Runner.from_cfg(config)
    runner.train()
    assert runner.iter == 2
    assert set(runner.val()) & {'coco/AP', 'EPE'}


def test_the_papers_size():
    """27.0 M parameters, as the literature says of CPN with ResNet-50."""
    config = load_config('cpn_res50_coco-256x192')
    model = MODELS.build(config.model)
    count = sum(p.numel() for p in model.parameters())
    assert count == pytest.approx(27.0e6, rel=0.005)
    with torch.no_grad():
        heatmaps = model.eval()(torch.zeros(1, 3, 256, 192), None, 'tensor')
    assert heatmaps[-1].shape == (1, 17, 64, 48)
