# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The same people with their joints in another order, under other names."""
from copy import deepcopy

import numpy as np
import torch

from mmdiffpose.datasets.windows.h36m_metainfo import H36M_METAINFO

ORDER = [9, 3, 14, 0, 16, 6, 11, 1, 12, 8, 4, 13, 5, 10, 2, 15, 7]
"""Human3.6M's index of each joint here; the root is number 3."""
ROOT = ORDER.index(0)
NAMES = [f'joint {number}' for number in ORDER]
FLIPS = {1: 4, 2: 5, 3: 6, 11: 14, 12: 15, 13: 16}
"""Human3.6M's right and left joints, by hand."""
MIRROR = {**FLIPS, **{b: a for a, b in FLIPS.items()}}
FLIP_INDICES = [ORDER.index(MIRROR.get(number, number)) for number in ORDER]


def metainfo(order=ORDER, names=NAMES, **more):
    """METAINFO of these joints; the bones are named in their usual order."""
    meta = deepcopy(H36M_METAINFO)
    old = [info['name'] for info in H36M_METAINFO['keypoint_info'].values()]
    new = {old[number]: name for number, name in zip(order, names)}
    meta['dataset_name'] = 'others'
    meta['keypoint_info'] = {
        i:
        dict(
            meta['keypoint_info'][number],
            id=i,
            name=name,
            swap=new.get(meta['keypoint_info'][number]['swap'], ''))
        for i, (number, name) in enumerate(zip(order, names))
    }
    for bone in meta['skeleton_info'].values():
        bone['link'] = tuple(new[end] for end in bone['link'])
    meta['root_joint'] = new['root']
    return {**meta, **more}


def reordered_samples(samples, order=ORDER):
    """Data samples of Human3.6M's joints, as the other data set has them."""
    out = []
    for sample in samples:
        sample = deepcopy(sample)
        for group in ('gt_instances', 'gt_instance_labels'):
            fields = sample.get(group)
            for name, value in fields.items():
                if value.ndim > 1 and value.shape[1] == len(order):
                    fields.set_field(value[:, order], name)
        sample.set_metainfo(dict(flip_indices=list(FLIP_INDICES)))
        out.append(sample)
    return out


def taken(values, order=ORDER, axis=-2):
    """An array or a tensor with its joints reordered."""
    if isinstance(values, torch.Tensor):
        return values.index_select(axis, torch.tensor(order))
    return np.take(values, order, axis)
