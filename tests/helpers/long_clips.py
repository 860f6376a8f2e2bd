# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Clips of any length, and the memory that work on them takes."""

import gc
import tracemalloc

import numpy as np

from mmdiffpose.structures.lifted_track import LiftedTrack


def lifted_track(frames, track_id=0, first=0, hypotheses=2):
    """Poses that differ from frame to frame and person to person."""
    rng = np.random.default_rng([frames, track_id, first])

    def numbers(*shape):
        return rng.normal(size=(frames, *shape)).astype(np.float32)

    return LiftedTrack(
        keypoints_3d=numbers(17, 3),
        scores=rng.uniform(size=(frames, 17)).astype(np.float32),
        std=np.abs(numbers(17)),
        hypotheses=numbers(hypotheses, 17, 3),
        keypoints_2d=numbers(17, 2),
        scores_2d=rng.uniform(.1, 1, (frames, 17)).astype(np.float32),
        frame_ids=first + np.arange(frames),
        image_size=(1000, 800),
        fps=50.,
        track_id=track_id)


def _traced(work):
    gc.collect()
    tracemalloc.start()
    try:
        work()
        peak = tracemalloc.get_traced_memory()[1]
        gc.collect()
        return tracemalloc.get_traced_memory()[0], peak
    finally:
        tracemalloc.stop()


def peak_bytes(work):
    """What NumPy and Python take at most while ``work`` runs, beyond what
    was there."""
    return _traced(work)[1]


def kept_bytes(work):
    """What is still taken after it."""
    return _traced(work)[0]
