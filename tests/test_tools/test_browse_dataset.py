# Copyright (c) mmdiffpose contributors. All rights reserved.
import cv2
import numpy as np
import pytest

CONFIG = """
default_scope = 'mmpose'
meta_keys = ('id', 'category_id', 'target_img_path', 'flip_indices',
             'camera_param', 'subject', 'action', 'camera', 'clip',
             'frame_ids')
train_dataloader = dict(
    dataset=dict(
        type='mmdiffpose.MocapMiniDataset',
        split='val',
        seq_len=9,
        stride=9,
        max_sequences=2,
        pipeline=[
            dict(type='mmdiffpose.LiftingFlip', prob=1.),
            dict(
                type='GenerateTarget',
                encoder=dict(type='mmdiffpose.GMMDiffusionPose')),
            dict(type='PackPoseInputs', meta_keys=meta_keys),
        ]))
"""


@pytest.fixture
def browse(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools')
    import browse_dataset
    return browse_dataset


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text(CONFIG)
    return path


def build(browse, config):
    browse.init_default_scope('mmpose')
    return browse.DATASETS.build(
        browse.Config.fromfile(config).train_dataloader.dataset)


def test_one_picture_a_window_one_column_a_stage(tmp_path, browse, config):
    out = tmp_path / 'out'
    paths = browse.main([str(config), '--number', '2', '--out-dir', str(out)])
    assert len(paths) == len(list(out.iterdir())) == 2
    for path in paths:
        image = cv2.imread(str(path))
        assert image.shape[1] == 4 * browse.SIDE
        for column in np.split(image, 4, axis=1):
            assert len(np.unique(column.reshape(-1, 3), axis=0)) > 50


def test_stages_come_back_to_pixels(browse, config):
    """Whatever the codec and the packing do, the same joints are drawn."""
    dataset = build(browse, config)
    raw, flipped, encoded, packed = browse.run_pipeline(dataset, 3)
    assert [stage.title for stage in (raw, flipped, encoded, packed)] == [
        'data set', 'LiftingFlip', 'GenerateTarget', 'QuickPackPoseInputs'
    ]
    order = dataset.metainfo['flip_indices']
    np.testing.assert_allclose(
        flipped.keypoints[..., 0],
        raw.size[0] - raw.keypoints[:, order, 0],
        atol=1e-3)
    for stage in (encoded, packed):
        np.testing.assert_allclose(
            stage.keypoints, flipped.keypoints, atol=1e-2)
        np.testing.assert_allclose(stage.target, flipped.target, atol=1e-5)
        np.testing.assert_allclose(stage.scores, flipped.scores, atol=1e-6)
    np.testing.assert_allclose(
        encoded.mixtures, flipped.mixtures, rtol=1e-4, atol=1e-2)


def test_joined_data_sets_are_browsed_part_by_part(tmp_path, browse, config):
    joined = tmp_path / 'joined.py'
    joined.write_text("_base_ = ['config.py']\n"
                      'part = _base_.train_dataloader.dataset\n'
                      'train_dataloader = dict(dataset=dict(\n'
                      "    _delete_=True, type='ConcatDataset',\n"
                      '    datasets=[dict(part, max_sequences=1), part],\n'
                      "    ignore_keys=['stats_info']))\n")
    parts = build(browse, joined)
    first, second = parts.datasets
    assert browse.part_of(parts, 0) == (first, 0)
    assert browse.part_of(parts, len(first) - 1) == (first, len(first) - 1)
    assert browse.part_of(parts, len(first)) == (second, 0)
    path, = browse.main([
        str(joined), '--indices',
        str(len(parts) - 1), '--out-dir',
        str(tmp_path / 'out')
    ])
    assert cv2.imread(str(path)).shape[1] == 4 * browse.SIDE
    with pytest.raises(ValueError, match='--indices: .* is no window'):
        browse.main([str(joined), '--indices', str(len(parts))])


def test_hidden_joints_show(browse, config):
    stage = browse.run_pipeline(build(browse, config), 0)[0]
    image = browse.draw_stages([stage])
    stage.scores[:, 11:14] = 0
    assert (browse.draw_stages([stage]) != image).any()


def test_bad_arguments(tmp_path, browse, config):
    with pytest.raises(ValueError, match='--indices: 9999 is no window'):
        browse.main([str(config), '--indices', '9999'])
    with pytest.raises(ValueError, match='--frame: .*the 9 frames'):
        browse.main([
            str(config), '--frame', '9', '--number', '1', '--out-dir',
            str(tmp_path)
        ])
