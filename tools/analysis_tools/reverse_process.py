# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Draw the reverse process of a sequence: samples closing in on the pose.

    python tools/analysis_tools/reverse_process.py \
        configs/diffpose_mixste_mini-27.py CHECKPOINT --out-dir outputs

A window of the test split is lifted; its samples are drawn at some steps k
from K to 0 as a figure (PNG), and at all steps as an animation (GIF). The
ground truth is drawn in grey, and the numbers are a sample's mean error.
"""

import argparse
import sys
from pathlib import Path
from typing import List, Tuple

import cv2
import numpy as np
import torch
from mmengine.config import DictAction
from mmengine.dataset import pseudo_collate
from torch import nn

from mmdiffpose.apis import init_model
from mmdiffpose.models.heads import DiffPoseHead
from mmdiffpose.models.heads.parts.base import stack_labels, stack_mixtures
from mmdiffpose.registry import DATASETS
from mmdiffpose.visualization.picture_sink import write_animation
from mmdiffpose.visualization.reverse_process import ReverseProcessRenderer

GIF_FPS = 8
FIGURE_COLUMNS = 6


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='path of a DiffPose config')
    parser.add_argument('checkpoint', help='path of its trained weights')
    parser.add_argument('--out-dir', type=Path, default=Path('outputs'))
    parser.add_argument(
        '--window',
        type=int,
        default=0,
        help='number of the window in the test split')
    parser.add_argument('--hypotheses', type=int, default=10, help='samples N')
    parser.add_argument(
        '--num-sampling-steps',
        type=int,
        help='DDIM steps (default: half of K)')
    parser.add_argument(
        '--frames',
        type=int,
        nargs='+',
        help='frames of the window (default: three, evenly spaced)')
    parser.add_argument(
        '--azimuth', type=float, default=60., help='of the view, degrees')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    return parser.parse_args()


@torch.no_grad()
def trace(model: nn.Module, window: int, hypotheses: int,
          num_sampling_steps: int) -> Tuple[List[int], np.ndarray, np.ndarray]:
    """Sample one window and keep every state.

    Args:
        model (nn.Module): A lifter with a :class:`DiffPoseHead`.
        window (int): Number in the test split.
        hypotheses (int): N.
        num_sampling_steps (int): DDIM steps.

    Returns:
        tuple: The steps k, the states (S, N, T, J, 3) and the ground truth
        (T, J, 3), root-relative metres, camera axes.

    Raises:
        ValueError: For a number that is not in the split.
    """
    dataset = DATASETS.build(model.cfg.test_dataloader.dataset)
    if not 0 <= window < len(dataset):
        raise ValueError(f'--window: expected 0 to {len(dataset) - 1}, found '
                         f'{window}')
    batch = model.data_preprocessor(pseudo_collate([dataset[window]]), False)
    inputs, samples = batch['inputs'], batch['data_samples']
    if isinstance(inputs, list):
        inputs = torch.stack(inputs)
    context = model.extract_feat(inputs)
    head = model.head
    steps: List[int] = []
    states: List[torch.Tensor] = []

    def keep(k: int, h_k: torch.Tensor, _: torch.Tensor) -> None:
        steps.append(k)
        states.append(head.to_root_relative(h_k)[0])

    poses = head.sample(
        context,
        stack_mixtures(samples, inputs),
        callback=keep,
        num_hypotheses=hypotheses,
        num_sampling_steps=num_sampling_steps)
    target = stack_labels(samples, 'lifting_target_label', inputs)[0]
    states = torch.stack([*states, poses[0]])
    return [*steps, 0], states.cpu().numpy(), target.cpu().numpy()


def run(args: argparse.Namespace) -> List[Path]:
    """Sample, draw, write.

    Raises:
        FileNotFoundError: If the config or the checkpoint is missing.
        ValueError: If the model has no DiffPose head, or the window no such
            frame.
    """
    model = init_model(
        args.config, args.checkpoint, cfg_options=args.cfg_options)
    if not isinstance(model.head, DiffPoseHead):
        raise ValueError(f'{args.config}: expected a model with a '
                         f'DiffPoseHead, found {type(model.head).__name__}')
    steps, states, target = trace(
        model, args.window, args.hypotheses, args.num_sampling_steps
        or max(1, model.head.process.num_steps // 2))
    frames = args.frames
    if frames is None:
        frames = np.linspace(0, len(target) - 1, min(3, len(target)))
        frames = frames.round().astype(int).tolist()
    if not all(0 <= frame < len(target) for frame in frames):
        raise ValueError(f'--frames: expected 0 to {len(target) - 1}, found '
                         f'{frames}')
    renderer = ReverseProcessRenderer(
        states, steps, target, azimuth=args.azimuth)
    columns = np.linspace(0, len(steps) - 1, FIGURE_COLUMNS)
    columns = sorted(set(columns.round().astype(int).tolist()))
    args.out_dir.mkdir(parents=True, exist_ok=True)
    figure = args.out_dir / 'reverse_process.png'
    sheet = renderer.sheet(columns, frames)
    if not cv2.imwrite(str(figure), sheet[..., ::-1]):
        raise ValueError(f'{figure}: OpenCV could not write the picture')
    pictures = renderer.animation(frames)
    gif = write_animation(pictures, args.out_dir / 'reverse_process.gif',
                          GIF_FPS)
    return [figure, gif]


def main() -> None:
    """Draw; end with a sentence where the input is wrong."""
    try:
        paths = run(parse_args())
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f'error: {error}')
    for path in paths:
        print(f'written: {path}')


if __name__ == '__main__':
    main()
