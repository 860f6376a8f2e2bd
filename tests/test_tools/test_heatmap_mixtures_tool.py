# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Mixtures from MMPose's heatmap models, over videos and images."""

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.apis import Pose2DInferencer

from mmdiffpose.apis import init_model, read_keypoint_file
from mmdiffpose.codecs.heatmap_mixtures import HeatmapFit, mask_joints
from mmdiffpose.detection.heatmap_detector import (HeatmapDetector,
                                                   detections_from_samples)
from mmdiffpose.skeletons import COCO_17, H36M_17

CONFIGS = Path(__file__).parents[2] / 'configs'
COCO = 'mmpose::body_2d_keypoint/topdown_heatmap/coco/'
SIMPLE = (f"_base_ = '{COCO}td-hm_res50_8xb64-210e_coco-256x192.py'\n"
          'model = dict(backbone=dict(depth=18), head=dict(in_channels=512,'
          ' deconv_out_channels=(16, 16, 16)), test_cfg=dict(flip_test=False))'
          '\n')
HRNET = (f"_base_ = '{COCO}td-hm_hrnet-w32_8xb64-210e_coco-256x192.py'\n"
         'model = dict(test_cfg=dict(flip_test=False))\n')


def config_from(text, folder):
    path = folder / 'model.py'
    path.write_text(text)
    return path


def random_image(seed=0, width=160, height=120):
    noise = np.random.default_rng(seed).integers(0, 255, (12, 16, 3), np.uint8)
    return cv2.resize(noise, (width, height))


def draw_peaks(model, centers, std=2.):
    """Make a head see Gaussians at (K, 2) heatmap cells, whatever comes."""
    y, x = np.mgrid[:64, :48]
    maps = np.stack([
        0.8 * np.exp(-0.5 * ((x - u)**2 + (y - v)**2) / std**2)
        for u, v in centers
    ])
    maps = torch.as_tensor(maps, dtype=torch.float32)
    model.head.forward = lambda feats: maps.repeat(len(feats[-1]), 1, 1, 1)


def test_image_coordinates_are_those_of_mmpose(tmp_path):
    """HRNet, HeatmapHead, MSRA codec, a real crop of a random image."""
    model = init_model(config_from(HRNET, tmp_path))
    centers = np.random.default_rng(1).uniform([8, 8], [40, 56], (17, 2))
    draw_peaks(model, centers)
    boxes = [np.array([20, 10, 90, 111]), np.array([55, 3, 130, 88])]
    found = HeatmapDetector(model, HeatmapFit(1))([random_image()] * 2, boxes)
    assert found.mixtures.shape == (2, 17, 1, 5)
    for person, box in enumerate(boxes):
        width, height = 1.25 * (box[2:] - box[:2])
        cell = max(width / 48, height / 64)
        # The shift by a quarter of a cell is all that MMPose knows of what
        # lies between two cells.
        gap = found.mixtures[person, :, 0, 1:3] - found.keypoints[person]
        assert np.abs(gap).max() < 0.3 * cell
        assert np.abs(gap.mean(0)).max() < 0.1 * cell
        np.testing.assert_allclose(
            found.mixtures[person, :, 0, 3:], 2 * cell, rtol=0.05)
    np.testing.assert_allclose(found.scores, 0.8, atol=0.05)


@pytest.mark.parametrize(
    'text', [
        SIMPLE,
        f"_base_ = '{COCO}td-hm_cpm_8xb64-210e_coco-256x192.py'\n",
        f"_base_ = '{COCO}td-hm_mspn50_8xb32-210e_coco-256x192.py'\n",
        f"_base_ = '{CONFIGS}/cpn_res50_coco-256x192.py'\n",
    ],
    ids=['HeatmapHead', 'CPMHead', 'MSPNHead', 'CPNHead'])
def test_heads_that_give_heatmaps(text, tmp_path, request):
    torch.manual_seed(0)
    config = Config.fromfile(config_from(text, tmp_path))
    config.model.test_cfg.flip_test = False
    model = init_model(config)
    assert type(model.head).__name__ in request.node.name
    found = HeatmapDetector(model)([random_image()],
                                   [np.array([20, 10, 90, 111])])
    assert found.mixtures.shape == (1, 17, 2, 5)
    seen = ~mask_joints(found.mixtures)
    assert ((found.scores > 0) <= seen).all()
    assert np.isfinite(found.mixtures).all()
    # The setting is the model's own again.
    assert not model.test_cfg.get('output_heatmaps')


def test_a_simcc_model_is_refused(tmp_path):
    model = init_model(
        config_from(
            "_base_ = 'mmpose::body_2d_keypoint/simcc/coco/"
            "simcc_res50_8xb64-210e_coco-256x192.py'\n", tmp_path))
    with pytest.raises(ValueError, match='SimCCLabel.*scores'):
        HeatmapDetector(model)


