# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The paper-size config trains on files in Human3.6M's format."""
from pathlib import Path

import numpy as np
import pytest
from synthetic_person import moving_person, see, z_up_cameras
from test_end_to_end import run

from mmdiffpose.checkpoints.safe_classes import load_safely
from mmdiffpose.datasets.annotation_files import annotation_writer
from mmdiffpose.datasets.annotation_files.annotations import AnnotationPaths
from mmdiffpose.datasets.annotation_files.camera_files import write_cameras
from mmdiffpose.datasets.annotation_files.image_names import Track

ROOT = Path(__file__).parents[1]

CONFIG = 'configs/diffpose_mixste_h36m-243.py'
CAMERA = '54138969'


@pytest.fixture(scope='module')
def data_root(tmp_path_factory):
    """One clip of each subject, as the converter writes them."""
    folder = tmp_path_factory.mktemp('h36m')
    camera = z_up_cameras([CAMERA])[CAMERA]
    y_up_to_z_up = np.array([[1., 0, 0], [0, 0, -1], [0, 1, 0]])
    cameras, splits = {}, dict(train=[], test=[])
    subjects = ('S1', 'S5', 'S6', 'S7', 'S8', 'S9', 'S11')
    for seed, subject in enumerate(subjects):
        cameras[subject, CAMERA] = camera
        pose, pixels = see(moving_person(250, seed) @ y_up_to_z_up.T, camera)
        noise = np.random.default_rng(seed).normal(0, 3, pixels.shape)
        scores = np.full((*pixels.shape[:2], 1), 0.9)
        splits['test' if subject in ('S9', 'S11') else 'train'].append(
            annotation_writer.ClipRecord(
                Track(subject, 'Walking_1', CAMERA),
                pixels,
                pose,
                detections=np.concatenate([pixels + noise, scores], axis=-1)))
    paths = AnnotationPaths(folder, 'h36m')
    for split, records in splits.items():
        annotation_writer.write_split(
            paths, split, records, cameras, detector='cpn_ft_h36m_dbb')
    write_cameras(folder / 'annotation_body3d' / 'cameras.pkl', cameras)
    return folder


def test_two_iterations_of_both_stages_at_the_papers_size(data_root, tmp_path):
    roots = [
        f'{loader}_dataloader.dataset.data_root={data_root}'
        for loader in ('train', 'val', 'test')
    ]
    small = [
        *roots,
        'train_dataloader.batch_size=1',
        'train_dataloader.dataset.indices=2',
        'train_dataloader.num_workers=0',
        'train_dataloader.persistent_workers=False',
        'val_dataloader.dataset.indices=1',
        'val_dataloader.batch_size=1',
        'val_dataloader.num_workers=0',
        'val_dataloader.persistent_workers=False',
    ]
    # No validation during training: the residual is measured afterwards.
    once = ['train_cfg.max_epochs=1', 'train_cfg.val_interval=9']
    run('tools/train.py', CONFIG, '--work-dir', tmp_path, '--cfg-options',
        *small, *once,
        *(f'train_cfg.context_options.{o}' for o in (*small, *once)))
    last = Path((tmp_path / 'last_checkpoint').read_text())
    state = load_safely(last)['state_dict']
    assert state['backbone.embed.weight'].shape == (512, 2)
    assert len({k
                for k in state
                if 'spatial_blocks' in k and 'norm1.w' in k}) == 8
    assert int(state['head.iteration']) == 2
    assert bool(state['context_loaded'])
    assert bool(state['coarse_head.calibrated'])
    assert state['head.denoiser.output.linear.weight'].abs().max() > 0
