# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffHPE's reverse process against a plain loop over hypotheses.

Both sample the same windows with the same weights and the same noise, and the
rows say how far apart the poses are. The plain loop does what the equations
say in the order in which they say it: one hypothesis after the other, the
conditioning computed anew at each step, the published layers one by one in
the (B, C, J, T) layout of convolutions.
"""
import argparse
import time
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

import numpy as np
import torch
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from mmdiffpose.diffusion.noise import HypothesisNoise
from mmdiffpose.models.heads.parts.base import LiftingContext
from mmdiffpose.registry import MODELS
from ._plain_csdi_gcn import PlainCSDIGCN

CHAIN_RTOL = 2e-3
STEP_RTOL = 1e-5
VARIANTS = ('wrapper', '2d')


class Setting(NamedTuple):
    """What is sampled: B windows of T frames, H hypotheses, a model's size."""
    windows: int
    hypotheses: int
    frames: int
    channels: int
    blocks: int
    repeats: int
    where: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand; the defaults are the published sizes."""
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument(
        '--threads', type=int, default=2, help="PyTorch's, on a CPU")
    parser.add_argument('--windows', type=int, default=8, help='B')
    parser.add_argument('--hypotheses', type=int, default=5, help='H')
    parser.add_argument('--frames', type=int, default=27, help='L')
    parser.add_argument('--channels', type=int, default=64)
    parser.add_argument('--blocks', type=int, default=16)
    parser.add_argument(
        '--repeats', type=int, default=3, help='runs; the median counts')


def run(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Measures; returns the rows."""
    init_default_scope('mmpose')
    before = torch.get_num_threads()
    torch.set_num_threads(args.threads)
    on_cpu = torch.device(args.device).type == 'cpu'
    where = (f'{args.threads} threads'
             if on_cpu else torch.cuda.get_device_name(args.device))
    setting = Setting(args.windows, args.hypotheses, args.frames,
                      args.channels, args.blocks, args.repeats, where)
    try:
        with torch.no_grad():
            rows = [
                row for variant in VARIANTS
                for row in measure(variant, setting, args.device)
            ]
            return rows + [measure_transformer(setting, args.device)]
    finally:
        torch.set_num_threads(before)


def build_lifter(variant: str,
                 setting: Setting,
                 denoiser: str = 'CSDIGCN') -> nn.Module:
    """A model of the published sizes, its weights random but not zero."""
    torch.manual_seed(0)
    network = dict(
        type=f'mmdiffpose.{denoiser}',
        seq_len=setting.frames,
        channels=setting.channels,
        num_blocks=setting.blocks)
    model = dict(
        type='mmdiffpose.DiffusionPoseLifter',
        backbone=dict(type='mmdiffpose.IdentityContext'),
        head=dict(type='mmdiffpose.DiffHPEHead', denoiser=network))
    if variant == 'wrapper':
        width = setting.channels
        network.update(context_channels=width, pose_channels=width)
        model.update(
            backbone=dict(
                type='mmdiffpose.MixSTE',
                seq_len=setting.frames,
                embed_dims=width,
                depth=8,
                num_heads=8),
            coarse_head=dict(
                type='mmdiffpose.LiftingRegressionHead', in_channels=width))
    model = MODELS.build(model).eval()
    for name, value in model.head.denoiser.state_dict().items():
        # Training starts with zeros here, which would hide differences.
        if name.endswith('non_local.norm.weight'):
            value.uniform_(0.5, 1.5)
        elif name.startswith('output2'):
            value.normal_(0, 0.1)
    return model


def conditioning(model: nn.Module, inputs: Tensor) -> Tensor:
    """What the denoiser is conditioned on, (B, T, J, C)."""
    features = model.backbone(inputs)[-1]
    if model.coarse_head is None:
        return features
    return model.coarse_head.norm(features)


def draws(setting: Setting, device: str) -> HypothesisNoise:
    """The noise of both sides."""
    return HypothesisNoise(
        range(setting.windows),
        setting.hypotheses,
        setting.frames,
        17,
        device=torch.device(device))


def sample_ours(model: nn.Module, inputs: Tensor, setting: Setting,
                **options: Any) -> Tensor:
    """All hypotheses (B, H, T, J, 3) as the head samples them."""
    context = LiftingContext(conditioning(model, inputs), None, None)
    return model.head.sample(
        context, num_hypotheses=setting.hypotheses, **options)


def sample_plainly(model: nn.Module, plain: nn.Module, inputs: Tensor,
                   setting: Setting) -> Tensor:
    """The same, hypothesis by hypothesis (Sec. 3.5 of the paper)."""
    levels = model.head.process.alphas.tolist()
    noise = draws(setting, inputs.device)
    z = torch.stack([noise.normal() for _ in levels[1:]])
    poses = []
    for n in range(setting.hypotheses):
        x = z[0][:, n]
        for t in range(len(levels) - 2, -1, -1):
            beta = 1 - levels[t + 1] / levels[t]
            context = conditioning(model, inputs)
            epsilon = plain(x, t, context)
            x = (x - beta /
                 (1 - levels[t + 1])**0.5 * epsilon) / (1 - beta)**0.5
            if t > 0:
                variance = (1 - levels[t]) / (1 - levels[t + 1]) * beta
                x = x + variance**0.5 * z[len(levels) - 1 - t][:, n]
        poses.append(x - x[:, :, :1])
    return torch.stack(poses, dim=1)


