# Copyright (c) mmdiffpose contributors. All rights reserved.
import pytest
import torch
from lifter_factory import batch, build
from torch.nn import functional as F

from mmdiffpose.models.encoders import PSTMO
from mmdiffpose.models.encoders.p_stmo import threefold_strides
from mmdiffpose.models.layers import PoseTransformerBlock
from mmdiffpose.models.pretraining import MaskedPoseModel

SMALL = dict(seq_len=9, embed_dims=16, hidden_dims=24, num_layers=2)


def count(module):
    return sum(p.numel() for p in module.parameters())


def small(**kwargs):
    torch.manual_seed(0)
    return PSTMO(**{**SMALL, 'joint_dims': 8, **kwargs}).eval()


def block_size(width, hidden, kernel=1):
    norm = 2 * 2 * width
    attention = 4 * (width * width + width)
    return (norm + attention + width * hidden + hidden +
            kernel * hidden * width + width)


def test_parameter_count_of_the_published_layers():
    """SEM, TEM and MOFA of the released model, counted by hand."""
    model = PSTMO()
    width = 512
    batch_norm = 2 * width
    spatial = (34 * width + width + batch_norm + 2 *
               (width * width + width + batch_norm) + width * 256 + 256)
    temporal = 243 * 256 + 4 * block_size(256, 512)
    assert count(model.encoder) == spatial + temporal
    positions = (243 + 81 + 27) * 256
    assert count(model.aggregator) == positions + 5 * block_size(256, 512, 3)


def test_strided_block_against_the_definition():
    torch.manual_seed(0)
    block = PoseTransformerBlock(8, 12, 2, stride=3).eval()
    x = torch.randn(2, 9, 8)
    middle = x + block.attn(block.norm1(x))
    hidden = F.relu(block.fc1(block.norm2(middle)))
    padded = F.pad(hidden, (0, 0, 1, 1))
    weight = block.fc2.weight
    for frame in range(3):
        window = padded[:, 3 * frame:3 * frame + 3]
        expected = middle[:, 3 * frame] + block.fc2.bias + torch.einsum(
            'bkh,chk->bc', window, weight)
        torch.testing.assert_close(block(x)[:, frame], expected)


def test_strides_multiply_to_the_number_of_frames():
    assert threefold_strides(243) == (3, 3, 3, 3, 3)
    assert threefold_strides(81) == (3, 3, 3, 3)
    assert threefold_strides(54) == (3, 3, 3, 2)
    with pytest.raises(ValueError, match=r'product.* 9.*\(3, 2\)'):
        small(strides=(3, 2))
    x = torch.randn(2, 9, 17, 2)
    assert small(
        strides=(1, 3, 3), output='center')(x)[1].shape == (2, 9, 17, 8)


def test_maps_in_training_and_at_test():
    x = torch.randn(3, 9, 17, 2)
    frames = small()(x)
    assert len(frames) == 1 and frames[0].shape == (3, 9, 17, 8)
    both = small(output='center')(x)
    assert len(both) == 2 and len(small().train()(x)) == 2
    torch.testing.assert_close(both[0], frames[0])
    differs = (both[1] - both[0]).abs().amax(dim=(0, 2, 3)) > 0
    assert differs.nonzero().flatten().tolist() == [4]


def test_every_frame_and_joint_reaches_every_output():
    for output in ('frames', 'center'):
        x = torch.randn(1, 9, 17, 2, requires_grad=True)
        small(output=output)(x)[-1][0, 4, 8, 0].backward()
        assert (x.grad.abs().sum(-1) > 0).all()


def test_standardising_removes_position_and_size_only():
    model = small(standardize=True)
    x = torch.randn(2, 9, 17, 2)
    torch.testing.assert_close(
        model(3 * x + torch.tensor([0.5, -2.]))[0],
        model(x)[0],
        atol=1e-4,
        rtol=1e-4)
    assert (small()(x + 1)[0] - small()(x)[0]).abs().max() > 1e-2


@pytest.mark.parametrize('shape', [(1, 8, 17, 2), (1, 9, 16, 2), (9, 17, 2)])
def test_another_shape_is_an_error_that_names_both(shape):
    with pytest.raises(ValueError, match=r'9, 17, 2.*but got'):
        small()(torch.randn(shape))
    with pytest.raises(ValueError, match="'frames', 'center'.*'one'"):
        small(output='one')


def test_the_loss_is_that_of_all_frames_plus_that_of_the_middle_one():
    torch.manual_seed(0)
    inputs, samples = batch([1, 2])  # 5 frames
    head = build(
        dict(type='mmdiffpose.ManyToOneRegressionHead', in_channels=8))
    model = small(seq_len=5).train()
    feats = model(inputs)
    losses = head.loss(feats, samples)
    target = torch.stack(
        [s.gt_instance_labels.lifting_target_label for s in samples])
    every = (head.regress(feats[:1]) - target).norm(dim=-1)
    middle = (head.regress(feats[1:]) - target).norm(dim=-1)[:, 2]
    torch.testing.assert_close(losses['loss_pose3d'], every.mean())
    torch.testing.assert_close(losses['loss_center'], middle.mean())
    sum(losses[key] for key in losses if 'loss' in key).backward()
    assert all(p.grad is not None for p in model.parameters())
    with pytest.raises(ValueError, match='two feature maps of PSTMO'):
        head.loss(feats[:1], samples)


def test_pretrained_weights_arrive_and_others_are_refused(tmp_path):
    torch.manual_seed(1)
    pretraining = MaskedPoseModel(**SMALL)
    path = str(tmp_path / 'pretraining.pth')
    torch.save(dict(state_dict=pretraining.state_dict()), path)
    model = small(pretrained=path)
    assert bool(model.pretraining_loaded)
    assert not bool(small().pretraining_loaded)
    state = pretraining.encoder.state_dict()
    fresh = small().encoder.state_dict()
    changed = 0
    for key, value in model.encoder.state_dict().items():
        torch.testing.assert_close(value, state[key], rtol=0, atol=0)
        changed += not torch.equal(value, fresh[key])
    assert changed > 20
    with pytest.raises(ValueError, match=r'expected \(1, 9, 16\).*\(1, 9, 12'):
        torch.save(
            MaskedPoseModel(**{
                **SMALL, 'embed_dims': 12,
                'num_heads': 2
            }).state_dict(), path)
        small(pretrained=path)
    with pytest.raises(ValueError, match='pretraining.pth is not of a Masked'):
        stage_one = small().state_dict()  # as it stands in a lifter's file
        torch.save({f'backbone.{k}': v for k, v in stage_one.items()}, path)
        small(pretrained=path)
    with pytest.raises(FileNotFoundError):
        small(pretrained=str(tmp_path / 'none.pth'))
