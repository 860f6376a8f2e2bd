# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MMPose's own inferencer loads our lifters and runs on a clip."""

import json
from pathlib import Path

import cv2
import mmpose
import numpy as np
import pytest
import torch
from mmpose.apis import MMPoseInferencer

from mmdiffpose.apis import init_model, read_keypoint_file
from mmdiffpose.skeletons import COCO_17
from mmdiffpose.visualization.animation import read_frames, write_mp4
from mmdiffpose.visualization.canvas import blank
from mmdiffpose.visualization.stick_figure import draw_figure

ROOT = Path(__file__).parents[2]
LIFTERS = ('mixste_mini-27', 'diffpose_mixste_mini-27')
POSE2D = Path(mmpose.__file__).parent / (
    '.mim/configs/body_2d_keypoint/topdown_heatmap/coco/'
    'td-hm_mobilenetv2_8xb64-210e_coco-256x192.py')
FRAMES = 4


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    """A drawn person, moving as the bundled track does."""
    track = read_keypoint_file(ROOT / 'mmdiffpose/data/demo_track_coco17.json')
    frames = []
    for points in track.keypoints[:FRAMES * 6:6]:
        image = blank(240, 320)
        draw_figure(image, (points - points[0]) * 0.4 + [160, 40], COCO_17, 5)
        frames.append(image)
    return write_mp4(frames, tmp_path_factory.mktemp('clip') / 'clip.mp4', 10)


@pytest.fixture(scope='module', params=LIFTERS)
def inferencer(request, tmp_path_factory):
    """With random weights, the lifter's from a checkpoint."""
    config = ROOT / f'configs/{request.param}.py'
    weights = tmp_path_factory.mktemp('weights') / 'lifter.pth'
    model = init_model(config)
    torch.save(
        dict(
            state_dict=model.state_dict(),
            meta=dict(dataset_meta=model.dataset_meta)), weights)
    return MMPoseInferencer(
        pose3d=str(config),
        pose3d_weights=str(weights),
        pose2d=str(POSE2D),
        det_model='whole_image',
        device='cpu')


def test_clip(inferencer, clip, tmp_path):
    results = list(
        inferencer(
            str(clip),
            vis_out_dir=str(tmp_path / 'vis'),
            pred_out_dir=str(tmp_path / 'pred')))
    assert len(results) == FRAMES
    for result in results:
        person, = result['predictions'][0]
        keypoints = np.array(person['keypoints'])
        scores = np.array(person['keypoint_scores'])
        assert keypoints.shape == (17, 3) and np.isfinite(keypoints).all()
        assert scores.shape == (17, ) and ((scores >= 0) & (scores <= 1)).all()
    written = list(read_frames(tmp_path / 'vis/clip.mp4', range(FRAMES)))
    assert {image.shape for image in written} == {written[0].shape}
    assert written[0].shape[1] >= 320 + 300, '2D beside 3D'
    document = json.loads((tmp_path / 'pred/clip.json').read_text())
    assert [frame['frame_id'] for frame in document] == list(range(FRAMES))


def test_image(inferencer, clip, tmp_path):
    image, = read_frames(clip, [1])
    path = str(tmp_path / 'image.png')
    assert cv2.imwrite(path, image[..., ::-1])
    result = next(inferencer(path, return_vis=True))
    assert np.shape(result['predictions'][0][0]['keypoints']) == (17, 3)
    assert result['visualization'][0].ndim == 3


def test_axes_of_the_inferencer(inferencer, clip, monkeypatch):
    """What the visualiser takes for granted about these axes."""
    lifter = inferencer.inferencer.model
    pose = np.random.default_rng(0).normal(size=(17, 3)).astype(np.float32)
    lift = lifter.test_step

    def known_pose(data):
        samples = lift(data)
        for sample in samples:
            sample.pred_instances.keypoints = pose[None].copy()
        return samples

    monkeypatch.setattr(lifter, 'test_step', known_pose)
    result = next(inferencer(str(clip)))
    found = np.array(result['predictions'][0][0]['keypoints'])
    x, y, z = pose.T
    expected = np.stack([-x, z, -y], -1)
    expected[:, 2] -= expected[:, 2].min()
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_real_video(inferencer, shared_dir, tmp_path):
    video = shared_dir / 'data/video/sports2d_demo.mp4'
    if not video.is_file():
        pytest.skip(f'{video} does not exist')
    frames = read_frames(video, range(20, 20 + FRAMES))
    clip = write_mp4((frame[:560, 360:900] for frame in frames),
                     tmp_path / 'clip.mp4', 30)
    results = list(inferencer(str(clip), vis_out_dir=str(tmp_path / 'vis')))
    assert len(results) == FRAMES
    assert np.isfinite(results[-1]['predictions'][0][0]['keypoints']).all()
