# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Small lifters, built from configs as a user's are, and clips for them.

A plugin of the whole suite (``tests/conftest.py`` names it), so it imports
the package only where a fixture is asked for.
"""

import pytest

FRAMES, WIDTH = 24, 320

CODEC = dict(type='mmdiffpose.GMMDiffusionPose')
ENCODER = dict(
    type='mmdiffpose.MixSTE', seq_len=9, embed_dims=16, depth=1, num_heads=2)
COARSE = dict(
    type='mmdiffpose.LiftingRegressionHead', in_channels=16, decoder=CODEC)
PIPELINE = [
    dict(type='GenerateTarget', encoder=CODEC),
    dict(
        type='PackPoseInputs',
        meta_keys=('id', 'category_id', 'target_img_path', 'flip_indices',
                   'camera_param', 'clip', 'camera', 'target_frame'))
]
DATASET = dict(
    type='mmdiffpose.MocapMiniDataset',
    split='test',
    seq_len=9,
    test_mode=True,
    pipeline=PIPELINE)
VISUALIZER = dict(type='mmdiffpose.Pose3dLifterVisualizer', name='visualizer')


def _config(model):
    from mmengine.config import Config

    return Config(
        dict(
            default_scope='mmpose',
            custom_imports=dict(
                imports=['mmdiffpose'], allow_failed_imports=False),
            model=model,
            visualizer=VISUALIZER,
            train_dataloader=dict(dataset=DATASET),
            test_dataloader=dict(dataset=DATASET)))


@pytest.fixture
def regression_config():
    """A plain PoseLifter of 9 frames."""
    return _config(dict(type='PoseLifter', backbone=ENCODER, head=COARSE))


@pytest.fixture
def diffusion_config():
    """A diffusion lifter of 9 frames, with 3 hypotheses."""
    return _config(
        dict(
            type='mmdiffpose.DiffusionPoseLifter',
            backbone=ENCODER,
            coarse_head=COARSE,
            head=dict(
                type='mmdiffpose.DiffPoseHead',
                in_channels=16,
                num_steps=4,
                denoiser=dict(
                    type='mmdiffpose.GCNAttention',
                    channels=16,
                    num_blocks=1,
                    num_heads=2),
                decoder=CODEC),
            test_cfg=dict(num_hypotheses=3, num_sampling_steps=2)))


@pytest.fixture
def make_inferencer(regression_config):
    """Builds an inferencer with random weights and painted joints."""
    import torch
    from people import PaintedJoints

    from mmdiffpose.apis import DiffusionPose3DInferencer, init_model
    from mmdiffpose.detection.pose2d import Pose2DStage

    def make(config=regression_config, detector=None):
        torch.manual_seed(0)
        return DiffusionPose3DInferencer.from_parts(
            init_model(config), Pose2DStage(detector or PaintedJoints()))

    return make


@pytest.fixture
def inferencer(make_inferencer):
    """Of a plain lifter."""
    return make_inferencer()


@pytest.fixture(scope='session')
def joints():
    """2D joints of one person, (F, 1, 17, 2) pixels."""
    from people import walkers
    return walkers(FRAMES)


@pytest.fixture(scope='session')
def clip(joints):
    """Frames that carry them."""
    from people import paint
    return [paint(points, WIDTH) for points in joints]
