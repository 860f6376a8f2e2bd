# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lift a 2D track to 3D poses and draw them.

Example::

    python tools/infer.py mmdiffpose/data/demo_track_coco17.json \
        --config configs/diffpose_mixste_mini-27.py \
        --checkpoint work_dirs/diffpose_mixste_mini-27/epoch_20.pth \
        --out-dir outputs

Reads MMPose's prediction JSON or npz (mmdiffpose/apis/keypoint_files.py)
and writes poses as JSON and npz, an animation (GIF or MP4) and a still
picture (PNG).
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Callable, List, Optional, Sequence

import cv2
import numpy as np
import torch
from launching import require_mmpose
from mmengine.config import DictAction
from tqdm import tqdm

from mmdiffpose.skeletons import SKELETONS

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

GIF_SECONDS = 20
"""Longer clips become MP4, unless --format asks for a GIF."""
STILL_FRAMES = 5
STILL_SCALE = 0.7
DEFAULT_FPS = 30.


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('keypoints', type=Path, help='2D track, .json or .npz')
    parser.add_argument(
        '--config', required=True, help='path of the lifter\'s config')
    parser.add_argument(
        '--checkpoint', required=True, help='path of its trained weights')
    parser.add_argument(
        '--out-dir', type=Path, required=True, help='folder for the results')
    parser.add_argument(
        '--device',
        default='cuda' if torch.cuda.is_available() else 'cpu',
        help='for example cpu or cuda:0 (default: a GPU where there is one)')
    add_input_arguments(parser)
    add_lifting_arguments(parser)
    add_drawing_arguments(parser)
    return parser.parse_args(argv)


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what describes the keypoint file."""
    parser.add_argument(
        '--image-size',
        type=int,
        nargs=2,
        metavar=('WIDTH', 'HEIGHT'),
        help='of the video in pixels (default: as the file says)')
    parser.add_argument(
        '--skeleton',
        choices=sorted(SKELETONS),
        help='joint set of the file (default: as the file says, else coco)')
    parser.add_argument(
        '--track-id',
        type=int,
        help='the person to lift (default: the largest)')
    parser.add_argument(
        '--video', type=Path, help='video to draw under the 2D joints')


def add_lifting_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the lifter does."""
    parser.add_argument(
        '--axes',
        choices=('camera', 'y-up', 'z-up'),
        default='camera',
        help='of the written poses (default: camera: x right, y down, z '
        'forward)')
    parser.add_argument(
        '--overlap',
        type=int,
        help='frames that neighbouring windows share (default: half a window)')
    parser.add_argument(
        '--batch-size', type=int, default=16, help='windows at a time')
    parser.add_argument(
        '--no-fit',
        action='store_true',
        help='keep the track where it is in the picture, for cameras that '
        'the model was trained on')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override settings of the config, for example '
        'model.test_cfg.num_hypotheses=20')


def add_drawing_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is drawn."""
    parser.add_argument(
        '--no-animation', action='store_true', help='only the still picture')
    parser.add_argument(
        '--format',
        choices=('auto', 'gif', 'mp4'),
        default='auto',
        help=f'of the animation (default: gif up to {GIF_SECONDS} seconds)')
    parser.add_argument(
        '--panel-size',
        type=int,
        default=420,
        help='side of a 3D view in pixels')


class Stage:
    """Times a stage and prints how fast it was."""

    def __init__(self, name: str, frames: int) -> None:
        self.name, self.frames = name, frames

    def __enter__(self) -> 'Stage':
        self.start = time.perf_counter()
        return self

    def __exit__(self, kind: Optional[type], *_: object) -> None:
        if kind is None:
            seconds = time.perf_counter() - self.start
            print(f'{self.name}: {self.frames} frames in {seconds:.2f} s, '
                  f'{self.frames / seconds:.0f} frames/s')


def draw(args: argparse.Namespace, lifted, stem: Path) -> List[Path]:
    """Write the animation and the still picture of a lifted track."""
    from mmdiffpose.visualization.animation import (gif_stride, read_frames,
                                                    write_gif, write_mp4)
    from mmdiffpose.visualization.track_renderer import TrackRenderer
    renderer = TrackRenderer(lifted, args.panel_size)
    paths = []
    fps = lifted.fps or DEFAULT_FPS
    if not args.no_animation:
        as_gif = args.format == 'gif' or (args.format == 'auto'
                                          and len(lifted) <= GIF_SECONDS * fps)
        stride = gif_stride(fps) if as_gif else 1
        shown = range(0, len(lifted), stride)
        images = read_frames(args.video, lifted.frame_ids[shown])
        frames = (renderer.render(index, image)
                  for index, image in zip(_bar(shown, 'drawing'), images))
        write: Callable = write_gif if as_gif else write_mp4
        path = stem.with_name(f'{stem.name}.{"gif" if as_gif else "mp4"}')
        with Stage('drawn', len(shown)):
            paths.append(write(frames, path, fps / stride))
    chosen = np.linspace(0, len(lifted) - 1, STILL_FRAMES + 2)[1:-1]
    chosen = sorted(set(chosen.round().astype(int).tolist()))
    images = list(read_frames(args.video, lifted.frame_ids[chosen]))
    still = TrackRenderer(lifted, round(STILL_SCALE * args.panel_size))
    sheet = still.sheet(chosen, images)
    path = stem.with_name(f'{stem.name}.png')
    if not cv2.imwrite(str(path), sheet[..., ::-1]):
        raise ValueError(f'{path}: OpenCV could not write the picture')
    return paths + [path]


def _bar(items: Sequence[int], name: str) -> tqdm:
    return tqdm(items, desc=name, unit='frame', dynamic_ncols=True)


def run(args: argparse.Namespace) -> List[Path]:
    """Read, lift, write, draw.

    Returns:
        list[Path]: The files written.
    """
    from mmdiffpose.apis import init_model, lift_track, read_keypoint_file
    from mmdiffpose.apis.result_files import write_json, write_npz
    if args.video is not None and not args.video.is_file():
        raise FileNotFoundError(f'no video at {args.video}')
    track = read_keypoint_file(args.keypoints, args.image_size, args.skeleton,
                               args.track_id)
    print(f'{args.keypoints}: {len(track)} frames, skeleton '
          f'{track.skeleton.name}, {track.image_size[0]} x '
          f'{track.image_size[1]} pixels')
    model = init_model(args.config, args.checkpoint, args.device,
                       args.cfg_options)
    with tqdm(desc='lifting', unit='window', dynamic_ncols=True) as bar:

        def advance(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        with Stage('lifted', len(track)):
            lifted = lift_track(
                model,
                track,
                args.overlap,
                args.batch_size,
                fit=not args.no_fit,
                progress=advance)
    args.out_dir.mkdir(parents=True, exist_ok=True)
    stem = args.out_dir / f'{args.keypoints.stem}_3d'
    paths = [
        write_json(lifted, stem.with_name(f'{stem.name}.json'), args.axes),
        write_npz(lifted, stem.with_name(f'{stem.name}.npz'), args.axes)
    ]
    return paths + draw(args, lifted, stem)


def main() -> None:
    """Lift and draw; end with a sentence where the input is wrong."""
    args = parse_args()
    require_mmpose()
    try:
        paths = run(args)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f'error: {error}')
    for path in paths:
        print(f'written: {path}')


if __name__ == '__main__':
    main()
