# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Random draws of a transform: fresh in training, a window's own at test."""

from typing import Any, Dict, Optional

import numpy as np

from mmdiffpose.datasets.simulation.detector_noise import noise_generator

_NAMES = ('subject', 'clip', 'camera')


def window_generator(results: Dict[str, Any], seed: Optional[int], *purpose:
                     str) -> np.random.Generator:
    """A generator for one visit of a window.

    Args:
        results: The sample.
        seed: None for a fresh generator at each visit, from NumPy's global
            one, which MMEngine seeds per worker. Else draws depend on the
            seed and on the window's subject, clip, camera and frames only,
            so that they are the same in any order, worker and batch.
        *purpose: What it is for; other purposes get other draws.

    Raises:
        ValueError: If there is a seed, but nothing tells which window it is.
    """
    if seed is None:
        return np.random.default_rng(np.random.randint(2**31))
    frames = results.get('frame_ids', results.get('target_img_path'))
    if frames is None:
        raise ValueError(
            'draws that can be repeated need to know the window: expected '
            "'frame_ids' or 'target_img_path' in the sample, found "
            f'{sorted(results)}')
    window = ','.join(map(str, np.ravel(frames).tolist()))
    names = [str(results.get(name)) for name in _NAMES]
    return noise_generator(seed, *purpose, *names, window)
