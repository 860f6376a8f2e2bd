# Copyright (c) mmdiffpose contributors. All rights reserved.
"""C3D, read back by two readers that did not write it."""

import builtins
from dataclasses import replace

import numpy as np
import pytest

from mmdiffpose.apis import InferenceOptions
from mmdiffpose.files.result_files import write_results
from mmdiffpose.structures.lifted_track import LiftedTrack

c3d = pytest.importorskip('c3d')
ezc3d = pytest.importorskip('ezc3d')

FRAMES = 6
STD = np.linspace(0.01, 0.17, 17, dtype=np.float32)
"""Metres, each a whole number of centimetres."""


@pytest.fixture
def lifted():
    rng = np.random.default_rng(0)
    poses = rng.normal(0, 0.4, (FRAMES, 17, 3)).astype(np.float32)
    return LiftedTrack(
        keypoints_3d=poses - poses[:, :1],
        scores=np.full((FRAMES, 17), 0.8, np.float32),
        std=np.tile(STD, (FRAMES, 1)),
        hypotheses=None,
        keypoints_2d=np.zeros((FRAMES, 17, 2), np.float32),
        scores_2d=np.ones((FRAMES, 17), np.float32),
        frame_ids=np.arange(10, 10 + FRAMES),
        image_size=(1000, 800),
        fps=29.97,
        track_id=3)


def expected_points(lifted, frames=slice(None)):
    """(F, J, 3) metres, y up and towards the camera, on the floor."""
    points = lifted.keypoints_3d.astype(float) * [1, -1, -1]
    if lifted.root_trajectory is not None:
        points += lifted.root_trajectory[:, None] * [1, -1, -1]
    points[..., 1] -= points[..., 1].min()
    return points[frames]


def by_ezc3d(path):
    """Points (F, M, 3), residuals (F, M), the file."""
    file = ezc3d.c3d(str(path))
    points = file['data']['points'][:3].transpose(2, 1, 0)
    return points, file['data']['meta_points']['residuals'][0].T, file


@pytest.mark.filterwarnings('ignore:No analog')
def by_c3d(path):
    """Points (F, M, 3), residuals (F, M), the reader, frame numbers."""
    with open(path, 'rb') as handle:
        reader = c3d.Reader(handle)
        rows = [(number, points.copy())
                for number, points, _ in reader.read_frames()]
    points = np.array([points for _, points in rows])
    return points[..., :3], points[..., 3], reader, [n for n, _ in rows]


pytestmark = pytest.mark.filterwarnings('ignore:No analog')


@pytest.mark.parametrize('unit, factor', [(None, 1000), ('mm', 1000),
                                          ('m', 1)])
def test_both_readers_find_what_was_written(lifted, tmp_path, unit, factor):
    path, = write_results(lifted, tmp_path / 'a', ('c3d', ), unit=unit)
    assert path.name == 'a_person3.c3d'
    points, residuals, file = by_ezc3d(path)
    point = file['parameters']['POINT']
    assert point['UNITS']['value'] == [unit or 'mm']
    assert point['RATE']['value'][0] == pytest.approx(29.97, abs=1e-5)
    assert point['LABELS']['value'] == list(lifted.skeleton.joints)
    assert [point[f'{a}_SCREEN']['value'] for a in 'XY'] == [['+X'], ['+Y']]
    others, their_residuals, reader, numbers = by_c3d(path)
    assert numbers == list(range(11, 11 + FRAMES))
    assert [label.strip()
            for label in reader.point_labels] == list(lifted.skeleton.joints)
    expected = expected_points(lifted)
    for found in (points, others):
        np.testing.assert_allclose(found / factor, expected, atol=2e-7)
    for found in (residuals, their_residuals):
        np.testing.assert_allclose(
            found / factor, np.tile(STD, (FRAMES, 1)), atol=1e-6)


def test_what_was_not_seen_is_no_point(lifted, tmp_path):
    lifted.scores[2, 5] = 0
    lifted.keypoints_3d[4, 6] = np.nan
    path, = write_results(lifted, tmp_path / 'a', ('c3d', ))
    points, residuals, _ = by_ezc3d(path)
    _, their_residuals, _, _ = by_c3d(path)
    missing = np.zeros((FRAMES, 17), bool)
    missing[2, 5] = missing[4, 6] = True
    for found in (residuals, their_residuals):
        np.testing.assert_array_equal(found == -1, missing)
    # ezc3d makes them NaN, by their residual.
    np.testing.assert_array_equal(np.isnan(points).any(-1), missing)


def test_what_is_not_seen_does_not_lift_the_floor(lifted, tmp_path):
    lifted.keypoints_3d[3, 9, 1] = 100
    lifted.scores[3, 9] = 0
    path, = write_results(lifted, tmp_path / 'a', ('c3d', ), unit='m')
    assert np.nanmin(by_ezc3d(path)[0][..., 1]) == 0


def test_people_and_gaps_share_frames(lifted, tmp_path):
    """Frame 10 + r of the video is row r of all files."""
    lifted.frame_ids = np.array([10, 11, 12, 20, 21, 22])
    lifted.root_trajectory = np.tile([0., 0, 4], (FRAMES, 1))
    other = replace(
        lifted, track_id=7, std=None, frame_ids=np.arange(19, 19 + FRAMES))
    paths = write_results([other, lifted], tmp_path / 'a', ('c3d', ), unit='m')
    assert [path.name for path in paths] == ['a_person3.c3d', 'a_person7.c3d']
    for path, rows, std in ((paths[0], [0, 1, 2, 10, 11, 12], STD),
                            (paths[1], [9, 10, 11, 12, 13, 14], 0 * STD)):
        for read in (by_ezc3d, by_c3d):
            points, residuals = read(path)[:2]
            assert len(points) == 15
            absent = np.delete(np.arange(15), rows)
            assert (residuals[absent] == -1).all()
            np.testing.assert_allclose(
                residuals[rows], np.tile(std, (FRAMES, 1)), atol=1e-6)
            np.testing.assert_allclose(
                points[rows], expected_points(lifted), atol=1e-6)


