# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Add a data set: a class that says what its clips are.

    python examples/add_dataset.py

Writes a small file of invented motion, reads it through a data set of one's
own and trains MixSTE on it for an epoch, with the package's own config. Your
data can also be converted into MMPose's annotation files; then there is no
class to write, see docs/data.md.
"""

import argparse
from pathlib import Path
from typing import List

import numpy as np
from mmengine.config import Config
from mmengine.runner import Runner

from mmdiffpose.checkpoints.config_names import find_config
from mmdiffpose.datasets import LiftingDataset, PoseSequence
from mmdiffpose.registry import DATASETS

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

FOCAL, SIZE = 1000., 1000
CAMERA = dict(
    w=SIZE,
    h=SIZE,
    f=np.full(2, FOCAL, np.float32),
    c=np.full(2, SIZE / 2, np.float32))


@DATASETS.register_module()
class SwayingDataset(LiftingDataset):
    """Clips of one npz file, ``poses`` (clips, F, 17, 3).

    Metres in the camera's axes (x right, y down, z forward), Human3.6M's 17
    joints. A file in other axes, units or joints is brought to these here,
    once: all that follows counts on them, and :class:`PoseSequence` checks
    what it can (a body of 5 m, or behind the camera, is refused).
    """

    def load_sequences(self) -> List[PoseSequence]:
        """One sequence for each clip and camera."""
        with np.load(self.ann_file) as file:
            poses = file['poses']
        return [
            PoseSequence(
                subject='S1',
                action='Swaying',
                camera='front',
                clip=f'Swaying_{number}',
                keypoints_2d=project(clip),
                # A detector's scores; 0 where it saw nothing.
                scores=np.ones(clip.shape[:2], np.float32),
                keypoints_3d=clip,
                camera_param=CAMERA) for number, clip in enumerate(poses)
        ]


def project(poses: np.ndarray) -> np.ndarray:
    """Pixels (F, 17, 2) of poses in camera axes."""
    return poses[..., :2] / poses[..., 2:] * FOCAL + SIZE / 2


def write_motion(path: Path, clips: int, frames: int) -> None:
    """Invent people who sway in front of a camera."""
    # Human3.6M's order: pelvis, right leg, left leg, spine to head, left arm,
    # right arm. Metres, y down.
    standing = np.array([[0, 0, 0], [-.13, 0, 0], [-.13, .45,
                                                   0], [-.13, .9, 0],
                         [.13, 0, 0], [.13, .45, 0], [.13, .9, 0],
                         [0, -.25, 0], [0, -.5, 0], [0, -.6, 0], [0, -.72, 0],
                         [.15, -.45, 0], [.2, -.2, 0], [.22, .05, 0],
                         [-.15, -.45, 0], [-.2, -.2, 0], [-.22, .05, 0]])
    rng = np.random.default_rng(0)
    time = np.arange(frames) / 50
    poses = np.empty((clips, frames, 17, 3), np.float32)
    for clip in poses:
        angle = 0.3 * np.sin(2 * np.pi * rng.uniform(0.3, 1) * time)
        cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
        x, y, z = standing.T
        clip[..., 0] = x
        clip[..., 1] = cos * y - sin * z
        clip[..., 2] = sin * y + cos * z + rng.uniform(4, 6)
    np.savez(path, poses=poses)


def main() -> None:
    """Write a file, look at a sample, train."""
    parser = argparse.ArgumentParser(description='Train on data of your own.')
    parser.add_argument('--work-dir', type=Path, default='work_dirs/swaying')
    parser.add_argument('--clips', type=int, default=20)
    args = parser.parse_args()
    args.work_dir.mkdir(parents=True, exist_ok=True)
    ann_file = args.work_dir / 'swaying.npz'
    write_motion(ann_file, args.clips, frames=81)

    cfg = Config.fromfile(find_config('mixste_mini-27'))
    for loader in (cfg.train_dataloader, cfg.val_dataloader,
                   cfg.test_dataloader):
        # The config's pipeline stays: it makes the network's inputs.
        pipeline = loader.dataset.pipeline
        loader.dataset = dict(
            type='mmdiffpose.SwayingDataset',
            ann_file=str(ann_file.resolve()),
            seq_len=27,
            stride=27,
            pipeline=pipeline,
            test_mode=loader is not cfg.train_dataloader)
        loader.num_workers, loader.persistent_workers = 0, False
    cfg.work_dir = str(args.work_dir)
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    Runner.from_cfg(cfg).train()


if __name__ == '__main__':
    main()
