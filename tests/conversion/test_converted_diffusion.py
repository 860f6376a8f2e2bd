# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Converted DiffHPE and D3DP compute what the published equations say."""
import pytest
import torch
from plain_diffhpe import diffhpe_noise, draw_diffhpe
from plain_layers import Weights, doubled, layer_norm, linear, save_bin
from plain_mixste import draw_mixste, mixste_features, mixste_poses

T = 3
SIDES = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]


def draw(*shape, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator) / 2


def same(ours, theirs):
    torch.testing.assert_close(ours.double(), theirs, atol=1e-5, rtol=1e-5)


def save_model(folder, state):
    folder.mkdir()
    torch.save(state, folder / 'model.pth')
    return folder


@torch.no_grad()
def test_diffhpe_2d(build, tmp_path):
    state = draw_diffhpe()
    model = build('diffhpe', save_model(tmp_path / 'diffhpe-2d', state))
    uv = draw(3, T, 17, 2)
    assert torch.equal(model.extract_feat(uv).features, uv)
    poses, steps = draw(3, T, 17, 3, seed=2), torch.tensor([0, 17, 49])
    state = doubled(state)
    same(
        model.head.denoiser(poses, steps + 1, uv),
        diffhpe_noise(state, poses.double(), steps, uv.double()))
    bound = model.head.denoiser.bind(uv, 1)
    same(
        bound(poses[:, None], torch.full((3, ), 42))[:, 0],
        diffhpe_noise(state, poses.double(), torch.full((3, ), 41),
                      uv.double()))
    assert model.head.process.num_steps == 50
    assert model.cfg.test_dataloader.dataset.seq_len == T


def wrapper():
    conditioner = draw_mixste(width=16, frames=T)
    state = Weights(8)
    state.linear('conditioning.data_enc', 3, 16)
    state.update(draw_diffhpe(inputs=32))
    for name, value in conditioner.items():
        if name.startswith('head.0'):
            state[name.replace('head.0', 'conditioning.head')] = value
        elif not name.startswith('head.1'):
            state[f'conditioning.{name}'] = value
    return dict(state), conditioner


@torch.no_grad()
@pytest.mark.parametrize('named', [False, True])
def test_diffhpe_wrapper(named, build, tmp_path):
    state, conditioner = wrapper()
    encoder = tmp_path / 'prt_mixste_h36m_L27_C64.pt'
    torch.save(dict(model_pos=conditioner), encoder)
    model = build(
        'diffhpe',
        save_model(tmp_path / 'wrapper', state),
        encoder=encoder if named else None)
    uv = draw(2, T, 17, 2)
    context = model.extract_feat(uv)
    plain = doubled(conditioner)
    features = layer_norm(
        mixste_features(plain, uv.double()), plain, 'head.0', 1e-5)
    same(context.features, features)
    coarse = linear(features, plain, 'head.1') * named
    same(context.coarse, coarse - coarse[:, :, :1])
    poses, steps = draw(2, T, 17, 3, seed=2), torch.tensor([3, 41])
    same(
        model.head.denoiser(poses, steps + 1, context.features),
        diffhpe_noise(doubled(state), poses.double(), steps, features))


def test_the_conditioner_of_another_wrapper(convert, tmp_path):
    state, conditioner = wrapper()
    name = 'TTEblocks.1.mlp.fc1.bias'
    conditioner[name] = conditioner[name] + 1e-3
    torch.save(dict(model_pos=conditioner), tmp_path / 'other.pt')
    source = save_model(tmp_path / 'wrapper', state)
    with pytest.raises(ValueError, match=f'other.pt.*{name}'):
        convert('diffhpe', source, encoder=tmp_path / 'other.pt')
    torch.save(draw_diffhpe(), tmp_path / '2d.pth')
    with pytest.raises(ValueError, match='2d.pth.*DiffHPE-2D, which has none'):
        convert('diffhpe', tmp_path / '2d.pth', encoder=tmp_path / 'other.pt')


