# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write the 2D mixtures that a heatmap model sees in a video or in images.

Example::

    python tools/dataset_converters/heatmap_mixtures.py video.mp4 \
        --config td-hm_hrnet-w32_8xb64-210e_coco-256x192.py \
        --checkpoint hrnet_w32.pth --boxes boxes.npy --out track.npz

The model is any top-down one of MMPose with Gaussian heatmaps (HeatmapHead,
CPMHead, MSPNHead, or our CPNHead). One person is followed: in the box of each
frame that ``--boxes`` gives, or from ``--init-box`` on, each frame's box being
drawn around the joints of the frame before, or in the whole picture.

The npz holds, for F frames, J joints and M components::

    mixtures    (F, J, M, 5) float32  weight, mean u, v, std u, v in pixels;
                                      weights all 0: the joint is masked
    keypoints   (F, J, 2)    float32  the model's decoded joints, pixels
    scores      (F, J)       float32  in [0, 1], 0: masked
    boxes       (F, 4)       float32  x1, y1, x2, y2, pixels
    image_size  (2, )        int      width, height
    frame_ids   (F, )        int      frames of the video, or 0 ... F - 1
    fps                      float    0 where unknown (images)
    skeleton                 str      joint set of J

Joints are Human3.6M's unless ``--to none`` keeps the model's own. Pelvis,
thorax, spine and head get mixtures of the joints that they are made of.
``tools/infer.py`` reads the file as a 2D track.
"""

import argparse
from itertools import islice
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence

import numpy as np
from tqdm import tqdm

from mmdiffpose.apis import init_model
from mmdiffpose.array_files import read_npy
from mmdiffpose.atomic_files import replacing
from mmdiffpose.codecs.heatmap_mixtures import (METHODS, HeatmapFit,
                                                map_mixtures)
from mmdiffpose.detection.frame_sources import FrameSource, open_frames
from mmdiffpose.detection.heatmap_detector import HeatmapDetector
from mmdiffpose.detection.pose2d_mmpose import model_skeleton
from mmdiffpose.skeletons import Skeleton, get_skeleton, map_joints

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

MIN_SCORE = 0.3
"""Below it a joint does not steer the next frame's box."""


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'input', type=Path, help='video, image, or folder of images')
    parser.add_argument('--config', required=True, help="the model's config")
    parser.add_argument(
        '--checkpoint', required=True, help='its trained weights')
    parser.add_argument('--out', type=Path, required=True, help='npz to write')
    boxes = parser.add_mutually_exclusive_group()
    boxes.add_argument(
        '--boxes',
        type=Path,
        help='npy (F, 4), x1, y1, x2, y2 in pixels; a row of NaN where there '
        'is nobody')
    boxes.add_argument(
        '--init-box',
        type=float,
        nargs=4,
        metavar=('X1', 'Y1', 'X2', 'Y2'),
        help='the person in the first frame, followed from there')
    parser.add_argument(
        '--to',
        choices=('h36m', 'none'),
        default='h36m',
        help='joint set to map to (default: h36m)')
    parser.add_argument(
        '--components', type=int, default=2, help='M (default: 2)')
    parser.add_argument(
        '--method', choices=METHODS, default='em', help='(default: em)')
    parser.add_argument(
        '--threshold',
        type=float,
        default=HeatmapFit.threshold,
        help="share of a joint's highest value below which a cell is "
        f'background (default: {HeatmapFit.threshold})')
    parser.add_argument(
        '--min-peak',
        type=float,
        default=HeatmapFit.min_peak,
        help="a joint whose heatmap isn't above this anywhere is masked "
        f'(default: {HeatmapFit.min_peak})')
    parser.add_argument('--device', default='cpu', help='(default: cpu)')
    parser.add_argument('--batch-size', type=int, default=8)
    parser.add_argument(
        '--max-frames', type=int, help='stop after that many frames')
    return parser.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Run the model and write the file."""
    args = parse_args(argv)
    model = init_model(args.config, args.checkpoint, args.device)
    source_joints = model_skeleton(model.dataset_meta)
    fit = HeatmapFit(
        args.components,
        args.method,
        threshold=args.threshold,
        min_peak=args.min_peak)
    detector = HeatmapDetector(model, fit)
    track = detect(detector, open_frames(args.input, args.max_frames), args)
    track['skeleton'] = np.array(source_joints.name)
    if args.to != 'none':
        track.update(map_track(track, source_joints, get_skeleton(args.to)))
    with replacing(args.out) as temporary:
        np.savez_compressed(temporary, **track)
    masked = float((track['scores'] == 0).mean())
    print(f'{args.out}: {len(track["scores"])} frames, {masked:.1%} of the '
          'joints masked')


def map_track(track: Dict[str, np.ndarray], source: Skeleton,
              target: Skeleton) -> Dict[str, np.ndarray]:
    """Keypoints, scores and mixtures of another joint set."""
    keypoints, scores = map_joints(track['keypoints'], track['scores'], source,
                                   target)
    mixtures = track['mixtures']
    return dict(
        keypoints=keypoints,
        scores=scores,
        mixtures=map_mixtures(mixtures, source, target, mixtures.shape[2]),
        skeleton=np.array(target.name))


# ----------------------------------------------------------------- detection


def detect(detector: HeatmapDetector, source: FrameSource,
           args: argparse.Namespace) -> Dict[str, np.ndarray]:
    """Joints and mixtures of one person in all frames.

    Only a batch of frames is in memory at a time.
    """
    given = None if args.boxes is None else read_boxes(args.boxes)
    # A box that follows the joints needs the frame before.
    step = 1 if args.init_box else args.batch_size
    box = None if args.init_box is None else np.array(args.init_box)
    parts, boxes, size = [], [], None
    progress = tqdm(total=source.length, unit='frame', disable=None)
    for images in batches(iter(source), step):
        size = images[0].shape[1::-1]
        whole = np.array([0, 0, *size], np.float32)
        start = len(boxes)
        if given is not None and start + len(images) > len(given):
            raise ValueError(f'{args.boxes}: expected a box for each frame of '
                             f'{source.name}, found {len(given)}')
        rows = [whole if box is None else box
                for _ in images] if given is None else list(given[start:start +
                                                                  len(images)])
        absent = [not np.isfinite(row).all() for row in rows]
        found = detector(images,
                         [whole if a else row for a, row in zip(absent, rows)])
        found.scores[absent] = 0
        found.mixtures[absent, ..., 0] = 0
        if box is not None:
            box = next_box(found.keypoints[0], found.scores[0], box, size)
        parts.append(found)
        boxes += rows
        progress.update(len(images))
    progress.close()
    keypoints, scores, mixtures = (np.concatenate(p) for p in zip(*parts))
    return dict(
        keypoints=keypoints,
        scores=scores,
        mixtures=mixtures,
        boxes=np.array(boxes, np.float32),
        image_size=np.array(size),
        frame_ids=np.arange(len(boxes)),
        fps=np.array(source.fps or 0.))


def next_box(keypoints: np.ndarray, scores: np.ndarray, box: np.ndarray,
             size: Sequence[int]) -> np.ndarray:
    """The box around the joints seen; the old one where there are few."""
    seen = keypoints[scores >= MIN_SCORE]
    if len(seen) < 4:
        return box
    low, high = seen.min(0), seen.max(0)
    margin = 0.1 * (high - low)
    new = np.concatenate([low - margin, high + margin])
    new = np.clip(new, 0, [*size, *size])
    # A box without area can't be cropped.
    return new if (new[2:] - new[:2] > 8).all() else box


# ------------------------------------------------------------------- reading


def read_boxes(path: Path) -> np.ndarray:
    """Boxes (F, 4) of an npy."""
    boxes = read_npy(path)
    if boxes.dtype.kind not in 'fiu' or boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f'{path}: expected an array of shape (frames, 4), '
                         f'found {boxes.shape}')
    if (boxes[:, 2:] <= boxes[:, :2]).any():
        row = int((boxes[:, 2:] <= boxes[:, :2]).any(1).argmax())
        raise ValueError(f'{path}: expected x1 < x2 and y1 < y2, found '
                         f'{boxes[row].tolist()} in row {row}')
    return boxes.astype(np.float32)


def batches(frames: Iterator[np.ndarray],
            size: int) -> Iterator[List[np.ndarray]]:
    """Lists of ``size`` frames, the last one shorter."""
    while batch := list(islice(frames, size)):
        yield batch


if __name__ == '__main__':
    main()
