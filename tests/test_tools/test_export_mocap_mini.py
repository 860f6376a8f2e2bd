# Copyright (c) mmdiffpose contributors. All rights reserved.
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from mmdiffpose.datasets import MocapMiniDataset


@pytest.fixture(scope='module')
def exported(tmp_path_factory):
    path = (
        Path(__file__).parents[2] / 'tools/dataset_converters' /
        'export_mocap_mini.py')
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp('mini')
    module.main(['--out-dir', str(folder)])
    return folder


def _mmpose_dataset(folder, **kwargs):
    from mmpose.datasets.datasets import Human36mDataset
    return Human36mDataset(
        ann_file='annotation_body3d/fps50/mocap_mini_val.npz',
        camera_param_file='annotation_body3d/cameras.pkl',
        data_root=str(folder),
        **kwargs)


def test_mmpose_reads_what_our_data_set_holds(exported, monkeypatch):
    # MMPose looks its joint sets up below the working directory first.
    monkeypatch.chdir(exported)
    exact = MocapMiniDataset(1, 'val', keypoint_2d_src='gt')
    detected = MocapMiniDataset(1, 'val')
    theirs = _mmpose_dataset(exported)
    theirs_detected = _mmpose_dataset(
        exported,
        keypoint_2d_src='detection',
        keypoint_2d_det_file='joint_2d_det_files/virtual_val.npy')
    assert len(theirs) == len(exact) == 4 * 1430
    for i in (0, 1500, 5719):
        ours, sample = exact.get_data_info(i), theirs.get_data_info(i)
        np.testing.assert_allclose(
            sample['lifting_target'], ours['lifting_target'], atol=1e-6)
        np.testing.assert_allclose(
            sample['keypoints'], ours['keypoints'], atol=1e-3)
        assert sample['target_img_path'] == ours['target_img_path']
        sample = theirs_detected.get_data_info(i)
        np.testing.assert_allclose(
            sample['keypoints'],
            detected.get_data_info(i)['keypoints'],
            atol=1e-3)
