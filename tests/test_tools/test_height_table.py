# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What known heights give, of a lifter whose errors are known."""

import numpy as np
import pytest
from mini_motions import write_mini_motions

from mmdiffpose.structures.lifted_track import LiftedTrack


@pytest.fixture
def tool(load_tool):
    return load_tool('analysis_tools/height_table')


def too_small(target, window):
    """The truth in the camera's axes, a tenth too small, and three samples
    of .8, .9 and 1 times the truth."""
    poses = target @ window.rotation
    track = window.track
    return LiftedTrack(
        (.9 * poses).astype(np.float32), np.ones_like(track.scores),
        np.full(track.scores.shape,
                .02), (np.array([.8, .9, 1])[:, None, None] * poses[:, None]),
        track.keypoints, track.scores, np.arange(len(poses)), track.image_size)


def test_a_lifter_that_sees_people_a_tenth_too_small(tool, monkeypatch,
                                                     tmp_path, capsys):
    motions = write_mini_motions(tmp_path / 'motions.npz')
    windows = {}
    drawn_from = tool.draw_from

    def draw_from(simulator, number):
        drawn = drawn_from(simulator, number)
        windows.update((id(one.track), one) for one in drawn)
        return drawn

    def lift(model, track, focal_length):
        window = windows[id(track)]
        return too_small(window.target.astype(float), window)

    monkeypatch.setattr(tool, 'init_model', lambda *names: None)
    monkeypatch.setattr(tool, 'draw_from', draw_from)
    monkeypatch.setattr(tool, 'lift_track', lift)
    page = tmp_path / 'page.md'
    page.write_text('\n'.join(['above', *tool.MARKERS, 'below']))
    rows = tool.main([
        'any', '--motions', motions, '--subjects', 'mini/S1', '--windows', '2',
        '--out', str(page)
    ])  # yapf: disable
    scales = [f'actors, scale {s}' for s in ('0.75', '0.9', '1', '1.1', '1.2')]
    assert list(rows) == [
        *scales, 'adults of ANSUR II', 'one in ten a child, one in five scaled'
    ]
    one, two = rows['actors, scale 1'][0], rows['actors, scale 1.2'][0]
    assert two.true == pytest.approx(1.2 * one.true, rel=1e-4)
    for found in sum(rows.values(), []):
        guess, known, off, adult = (f['MPJPE'] for f in found.figures)
        assert found.guess == pytest.approx(.9 * found.true, rel=1e-4)
        assert found.spread == pytest.approx(
            np.std(np.log([.8, .9, 1]), ddof=1))
        assert known == pytest.approx(0, abs=1e-3)
        assert off == pytest.approx(.3 * guess, rel=1e-3)
        assert adult == pytest.approx(
            10 * guess * abs(1.69 / found.true - 1), rel=1e-3)
        assert found.figures[1]['90 % x'] == 1 > found.figures[0]['90 % y']
        as_guessed, at_height, _, vague = found.energy
        assert at_height == pytest.approx(0, abs=1e-2)
        assert min(as_guessed, vague) > 1
    printed = capsys.readouterr().out
    assert '| -10.5 ± 0.0 | 11.2 |' in printed
    begin, end = tool.MARKERS
    assert page.read_text(
    ) == f'above\n{begin}\n{printed.strip()}\n{end}\nbelow'
    # Two tables of as many rows, each as wide as its header.
    tables = [part.split('\n') for part in printed.strip().split('\n\n')]
    assert [len(lines) for lines in tables] == [9, 9]
    assert [{line.count('|')
             for line in lines} for lines in tables] == [{10}, {8}]


def test_the_energy_score_by_hand(tool):
    """Samples off by 20, 10 and 0 mm: 10 less half of their distance, which
    is 80 / 9 over all nine pairs."""
    motions = np.zeros((2, 17, 3))
    motions[:, 6] = [0, .1, 0]
    window = tool.Drawn(None, 1000., motions, np.eye(3))
    apart = np.zeros((2, 3, 17, 3))
    apart[:, :, 6, 2] = [.02, .01, 0]
    lifted = LiftedTrack(motions, np.ones((2, 17)), None,
                         motions[:, None] + apart, motions[..., :2],
                         np.ones((2, 17)), np.arange(2), (8, 8))
    assert tool._energy(lifted, window) == pytest.approx(10 - 40 / 9)
