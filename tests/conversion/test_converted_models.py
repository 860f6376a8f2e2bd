# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Converted models compute what the published equations say."""
import pytest
import torch
from mmengine.config import Config
from plain_gcn import draw_gcn, gcn_poses
from plain_layers import doubled, save_bin, save_list, wrapped
from plain_mixste import draw_mixste, mixste_poses
from plain_p_stmo import draw_p_stmo, p_stmo_poses


def keypoints(*shape, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=generator) * 2 - 1


def same(ours, theirs):
    torch.testing.assert_close(ours.double(), theirs, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_mixste(build, tmp_path):
    state = draw_mixste()
    model = build('mixste', save_bin(tmp_path / 'best_epoch.bin', state))
    x = keypoints(2, 3, 17, 2)
    same(
        model.head.regress(model.backbone(x)),
        mixste_poses(doubled(state), x.double()))
    assert not bool(model.head.calibrated)
    config = model.cfg
    assert config.test_dataloader.dataset.seq_len == 3
    assert config.model.backbone.depth == 2
    assert config.model.test_cfg.flip_test


@torch.no_grad()
@pytest.mark.parametrize('prefix', ['', 'model.'])
def test_the_conditioner_of_diffhpe(prefix, build, tmp_path):
    state = draw_mixste(width=64, depth=1)
    path = tmp_path / 'prt_mixste.pt'
    renamed = {prefix + name: value for name, value in state.items()}
    torch.save(dict(model_pos=wrapped(renamed)), path)
    model = build('mixste', path)
    x = keypoints(1, 3, 17, 2)
    same(
        model.head.regress(model.backbone(x)),
        mixste_poses(doubled(state), x.double()))
    # It was published without mirror images at test.
    assert not model.cfg.model.get('test_cfg', {}).get('flip_test')


@torch.no_grad()
def test_graformer(build, convert, tmp_path):
    state = draw_gcn(2, 3)
    averaged = draw_gcn(2, 3, seed=9)
    path = save_list(tmp_path / 'gcn_xyz_cpn.pth', state, averaged)
    x = keypoints(4, 17, 2)
    for kwargs, expected in ((dict(), state), (dict(averaged=True), averaged)):
        model = build('graformer', path, **kwargs)
        same(
            model.head.regress(model.backbone(x[:, None]))[:, 0],
            gcn_poses(doubled(expected), x.double()))
    report = convert('graformer', path)
    assert sorted(report.unused) == [
        f'temb.dense.{i}.{field}' for i in (0, 1)
        for field in ('bias', 'weight')
    ]


def denoiser_file(tmp_path, name):
    state = draw_gcn(5, 5, width=12, steps=True, seed=3)
    return state, save_list(tmp_path / name, state, state)


@torch.no_grad()
def test_diffpose_of_single_frames(build, tmp_path):
    """The denoiser, the encoder, and both in the released sampler."""
    state, path = denoiser_file(tmp_path, 'diffpose_uvxyz_gt.pth')
    encoder = draw_gcn(2, 3)
    # The one that was published with it, beside it.
    save_list(tmp_path / 'gcn_xyz_gt.pth', encoder)
    model = build('diffpose', path)
    x, steps = keypoints(3, 17, 5), torch.tensor([0, 6, 50])
    state = doubled(state)
    same(
        model.head.denoiser(x[:, None], steps + 1)[:, 0],
        gcn_poses(state, x.double(), steps))

    uv = keypoints(2, 1, 17, 2)
    coarse = gcn_poses(doubled(encoder), uv[:, 0].double())
    coarse = coarse - coarse[:, :1]
    context = model.extract_feat(uv)
    same(context.coarse[:, 0], coarse)
    # With ground-truth 2D: two deterministic steps, t = 6 and then 0.
    alphas = torch.cat([
        torch.ones(1).double(),
        (1 - torch.linspace(1e-4, 1e-3, 51, dtype=torch.float64)).cumprod(0)
    ])
    h = torch.cat([uv[:, 0].double(), coarse], -1)
    for t, k, j in ((6, 7, 1), (0, 1, 0)):
        noise = gcn_poses(state, h, torch.full((2, ), t))
        clean = (h - (1 - alphas[k]).sqrt() * noise) / alphas[k].sqrt()
        h = alphas[j].sqrt() * clean + (1 - alphas[j]).sqrt() * noise
    mixtures = torch.zeros(2, 1, 17, 1, 5)
    mixtures[..., 0] = 1
    mixtures[..., 1:3] = uv[..., None, :]
    options = {
        key: model.test_cfg[key]
        for key in model.test_cfg if key != 'flip_test'
    }
    poses = model.head.sample(context, mixtures, **options)
    expected = h[..., 2:] - h[:, :1, 2:]
    same(poses[:, 0, 0], expected)
    assert bool(model.context_loaded)


@torch.no_grad()
def test_diffpose_of_video(build, tmp_path):
    state, path = denoiser_file(tmp_path, 'diffpose_video_uvxyz_cpn.pth')
    encoder = draw_mixste()
    model = build(
        'diffpose', path, encoder=save_bin(tmp_path / 'some.bin', encoder))
    x, steps = keypoints(2, 17, 5), torch.tensor([0, 40])
    same(
        model.head.denoiser(x[:, None], steps + 1)[:, 0],
        gcn_poses(doubled(state), x.double(), steps))
    uv = keypoints(1, 3, 17, 2)
    coarse = mixste_poses(doubled(encoder), uv.double())
    same(model.extract_feat(uv).coarse, coarse - coarse[:, :, :1])
    assert tuple(model.test_cfg['sampling_range']) == (6, 1)
    assert model.test_cfg['flip_test']


@torch.no_grad()
def test_p_stmo(build, convert, tmp_path):
    state = draw_p_stmo()
    path = tmp_path / 'no_refine_48_5137.pth'
    torch.save(wrapped(state), path)
    model = build('pstmo', path)
    x = keypoints(2, 9, 17, 2)
    frames, center = p_stmo_poses(doubled(state), x.double())
    ours = model.head.regress(model.backbone(x))
    same(ours[:, 4], center)
    model.backbone.output = 'frames'
    same(model.head.regress(model.backbone(x)), frames)
    assert model.cfg.test_dataloader.dataset.stride == 1
    report = convert('pstmo', path)
    assert {name.rsplit('.', 2)[1] for name in report.unused} == {'norm'}
    written = Config.fromfile(report.config)
    assert list(written.model.backbone.strides) == [1, 3, 3]
