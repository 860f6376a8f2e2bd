# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What stds and scores of poses say of joints with low scores in 2D.

Clips of mocap-mini's validation split, with its simulated detector; now and
then a joint gets a score, drawn evenly from 0 to 1, and is put off as far as
such scores say (:mod:`mmdiffpose.skeletons.score_width`). They are lifted, and
errors are compared with the stds and scores that come out, by 2D score::

    python tools/analysis_tools/score_table.py --model diffpose
"""

import argparse
from typing import Dict, List, NamedTuple, Optional, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from mmdiffpose.apis import init_model, lift_tracks
from mmdiffpose.datasets import MocapMiniDataset
from mmdiffpose.datasets.cameras import VIRTUAL_CAMERAS
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.skeletons.score_width import person_size, share_of_score
from mmdiffpose.structures.keypoint_track import KeypointTrack

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

FRAMES = 150
"""Of a clip."""
PAUSE, LEAST, MEAN = 100, 5, 12
"""Mean number of a joint's frames without, least and mean number of frames
above it with another score."""
STILL = .7
"""Share of the variance of where a joint is put that stays meanwhile."""
NEAR = .15
"""Metres: a joint's score is the chance that it is as near as this."""
Z_90 = 1.6449
EDGES = (0, .05, .1, .2, .3, .35, .4, .5, .6, .7, .8, .9, 1)


class Case(NamedTuple):
    """A clip and its truth.

    Attributes:
        track: F frames.
        pose: (F, 17, 3) metres, relative to the root.
    """
    track: KeypointTrack
    pose: np.ndarray


def with_low_scores(keypoints: np.ndarray, scores: np.ndarray,
                    truth: np.ndarray, rng: np.random.Generator) -> None:
    """Put joints but the root off, now and then, by the score that they get.

    Args:
        keypoints (np.ndarray): (F, J, 2) pixels, changed.
        scores (np.ndarray): (F, J), changed.
        truth (np.ndarray): (F, J, 2) pixels.
        rng (np.random.Generator): Draws.
    """
    size = person_size(keypoints)
    for joint in range(1, keypoints.shape[1]):
        start = int(rng.exponential(PAUSE))
        while start < len(keypoints):
            stop = start + LEAST + int(rng.exponential(MEAN))
            part = slice(start, stop)
            score = rng.uniform()
            width = size * share_of_score(np.array(score))
            still = rng.normal(0, width * np.sqrt(STILL), 2)
            moving = rng.normal(0, width * np.sqrt(1 - STILL),
                                truth[part, joint].shape)
            keypoints[part, joint] = truth[part, joint] + still + moving
            scores[part, joint] = score
            start = stop + int(rng.exponential(PAUSE))


def make_cases(seed: int = 0) -> List[Case]:
    """All of the split, a clip out of every 400 frames."""
    dataset = MocapMiniDataset(seq_len=27, split='val')
    dataset.full_init()
    cameras = {camera.name: camera for camera in VIRTUAL_CAMERAS}
    rng = np.random.default_rng(seed)
    cases = []
    for sequence in dataset.sequences:
        camera = cameras[sequence.camera]
        for start in range(0, len(sequence.keypoints_3d) - FRAMES, 400):
            part = slice(start, start + FRAMES)
            pose = sequence.keypoints_3d[part]
            keypoints = sequence.keypoints_2d[part].astype(float)
            scores = sequence.scores[part].astype(float)
            with_low_scores(keypoints, scores, camera.project(pose), rng)
            track = KeypointTrack(
                keypoints,
                scores, (camera.width, camera.height),
                H36M_17,
                fps=50,
                track_id=len(cases))
            cases.append(Case(track, pose - pose[:, :1]))
    return cases


def measure(name: str, cases: Sequence[Case]) -> List[Dict[str, float]]:
    """A row for each range of 2D scores."""
    lifted = lift_tracks(
        init_model(name), [case.track for case in cases],
        focal_length=float(VIRTUAL_CAMERAS[0].focal[0]))
    found = []
    for one, case in zip(lifted, cases):
        if one.std is None or len(one) != len(case.track):
            raise ValueError(f'{name}: expected a std of all frames of track '
                             f'{case.track.track_id}')
        apart = (one.keypoints_3d - case.pose)[:, 1:]
        std = one.std[:, 1:]
        columns = (case.track.scores[:, 1:], np.linalg.norm(apart, axis=-1),
                   std, (np.abs(apart)
                         < Z_90 * std[..., None]).mean(-1), one.scores[:, 1:])
        found.append(np.stack([column.ravel() for column in columns]))
    seen, error, std, inside, scores = np.concatenate(found, axis=1)
    rows = []
    for low, high in zip(EDGES, EDGES[1:]):
        which = (seen > 0) & (seen >= low) & ((seen < high) | (high == 1))
        if which.any():
            rows.append(
                dict(
                    low=low,
                    high=high,
                    joints=int(which.sum()),
                    rms_mm=1000 * float(np.sqrt((error[which]**2).mean() / 3)),
                    std_mm=1000 * float(np.sqrt((std[which]**2).mean())),
                    within_90=100 * float(inside[which].mean()),
                    near=float((error[which] < NEAR).mean()),
                    score=float(scores[which].mean())))
    return rows


def main(argv: Optional[Sequence[str]] = None) -> List[Dict[str, float]]:
    """Measure and print; returns the rows."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default='diffpose', help='(diffpose)')
    args = parser.parse_args(argv)
    rows = measure(args.model, make_cases())
    table = Table(title=f'{args.model} on mocap-mini, val')
    for head in ('2D score', 'joints', 'error per axis, mm', 'std, mm',
                 '90 % intervals hold, %', 'within 150 mm', '3D score'):
        table.add_column(head, justify='right')
    for row in rows:
        table.add_row(f'{row["low"]:g} to {row["high"]:g}', f'{row["joints"]}',
                      f'{row["rms_mm"]:.0f}', f'{row["std_mm"]:.0f}',
                      f'{row["within_90"]:.0f}', f'{row["near"]:.2f}',
                      f'{row["score"]:.2f}')
    Console().print(table)
    return rows


if __name__ == '__main__':
    main()
