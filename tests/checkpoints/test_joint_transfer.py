# Copyright (c) mmdiffpose contributors. All rights reserved.
"""One joint set in a whole config, and weights for other joints."""
import numpy as np
import pytest
import torch
from mmengine.config import Config
from other_orders import NAMES, ORDER, ROOT, metainfo, taken

from mmdiffpose.checkpoints.config_skeleton import fill_skeleton
from mmdiffpose.checkpoints.joint_transfer import (joint_axes, permutation,
                                                   transfer_matrices,
                                                   transfer_weights)
from mmdiffpose.datasets import LiftingDataset
from mmdiffpose.registry import DATASETS, MODELS
from mmdiffpose.skeletons import (H36M_17, LSP_14, as_skeleton,
                                  skeleton_from_metainfo)

KEY = 'OtherJoints_of_this_test'


@DATASETS.register_module(name=KEY)
class OtherJoints(LiftingDataset):
    METAINFO = metainfo()


def config(**more):
    dataset = dict(
        type=f'mmdiffpose.{KEY}',
        seq_len=5,
        pipeline=[
            dict(
                type='GenerateTarget',
                encoder=dict(type='mmdiffpose.GMMDiffusionPose'))
        ])
    return Config(
        dict(
            model=dict(
                type='mmdiffpose.DiffusionPoseLifter',
                backbone=dict(
                    type='mmdiffpose.GraFormer', embed_dims=8, num_layers=1),
                coarse_head=dict(
                    type='mmdiffpose.LiftingRegressionHead', in_channels=8),
                head=dict(
                    type='mmdiffpose.DiffPoseHead',
                    in_channels=8,
                    denoiser=dict(type='mmdiffpose.GCNAttention', channels=8),
                    decoder=dict(type='mmdiffpose.GMMDiffusionPose'))),
            train_dataloader=dict(dataset=dataset),
            val_evaluator=dict(type='mmdiffpose.PoseLiftingMetric', **more)))


def test_what_the_data_say_is_filled_in():
    cfg = config()
    skeleton = fill_skeleton(cfg)
    assert skeleton.joints == tuple(NAMES) and skeleton.root == ROOT
    head = cfg.model.head
    assert head.root_index == head.decoder.root_index == ROOT
    for part in (head, head.denoiser, cfg.model.backbone):
        assert as_skeleton(part.skeleton).same_joints(skeleton)
    encoder = cfg.train_dataloader.dataset.pipeline[0].encoder
    assert encoder.root_index == ROOT
    # Filled in once, it is complete: nothing to say a second time.
    again = cfg.copy()
    fill_skeleton(again)
    assert again.to_dict() == cfg.to_dict()


def test_human36m_needs_nothing():
    cfg = config()
    cfg.train_dataloader.dataset.type = 'mmdiffpose.LiftingDataset'
    before = cfg.to_dict()
    assert fill_skeleton(cfg) is H36M_17
    assert cfg.to_dict() == before


@pytest.mark.parametrize('change, message', [
    (dict(val_evaluator=dict(root_index=0)), 'names the root 0 .*METAINFO'),
    (dict(model=dict(head=dict(num_joints=14))),
     'num_joints is 14.*17 joints'),
    (dict(model=dict(head=dict(root_index=2), coarse_head=dict(root_index=3))),
     'several roots.*root_index=2.*root_index=3|'
     'several roots.*root_index=3.*root_index=2'),
    (dict(model=dict(backbone=dict(skeleton='h36m'))),
     'backbone.skeleton has the joints'),
])
def test_contradictions_are_refused_before_anything_is_built(change, message):
    cfg = config()
    cfg.merge_from_dict(change)
    with pytest.raises(ValueError, match=message):
        fill_skeleton(cfg)


def test_splits_with_other_joints_are_refused():
    cfg = config()
    cfg.val_dataloader = dict(
        dataset=dict(type='mmdiffpose.LiftingDataset', seq_len=5))
    with pytest.raises(ValueError, match="'joint 9'.*'root'"):
        fill_skeleton(cfg)


