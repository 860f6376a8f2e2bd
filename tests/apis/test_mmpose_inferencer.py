# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MMPose's own inferencer runs our lifters with true windows."""

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

import json
from pathlib import Path

import cv2
import mmpose
import numpy as np
import pytest
import torch
from mmpose.apis import MMPoseInferencer
from mmpose.apis.inferencers import Pose3DInferencer
from mmpose.visualization import Pose3dLocalVisualizer
from video_files import read_video, write_video

from mmdiffpose.apis import DiffusionPose3DInferencer, init_model
from mmdiffpose.apis.mmpose_inferencer import WindowedPose3DInferencer
from mmdiffpose.compat.pose3d_inferencer import is_own_lifter
from mmdiffpose.detection.pose2d import Pose2DStage
from mmdiffpose.detection.pose2d_mmpose import MMPosePose2D
from mmdiffpose.skeletons import COCO_17
from mmdiffpose.visualization.canvas import blank
from mmdiffpose.visualization.stick_figure import draw_figure

ROOT = Path(__file__).parents[2]
LIFTERS = ('mixste_mini-27', 'diffpose_mixste_mini-27')
CONFIGS = Path(mmpose.__file__).parent / '.mim/configs'
POSE2D = CONFIGS / ('body_2d_keypoint/topdown_heatmap/coco/'
                    'td-hm_mobilenetv2_8xb64-210e_coco-256x192.py')
FRAMES = 4
STANDING = np.array([[24, 8], [26, 7], [22, 7], [28, 8], [20, 8], [32, 18],
                     [16, 18], [35, 28], [13, 28], [36, 37], [12,
                                                              37], [29, 38],
                     [19, 38], [30, 48], [18, 48], [30, 58], [18, 58]])
"""COCO's joints of a standing person in the cells of a heatmap (48 x 64)."""


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    """Somebody drawn on a background that grows brighter from frame on."""
    frames = []
    for number in range(FRAMES):
        image = blank(240, 180) // 255 * (40 * number)
        draw_figure(image, STANDING * 3.5, COCO_17, 5)
        frames.append(image)
    return write_video(frames,
                       tmp_path_factory.mktemp('clip') / 'clip.mp4', 10)


def see_somebody_move(model):
    """Make a 2D model see arms that rise with the picture's brightness."""
    y, x = np.mgrid[:64, :48]

    def heatmaps(inputs):
        maps = []
        for crop in inputs:
            joints = STANDING.astype(float)
            joints[7:11, 1] -= 6 * float(crop.mean())
            maps.append([
                0.8 * np.exp(-((x - u)**2 + (y - v)**2) / 8) for u, v in joints
            ])
        return torch.as_tensor(np.array(maps), dtype=torch.float32)

    model.extract_feat = lambda inputs: inputs
    model.head.forward = heatmaps
    model.test_cfg['flip_test'] = False


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
    found = MMPoseInferencer(
        pose3d=str(config),
        pose3d_weights=str(weights),
        pose2d=str(POSE2D),
        det_model='whole_image',
        device='cpu')
    see_somebody_move(found.inferencer.pose2d_model.model)
    return found


def own(inferencer):
    """Our own inferencer of the same models."""
    inner = inferencer.inferencer
    return DiffusionPose3DInferencer.from_parts(
        inner.model, Pose2DStage(MMPosePose2D(inner.pose2d_model)))


def test_poses_are_those_of_our_own_inferencer(inferencer, clip):
    assert type(inferencer.inferencer) is WindowedPose3DInferencer
    results = list(inferencer(str(clip)))
    expected = list(own(inferencer)(str(clip)))
    assert len(results) == len(expected) == FRAMES
    poses = []
    for result, other in zip(results, expected):
        (person, ), (
            same, ) = result['predictions'][0], other['predictions'][0]
        np.testing.assert_allclose(
            person['keypoints'], same['keypoints'], atol=1e-5)
        np.testing.assert_allclose(
            person['keypoint_scores'], same['keypoint_scores'], atol=1e-5)
        poses.append(person['keypoints'])
    # One frame repeated would not know of the arms before and after.
    one = next(inferencer(read_video(clip, [1])[0][..., ::-1]))
    alone = np.array(one['predictions'][0][0]['keypoints'])
    assert np.abs(alone - poses[1]).max() > 1e-4


def test_the_picture_is_moved_unless_told_otherwise(inferencer, clip):
    """Each way as our own inferencer does; the two are far apart."""
    poses = []
    for told, fit in ((False, True), (True, False)):
        found = next(inferencer(str(clip), disable_norm_pose_2d=told))
        expected = next(own(inferencer)(str(clip), fit=fit))
        (person, ), (same, ) = (
            result['predictions'][0] for result in (found, expected))
        np.testing.assert_allclose(
            person['keypoints'], same['keypoints'], atol=1e-5)
        poses.append(np.array(person['keypoints']))
    assert np.abs(poses[0] - poses[1]).max() > 1e-3


def test_samples_have_the_rest(inferencer, clip):
    sample, = next(inferencer(str(clip),
                              return_datasamples=True))['predictions']
    found = sample.pred_instances
    assert found.keypoints.shape == (1, 17, 3)
    assert found.keypoint_std.shape == (1, 17)
    assert found.keypoints_2d.shape == (1, 17, 2)
    assert found.track_ids.tolist() == [0]
    diffusion = 'hypotheses' in found
    assert diffusion == hasattr(inferencer.inferencer.model, 'coarse_head')


