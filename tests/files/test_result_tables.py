# Copyright (c) mmdiffpose contributors. All rights reserved.
"""CSV and TRC, read back by parsers that share nothing with the writers."""

import csv
import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from mmdiffpose.files.result_csv import write_csv
from mmdiffpose.files.result_files import write_results
from mmdiffpose.files.result_trc import write_trc
from mmdiffpose.structures.lifted_track import LiftedTrack

FRAMES = 5


@pytest.fixture
def lifted():
    rng = np.random.default_rng(0)
    poses = rng.normal(0, 0.4, (FRAMES, 17, 3)).astype(np.float32)
    poses -= poses[:, :1]
    return LiftedTrack(
        keypoints_3d=poses,
        scores=rng.uniform(size=(FRAMES, 17)).astype(np.float32),
        std=rng.uniform(0, 0.1, (FRAMES, 17)).astype(np.float32),
        hypotheses=None,
        keypoints_2d=rng.uniform(0, 1000, (FRAMES, 17, 2)).astype(np.float32),
        scores_2d=np.ones((FRAMES, 17), np.float32),
        frame_ids=np.array([10, 11, 12, 20, 21]),
        image_size=(1000, 800),
        fps=25.,
        track_id=3)


# ------------------------------------------------------------------- CSV


def read_csv(path):
    with open(path, newline='') as file:
        return list(csv.DictReader(file))


def test_csv_is_tidy(lifted, tmp_path):
    lifted.scores_2d[1, 4] = 0
    other = replace(lifted, track_id=8, std=None)
    rows = read_csv(write_csv([lifted, other], tmp_path / 'a.csv', 'z-up'))
    assert list(rows[0]) == [
        'frame', 'time', 'track', 'joint', 'x', 'y', 'z', 'std', 'score', 'u',
        'v'
    ]
    assert len(rows) == 2 * FRAMES * 17
    row = rows[3 * 17 + 2]
    assert (row['frame'], row['track'], row['joint']) == ('20', '3',
                                                          'right_knee')
    assert float(row['time']) == 0.8
    x, y, z = lifted.keypoints_3d[3, 2]
    np.testing.assert_allclose([float(row[c]) for c in 'xyz'], [x, z, -y],
                               atol=6e-5)
    np.testing.assert_allclose([float(row[c]) for c in 'uv'],
                               lifted.keypoints_2d[3, 2],
                               atol=0.06)
    assert float(row['std']) == pytest.approx(lifted.std[3, 2], abs=6e-5)
    assert float(row['score']) == pytest.approx(lifted.scores[3, 2], abs=6e-4)
    unseen = rows[17 + 4]
    assert unseen['u'] == unseen['v'] == '' != unseen['x']
    assert rows[FRAMES * 17]['track'] == '8'
    assert rows[FRAMES * 17]['std'] == ''


def test_csv_with_roots(lifted, tmp_path):
    lifted.fps = None
    lifted.root_trajectory = np.arange(3. * FRAMES).reshape(FRAMES, 3)
    rows = read_csv(write_csv(lifted, tmp_path / 'a.csv', 'y-up'))
    assert rows[0]['time'] == ''
    last = rows[-1]
    assert [float(last[f'root_{c}']) for c in 'xyz'] == [12, -13, -14]
    assert '-0.0000' not in {row['x'] for row in rows}


# ------------------------------------------------------------------- TRC


def read_trc(path):
    """OpenSim's documentation of the format, line by line."""
    lines = path.read_text().split('\n')
    first = lines[0].split('\t')
    assert first[:3] == ['PathFileType', '4', '(X/Y/Z)']
    assert first[3] == path.name
    header = dict(zip(lines[1].split('\t'), lines[2].split('\t')))
    count = int(header['NumMarkers'])
    columns = lines[3].split('\t')
    assert columns[:2] == ['Frame#', 'Time']
    assert len(columns) == 2 + 3 * count
    # A marker's name stands over its x.
    names = columns[2::3]
    assert all(not name for k in (3, 4) for name in columns[k::3])
    assert lines[4].split('\t') == ['', ''] + [
        f'{axis}{k}' for k in range(1, count + 1) for axis in 'XYZ'
    ]
    assert lines[5] == '' and lines[-1] == ''
    rows = np.array([[float(value) for value in line.split('\t')]
                     for line in lines[6:-1]])
    assert len(rows) == int(header['NumFrames'])
    return header, names, rows[:, 0], rows[:, 1], rows[:, 2:].reshape(
        len(rows), count, 3)


@pytest.mark.parametrize('unit, factor', [('mm', 1000), ('m', 1)])
def test_trc_read_back(lifted, tmp_path, unit, factor):
    path, = write_trc(lifted, tmp_path / 'walk', unit)
    assert path.name == 'walk_person3.trc'
    header, names, frames, times, points = read_trc(path)
    assert header == dict(
        DataRate='25.00',
        CameraRate='25.00',
        NumFrames='5',
        NumMarkers='17',
        Units=unit,
        OrigDataRate='25.00',
        OrigDataStartFrame='11',
        OrigNumFrames='5')
    assert names == list(lifted.skeleton.joints)
    assert frames.tolist() == [11, 12, 13, 21, 22]
    np.testing.assert_allclose(times, lifted.frame_ids / 25)
    expected = lifted.keypoints_3d * [1, -1, -1]
    expected[..., 1] -= expected[..., 1].min()
    np.testing.assert_allclose(points / factor, expected, atol=1e-5)


