# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The benchmark hdm05-views: its measures, and a run of two cells."""
import json

import numpy as np
import pytest
from mini_motions import write_mini_motions

from mmdiffpose.datasets.views_grid import GRID
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.structures.keypoint_track import KeypointTrack
from mmdiffpose.structures.lifted_track import LiftedTrack


@pytest.fixture
def tool(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'analysis_tools')
    from reporting import views
    return views


def pose(**joints):
    out = np.zeros((1, 17, 3))
    for name, place in joints.items():
        out[:, H36M_17.index[name]] = place
    return out


def test_flexion_of_knees(tool):
    legs = pose(
        left_hip=(0, 0, 0),
        left_knee=(0, 1, 0),
        left_foot=(0, 2, 0),
        right_hip=(1, 0, 0),
        right_knee=(1, 1, 0),
        right_foot=(1, 1, 3))
    np.testing.assert_allclose(tool.flexion(legs), [[0, 90]], atol=1e-6)


def window(tool, truth, frames=27):
    track = KeypointTrack(
        np.full((frames, 17, 2), 500.), np.full((frames, 17), .9),
        (1000, 1000), H36M_17)
    # A line of sight 90 degrees to the right: the camera's x is its depth.
    rotation = np.array([[0., 0, -1], [0, 1, 0], [1, 0, 0]])
    return tool.Drawn(track, 1000., np.repeat(truth, frames, 0), rotation)


def lifter(found):
    """Finds this pose, (1, 17, 3) in the camera's axes, in every frame."""

    def lift(model, track, focal_length):
        assert focal_length == 1000
        n = len(track)
        return LiftedTrack(
            np.repeat(found, n, 0), track.scores, np.full(
                (n, 17), .4), None, track.keypoints, track.scores,
            track.frame_ids, track.image_size, H36M_17)

    return lift


def test_errors_along_the_line_of_sight(tool, monkeypatch):
    truth = pose(left_wrist=(0, 0, 1))
    drawn = window(tool, truth)
    # Found 2 m away along the camera's x, and 0.5 m too low.
    found = pose(left_wrist=(2, .5, 0))
    monkeypatch.setattr(tool, 'lift_track', lifter(found))
    figures = tool.measure(None, drawn)
    assert figures['depth'] == pytest.approx(1000 / 17)
    assert figures['plane'] == pytest.approx(500 / 17)
    assert figures['MPJPE'] == pytest.approx(1000 * 1.25**.5 / 17)
    # 0.4 m reach 0.66 m: half a metre is inside, one is not.
    assert figures['90 % x'] == figures['90 % y'] == 1
    assert figures['90 % z'] == pytest.approx(15 / 16)


def test_a_known_height_takes_the_size_away(tool, monkeypatch):
    truth = .15 * np.random.default_rng(0).normal(size=(1, 17, 3))
    truth -= truth[:, :1]
    drawn = window(tool, truth)
    # All of it a quarter too large, in the camera's axes.
    found = 1.25 * truth @ drawn.rotation
    monkeypatch.setattr(tool, 'lift_track', lifter(found))
    guessed = tool.measure(None, drawn)['MPJPE']
    assert guessed == pytest.approx(
        250 * np.linalg.norm(truth, axis=-1).mean(), rel=1e-5)
    known = tool.measure(None, drawn, known_height=True)
    assert known['MPJPE'] == pytest.approx(0, abs=1e-2)


def test_a_run(tool, load_tool, tmp_path):
    motions = write_mini_motions(tmp_path / 'motions.npz')
    load_tool('analysis_tools/views_benchmark').main([
        'mixste', '--motions', motions, '--subjects', 'mini/S1', '--factors',
        'pitch', '--windows', '2', '--out-dir',
        str(tmp_path)
    ])
    rows = json.loads((tmp_path / 'results.json').read_text())
    assert [row['value'] for row in rows] == list(GRID['pitch'])
    for row in rows:
        assert 0 < row['P-MPJPE'] <= row['N-MPJPE'] <= row['MPJPE'] + 1e-6
        assert 0 <= row['90 % z'] <= 1
    lines = (tmp_path / 'results.md').read_text().splitlines()
    assert len(lines) == 2 + len(rows)
    assert (tmp_path / 'results.png').read_bytes()[:4] == b'\x89PNG'
