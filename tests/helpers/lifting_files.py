# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Tiny files in the data sets' formats, for configs to run on."""
from pathlib import Path

import numpy as np
from mmengine.config import Config
from synthetic_person import moving_person, see, z_up_cameras

from mmdiffpose.datasets.annotation_files import annotation_writer
from mmdiffpose.datasets.annotation_files.annotations import AnnotationPaths
from mmdiffpose.datasets.annotation_files.camera_files import write_cameras
from mmdiffpose.datasets.annotation_files.image_names import Track
from mmdiffpose.datasets.mocap import virtual_views
from mmdiffpose.datasets.simulation.detector_noise import DetectorNoise

ROOT = Path(__file__).parents[2]

H36M = dict(
    train=('S1', 'S5', 'S6', 'S7', 'S8'), test=('S9', 'S11'), frames=250)
MPI_INF_3DHP = dict(
    train=tuple(f'S{i}' for i in range(1, 9)),
    test=tuple(f'TS{i}' for i in range(1, 7)),
    frames=90)
HDM05 = dict(train=('bd', 'bk', 'dg'), test=('mm', 'tr'), frames=30)
CMU = dict(train=('02', '07'), frames=30)


def _write(paths, split, records, cameras, detector=None):
    annotation_writer.write_split(
        paths, split, records, cameras, detector=detector)
    write_cameras(paths.cameras, cameras)


def _views(subjects, clip, camera, frames, size):
    """One clip of each subject, in one camera, with detections.

    Without a clip's name it is the subject's.
    """
    param = z_up_cameras([camera], *size)[camera]
    up = np.array([[1., 0, 0], [0, 0, -1], [0, 1, 0]])
    for seed, subject in enumerate(subjects):
        pose, pixels = see(moving_person(frames, seed) @ up.T, param)
        noise = np.random.default_rng(seed).normal(0, 3, pixels.shape)
        scores = np.full((*pixels.shape[:2], 1), 0.9)
        yield param, annotation_writer.ClipRecord(
            Track(subject, clip or subject, camera),
            pixels,
            pose,
            detections=np.concatenate([pixels + noise, scores], axis=-1))


def write_human36m(folder):
    """Human3.6M: seven subjects, one camera, CPN's detections."""
    paths, cameras = AnnotationPaths(folder, 'h36m'), {}
    for split in ('train', 'test'):
        records = []
        for param, record in _views(H36M[split], 'Walking_1', '54138969',
                                    H36M['frames'], (1000, 1002)):
            cameras[record.track.subject, record.track.camera] = param
            records.append(record)
        _write(paths, split, records, cameras, 'cpn_ft_h36m_dbb')


def write_mpi_inf_3dhp(folder):
    """MPI-INF-3DHP: a camera of each sequence; a third of the test valid."""
    paths = AnnotationPaths(folder, 'mpi_inf_3dhp', fps=None)
    cameras = {}
    for split in ('train', 'test'):
        records = []
        place = ('Seq1', 'Seq1Cam0') if split == 'train' else (None, 'Cam0')
        for param, record in _views(MPI_INF_3DHP[split], *place,
                                    MPI_INF_3DHP['frames'], (2048, 2048)):
            cameras[record.track.subject, record.track.camera] = param
            valid = np.ones(len(record), bool)
            if split == 'test':
                valid[::3] = valid[1::3] = False
            records.append(
                annotation_writer.ClipRecord(
                    record.track,
                    record.keypoints_2d,
                    record.keypoints_3d,
                    valid=valid))
        _write(paths, f'{split}_annot3', records, cameras)


def write_hdm05(folder):
    """HDM05: five actors, a camera of the benchmark, its detector."""
    _write_mocap(folder, 'hdm05', HDM05)


def write_cmu(folder):
    """CMU beside HDM05: two subjects, both for training."""
    _write_mocap(folder, 'cmu', CMU)


def _write_mocap(folder, name, subjects):
    config = Config.fromfile(ROOT / 'configs/_base_/datasets/hdm05.py')
    cameras = virtual_views.build_cameras(config.virtual_cameras[:1])
    splits = {split: subjects.get(split, ()) for split in ('train', 'test')}
    params = virtual_views.camera_params(cameras, sum(splits.values(), ()))
    paths = AnnotationPaths(folder, name)
    for split in splits:
        records = [
            record for seed, subject in enumerate(splits[split])
            for record in virtual_views.make_views(
                moving_person(subjects['frames'], seed), subject, 'jog_1',
                cameras, DetectorNoise(
                    **config.detector_noise), config.detector_seed)
        ]
        if records:
            _write(paths, split, records, params, 'virtual')