def fields_of(path):
    """(F, 17, 3) texts."""
    rows = [
        line.split('\t')[2:] for line in path.read_text().split('\n')[6:-1]
    ]
    return np.array(rows).reshape(len(rows), 17, 3)


def test_what_nobody_saw_is_marked_in_trc(lifted, tmp_path):
    """The last marker and the lowest one were not seen; a frame not at all."""
    scores = np.ones_like(lifted.scores_2d)
    lowest = lifted.keypoints_3d[0, :, 1].argmax()
    scores[0, [lowest, 16]] = 0
    scores[3] = 0
    lifted = replace(lifted, scores_2d=scores)
    path, = write_trc(lifted, tmp_path / 'nan')
    header, _, frames, _, points = read_trc(path)
    assert frames.tolist() == [11, 12, 13, 22] and header['NumFrames'] == '4'
    texts = fields_of(path)
    assert (texts[0, [lowest, 16]] == 'NaN').all()
    assert (texts == 'NaN').sum() == 3 * len({lowest, 16})
    # What was not seen does not stand on the ground.
    assert np.nanmin(points[..., 1]) == 0
    path, = write_trc(lifted, tmp_path / 'blank', unseen='blank')
    blank = fields_of(path)
    assert (blank[texts == 'NaN'] == '').all()
    np.testing.assert_array_equal(blank[texts != 'NaN'], texts[texts != 'NaN'])
    path, = write_trc(lifted, tmp_path / 'all', unseen='estimate')
    _, _, frames, _, points = read_trc(path)
    assert len(frames) == 5 and np.isfinite(points).all()
    path, = write_results(lifted, tmp_path / 'b', ['trc'], trc_unseen='blank')
    assert (fields_of(path) == blank).all()
    for write in (partial(write_trc, lifted, tmp_path / 'x', unseen='none'),
                  partial(
                      write_results,
                      lifted,
                      tmp_path / 'x', ['json'],
                      trc_unseen='none')):
        with pytest.raises(ValueError, match="'blank', 'estimate', 'nan'"):
            write()


def test_people_keep_their_places_in_trc(lifted, tmp_path):
    """One ground for all, and pieces of a person in one file."""
    near = replace(lifted, root_trajectory=np.tile([0., 0, 4], (FRAMES, 1)))
    far = replace(
        near, root_trajectory=np.tile([1., 0.5, 6], (FRAMES, 1)), track_id=4)
    late = replace(far, frame_ids=far.frame_ids + 100)
    paths = write_trc([late, near, far], tmp_path / 'a', 'm')
    assert [path.name for path in paths] == ['a_person3.trc', 'a_person4.trc']
    (_, _, _, _, first), (_, _, frames, _, second) = map(read_trc, paths)
    assert frames.tolist() == [11, 12, 13, 21, 22, 111, 112, 113, 121, 122]
    np.testing.assert_allclose(
        second[:FRAMES] - first,
        np.broadcast_to([1, -0.5, -2], first.shape),
        atol=2e-5)
    assert second[..., 1].min() == 0 < first[..., 1].min()


def test_trc_of_an_unknown_rate_or_unit(lifted, tmp_path):
    lifted.fps = None
    with pytest.warns(UserWarning, match='30 frames a second'):
        path, = write_trc(lifted, tmp_path / 'a')
    assert read_trc(path)[0]['DataRate'] == '30.00'
    with pytest.raises(ValueError, match="'mm'.*'inch'"):
        write_trc(lifted, tmp_path / 'a', 'inch')


def read_times(path):
    rows = path.read_text().splitlines()[6:]
    return [tuple(row.split('\t')[:2]) for row in rows]


def test_times_of_every_fifth_frame_and_of_an_uneven_pace(lifted, tmp_path):
    """Frame 50 of every fifth, 10 a second, is the tenth: second 1."""
    ids = np.array([50, 55, 60, 70, 75])
    sampled = replace(lifted, frame_ids=ids, step=5, fps=10.)
    rows = read_csv(write_csv(sampled, tmp_path / 'a.csv', 'camera'))
    assert [float(r['time']) for r in rows[::17]] == [1, 1.1, 1.2, 1.4, 1.5]
    path, = write_trc(sampled, tmp_path / 'a')
    assert read_times(path)[3] == ('71', '1.400000')
    times = np.array([.1, .2, .25, .6, .61])
    uneven = replace(lifted, times=times)
    rows = read_csv(write_csv(uneven, tmp_path / 'b.csv', 'camera'))
    assert [float(r['time']) for r in rows[::17]] == times.tolist()
    path, = write_trc(uneven, tmp_path / 'b')
    assert [float(t) for _, t in read_times(path)] == times.tolist()
    write_results(sampled, tmp_path / 'c', ('json', 'npz'))
    page = json.loads((tmp_path / 'c.json').read_text())
    assert page['meta_info']['frame_step'] == 5
    assert [f['time']
            for f in page['instance_info']] == [1, 1.1, 1.2, 1.4, 1.5]
    with np.load(tmp_path / 'c.npz') as arrays:
        np.testing.assert_allclose(arrays['times'], [1, 1.1, 1.2, 1.4, 1.5])
