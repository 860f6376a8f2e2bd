# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What a diffusion head reads from ``model.test_cfg``, and seeds."""

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from mmengine.structures import BaseDataElement
from torch import Tensor

from mmdiffpose.diffusion.noise import seed_from

LIFTER_KEYS = frozenset({'flip_test', 'output_keypoint_indices'})
"""Keys that the lifter reads."""


def sampling_options(data_samples: Sequence, test_cfg: Optional[dict],
                     defaults: Mapping) -> Tuple[Dict[str, Any], List[int]]:
    """Sampling options, and a seed per window from its clip's name.

    Windows of one clip share their noise, so that a hypothesis stays the same
    hypothesis across windows.

    Args:
        data_samples (Sequence): PoseDataSamples of B windows.
        test_cfg (dict, optional): The model's.
        defaults (Mapping): All keys that the head reads, ``'seed'`` among
            them.

    Returns:
        tuple[dict, list[int]]: The options given, and B seeds.

    Raises:
        ValueError: For a key that nothing reads.
    """
    test_cfg = dict(test_cfg or {})
    known = {*defaults, *LIFTER_KEYS}
    unknown = sorted(set(test_cfg) - known)
    if unknown:
        raise ValueError('model.test_cfg has keys that nothing reads: '
                         f'{unknown}; known are {sorted(known)}')
    options = {key: test_cfg[key] for key in defaults if key in test_cfg}
    seed = options.get('seed', defaults['seed'])
    seeds = [
        seed_from(seed, sample.metainfo.get('clip', ''),
                  sample.metainfo.get('camera', '')) for sample in data_samples
    ]
    return options, seeds


def training_seeds(iteration: Tensor, data_samples: Sequence) -> List[int]:
    """A seed per window from its id and the iteration.

    Training noise then differs between iterations, and does not depend on
    the batch or the process that a window is in.

    Args:
        iteration (Tensor): Iterations so far, a single number.
        data_samples (Sequence): PoseDataSamples of B windows, or one that
            holds them all and their ``ids``.

    Returns:
        list[int]: B seeds.
    """
    count = int(iteration)
    if isinstance(data_samples, BaseDataElement):
        return [seed_from(count, i) for i in data_samples.metainfo['ids']]
    return [
        seed_from(count, sample.metainfo.get('id', i))
        for i, sample in enumerate(data_samples)
    ]
