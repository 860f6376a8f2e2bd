# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A heatmap model over an annotation file's images, read by the data set."""

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

import cv2
import numpy as np
import pytest
import torch
from test_heatmap_mixtures_tool import SIMPLE, config_from, random_image

from mmdiffpose.apis import init_model
from mmdiffpose.codecs.heatmap_mixtures import map_mixtures
from mmdiffpose.datasets.annotation_files.annotations import read_mixtures
from mmdiffpose.detection.heatmap_detector import HeatmapDetector
from mmdiffpose.skeletons import H36M_17

NAMES = [
    f'S9/S9_Walking.54138969/S9_Walking.54138969_{i:06d}.jpg'
    for i in range(1, 6)
]


@pytest.fixture
def tool(load_tool, monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'dataset_converters')
    return load_tool('dataset_converters/annotation_mixtures')


@pytest.fixture
def files(tmp_path):
    """A model with weights, five images and their annotations."""
    torch.manual_seed(0)
    config = config_from(SIMPLE, tmp_path)
    weights = tmp_path / 'model.pth'
    torch.save(dict(state_dict=init_model(config).state_dict()), weights)
    folder = tmp_path / 'data' / 'annotation_body3d' / 'fps50'
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    np.savez(
        folder / 'h36m_test.npz',
        imgname=np.array(NAMES),
        center=rng.uniform(50, 100, (5, 2)),
        scale=rng.uniform(0.3, 0.5, 5))
    for i, name in enumerate(NAMES):
        path = tmp_path / 'images' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), random_image(i))
    return dict(
        annotations=folder / 'h36m_test.npz',
        config=config,
        checkpoint=weights,
        images=tmp_path / 'images')


def run(tool, files, *options):
    tool.main([
        str(files['annotations']), '--image-root',
        str(files['images']), '--config',
        str(files['config']), '--checkpoint',
        str(files['checkpoint']), '--detector', 'r18', '--split', 'test',
        '--components', '3', '--batch-size', '2', *options
    ])
    return files['annotations'].parents[2] / 'joint_2d_det_files'


def test_every_row_has_what_the_model_sees_in_its_image(tool, files):
    folder = run(tool, files)
    detections = np.load(folder / 'r18_test.npy')
    mixtures = read_mixtures(folder / 'r18_test_gmm.npy', 5,
                             files['annotations'])
    assert detections.shape == (5, 17, 3)
    assert mixtures.shape == (5, 17, 3, 5)
    assert not list(folder.glob('.*'))
    # Row 3 by hand: MMPose's crop of its center and scale.
    with np.load(files['annotations']) as content:
        center, scale = content['center'][3], content['scale'][3]
    model = init_model(files['config'], str(files['checkpoint']))
    detector = HeatmapDetector(model, tool.HeatmapFit(3))
    half = scale * 200 / 1.25 / 2
    image = cv2.imread(str(files['images'] / NAMES[3]))
    found = detector([image], [[*(center - half), *(center + half)]])
    sample = detector.pipeline(
        dict(
            model.dataset_meta,
            img=image,
            bbox=tool.crop_boxes(center[None], scale[None], 'f'),
            bbox_score=np.ones(1, np.float32)))['data_samples']
    # 192 x 256 pixels of input: the crop's height is the scale's.
    np.testing.assert_allclose(
        sample.metainfo['input_scale'], [scale * 200, scale * 200 * 4 / 3],
        rtol=1e-3)
    expected = map_mixtures(found.mixtures, 'coco', 'h36m', 3)[0]
    np.testing.assert_allclose(mixtures[3], expected, rtol=1e-3, atol=1e-2)
    foot, ankle = H36M_17.index['right_foot'], 16
    np.testing.assert_allclose(
        detections[3, foot, :2], found.keypoints[0, ankle], atol=1e-2)


def test_what_is_missing_is_said_and_nothing_is_written(tool, files):
    (files['images'] / NAMES[4]).unlink()
    with pytest.raises(FileNotFoundError, match='000005.jpg.*--image-root'):
        run(tool, files)
    cv2.imwrite(str(files['images'] / NAMES[4]), random_image(0))
    (files['images'] / NAMES[2]).write_bytes(b'no image')
    with pytest.raises(ValueError, match='000003.jpg: expected an image'):
        run(tool, files)
    folder = files['annotations'].parents[2] / 'joint_2d_det_files'
    assert not folder.exists() or not list(folder.iterdir())
    with pytest.raises(ValueError, match='--data-root'):
        tool.find_root(files['images'])
    with pytest.raises(ValueError, match='positive scales'):
        tool.crop_boxes(np.zeros((1, 2)), np.zeros(1), 'f')
