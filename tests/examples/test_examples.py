# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The examples run as the docs say, in processes of their own: what they
register must not be there for other tests."""
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from mmdiffpose.apis import read_keypoint_tracks
from mmdiffpose.checkpoints.safe_classes import load_safely


@pytest.fixture
def run_example(request, tmp_path):
    """Run an example in an empty folder; returns what it prints."""
    root = request.config.rootpath

    def run(name, *arguments):
        path = [str(root), os.environ.get('PYTHONPATH', '')]
        result = subprocess.run(
            [sys.executable, root / 'examples' / name, *arguments],
            cwd=tmp_path,
            env=dict(
                os.environ,
                PYTHONPATH=os.pathsep.join(filter(None, path)),
                OMP_NUM_THREADS='1',
                MPLBACKEND='agg'),
            capture_output=True,
            text=True)
        assert result.returncode == 0, result.stderr[-3000:]
        return result.stdout

    return run


def test_lift_a_file(run_example, tmp_path):
    printed = run_example('lift_a_file.py', '--model', 'mixste')
    assert 'person 0: 98 frames, std ' in printed
    folder = tmp_path / 'outputs'
    assert sorted(p.name for p in folder.iterdir()) == [
        'lifted.html', 'lifted.json', 'lifted.npz'
    ]
    frames = json.loads((folder / 'lifted.json').read_text())['instance_info']
    keypoints = np.array(
        [frame['instances'][0]['keypoints'] for frame in frames])
    assert keypoints.shape == (98, 17, 3)
    # y-up: the man's head (10) is above his feet (3, 6).
    assert (keypoints[:, 10, 1] > keypoints[:, [3, 6], 1].max(1) + 1).all()


def test_add_detector_finds_the_painted_joints(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'examples')
    from add_detector import DEMO, PaintedJoints, painted_frames
    track = read_keypoint_tracks(DEMO)[0]
    detector = PaintedJoints()
    for frame, expected in zip(painted_frames(3), track.keypoints):
        keypoints, scores = detector(frame)
        seen = scores[0] > 0
        # A later joint's dot may cover an earlier one's.
        assert seen.sum() >= 15
        assert np.abs(keypoints[0] - expected)[seen].max() < 3


def test_add_detector(run_example):
    lines = run_example('add_detector.py', '--frames', '5').splitlines()
    lines = [line for line in lines if line.startswith('frame')]
    assert [line.split(':')[0]
            for line in lines] == [f'frame {number}' for number in range(5)]
    heights = [float(line.split('head ')[1].split()[0]) for line in lines]
    assert all(0.5 < height < 0.9 for height in heights), heights


def test_add_dataset(run_example, tmp_path):
    run_example('add_dataset.py', '--work-dir', 'work', '--clips', '6')
    with np.load(tmp_path / 'work' / 'swaying.npz') as file:
        poses = file['poses']
    assert poses.shape == (6, 81, 17, 3)
    # In front of the camera, the head above the feet, y down.
    assert (poses[..., 2] > 2).all()
    assert (poses[:, :, 10, 1] < poses[:, :, 3, 1] - 1).all()
    assert (tmp_path / 'work' / 'best_MPJPE_mm_epoch_1.pth').is_file()


def test_add_denoiser(run_example, tmp_path):
    run_example('add_denoiser.py', '--work-dir', 'work', '--windows', '16')
    weights = tmp_path / 'work' / 'best_MPJPE_mm_epoch_1.pth'
    state = load_safely(weights)['state_dict']
    output = state['head.denoiser.output.weight']
    assert output.shape == (3, 64)
    assert output.abs().max() > 0, 'it has been trained'