def test_splits_of_another_frame_rate_are_refused():
    cfg = config()
    cfg.train_dataloader.dataset.metainfo = dict(fps=25.)
    cfg.val_dataloader = dict(
        dataset=dict(
            type=cfg.train_dataloader.dataset.type,
            seq_len=5,
            metainfo=dict(fps=50.)))
    with pytest.raises(ValueError, match='25 frames a second.*has 50'):
        fill_skeleton(cfg)


def test_metainfo_that_names_no_root_is_refused():
    meta = metainfo()
    del meta['root_joint']
    with pytest.raises(ValueError, match='which is the root: root_joint'):
        skeleton_from_metainfo(meta)
    assert skeleton_from_metainfo(meta, 5).root == 5


def test_joints_of_other_names_are_listed():
    own = skeleton_from_metainfo(metainfo())
    with pytest.raises(ValueError, match="'right_foot'.*'joint 9'.*load_from"):
        permutation(H36M_17, own)


def test_weights_go_to_joints_of_the_same_name_and_to_neighbours():
    """17 joints to 14: feet are ankles, the neck is the thorax."""
    out, into = transfer_matrices(H36M_17, LSP_14)
    index = H36M_17.index
    for joint, source in (('right_ankle', 'right_foot'), ('neck', 'thorax'),
                          ('left_wrist', 'left_wrist'), ('head_top', 'head')):
        row = np.zeros(17)
        row[index[source]] = 1
        np.testing.assert_allclose(out[LSP_14.index[joint]], row)
    np.testing.assert_allclose(into.sum(1), 1)
    # The pelvis is not among the 14: its neighbours in Human3.6M are hips
    # and spine, and the spine's is the thorax.
    pelvis = into[index['root']]
    assert set(np.flatnonzero(pelvis)) >= {
        LSP_14.index['left_hip'], LSP_14.index['right_hip']
    }


def test_a_joint_that_is_nowhere_is_the_mean_of_its_neighbours():
    own = as_skeleton(
        dict(
            joints=[*H36M_17.joints, 'left_thumb'],
            links=[*H36M_17.bones, (13, 17), (12, 17)],
            flip_pairs=H36M_17.flip_pairs,
            root=0))
    out, _ = transfer_matrices(H36M_17, own)
    expected = np.zeros(17)
    expected[[12, 13]] = .5  # left elbow and left wrist
    np.testing.assert_allclose(out[17], expected)
    np.testing.assert_allclose(out[:17], np.eye(17))


def test_a_network_of_poses_reads_what_it_read():
    """A joint that stands where its neighbour stood changes no input."""
    config = dict(
        type='mmdiffpose.FrameTransformer',
        seq_len=3,
        in_channels=2,
        width=16,
        embed_dims=4,
        depth=1,
        num_heads=2)
    own = as_skeleton(
        dict(
            joints=[*H36M_17.joints, 'left_thumb'],
            links=[*H36M_17.bones, (13, 17)],
            flip_pairs=H36M_17.flip_pairs,
            root=0))
    torch.manual_seed(0)
    old = MODELS.build(config).eval()
    new = MODELS.build(dict(config, num_joints=18)).eval()
    axes = joint_axes(dict(config, num_joints=18), own)
    new.load_state_dict(
        transfer_weights(old.state_dict(), new, axes,
                         transfer_matrices(H36M_17, own)))
    x = torch.randn(2, 3, 17, 2)
    more = torch.cat([x, x[:, :, 13:14]], dim=2)
    with torch.no_grad():
        right, got = old(x)[-1], new(more)[-1]
    torch.testing.assert_close(got[:, :, :17], right, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(got[:, :, 17], right[:, :, 13])


def test_noise_belongs_to_the_joint():
    from mmdiffpose.diffusion.noise import HypothesisNoise
    skeleton = skeleton_from_metainfo(metainfo())
    plain = HypothesisNoise([3], 2, 4, 17)
    own = HypothesisNoise([3], 2, 4, 17, joint_order=skeleton.draw_order)
    assert torch.equal(own.normal(), taken(plain.normal(), ORDER))
    assert torch.equal(own.uniform_frames(), plain.uniform_frames())
    with pytest.raises(ValueError, match='permutation of 17'):
        HypothesisNoise([3], 2, 4, 17, joint_order=[0, 0])