def measure(variant: str, setting: Setting,
            device: str) -> List[Dict[str, Any]]:
    """Rows of a variant: ancestral sampling against the loop, then DDIM."""
    model = build_lifter(variant, setting).to(device)
    plain = PlainCSDIGCN(model.head.denoiser).to(device)
    generator = torch.Generator().manual_seed(1)
    inputs = torch.rand(
        setting.windows, setting.frames, 17, 2, generator=generator) * 2 - 1
    inputs = inputs.to(device)
    step = step_difference(model, plain, inputs, setting)

    def ours(**options: Any) -> Callable[[], Tensor]:
        return lambda: sample_ours(model, inputs, setting, **options)

    results = race([
        ours(), lambda: sample_plainly(model, plain, inputs, setting),
        *(ours(sampler='ddim', num_sampling_steps=n) for n in (10, 5))
    ], setting.repeats)
    (full, poses), (slow, expected), *few = results
    chain = difference(poses, expected)
    check('a whole chain', chain, CHAIN_RTOL)
    name, size = f'sampling-diffhpe-{variant}', describe(setting)
    rows = [
        row(
            name, full, slow, setting,
            f'{size}, all 50 steps; reference: a plain loop, hypothesis by '
            'hypothesis, conditioning at each step; largest relative '
            f'difference {step:.1e} in one step, {chain:.1e} after all')
    ]
    for steps, (seconds, _) in zip((10, 5), few):
        rows.append(
            row(
                f'{name}-ddim{steps}', seconds, full, setting,
                f'{size}, DDIM with {steps} steps; reference: ours with all '
                '50'))
    return rows


def measure_transformer(setting: Setting, device: str) -> Dict[str, Any]:
    """How much faster graph convolutions are than CSDI's transformers."""
    models = [
        build_lifter('2d', setting, kind).to(device)
        for kind in ('CSDIGCN', 'CSDITransformer')
    ]
    inputs = torch.zeros(setting.windows, setting.frames, 17, 2, device=device)
    (ours, _), (reference, _) = race([
        lambda m=model: sample_ours(
            m, inputs, setting, sampler='ddim', num_sampling_steps=5)
        for model in models
    ], setting.repeats)
    return row(
        'sampling-gcn-vs-transformer', ours, reference, setting,
        f'{describe(setting)}, DiffHPE-2D, DDIM with 5 steps; reference: '
        "CSDI's transformer layers in place of the graph layers, hypotheses "
        'in one batch, too')


def step_difference(model: nn.Module, plain: nn.Module, inputs: Tensor,
                    setting: Setting) -> float:
    """Largest difference in one step, at the first step and at the last."""
    context = conditioning(model, inputs)
    x = draws(setting, inputs.device).normal()
    bound = model.head.denoiser.bind(context, setting.hypotheses)
    worst = 0.
    for t in (49, 0):
        out = bound(x, torch.full((len(x), ), t + 1, device=x.device))
        expected = torch.stack(
            [plain(x[:, n], t, context) for n in range(setting.hypotheses)], 1)
        worst = max(worst, difference(out, expected))
    check('one step', worst, STEP_RTOL)
    return worst


def difference(ours: Tensor, expected: Tensor) -> float:
    """Largest difference, as a share of the largest value."""
    return float((ours - expected).abs().max() / expected.abs().max())


def check(what: str, found: float, tolerance: float) -> None:
    """Raise where both sides do not give the same poses."""
    if not found <= tolerance:
        raise RuntimeError(f'{what} differs from the plain one by {found:.1e} '
                           f'of the largest value, more than {tolerance}')


def race(functions: List[Callable[[], Tensor]],
         repeats: int) -> List[Tuple[float, Tensor]]:
    """Median seconds of each, run in turns, and what it returns."""
    times: List[List[float]] = [[] for _ in functions]
    values: List[Tensor] = [None] * len(functions)
    for _ in range(repeats):
        for i, function in enumerate(functions):
            start = time.perf_counter()
            values[i] = function().cpu()  # waits for a GPU
            times[i].append(time.perf_counter() - start)
    return [(float(np.median(t)), value) for t, value in zip(times, values)]


def describe(setting: Setting) -> str:
    """B, H and L in words."""
    return (f'B = {setting.windows}, H = {setting.hypotheses}, '
            f'L = {setting.frames}, {setting.where}')


def row(name: str, ours: float, reference: float, setting: Setting,
        note: str) -> Dict[str, Any]:
    """A row from the seconds of both sides."""
    return dict(
        name=name,
        ours=ours / setting.windows,
        reference=reference / setting.windows,
        ratio=reference / ours,
        unit='s/window',
        note=note)