def test_mmposes_inferencer_gives_heatmaps_if_asked_to_draw_them(tmp_path):
    """The way through Pose2DInferencer, which resets the setting."""
    config = Config.fromfile(config_from(SIMPLE, tmp_path))
    config.model.backbone.init_cfg = None
    config.model.test_cfg.output_heatmaps = True
    path = tmp_path / 'plain.py'
    config.dump(path)
    inferencer = Pose2DInferencer(
        str(path), det_model='whole_image', device='cpu')
    call = dict(inputs=random_image(), return_datasamples=True)
    with pytest.raises(ValueError, match='output_heatmaps'):
        detections_from_samples(
            next(inferencer(**call))['predictions'], 'msra')
    samples = next(inferencer(**call, draw_heatmap=True))['predictions']
    found = detections_from_samples(samples, 'msra')
    assert found.mixtures.shape == (1, 17, 2, 5)


# ----------------------------------------------------------------- the tool


@pytest.fixture
def files(tmp_path):
    """A model with weights, and a folder of five frames."""
    torch.manual_seed(0)
    config = config_from(SIMPLE, tmp_path)
    weights = tmp_path / 'model.pth'
    torch.save(dict(state_dict=init_model(config).state_dict()), weights)
    frames = tmp_path / 'frames'
    frames.mkdir()
    for i in (1, 2, 3, 4, 10):
        cv2.imwrite(str(frames / f'{i}.png'), random_image(i))
    return dict(config=config, checkpoint=weights, frames=frames)


@pytest.fixture
def run(files, load_tool, tmp_path):

    def run(source, *options):
        out = tmp_path / 'track.npz'
        load_tool('dataset_converters/heatmap_mixtures').main([
            str(source), '--config',
            str(files['config']), '--checkpoint',
            str(files['checkpoint']), '--out',
            str(out), *map(str, options)
        ])
        with np.load(out) as data:
            return dict(data)

    return run


def test_images_to_a_track_that_the_lifter_reads(files, run, tmp_path):
    boxes = np.tile(np.array([30., 10, 110, 100]), (5, 1))
    boxes[2] = np.nan
    np.save(tmp_path / 'boxes.npy', boxes)
    track = run(files['frames'], '--boxes', tmp_path / 'boxes.npy',
                '--batch-size', 2)
    assert track['mixtures'].shape == (5, 17, 2, 5)
    assert track['scores'].max(1)[2] == 0
    assert mask_joints(track['mixtures'][2]).all()
    read = read_keypoint_file(tmp_path / 'track.npz')
    assert read.skeleton is H36M_17 and read.image_size == (160, 120)
    np.testing.assert_array_equal(read.scores, track['scores'])
    own = run(files['frames'], '--boxes', tmp_path / 'boxes.npy', '--to',
              'none')
    assert str(own['skeleton']) == 'coco'
    # What a frame gives doesn't depend on the batch, and frames are in
    # the order of their numbers.
    # A knee has one recipe; how the root is made hangs on the scores.
    knee = own['keypoints'][:, COCO_17.index['right_knee']]
    seen = [0, 1, 3, 4]
    np.testing.assert_allclose(
        knee[seen],
        track['keypoints'][seen, H36M_17.index['right_knee']],
        atol=0.5)


def test_a_video_in_a_box_that_follows(files, run, tmp_path):
    video = tmp_path / 'clip.avi'
    writer = cv2.VideoWriter(
        str(video), cv2.VideoWriter_fourcc(*'MJPG'), 25, (160, 120))
    for i in range(6):
        writer.write(random_image(i))
    writer.release()
    track = run(video, '--init-box', 30, 10, 110, 100, '--max-frames', 4,
                '--method', 'peaks', '--components', 3)
    assert track['mixtures'].shape == (4, 17, 3, 5)
    assert float(track['fps']) == 25
    np.testing.assert_array_equal(track['boxes'][0], [30, 10, 110, 100])


def test_the_next_box_is_around_the_joints(load_tool):
    tool = load_tool('dataset_converters/heatmap_mixtures')
    joints = np.array([[10, 20], [110, 20], [110, 220], [10, 220], [400, 0.]])
    scores = np.array([1, 1, 1, 1, 0.1])
    box = tool.next_box(joints, scores, np.zeros(4), (300, 230))
    np.testing.assert_allclose(box, [0, 0, 120, 230])
    old = np.arange(4.)
    assert tool.next_box(joints, 0 * scores, old, (300, 230)) is old


def test_what_is_wrong_with_the_input_is_said(files, run, tmp_path):
    before = run(files['frames'], '--max-frames', 1)
    broken = tmp_path / 'broken.mp4'
    broken.write_bytes(b'no video')
    short = tmp_path / 'boxes.npy'
    np.save(short, np.ones((2, 4)) * [0, 0, 9, 9])
    empty = tmp_path / 'empty'
    empty.mkdir()
    for source, options, error, message in (
        (broken, (), ValueError, 'expected a video'),
        (tmp_path / 'none.mp4', (), FileNotFoundError, 'expected a video'),
        (empty, (), ValueError, 'found none'),
        (files['frames'], ('--boxes', short), ValueError, 'found 2'),
    ):
        with pytest.raises(error, match=message):
            run(source, *options)
    cv2.imwrite(str(files['frames'] / '11.png'), random_image(1, 200, 100))
    with pytest.raises(ValueError, match='one camera'):
        run(files['frames'])
    # What was there before stays.
    with np.load(tmp_path / 'track.npz') as after:
        np.testing.assert_array_equal(after['mixtures'], before['mixtures'])
