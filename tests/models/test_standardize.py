# Copyright (c) mmdiffpose contributors. All rights reserved.
import torch

from mmdiffpose.models.encoders import MixSTE
from mmdiffpose.models.layers.standardize import standardize_window


def test_masked_joints_have_no_part_in_place_and_size():
    torch.manual_seed(0)
    x2d = torch.rand(3, 5, 17, 2) + 1
    seen = torch.ones(3, 5, 17, 1)
    full = standardize_window(torch.cat([x2d, seen], -1))
    torch.testing.assert_close(full[..., :2], standardize_window(x2d))
    assert (full[..., 2] == 1).all()

    seen[1, 2, 4:9] = 0
    inputs = torch.cat([x2d, seen], -1)
    other = inputs.clone()
    other[1, 2, 4:9, :2] = 0
    found = standardize_window(other)
    torch.testing.assert_close(found, standardize_window(inputs))
    torch.testing.assert_close(found[..., 2:], seen)
    assert (found[1, 2, 4:9] == 0).all()
    # Place and size are those of the joints that are seen.
    kept = found[..., :2][seen[..., 0] > 0]
    visible = kept[-(17 * 5):]  # the last window
    torch.testing.assert_close(visible.mean(), torch.tensor(0.), atol=1e-5,
                               rtol=0)  # yapf: disable
    torch.testing.assert_close(visible.square().mean(), torch.tensor(1.))
    assert torch.isfinite(standardize_window(inputs * 0)).all()


def test_joints_at_zero_are_masked_and_other_windows_stay_as_they_were():
    torch.manual_seed(0)
    x2d = torch.rand(4, 27, 17, 2) + 1
    centred = x2d - x2d.mean((1, 2), keepdim=True)
    plain = centred / centred.square().mean((1, 2, 3), keepdim=True).sqrt()
    assert torch.equal(standardize_window(x2d), plain)

    masked = x2d.clone()
    masked[1, 5:10] = 0
    masked[2, :, 3] = -0.  # as a mirror leaves it
    masked[3] = 0
    found = standardize_window(masked)
    assert torch.equal(found[0], plain[0])
    seen = (masked != 0).any(-1, keepdim=True).float()
    with_channel = standardize_window(torch.cat([masked, seen], -1))
    torch.testing.assert_close(found[1:], with_channel[1:, ..., :2])
    assert (found[1, 5:10] == 0).all() and (found[3] == 0).all()


def test_an_encoder_takes_the_mask_channel():
    model = MixSTE(
        seq_len=5,
        in_channels=3,
        embed_dims=16,
        depth=1,
        num_heads=2,
        standardize=True)
    features, = model(torch.rand(2, 5, 17, 3))
    assert features.shape == (2, 5, 17, 16)
