# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Rerun's recordings, read back by its own reader."""

from dataclasses import replace

import numpy as np
import pytest
from stiff_people import as_lifted, on_the_floor, stiff_points

from mmdiffpose.files.result_options import ResultOptions
from mmdiffpose.skeletons import H36M_17

pytest.importorskip('rerun')


def read(path):
    """Entity to {component: [(frame, seconds, values)]}, in order."""
    from rerun.chunk import RrdReader
    found = {}
    for chunk in RrdReader(path).stream().to_chunks():
        batch = chunk.to_record_batch()
        columns = {
            name: batch.column(i).to_pylist()
            for i, name in enumerate(batch.schema.names)
        }
        frames = columns.get('frame', [None] * batch.num_rows)
        times = columns.get('time', [None] * batch.num_rows)
        for name, values in columns.items():
            for frame, time, value in zip(frames, times, values):
                if ':' in name and value is not None:
                    seconds = None if time is None else time.total_seconds()
                    found.setdefault(str(chunk.entity_path),
                                     {}).setdefault(name.split(':')[-1],
                                                    []).append((frame, seconds,
                                                                value))
    return {
        entity: {
            name:
            sorted(rows, key=lambda row: -1 if row[0] is None else row[0])
            for name, rows in components.items()
        }
        for entity, components in found.items()
    }


def write(tracks, folder):
    from mmdiffpose.files.result_rrd import write_rrd
    path, = write_rrd(tracks, f'{folder}/a', ResultOptions())
    assert path.name == 'a.rrd'
    assert [p.name for p in folder.iterdir()] == ['a.rrd']
    return read(path)


def test_a_scene_comes_back(tmp_path):
    points = stiff_points(frames=6)
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.03, (6, 11, 17, 3))
    lifted = as_lifted(points, frame_ids=np.arange(4, 10), fps=25.)
    lifted.hypotheses = lifted.keypoints_3d[:, None] + noise * [1, -1, -1]
    lifted.keypoints_2d = rng.uniform(0, 800, (6, 17, 2))
    found = write([lifted], tmp_path)
    expected = on_the_floor(points)
    rows = found['/scene/person1']['positions']
    assert [row[0] for row in rows] == list(range(4, 10))
    np.testing.assert_allclose([row[1] for row in rows], np.arange(4, 10) / 25)
    np.testing.assert_allclose([row[2] for row in rows], expected, atol=1e-5)
    for kind in ('keypoint_ids', 'class_ids'):
        _, _, values = found['/scene/person1'][kind][0]
        assert values == (list(range(17)) if kind[0] == 'k' else [0])
    pixels = found['/picture/person1']['positions']
    np.testing.assert_allclose([row[2] for row in pixels],
                               lifted.keypoints_2d,
                               atol=1e-3)
    std = found['/std/person1']['scalars']
    np.testing.assert_allclose([row[2] for row in std], 20, rtol=1e-5)
    sizes = found['/scene/person1/std']['half_sizes'][3][2]
    np.testing.assert_allclose(sizes, np.full((17, 3), 0.02), rtol=1e-5)
    strips = np.array(found['/scene/person1/hypotheses']['strips'][2][2])
    assert strips.shape == (8 * 16, 2, 3)
    shown = (expected[2] + noise[2, :8])[:, np.array(H36M_17.bones)]
    np.testing.assert_allclose(strips, shown.reshape(-1, 2, 3), atol=1e-5)
    (_, _, context), = found['/']['context']
    text = str(context)
    assert all(joint in text for joint in H36M_17.joints)


def test_what_was_not_seen_is_left_out(tmp_path):
    lifted = as_lifted(stiff_points(frames=3))
    wrist = H36M_17.index['left_wrist']
    lifted.scores[1, wrist] = lifted.scores_2d[1, wrist] = 0
    lifted.hypotheses = lifted.keypoints_3d[:, None]
    found = write([lifted], tmp_path)
    ids = [row[2] for row in found['/scene/person1']['keypoint_ids']]
    assert ids[0] == ids[2] == list(range(17))
    assert ids[1] == [i for i in range(17) if i != wrist]
    for entity, component, count in (('/scene/person1', 'positions', 16),
                                     ('/picture/person1', 'positions',
                                      16), ('/scene/person1/std', 'centers',
                                            16), ('/scene/person1/hypotheses',
                                                  'strips', 15)):
        assert len(found[entity][component][1][2]) == count
    assert np.isnan(found['/std/person1']['scalars'][1][2][wrist])
    whole = str(found['/scene/person1']['positions'])
    assert '0.0, 0.0, 0.0' not in whole and 'nan' not in whole


def test_who_leaves_is_cleared_and_no_rate_no_time(tmp_path):
    points = stiff_points(frames=5)
    lifted = as_lifted(
        points, frame_ids=np.array([0, 1, 2, 30, 31]), fps=None, std=None)
    other = replace(lifted, track_id=5, frame_ids=np.arange(5))
    found = write([lifted, other], tmp_path)
    for person, cleared in ((1, [3, 32]), (5, [5])):
        rows = found[f'/scene/person{person}']
        assert [row[0] for row in rows['is_recursive']] == cleared
        assert {row[1] for row in rows['positions']} == {None}
    assert 'scalars' not in found.get('/std/person1', {})