def test_files(inferencer, clip, tmp_path):
    results = list(
        inferencer(
            str(clip),
            vis_out_dir=str(tmp_path / 'vis'),
            pred_out_dir=str(tmp_path / 'pred')))
    for result in results:
        person, = result['predictions'][0]
        scores = np.array(person['keypoint_scores'])
        assert scores.shape == (17, ) and ((scores >= 0) & (scores <= 1)).all()
    written = read_video(tmp_path / 'vis/clip.mp4', range(FRAMES))
    assert {image.shape for image in written} == {written[0].shape}
    assert written[0].shape[1] >= 180 + 300, '2D beside 3D'
    document = json.loads((tmp_path / 'pred/clip.json').read_text())
    assert [frame['frame_id'] for frame in document] == list(range(FRAMES))


def test_images_are_people_apart(inferencer, clip, tmp_path):
    paths = []
    for number, image in enumerate(read_video(clip, [1, 3])):
        paths.append(str(tmp_path / f'{number}.png'))
        assert cv2.imwrite(paths[-1], image[..., ::-1])
    both = list(
        inferencer(
            paths, return_vis=True, pred_out_dir=str(tmp_path / 'pred')))
    for path, result in zip(paths, both, strict=True):
        alone = next(inferencer(path))['predictions'][0][0]
        np.testing.assert_allclose(
            result['predictions'][0][0]['keypoints'],
            alone['keypoints'],
            atol=1e-5)
        assert result['visualization'][0].ndim == 3
    assert {file.name
            for file in (tmp_path / 'pred').iterdir()} == {'0.json', '1.json'}


def test_webcam_frames_are_lifted_as_they_come(inferencer, clip):
    inner = inferencer.inferencer
    inner._video_input = True
    frames = [image[..., ::-1] for image in read_video(clip, range(FRAMES))]
    read = []

    def webcam():
        for number, frame in enumerate(frames):
            read.append(number)
            yield frame

    for number, (sample, shown) in enumerate(inner.preprocess(webcam())):
        assert read[-1] == number
        assert sample.pred_instances.keypoints.shape == (1, 17, 3)
        assert (shown[0] == frames[number]).all()


def test_nobody(inferencer, clip):
    model = inferencer.inferencer.pose2d_model.model
    seen = model.head.forward
    try:
        model.head.forward = lambda inputs: 0 * seen(inputs)
        with pytest.warns(UserWarning, match='nobody'):
            results = list(inferencer(str(clip), return_vis=True))
    finally:
        model.head.forward = seen
    assert [result['predictions'] for result in results] == [[[]]] * FRAMES
    assert len({r['visualization'][0].shape for r in results}) == 1


def test_the_visualiser_of_mmpose(inferencer, clip):
    """It gets its own axes: x left, y forward, z up."""
    inner = inferencer.inferencer
    ours, drawn = inner.visualizer, []

    class Recorder(Pose3dLocalVisualizer):

        def add_datasample(self, name, image, data_sample, **kwargs):
            drawn.append(data_sample.pred_instances.keypoints[0])
            return image

    try:
        inner.visualizer = Recorder()
        result = next(inferencer(str(clip), return_vis=True))
    finally:
        inner.visualizer = ours
    x, y, z = np.array(result['predictions'][0][0]['keypoints']).T
    np.testing.assert_allclose(
        drawn[0], np.stack([-x, z, y.max() - y], -1), atol=1e-6)


def test_other_lifters_are_left_alone():
    theirs = CONFIGS / ('body_3d_keypoint/video_pose_lift/h36m/video-pose-lift'
                        '_tcn-27frm-supv_8xb128-160e_h36m.py')
    assert not is_own_lifter(str(theirs))
    assert not is_own_lifter('human3d') and not is_own_lifter(None)
    assert not is_own_lifter(dict(model=dict(type='TopdownPoseEstimator')))
    for name in LIFTERS:
        assert is_own_lifter(ROOT / f'configs/{name}.py')
    assert type(Pose3DInferencer.__new__(Pose3DInferencer,
                                         str(theirs))) is Pose3DInferencer


def test_looking_at_a_config_runs_nothing_of_its_data(tmp_path):
    path, planted = tmp_path / 'evil.yaml', tmp_path / 'planted'
    path.write_text('model: !!python/object/apply:builtins.open '
                    f'["{planted}", "w"]\n')
    with pytest.raises(ValueError, match='evil.yaml: .*python/object/apply'):
        is_own_lifter(path)
    assert not planted.exists()


def test_weights_that_do_not_fit(tmp_path):
    weights = tmp_path / 'other.pth'
    torch.save(dict(state_dict=dict(weight=torch.zeros(1))), weights)
    with pytest.raises(ValueError, match='other.pth is a checkpoint of'):
        MMPoseInferencer(
            pose3d=str(ROOT / f'configs/{LIFTERS[0]}.py'),
            pose3d_weights=str(weights),
            pose2d=str(POSE2D),
            det_model='whole_image',
            device='cpu')
