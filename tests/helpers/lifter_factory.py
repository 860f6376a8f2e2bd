# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Small lifters and encoded samples for the tests of heads and lifters."""
from copy import deepcopy

import numpy as np
import torch
from mmengine.registry import DefaultScope, init_default_scope
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from mmdiffpose.codecs import GMMDiffusionPose
from mmdiffpose.registry import MODELS

T, WIDTH = 5, 16


def build(config):
    """Build from MODELS in MMPose's scope, as a runner does."""
    if DefaultScope.get_current_instance() is None:
        init_default_scope('mmpose')
    return MODELS.build(config)


def encoder_config():
    return dict(
        type='mmdiffpose.MixSTE',
        seq_len=T,
        embed_dims=WIDTH,
        depth=1,
        num_heads=2,
        drop_path_rate=0.)


def regressor(**head):
    torch.manual_seed(0)
    return build(
        dict(
            type='PoseLifter',
            backbone=encoder_config(),
            head=dict(
                type='mmdiffpose.LiftingRegressionHead',
                in_channels=WIDTH,
                **head)))


def lifter(head_type='DiffPoseHead', test_cfg=None, denoiser=None, **head):
    torch.manual_seed(0)
    if denoiser is None:
        denoiser = dict(
            type='mmdiffpose.GCNAttention', channels=16, dropout=0.)
    model = build(
        dict(
            type='mmdiffpose.DiffusionPoseLifter',
            backbone=encoder_config(),
            coarse_head=dict(
                type='mmdiffpose.LiftingRegressionHead', in_channels=WIDTH),
            head=dict(
                type=f'mmdiffpose.{head_type}',
                in_channels=WIDTH,
                denoiser=denoiser,
                **head),
            test_cfg=test_cfg))
    model.context_loaded.fill_(True)
    # The output layer starts at zero; here it should have something to say.
    torch.nn.init.normal_(model.head.denoiser.output.linear.weight, std=0.05)
    return model.eval()


def sample(seed, one_target_frame=False):
    """Inputs (T, 17, 2) and the data sample of a random window."""
    rng = np.random.default_rng(seed)
    target = rng.normal(0, 0.3, (T, 17, 3)) + [0, 0, 5]
    encoded = GMMDiffusionPose().encode(
        keypoints=rng.uniform(200, 800, (T, 17, 2)),
        keypoints_visible=rng.uniform(0.3, 1, (T, 17)),
        lifting_target=target[:1] if one_target_frame else target,
        camera_param=dict(w=1000, h=1000))
    data_sample = PoseDataSample()
    data_sample.gt_instances = InstanceData(
        **{k: encoded[k]
           for k in GMMDiffusionPose.instance_mapping_table})
    data_sample.gt_instance_labels = InstanceData(
        **{
            k: torch.from_numpy(encoded[k])
            for k in GMMDiffusionPose.label_mapping_table
        })
    data_sample.set_metainfo(
        dict(
            id=seed,
            clip=f'clip{seed}',
            camera='v0',
            target_frame=encoded['target_frame'],
            flip_indices=[
                0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13
            ]))
    return torch.from_numpy(encoded['keypoint_labels']), data_sample


def batch(seeds):
    inputs, samples = zip(*(sample(seed) for seed in seeds))
    return torch.stack(inputs), list(samples)


MIRROR_ORDER = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]
"""Human3.6M-17 in a mirror, by hand: right leg 1-3, left leg 4-6, left arm
11-13, right arm 14-16."""


def mirrored_poses(poses):
    """Poses (..., 17, C) in a mirror: x turns its sign."""
    signs = torch.ones(poses.shape[-1], dtype=poses.dtype)
    signs[0] = -1
    return poses[..., MIRROR_ORDER, :] * signs


def mirrored(inputs, samples):
    """The batch seen in a mirror: inputs, targets and 2D mixtures."""
    out = []
    for data_sample in samples:
        # Not clone(), which shares the labels.
        data_sample = deepcopy(data_sample)
        labels = data_sample.gt_instance_labels
        # Weight, mean u, v and std u, v: mean u turns its sign.
        labels.mixture_labels = labels.mixture_labels[
            ..., MIRROR_ORDER, :, :] * torch.tensor([1., -1, 1, 1, 1])
        labels.lifting_target_label = mirrored_poses(
            labels.lifting_target_label)
        for name in ('keypoint_labels_visible', 'lifting_target_weight'):
            labels.set_field(labels[name][..., MIRROR_ORDER], name)
        if 'keypoint_labels' in labels:
            labels.keypoint_labels = mirrored_poses(labels.keypoint_labels)
        out.append(data_sample)
    return mirrored_poses(inputs), out
