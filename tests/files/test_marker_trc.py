# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Marker files with other tools' names, and what Pose2Sim needs."""

from dataclasses import replace

import numpy as np
import pytest
from stiff_people import as_lifted, on_the_floor, stiff_points

from mmdiffpose.apis import InferenceOptions
from mmdiffpose.files.result_files import write_results
from mmdiffpose.skeletons import H36M_17

INDEX = H36M_17.index
LIMBS = [
    f'{side}{name}' for side in 'RL' for name in ('Hip', 'Knee', 'Ankle')
] + [
    f'{side}{name}' for side in 'LR' for name in ('Shoulder', 'Elbow', 'Wrist')
]
LIMB_JOINTS = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]


def read_trc(path):
    """Header, marker names, frames, times, points (F, M, 3), raw text."""
    text = path.read_text()
    lines = text.split('\n')
    header = dict(zip(lines[1].split('\t'), lines[2].split('\t')))
    names = lines[3].split('\t')[2::3]
    rows = [line.split('\t') for line in lines[6:-1]]
    assert {len(row) for row in rows} == {2 + 3 * len(names)}
    assert int(header['NumMarkers']) == len(names)
    assert int(header['NumFrames']) == len(rows)
    values = np.array(rows, float)
    return header, names, values[:, 0], values[:, 1], values[:, 2:].reshape(
        len(rows), -1, 3), text


def turned(points, degrees):
    """Points turned about y: from +z towards +x by 90 degrees."""
    angle = np.radians(degrees)
    x = points[..., 0] * np.cos(angle) + points[..., 2] * np.sin(angle)
    z = points[..., 2] * np.cos(angle) - points[..., 0] * np.sin(angle)
    return np.stack([x, points[..., 1], z], -1)


def facing_z(frames=12):
    """Stiff people who face +z: their hips lie along x on average."""
    points = stiff_points(frames=frames)
    hips = points[:, INDEX['left_hip']] - points[:, INDEX['right_hip']]
    across = (hips / np.linalg.norm(hips[:, [0, 2]], axis=1)[:, None]).sum(0)
    return on_the_floor(
        turned(points, np.degrees(np.arctan2(across[2], across[0]))))


def test_for_pose2sim(tmp_path):
    """Metres, its names, facing +x wherever the camera stood."""
    points = facing_z()
    for degrees in (0, 130, 200):
        path, = write_results(
            as_lifted(turned(points, degrees)),
            tmp_path / f'a{degrees}', ('trc', ),
            markers='pose2sim')
        header, names, frames, times, found, _ = read_trc(path)
        assert header['Units'] == 'm' and names == LIMBS
        np.testing.assert_allclose(times, np.arange(12) / 50)
        np.testing.assert_allclose(
            found, turned(points, 90)[:, LIMB_JOINTS], atol=3e-5)


def test_bones_keep_their_length_for_pose2sim(tmp_path):
    points = facing_z()
    wrist, elbow = INDEX['left_wrist'], INDEX['left_elbow']
    whole = points.copy()
    forearm = points[:, wrist] - points[:, elbow]
    points[3:6, wrist] += 0.3 * forearm[3:6]
    path, = write_results(
        as_lifted(points), tmp_path / 'a', ('trc', ), markers='pose2sim')
    found = read_trc(path)[4]
    np.testing.assert_allclose(
        found, turned(whole, 90)[:, LIMB_JOINTS], atol=3e-5)
    # With other names only, they are as lifted.
    path, = write_results(
        as_lifted(points), tmp_path / 'b', ('trc', ), markers='coco', unit='m')
    _, names, _, _, found, _ = read_trc(path)
    assert names[:3] == ['right_hip', 'right_knee', 'right_ankle']
    np.testing.assert_allclose(found, points[:, LIMB_JOINTS], atol=3e-5)


@pytest.mark.parametrize('markers', ['pose2sim', 'halpe26'])
def test_what_was_not_seen_is_nan_or_no_row(tmp_path, markers):
    lifted = as_lifted(facing_z())
    wrist = INDEX['right_wrist']
    lifted.scores[2, wrist] = lifted.scores[4] = 0
    lifted.scores_2d[7] = 0
    # The spine and the like alone are markers of neither.
    lifted.scores[9, LIMB_JOINTS + [0, 8, 10]] = 0
    path, = write_results(lifted, tmp_path / 'a', ('trc', ), markers=markers)
    _, names, frames, _, found, text = read_trc(path)
    assert frames.tolist() == [1, 2, 3, 4, 6, 7, 9, 11, 12]
    missing = np.argwhere(np.isnan(found).any(-1))
    last = len(names) - 1
    assert missing.tolist() == [[2, last]]
    assert text.split('\n')[8].endswith('\tNaN\tNaN\tNaN')
    assert text.count('NaN') == 3 and (found != 0).any(-1).all()


def test_estimates_and_blanks_by_option(tmp_path):
    points = facing_z()
    lifted = as_lifted(points)
    wrist = INDEX['right_wrist']
    lifted.scores[2, wrist] = lifted.scores_2d[2, wrist] = 0
    path, = write_results(
        lifted,
        tmp_path / 'a', ('trc', ),
        markers='pose2sim',
        trc_unseen='estimate')
    np.testing.assert_allclose(
        read_trc(path)[4], turned(points, 90)[:, LIMB_JOINTS], atol=3e-5)
    for kind, ending in (('trc', '\t\t\t'), ('opensim', '\tNaN\tNaN\tNaN')):
        path, *_ = write_results(
            lifted,
            tmp_path / 'b', (kind, ),
            markers='pose2sim',
            trc_unseen='blank')
        assert path.read_text().split('\n')[8].endswith(ending)


def test_nobody_without_markers(tmp_path):
    lifted = as_lifted(facing_z())
    ghost = replace(lifted, scores=np.zeros((12, 17)), track_id=2)
    paths = write_results([ghost, lifted],
                          tmp_path / 'a', ('trc', ),
                          markers='pose2sim')
    assert [path.name for path in paths] == ['a_person1.trc']
    with pytest.warns(UserWarning, match='person 2: none of the markers'):
        paths = write_results([ghost, lifted],
                              tmp_path / 'b', ('trc', ),
                              markers='coco')
    assert [path.name for path in paths] == ['b_person1.trc']


def test_what_pose2sim_does_not_read_is_refused(tmp_path):
    lifted = as_lifted(facing_z())
    for call in (lambda: write_results(
            lifted, tmp_path / 'a', ('trc', ), unit='mm', markers='pose2sim'),
                 lambda: InferenceOptions(unit='mm', markers='pose2sim')):
        with pytest.raises(ValueError, match='expected m .*Pose2Sim'):
            call()
    nameless = replace(H36M_17, joints=tuple('abcdefghijklmnopq'))
    for markers, words in (('pose2sim', 'expected a joint left_hip'),
                           ('coco', "expected some of the joints.*'a'")):
        with pytest.raises(ValueError, match=words):
            write_results(
                replace(lifted, skeleton=nameless),
                tmp_path / 'a', ('trc', ),
                markers=markers)


def test_an_unknown_rate_is_said(tmp_path):
    with pytest.warns(UserWarning, match='30 frames a second'):
        path, = write_results(
            as_lifted(facing_z(), fps=None),
            tmp_path / 'a', ('trc', ),
            markers='pose2sim')
    assert read_trc(path)[3][1] == pytest.approx(1 / 30, abs=1e-6)
