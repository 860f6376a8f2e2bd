# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MMPose's own lifters, small ones: poses are those that MMPose gives."""

from pathlib import Path

import mmpose
import numpy as np
import pytest
import torch
from fake_lifter import make_track
from mmengine.config import Config
from mmengine.structures import InstanceData
from mmpose.apis.inference_3d import (extract_pose_sequence,
                                      inference_pose_lifter_model)
from mmpose.structures import PoseDataSample

from mmdiffpose.apis import StreamingLifter, init_model, lift_track
from mmdiffpose.lifting.window_inference import window_shape

FOLDER = Path(mmpose.__file__).parent / '.mim/configs/body_3d_keypoint'
BASELINE = 'image_pose_lift/h36m/image-pose-lift_tcn_8xb64-200e_h36m.py'
VIDEO = 'video_pose_lift/h36m/video-pose-lift_tcn-27frm-supv_8xb128-160e_h36m.py'  # noqa: E501
SEMI = 'video_pose_lift/h36m/video-pose-lift_tcn-27frm-semi-supv_8xb64-200e_h36m.py'  # noqa: E501
MOTIONBERT = 'motionbert/h36m/motionbert_dstformer-243frm_8xb32-240e_h36m.py'


@pytest.fixture(autouse=True)
def _installed():
    if not FOLDER.is_dir():
        pytest.skip('this MMPose comes without its configs')


def small(name, **dataset):
    """A lifter of MMPose with random weights and few channels."""
    config = Config.fromfile(FOLDER / name)
    for part in ('backbone', 'traj_backbone'):
        if 'stem_channels' in config.model.get(part, {}):
            config.model[part].stem_channels = 16
    if 'feat_size' in config.model.backbone:
        config.model.backbone.update(
            feat_size=16, depth=1, num_heads=2, seq_len=9)
        config.model.head.embedding_size = 16
    for part in ('head', 'traj_head'):
        if part in config.model:
            config.model[part].in_channels = 16
    config.test_dataloader.dataset.update(dataset)
    torch.manual_seed(0)
    model = init_model(config)
    for weight in model.parameters():
        # Theirs are so small that poses hardly depend on what is seen.
        torch.nn.init.normal_(weight, std=.3)
    return model


def by_mmpose(model, track):
    """What MMPose makes of each frame's window, which it cuts itself."""
    frames = []
    for points in track.keypoints:
        low, high = points.min(0), points.max(0)
        sample = PoseDataSample()
        sample.pred_instances = InstanceData(
            keypoints=points[None],
            keypoint_scores=np.ones((1, 17)),
            bboxes=np.r_[low, high][None])
        sample.gt_instances = InstanceData()
        sample.track_id = 0
        frames.append([sample])
    dataset = model.cfg.test_dataloader.dataset
    poses = []
    for i in range(len(frames)):
        window = extract_pose_sequence(frames, i, dataset.get('causal', True),
                                       dataset.get('seq_len', 1),
                                       dataset.get('seq_step', 1))
        found, = inference_pose_lifter_model(
            model, window, image_size=track.image_size)
        poses.append(np.reshape(found.pred_instances.keypoints, (17, 3)))
    poses = np.stack(poses)
    return poses - poses[:, :1]


@pytest.mark.parametrize('name, dataset, frames', [
    (BASELINE, {}, 5),
    (VIDEO, {}, 12),
    (VIDEO, dict(causal=True), 12),
    (VIDEO, dict(seq_step=2), 12),
    (SEMI, {}, 5),
    (MOTIONBERT, dict(multiple_target=1), 4),
])
def test_poses_are_those_of_mmpose(name, dataset, frames):
    model = small(name, **dataset)
    track = make_track(frames)
    track.scores[:] = 1
    expected = by_mmpose(model, track)
    assert expected.shape == (frames, 17, 3)
    found = lift_track(model, track, fit=False, resample=False)
    np.testing.assert_allclose(found.keypoints_3d, expected, atol=1e-4)
    assert np.abs(np.diff(expected, axis=0)).max() > 1e-3
    # Moved to the place of training: another picture, as large as a person.
    fitted = lift_track(model, track, focal_length=1500.)
    assert np.isfinite(fitted.keypoints_3d).all()


def test_a_window_of_motionbert_by_hand():
    """MMPose's inferencer shows it single frames; in its data sets it sees
    windows, to which this does what its codec and its heads' test does."""
    model = small(MOTIONBERT, multiple_target=9)
    track = make_track(9)
    track.scores[:] = 1
    w, h = track.image_size
    x = (track.keypoints * 2 / w - [1, h / w]).astype(np.float32)
    x = np.concatenate([x, np.ones((9, 17, 1), np.float32)], -1)
    flip = model.dataset_meta['flip_indices']
    mirrored = x[:, flip] * np.float32([-1, 1, 1])
    with torch.no_grad():
        one, other = (
            model.head(model.backbone(torch.from_numpy(v)[None]))[0].numpy()
            for v in (x, mirrored))
    pose = (one + other[:, flip] * np.float32([-1, 1, 1])) / 2
    # 4 mm to the pixel; half the picture's width is 1; all is relative to the
    # root, whatever the network says of that one.
    pose[:, 0] = 0
    pose *= w / 2 * 4 / 1000
    found = lift_track(model, track, fit=False, resample=False)
    np.testing.assert_allclose(found.keypoints_3d, pose, atol=1e-4)
    assert np.abs(pose).max() > .1


def test_which_windows_they_take():
    assert window_shape(small(BASELINE)) == (1, None, 1)
    assert window_shape(small(VIDEO)) == (27, 13, 1)
    assert window_shape(small(VIDEO, causal=True)) == (27, 26, 1)
    assert window_shape(small(MOTIONBERT)) == (243, None, 1)


def test_motionbert_of_a_known_camera():
    """Its codec would divide by the depth of a target that there is not."""
    model = small(MOTIONBERT, multiple_target=9)
    track = make_track(9)
    one, other = (
        lift_track(model, track, fit=False, focal_length=focal)
        for focal in (None, 1500.))
    np.testing.assert_array_equal(one.keypoints_3d, other.keypoints_3d)


def test_one_frame_of_a_window_is_not_for_streams():
    with pytest.raises(ValueError, match='VideoPose3D, are for lift_tracks'):
        StreamingLifter(small(VIDEO), (1000, 1000), 'h36m')
