# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Real frames and real cameras: the test data of MMPose's repository.

They may not be passed on, so that they are not here. ``MMDIFFPOSE_MMPOSE``
names a checkout of https://github.com/open-mmlab/mmpose; without it these
tests are skipped.
"""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from inference_fixtures import PIPELINE

from mmdiffpose.datasets.annotation_files import annotation_writer
from mmdiffpose.datasets.annotation_files.annotations import AnnotationPaths
from mmdiffpose.datasets.annotation_files.camera_files import (project_points,
                                                               read_cameras,
                                                               write_cameras)
from mmdiffpose.datasets.annotation_files.image_names import Track
from mmdiffpose.datasets.mpi_inf_3dhp import TO_H36M
from mmdiffpose.registry import DATASETS, METRICS

FRAMES = [('S1', 'Directions', '54138969'), ('S5', 'SittingDown', '54138969'),
          ('S7', 'Greeting', '55011271'), ('S8', 'WalkDog', '55011271')]


@pytest.fixture(scope='module')
def data():
    named = os.environ.get('MMDIFFPOSE_MMPOSE')
    if not named:
        pytest.skip('MMDIFFPOSE_MMPOSE names no checkout of MMPose')
    folder = Path(named) / 'tests' / 'data'
    if not (folder / 'h36m' / 'cameras.pkl').is_file():
        pytest.fail(f'{folder} is not the test data of MMPose')
    return folder


def dataset(kind, **arguments):
    return DATASETS.build(
        dict(
            type=f'mmdiffpose.{kind}',
            seq_len=1,
            test_mode=True,
            pipeline=PIPELINE,
            **arguments))


def h36m(data, **arguments):
    return dataset(
        'Human36MLiftingDataset',
        data_root=str(data / 'h36m'),
        ann_file='test_h36m_body3d.npz',
        camera_param_file='cameras.pkl',
        **arguments)


def scores_of(frames, shift_mm):
    """Metrics of predictions that are off by so much at every joint but the
    root."""
    metric = METRICS.build(
        dict(
            type='mmdiffpose.PoseLiftingMetric',
            metrics=('MPJPE', 'P-MPJPE', 'PCK', 'AUC')))
    metric.dataset_meta = frames.metainfo
    for index in range(len(frames)):
        sample = frames[index]['data_samples'].to_dict()
        truth = np.asarray(frames.get_data_info(index)['lifting_target'])
        root = metric.skeleton.root
        pose = truth - truth[:, root:root + 1]
        pose[:, [j for j in range(17) if j != root], 0] += shift_mm / 1000
        sample['pred_instances'] = dict(keypoints=pose)
        metric.process({}, [sample])
    return metric.evaluate(len(frames))


def test_human36m_frames_are_read_as_they_are(data):
    frames = h36m(data)
    with np.load(data / 'h36m' / 'test_h36m_body3d.npz') as file:
        poses, pixels = file['S'][..., :3], file['part'][..., :2]
    assert len(frames) == 4
    for index, (subject, action, camera) in enumerate(FRAMES):
        info = frames.get_data_info(index)
        assert (info['subject'], info['action'],
                info['camera']) == (subject, action, camera)
        np.testing.assert_allclose(
            info['lifting_target'][0], poses[index], atol=1e-6)
        np.testing.assert_allclose(
            info['keypoints'][0], pixels[index], atol=1e-3)


def test_human36m_cameras_see_the_joints_where_they_are(data):
    cameras = read_cameras(data / 'h36m' / 'cameras.pkl')
    assert len(cameras) == 44
    with np.load(data / 'h36m' / 'test_h36m_body3d.npz') as file:
        for (subject, _, camera), pose, part in zip(FRAMES, file['S'],
                                                    file['part']):
            seen = project_points(pose[:, :3], cameras[subject, camera])
            assert np.abs(seen - part[:, :2]).max() < 1


def test_human36m_detections_belong_to_their_frames(data):
    frames = h36m(
        data,
        keypoint_2d_src='detection',
        keypoint_2d_det_file='test_h36m_2d_detection.npy')
    found = np.load(data / 'h36m' / 'test_h36m_2d_detection.npy')
    for index in range(4):
        np.testing.assert_allclose(
            frames.get_data_info(index)['keypoints'][0],
            found[index, :, :2],
            atol=1e-3)


def test_human36m_metrics(data):
    log = scores_of(h36m(data), 34)
    assert log['MPJPE_mm'] == pytest.approx(34 * 16 / 17, abs=1e-2)
    assert 0 < log['P-MPJPE_mm'] < log['MPJPE_mm']
    assert log['PCK@150mm'] == 100
    for action in ('Directions', 'SittingDown', 'Greeting', 'WalkDog'):
        assert log[f'MPJPE_mm/{action}'] == pytest.approx(
            34 * 16 / 17, abs=1e-2)


@pytest.fixture(scope='module', params=['train', 'test'])
def mpi_inf_3dhp(request, data, tmp_path_factory):
    """MMPose's two frames of a split, as this package writes them.

    MMPose's file has the data set's own order of joints, image names of
    another pattern, and a camera file by names; the height of its training
    cameras lacks a digit (204 instead of 2048).
    """
    split, folder = request.param, data / 'mpi_inf_3dhp'
    with np.load(folder / f'test_3dhp_{split}.npz') as file:
        names = file['imgname'].tolist()
        poses, pixels = file['S'][..., :3], file['part'][..., :2]
    with (folder / f'cameras_{split}.pkl').open('rb') as file:
        given = pickle.load(file)
    paths = AnnotationPaths(tmp_path_factory.mktemp(split), 'mpi_inf_3dhp')
    cameras, records = {}, []
    for name, pose, points in zip(names, poses, pixels):
        stem, _, number = name[:-len('.jpg')].rpartition('_')
        parts = stem.split('_')
        subject, clip = parts[0], '_'.join(parts[1:2]) or parts[0]
        camera = parts[2][len('Cam'):] if len(parts) > 2 else '0'
        cameras[subject, camera] = dict(given[stem], w=2048, h=2048)
        records.append(
            annotation_writer.ClipRecord(
                Track(subject, clip, camera),
                points[None, list(TO_H36M)],
                pose[None, list(TO_H36M)],
                frame_numbers=np.array([int(number)])))
    # It raises unless the cameras see the joints where they are.
    annotation_writer.write_split(
        paths, split, records, cameras, projection_limit=1.)
    write_cameras(paths.cameras, cameras)
    return split, paths, poses, pixels


@pytest.mark.parametrize('order', ['h36m', 'mpi_inf_3dhp'])
def test_mpi_inf_3dhp(mpi_inf_3dhp, order):
    split, paths, poses, pixels = mpi_inf_3dhp
    frames = dataset(
        'MPIINF3DHPLiftingDataset',
        ann_file=str(paths.annotation(split)),
        camera_param_file=str(paths.cameras),
        joint_order=order)
    joints = list(TO_H36M) if order == 'h36m' else list(range(17))
    subjects = dict(train=['S4', 'S8'], test=['TS1', 'TS2'])[split]
    for index, subject in enumerate(subjects):
        info = frames.get_data_info(index)
        assert info['subject'] == subject
        np.testing.assert_allclose(
            info['lifting_target'][0], poses[index][joints], atol=1e-6)
        np.testing.assert_allclose(
            info['keypoints'][0], pixels[index][joints], atol=1e-3)
    log = scores_of(frames, 34)
    assert log['MPJPE_mm'] == pytest.approx(34 * 16 / 17, abs=1e-2)
    assert log['PCK@150mm'] == 100
    # An error of 34 passes the thresholds 35 .. 150, 24 of 31.
    assert log['AUC'] == pytest.approx(100 * 24 / 31, abs=.5)


def test_mmposes_own_file_of_mpi_inf_3dhp_is_refused(data):
    """Its joints have another order: read as they are, they would be wrong
    without a word."""
    with pytest.raises(ValueError, match='image name "TS1"'):
        dataset(
            'MPIINF3DHPLiftingDataset',
            data_root=str(data / 'mpi_inf_3dhp'),
            ann_file='test_3dhp_test.npz',
            camera_param_file='cameras_test.pkl').get_data_info(0)
