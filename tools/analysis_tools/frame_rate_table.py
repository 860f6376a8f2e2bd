# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What a lifter loses at other frame rates, and gets back by resampling.

Motions of one actor of HDM05 (dg, who chooses settings) are seen by the
virtual cameras with a detector's noise, at several frame rates, and lifted
twice: frame by frame as they come, and at the rate of training::

    python tools/analysis_tools/frame_rate_table.py --hdm05 HDM05
"""

import argparse
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from mmdiffpose.apis import init_model, lift_tracks
from mmdiffpose.datasets.cameras import VIRTUAL_CAMERAS
from mmdiffpose.datasets.mocap.asf_amc import read_motion
from mmdiffpose.datasets.mocap.h36m_mapping import (H36M_FROM_ACCLAIM,
                                                    map_joints)
from mmdiffpose.datasets.mocap.resample import resample
from mmdiffpose.datasets.mocap.virtual_views import center_on_floor
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.structures.keypoint_track import KeypointTrack

SOURCE_FPS = 120.
NOISE = 5.
"""Std of each joint in the picture, pixels."""


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--hdm05',
        type=Path,
        required=True,
        help='folder with HDM_dg.asf and HDM_dg_*.amc')
    parser.add_argument('--model', default='diffpose', help='of the zoo')
    parser.add_argument(
        '--rates',
        type=float,
        nargs='+',
        default=[10, 12, 15, 20, 24, 25, 30, 50, 60, 120],
        help='frames a second')
    parser.add_argument(
        '--clips', type=int, default=12, help='evenly from all')
    return parser.parse_args(argv)


def measure(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """A row a rate, with the mean errors."""
    model = init_model(args.model)
    paths = sorted(args.hdm05.glob('HDM_dg_*.amc'))
    paths = paths[::max(1, len(paths) // args.clips)][:args.clips]
    motions = []
    for path in paths:
        skeleton, motion = read_motion(args.hdm05 / 'HDM_dg.asf', path)
        motions.append(
            center_on_floor(
                map_joints(motion, skeleton.joints, H36M_FROM_ACCLAIM)))
    rows = []
    for rate in args.rates:
        tracks, truth = [], []
        for number, motion in enumerate(motions):
            camera = VIRTUAL_CAMERAS[number % len(VIRTUAL_CAMERAS)]
            pose = camera.world_to_camera(resample(motion, SOURCE_FPS, rate))
            rng = np.random.default_rng(number)
            pixels = camera.project(pose)
            pixels = pixels + rng.normal(0, NOISE, pixels.shape)
            tracks.append(
                KeypointTrack(
                    pixels,
                    np.full(pixels.shape[:2], .9),
                    (camera.width, camera.height),
                    H36M_17,
                    fps=rate))
            truth.append(pose - pose[:, :1])
        row: Dict[str, Any] = dict(fps=rate)
        for name, on in (('as_it_comes_mm', False), ('resampled_mm', True)):
            lifted = lift_tracks(
                model,
                tracks,
                focal_length=float(VIRTUAL_CAMERAS[0].focal[0]),
                resample=on)
            errors = [
                np.linalg.norm(one.keypoints_3d - pose, axis=-1).ravel()
                for one, pose in zip(lifted, truth)
            ]
            row[name] = round(1000 * float(np.concatenate(errors).mean()), 1)
        print(f'{rate:5g} fps: {row["as_it_comes_mm"]:5.1f} mm as it comes, '
              f'{row["resampled_mm"]:5.1f} mm resampled')
        rows.append(row)
    return rows


if __name__ == '__main__':
    measure(parse_args())