def test_every_second_frame_is_no_gap(lifted, tmp_path):
    lifted.frame_ids, lifted.step = np.arange(10, 22, 2), 2
    path, = write_results(lifted, tmp_path / 'a', ('c3d', ))
    points, residuals, _ = by_ezc3d(path)
    assert len(points) == FRAMES
    assert (residuals >= 0).all()


def test_uneven_times_are_brought_to_the_rate(lifted, tmp_path):
    """Joints move at one speed; frames come when they like."""
    lifted.fps, lifted.std = 10., None
    lifted.times = np.array([1.0, 1.13, 1.22, 1.3, 1.44, 1.55])
    x = np.linspace(-1, 1, 17)
    for axis in range(3):
        lifted.keypoints_3d[..., axis] = lifted.times[:, None] + x
    lifted.scores[3, 2] = 0
    path, = write_results(lifted, tmp_path / 'a', ('c3d', ), unit='m')
    points, residuals, _ = by_ezc3d(path)
    # 1.0, 1.1, ... 1.5 seconds; 1.3 is a frame, 1.4 lies between two.
    assert len(points) == 6
    assert np.argwhere(residuals < 0).tolist() == [[3, 2], [4, 2]]
    seen = residuals[:, 0] == 0
    assert seen.all()
    np.testing.assert_allclose(
        points[:, 0, 0], [0, 0.1, 0.2, 0.3, 0.4, 0.5], atol=1e-6)
    assert by_c3d(path)[3][0] == 11


@pytest.mark.parametrize('markers, first, count', [
    ('coco', ['right_hip', 'right_knee', 'right_ankle'], 12),
    ('halpe26', ['hip', 'right_hip', 'right_knee'], 15),
    ('pose2sim', ['RHip', 'RKnee', 'RAnkle'], 12),
])
def test_markers_of_other_sets(lifted, tmp_path, markers, first, count):
    path, = write_results(
        lifted, tmp_path / 'a', ('c3d', ), unit='m', markers=markers)
    points, _, file = by_ezc3d(path)
    names = file['parameters']['POINT']['LABELS']['value']
    assert names[:3] == first and len(names) == count
    wrist = names.index('LWrist' if markers == 'pose2sim' else 'left_wrist')
    # The floor is that of all joints.
    np.testing.assert_allclose(
        points[:, wrist], expected_points(lifted)[:, 13], atol=1e-6)


def test_a_std_beyond_the_byte_is_its_largest(lifted, tmp_path):
    lifted.std[0, 0] = 0.9
    path, = write_results(lifted, tmp_path / 'a', ('c3d', ), unit='mm')
    for read in (by_ezc3d, by_c3d):
        assert read(path)[1][0, 0] == pytest.approx(254)


def test_seventy_thousand_frames(lifted, tmp_path):
    """More than the 16 bits of the header count."""
    count = 70_000
    long = {
        name:
        np.resize(
            getattr(lifted, name), (count, *getattr(lifted, name).shape[1:]))
        for name in ('scores', 'std', 'keypoints_2d', 'scores_2d')
    }
    poses = np.zeros((count, 17, 3), np.float32)
    poses[..., 0] = np.arange(count)[:, None] / 1024
    path, = write_results(
        replace(
            lifted, keypoints_3d=poses, frame_ids=np.arange(count), **long),
        tmp_path / 'a', ('c3d', ),
        unit='m')
    points, _, _ = by_ezc3d(path)
    np.testing.assert_array_equal(points[:, 4, 0], poses[:, 4, 0])
    points, _, _, numbers = by_c3d(path)
    np.testing.assert_array_equal(points[:, 4, 0], poses[:, 4, 0])
    assert (numbers[0], numbers[-1]) == (1, count)


def test_what_c3d_cannot_say_is_refused(lifted, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="unit.*'inch'"):
        write_results(lifted, tmp_path / 'a', ('c3d', ), unit='inch')
    with pytest.raises(ValueError, match="markers.*'vicon'"):
        write_results(lifted, tmp_path / 'a', ('c3d', ), markers='vicon')
    lifted.fps = None
    with pytest.raises(ValueError, match='C3D.*frame rate.*--fps'):
        write_results(lifted, tmp_path / 'a', ('c3d', ))
    with pytest.raises(ValueError, match='unit should be'):
        InferenceOptions(unit='inch')

    real = builtins.__import__

    def without_c3d(name, *args, **kwargs):
        if name == 'c3d':
            raise ImportError('no c3d here')
        return real(name, *args, **kwargs)

    monkeypatch.setattr('importlib.import_module', without_c3d)
    with pytest.raises(ImportError, match=r'pip install mmdiffpose\[c3d\]'):
        InferenceOptions(formats=('json', 'c3d'))
    with pytest.raises(ImportError, match='no c3d here'):
        write_results(lifted, tmp_path / 'a', ('json', 'c3d'))
    assert not list(tmp_path.iterdir())
