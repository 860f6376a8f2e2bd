# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The crop that follows one person through a video."""

import json
from pathlib import Path

import numpy as np
import pytest

import mmdiffpose
from mmdiffpose.apis import read_keypoint_file
from mmdiffpose.skeletons import COCO_17

BUNDLED = Path(mmdiffpose.__file__).parent / 'data/demo_track_coco17.json'
BODY = np.random.default_rng(0).uniform([-25, -70], [25, 70], (17, 2))
HIPS = [COCO_17.index['left_hip'], COCO_17.index['right_hip']]
BODY[HIPS] = [[-8, 5], [8, 5]]


@pytest.fixture
def tool(load_tool):
    return load_tool('dataset_converters/make_demo_track')


def two_people(frames=30):
    """Red and blue squares, 20 pixels wide, that cross each other's way."""
    images, centers = [], []
    for time in range(frames):
        red = np.array([60 + 9 * time, 150])
        blue = np.array([330 - 9 * time, 320])
        image = np.zeros((480, 400, 3), np.uint8)
        for (x, y), channel in ((red, 0), (blue, 2)):
            image[y - 10:y + 10, max(x - 10, 0):max(x + 10, 0), channel] = 255
        images.append(image)
        centers.append(red)
    return images, np.array(centers)


def detect_red(patch):
    """A detector of red squares: a body around their centre."""
    y, x = np.nonzero(patch[..., 0] > 128)
    if not len(x):
        return np.concatenate([np.zeros((17, 2)), np.full((17, 1), 0.01)], 1)
    size = len(patch)
    scale = np.sqrt(len(x)) / 20
    points = (np.array([x.mean(), y.mean()]) + 0.5 + scale * BODY) / size
    return np.concatenate([points[:, ::-1], np.full((17, 1), 0.9)], 1)


def test_one_person_is_followed_both_ways(tool):
    images, centers = two_people()
    joints = tool.track_person(images, detect_red, 256, 15,
                               tool.Crop.around_box((145, 90, 100, 140)))
    expected = centers[:, None] + BODY
    np.testing.assert_allclose(joints[..., :2], expected, atol=3)
    assert (joints[..., 2] == 0.9).all()


def test_crop_maps_back_to_the_image(tool):
    crop = tool.Crop(120., 80., 64.)
    corners = crop.matrix(256) @ [[88, 152], [48, 112], [1, 1]]
    np.testing.assert_allclose(corners, [[0, 256], [0, 256]])
    detections = np.array([[0., 1., 0.5]] * 17)
    np.testing.assert_allclose(crop.to_image(detections)[0], [152, 48, 0.5])


def test_crop_stays_where_the_torso_is_lost_and_never_jumps(tool):
    crop = tool.Crop(100., 100., 200.)
    joints = np.concatenate([BODY + 100, np.full((17, 1), 0.01)], 1)
    assert tool.next_crop(joints, crop) is crop
    joints[:, 2] = 0.9
    joints[0, 0] = 5000
    assert tool.next_crop(joints,
                          crop).side == pytest.approx(200 * tool.MAX_ZOOM)


def test_document_is_what_the_lifter_reads(tool, tmp_path):
    images, _ = two_people(6)
    joints = tool.track_person(images, detect_red, 256, 0,
                               tool.Crop.around_box((10, 80, 100, 140)))
    meta = dict(skeleton='coco', image_size=[400, 480], fps=30.)
    path = tmp_path / 'track.json'
    path.write_text(json.dumps(tool.to_document(joints, 7, meta)))
    track = read_keypoint_file(path)
    assert track.frame_ids.tolist() == list(range(7, 13))
    np.testing.assert_allclose(track.keypoints, joints[..., :2], atol=0.051)


def test_bundled_track_is_reproduced(tool, shared_dir, tmp_path):
    """Where video, detector and onnxruntime are at hand."""
    pytest.importorskip('onnxruntime')
    video = shared_dir / 'data/video/sports2d_demo.mp4'
    model = shared_dir / 'models/movenet_thunder.onnx'
    if not (video.is_file() and model.is_file()):
        pytest.skip('needs the video and the detector')
    detect, size = tool.load_detector(model)
    frames, fps = tool.read_video(video, 38, 43)
    joints = tool.track_person(frames, detect, size, 2,
                               tool.Crop.around_box((570, 70, 170, 400)))
    bundled = read_keypoint_file(BUNDLED)
    assert fps == bundled.fps
    np.testing.assert_allclose(
        joints[..., :2], bundled.keypoints[38:43], atol=4)


def test_errors(tool, tmp_path):
    with pytest.raises(FileNotFoundError, match='no video at'):
        tool.read_video(tmp_path / 'nowhere.mp4', 0, None)
    (tmp_path / 'text.mp4').write_text('hello')
    with pytest.raises(ValueError, match='no frame could be read'):
        tool.read_video(tmp_path / 'text.mp4', 0, None)
