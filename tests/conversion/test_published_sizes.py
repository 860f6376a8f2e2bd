# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What the tests draw is as large as the published files are."""
import pytest
from plain_diffhpe import draw_diffhpe
from plain_gcn import draw_gcn
from plain_layers import save_bin
from plain_mixste import draw_mixste

BUFFERS = ('running_mean', 'running_var', 'num_batches_tracked')


@pytest.mark.parametrize('draw, options, published', [
    (draw_gcn, dict(inputs=2, outputs=3, width=96, depth=5), 839_432),
    (draw_gcn, dict(inputs=5, outputs=5, width=96, depth=5,
                    steps=True), 1_025_674),
    (draw_mixste, dict(width=512, depth=8, frames=243), 33_783_811),
    (draw_mixste, dict(width=64, depth=8, frames=27), 539_139),
    (draw_diffhpe, dict(channels=64, frames=27, blocks=16), 3_201_971),
    (draw_diffhpe, dict(inputs=128, channels=64, frames=27,
                        blocks=16), 3_209_843),
])
def test_parameters(draw, options, published):
    state = draw(**options)
    assert sum(value.numel() for name, value in state.items()
               if not name.endswith(BUFFERS)) == published


def test_mixste_at_its_published_size(convert, tmp_path):
    """Into the published config, without a change of its model."""
    state = draw_mixste(width=512, depth=8, frames=243)
    report = convert('mixste', save_bin(tmp_path / 'cpn.bin', state))
    assert report.base == 'mixste_h36m-243'
    assert report.options['model.backbone.embed_dims'] == 512
    assert report.options['model.backbone.mlp_ratio'] == 2
    assert report.num_tensors == len(state) == 2 * 8 * 12 + 12
