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