def d3dp(steps=1000):
    """Weights and the buffers of a published file, from its betas."""
    state = Weights(4)
    width = 16
    state.linear('time_mlp.1', width, 2 * width)
    state.linear('time_mlp.3', 2 * width, width)
    state.update(draw_mixste(width, frames=T, in_channels=5))
    state = {f'pose_estimator.{name}': value for name, value in state.items()}
    x = (torch.arange(steps + 1).double() / steps + 0.008) / 1.008
    level = (x * torch.pi / 2).cos()**2
    betas = (1 - level[1:] / level[:-1]).clamp(0, 0.999)
    levels = (1 - betas).cumprod(0)
    previous = torch.cat([torch.ones(1).double(), levels[:-1]])
    variance = betas * (1 - previous) / (1 - levels)
    state.update(
        betas=betas,
        alphas_cumprod=levels,
        alphas_cumprod_prev=previous,
        sqrt_alphas_cumprod=levels.sqrt(),
        sqrt_one_minus_alphas_cumprod=(1 - levels).sqrt(),
        log_one_minus_alphas_cumprod=(1 - levels).log(),
        sqrt_recip_alphas_cumprod=(1 / levels).sqrt(),
        sqrt_recipm1_alphas_cumprod=(1 / levels - 1).sqrt(),
        posterior_variance=variance,
        posterior_log_variance_clipped=variance.clamp(min=1e-20).log(),
        posterior_mean_coef1=betas * previous.sqrt() / (1 - levels),
        posterior_mean_coef2=(1 - previous) * (1 - betas).sqrt() /
        (1 - levels))
    return state


def plain_estimate(state, h, t, uv):
    """Clean poses at step t, averaged with those in the mirror."""
    weights = {
        name[len('pose_estimator.'):]: value
        for name, value in state.items() if name.startswith('pose')
    }

    def network(poses, keypoints):
        inputs = torch.cat([keypoints, poses.clamp(-1.1, 1.1)], -1)
        return mixste_poses(weights, inputs, torch.full((len(poses), ), t))

    def mirror(joints):
        joints = joints[..., SIDES, :].clone()
        joints[..., 0] = -joints[..., 0]
        return joints

    return (network(h, uv) + mirror(network(mirror(h), mirror(uv)))) / 2


@torch.no_grad()
def test_d3dp(build, tmp_path, monkeypatch):
    """One evaluation, and the published sampler step by step."""
    state = d3dp()
    model = build('d3dp', save_bin(tmp_path / 'h36m_best_epoch.bin', state))
    state = doubled(state)
    uv = draw(2, T, 17, 2)
    h = draw(2, T, 17, 3, seed=3) * 2
    bound = model.head.denoiser.bind(uv, 1)
    for t in (0, 999):
        same(
            bound(h[:, None], torch.full((2, ), t + 1))[:, 0],
            plain_estimate(state, h.double(), t, uv.double()))

    draws = iter(draw(5, 1, T, 17, 3, seed=5).double() * 2)
    monkeypatch.setattr('mmdiffpose.diffusion.noise.HypothesisNoise.normal',
                        lambda self: next(draws).float()[:, None])
    options = {**model.test_cfg, 'num_hypotheses': 1}
    ours = model.head.sample(model.extract_feat(uv[:1]), **options)
    draws = iter(draw(5, 1, T, 17, 3, seed=5).double() * 2)
    h = next(draws)
    levels = state['alphas_cumprod']
    times = (999, 799, 599, 399, 199, -1)
    for t, after in zip(times[:-1], times[1:]):
        x_0 = plain_estimate(state, h, t, uv[:1].double()).clamp(-1.1, 1.1)
        if after < 0:
            break
        noise = (h / levels[t].sqrt() - x_0) / (1 / levels[t] - 1).sqrt()
        sigma = ((1 - levels[t] / levels[after]) * (1 - levels[after]) /
                 (1 - levels[t])).sqrt()
        h = (
            levels[after].sqrt() * x_0 +
            (1 - levels[after] - sigma**2).sqrt() * noise +
            sigma * next(draws))
    torch.testing.assert_close(
        ours[:, 0].double(), x_0 - x_0[:, :, :1], atol=1e-4, rtol=1e-4)


def test_d3dp_with_another_schedule(convert, tmp_path):
    state = d3dp()
    state['alphas_cumprod'] = torch.linspace(0.999, 0.001, 1000).double()
    path = save_bin(tmp_path / 'linear.bin', state)
    with pytest.raises(ValueError, match='linear.bin.*cosine schedule'):
        convert('d3dp', path)
    with pytest.raises(ValueError, match='linear.bin.*weights of d3dp'):
        convert('mixste', path)
