# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Quick packing gives the samples of MMPose's packing."""
import copy

import numpy as np
import pytest
import torch
from mmpose.datasets.transforms import PackPoseInputs

import mmdiffpose  # noqa: F401
from mmdiffpose.codecs import GMMDiffusionPose
from mmdiffpose.datasets import MocapMiniDataset
from mmdiffpose.datasets.transforms import QuickPackPoseInputs
from mmdiffpose.registry import quick_step

KEYS = ('id', 'camera_param', 'flip_indices', 'clip', 'target_img_path',
        'frame_ids', 'target_frame', 'none_of_them')


@pytest.fixture(scope='module')
def window():
    """A window behind the codec."""
    found = MocapMiniDataset(
        split='val', seq_len=9, max_sequences=1).get_data_info(0)
    codec = GMMDiffusionPose()
    found.update(
        codec.encode(
            found['keypoints'], found['keypoints_visible'],
            **{key: found.get(key)
               for key in codec.auxiliary_encode_keys}),
        label_mapping_table=codec.label_mapping_table,
        instance_mapping_table=codec.instance_mapping_table)
    return found


def same(a, b):
    if isinstance(a, (torch.Tensor, np.ndarray)):
        assert type(a) is type(b) and a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            same(a[key], b[key])
    else:
        assert a == b and type(a) is type(b)


@pytest.mark.parametrize(
    'change',
    [{},
     dict(keypoint_weights=[np.ones((9,
                                     17)), np.zeros((9, 17))][:1] * 9),
     dict(label_mapping_table={}),
     dict(heatmaps=np.zeros((17, 4, 4), 'f4'))])
def test_samples_are_those_of_mmpose(window, change):
    window = {**window, **change}
    expected = PackPoseInputs(KEYS).transform(copy.deepcopy(window))
    found = QuickPackPoseInputs(KEYS).transform(copy.deepcopy(window))
    same(expected['inputs'], found['inputs'])
    a, b = expected['data_samples'], found['data_samples']
    assert list(a.keys()) == list(b.keys())
    same(a.metainfo, b.metainfo)
    assert set(a.metainfo) == set(KEYS[:-1])
    for part in a.keys():
        same(dict(a.get(part).items()), dict(b.get(part).items()))
    assert 'lifting_target' in b.gt_instances


def test_metainfo_is_the_sample_s_own(window):
    sample = QuickPackPoseInputs(KEYS).transform(window)['data_samples']
    sample.camera_param['w'] = -1
    sample.camera_param['f'][:] = -1
    sample.flip_indices[0] = -1
    assert window['camera_param']['w'] > 0
    assert (np.asarray(window['camera_param']['f']) > 0).all()
    assert window['flip_indices'][0] == 0


def test_labels_of_other_frames_are_refused(window):
    short = dict(window, keypoint_labels_visible=np.ones((8, 17), 'f4'))
    with pytest.raises(ValueError, match="'keypoint_labels_visible': 8"):
        QuickPackPoseInputs(KEYS).transform(short)


def test_only_mmpose_s_packing_is_replaced():
    step = dict(type='PackPoseInputs', meta_keys=('id', ))
    quick = dict(type='mmdiffpose.QuickPackPoseInputs', meta_keys=('id', ))
    assert quick_step(step) == quick and step['type'] == 'PackPoseInputs'
    assert quick_step(
        dict(type='mmpose.PackPoseInputs'))['type'].startswith('mmdiffpose.')
    for other in (dict(type='own.PackPoseInputs'), PackPoseInputs, quick):
        assert quick_step(other) is other
    dataset = MocapMiniDataset(
        split='val', seq_len=9, max_sequences=1, pipeline=[step])
    assert type(dataset.pipeline.transforms[-1]) is QuickPackPoseInputs
