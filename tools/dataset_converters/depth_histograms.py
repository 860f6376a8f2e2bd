# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Count how deep each joint lies over a config's training split.

DiffPose (Sec. 4.1) takes the depth of the first, indeterminate pose from such
a histogram, or from the context encoder::

    python tools/dataset_converters/depth_histograms.py \
        configs/diffpose_mixste_h36m-243.py --out data/h36m/depths.npz
    python tools/train.py configs/diffpose_mixste_h36m-243.py --cfg-options \
        model.head.depth=histogram \
        model.head.depth_histogram=data/h36m/depths.npz

Depths are z of the camera's axes relative to the pelvis, in metres. Every
frame of every clip and camera of the split counts once; frames without a pose
do not. Where the training pipeline mirrors windows, left and right joints
share their counts, as they share their depths then. The npz holds, for J
joints and n bins::

    counts      (J, n)    float64
    edges       (n + 1, ) float64  metres; a bin is centred at 0
    joints      (J, )     str
    frames                int      frames that were counted
"""

import argparse
from pathlib import Path
from typing import Any, Iterator, List, Optional, Sequence

import numpy as np
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope

from mmdiffpose.atomic_files import replacing
from mmdiffpose.datasets import LiftingDataset
from mmdiffpose.diffusion.depth_histogram import (DepthHistogram,
                                                  check_depth_histogram,
                                                  count_depths)
from mmdiffpose.registry import DATASETS
from mmdiffpose.skeletons import Skeleton

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='has train_dataloader.dataset')
    parser.add_argument('--out', type=Path, required=True, help='npz to write')
    parser.add_argument(
        '--bin-width', type=float, default=0.01, help='metres (default: 0.01)')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, default={})
    return parser.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> DepthHistogram:
    """Count and write; returns what is written."""
    args = parse_args(argv)
    config = Config.fromfile(args.config)
    config.merge_from_dict(args.cfg_options)
    if 'train_dataloader' not in config:
        raise ValueError(f'{args.config} has no train_dataloader, whose data '
                         'set would be counted')
    init_default_scope(config.get('default_scope', 'mmpose'))
    dataset = DATASETS.build(config.train_dataloader.dataset)
    depths = np.concatenate(list(clip_depths(dataset)))
    skeleton = (getattr(dataset, 'datasets', None) or [dataset])[0].skeleton
    mirrored = mirrors(config.train_dataloader.dataset)
    if mirrored:
        depths = np.concatenate(
            [depths, depths[:, list(skeleton.flip_indices)]])
    histogram = count_depths(depths, args.bin_width)
    check_depth_histogram(histogram.counts, histogram.edges,
                          skeleton.num_joints, args.config)
    frames = len(depths) // (2 if mirrored else 1)
    with replacing(args.out) as temporary:
        np.savez_compressed(
            temporary,
            counts=histogram.counts,
            edges=histogram.edges,
            joints=np.array(skeleton.joints),
            frames=frames)
    print_table(histogram, skeleton)
    print(f'{args.out}: {frames} frames' +
          (', left and right together' if mirrored else ''))
    return histogram


def clip_depths(dataset: Any) -> Iterator[np.ndarray]:
    """Root-relative depths (F, J) of each clip and camera, metres; NaN
    where a joint, or the root, isn't known.

    Raises:
        ValueError: For a data set that isn't one of ours.
    """
    parts: List[Any] = getattr(dataset, 'datasets', None) or [dataset]
    for part in parts:
        if not isinstance(part, LiftingDataset):
            raise ValueError('expected data sets of mmdiffpose (a '
                             'LiftingDataset), found '
                             f'{type(part).__name__}')
        part.full_init()
        for sequence in part.sequences:
            z = sequence.keypoints_3d[..., 2].astype(np.float64)
            z[~sequence.known] = np.nan
            yield z - z[:, part.skeleton.root, None]


def mirrors(dataset: dict) -> bool:
    """Whether a data set's pipeline flips windows."""
    steps = list(dataset.get('pipeline', ()))
    for part in dataset.get('datasets', ()):
        steps += part.get('pipeline', ())
    return any('Flip' in step['type'] for step in steps)


def print_table(histogram: DepthHistogram, skeleton: Skeleton) -> None:
    """Mean and std of each joint's depth."""
    for name, mean, std in zip(skeleton.joints, *histogram.moments()):
        print(f'  {name:15s} {1000 * mean:7.1f} mm  +- {1000 * std:6.1f} mm')


if __name__ == '__main__':
    main()
