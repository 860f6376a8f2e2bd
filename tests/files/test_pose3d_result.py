# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Results as tables and arrays with names."""

import html
import re
from dataclasses import replace

import numpy as np
import pytest
from stiff_people import as_lifted, stiff_points

from mmdiffpose.files.pose3d_result import Pose3DResult
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.skeletons.joint_angles import joint_angles


@pytest.fixture
def result():
    """Person 1 in frames 2, 3 and 6, person 4 in 3 to 5, without std."""
    points = stiff_points(frames=3)
    one = as_lifted(points, fps=10., frame_ids=np.array([2, 3, 6]))
    one.keypoints_2d[:] = np.arange(3 * 17 * 2).reshape(3, 17, 2)
    one.scores_2d[1, 5] = 0
    pieces = [one.part(0, 2), one.part(2, 3)]
    four = replace(
        as_lifted(points + 1, fps=10., frame_ids=np.arange(3, 6), track_id=4),
        std=None,
        root_trajectory=None)
    return Pose3DResult([*pieces, four], range(8), 'walk')


def test_what_a_result_says(result):
    assert len(result) == 8 and result.fps == 10
    assert {
        n: len(tracks)
        for n, tracks in result.people.items()
    } == {
        1: 2,
        4: 1
    }
    nobody = Pose3DResult([], range(8), 'walk')
    assert (len(nobody), nobody.fps, nobody.people) == (8, None, {})


def test_a_tidy_table(result):
    pandas = pytest.importorskip('pandas')
    table = result.to_dataframe(axes='y-up')
    assert list(table.columns) == [
        'frame', 'time', 'track', 'joint', 'x', 'y', 'z', 'std', 'score', 'u',
        'v', 'root_x', 'root_y', 'root_z'
    ]
    assert len(table) == 6 * 17
    row = table[(table.track == 1) & (table.frame == 6) &
                (table.joint == 'left_knee')].iloc[0]
    pose, root = stiff_points(frames=3)[2], stiff_points(frames=3)[2, 0]
    knee = pose[H36M_17.index['left_knee']]
    np.testing.assert_allclose([row.x, row.y, row.z], knee - root, atol=1e-6)
    np.testing.assert_allclose([row.root_x, row.root_y, row.root_z],
                               root,
                               atol=1e-6)
    assert row.time == pytest.approx(0.6)
    assert (row.u, row.v) == (2 * 34 + 10, 2 * 34 + 11)
    unseen = table[table.u.isna()]
    assert unseen[['track', 'frame',
                   'joint']].values.tolist() == [[1, 3, 'left_knee']]
    other = table[table.track == 4]
    assert other[['std', 'root_x']].isna().all(axis=None)
    nobody = Pose3DResult([], range(3), 'x').to_dataframe()
    assert isinstance(nobody, pandas.DataFrame) and not len(nobody)


def test_arrays_with_names(result):
    pytest.importorskip('xarray')
    data = result.to_xarray()
    assert dict(data.sizes) == dict(track=2, frame=8, joint=17, axis=3, uv=2)
    there = data.position.notnull().all(('joint', 'axis'))
    assert there.sel(track=1).values.nonzero()[0].tolist() == [2, 3, 6]
    assert there.sel(track=4).values.nonzero()[0].tolist() == [3, 4, 5]
    pose = data.position.sel(track=4, frame=5, joint='head')
    np.testing.assert_array_equal(
        pose, result.tracks[2].keypoints_3d[2, H36M_17.index['head']])
    assert data.time.sel(frame=4) == pytest.approx(0.4)
    assert np.isnan(data.time.sel(frame=0))
    assert data.position_std.sel(track=4).isnull().all()
    np.testing.assert_allclose(
        data.position_std.sel(track=1, frame=3), 0.02, rtol=1e-6)
    assert np.isnan(data.pixel.sel(track=1, frame=3, joint='left_knee')).all()
    bare = Pose3DResult([replace(result.tracks[2], fps=None)], range(8), 'x')
    data = bare.to_xarray('z-up')
    assert set(data) == {'position', 'score', 'pixel'}
    assert 'time' not in data.coords and data.attrs['axes'] == 'z-up'
    with pytest.raises(ValueError, match='at least one'):
        Pose3DResult([], range(8), 'x').to_xarray()


def test_files(result, tmp_path):
    paths = result.write(tmp_path / 'a', ('csv', 'trc'), unit='m')
    assert [path.name
            for path in paths] == ['a.csv', 'a_person1.trc', 'a_person4.trc']


def test_plots(result):
    """What is drawn of the person who is there longer, but for a knee that
    was not seen in one frame."""
    figure = result.plot_angles(['right_knee', 'left_elbow'])
    axes, = figure.axes
    right, elbow = axes.lines
    assert right.get_label() == 'right knee'
    assert (right.get_linestyle(), elbow.get_linestyle()) == ('--', '-')
    names, degrees = joint_angles(result.tracks[0].keypoints_3d, H36M_17)
    times, curve = right.get_data()
    there = np.isfinite(curve)
    np.testing.assert_allclose(times[there], [0.2, 0.3, 0.6])
    np.testing.assert_allclose(curve[there][:2],
                               degrees[:, names.index('right_knee')])
    knee = result.plot_angles(['left_knee']).axes[0].lines[0].get_data()
    np.testing.assert_allclose(knee[0][np.isfinite(knee[1])], [0.2, 0.6])
    # Not joined over the absence.
    assert not there[2]
    assert axes.get_xlabel() == 'seconds'
    assert figure._repr_png_().startswith(b'\x89PNG')
    axes, bar = result.plot_confidence(4).axes
    assert [label.get_text()
            for label in axes.get_yticklabels()] == list(H36M_17.joints)
    assert len(axes.images) == 1 and bar.get_ylabel() == 'score'
    np.testing.assert_allclose(axes.get_xlim(), [0.3, 0.5])
    axes = result.plot_confidence(1).axes[0]
    assert [image.get_array().shape for image in axes.images] == [(17, 2),
                                                                  (17, 1)]


@pytest.mark.parametrize('ask, message', [
    (lambda r: r.plot_angles(person=2), r'a person of \[1, 4\], found 2'),
    (lambda r: r.plot_angles(['knee']), r"found \['knee'\]"),
    (lambda r: Pose3DResult([], range(3), 'a').plot_confidence(),
     'a: expected somebody'),
    (lambda r: Pose3DResult([], range(3), 'a').show(), 'at least one'),
])
def test_plots_of_nothing(result, ask, message):
    with pytest.raises(ValueError, match=message):
        ask(result)


def test_the_page_in_a_notebook(result):
    frame = result.show(400)._repr_html_()
    inner = re.fullmatch(
        r'<iframe sandbox="allow-scripts allow-downloads" srcdoc="([^"<>]*)" '
        r'style="[^"]*400px[^"]*"></iframe>', frame)
    page = html.unescape(inner[1])
    assert page.startswith('<!DOCTYPE html>') and '"person":4' in page
