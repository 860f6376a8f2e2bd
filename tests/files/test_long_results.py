# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Results of long clips and of many people: the same files, flat memory."""

import json
from dataclasses import replace

import numpy as np
import pytest
from long_clips import lifted_track, peak_bytes

from mmdiffpose.files import result_csv, result_files, result_trc
from mmdiffpose.files.keypoint_files import read_keypoint_tracks
from mmdiffpose.files.result_files import write_results
from mmdiffpose.files.result_reading import read_results
from mmdiffpose.structures.people import frames_together

WRITERS = (result_csv, result_files, result_trc)


def at_once(monkeypatch, rows):
    for writer in WRITERS:
        monkeypatch.setattr(writer, 'ROWS_AT_ONCE', rows)


def crowd():
    """People who come and go, one of them in two pieces, one without id."""
    return [
        lifted_track(9, 4),
        lifted_track(3, 1, first=2),
        lifted_track(1, 7, first=5),
        lifted_track(2, 1, first=7),
        replace(lifted_track(6, first=1), track_id=None)
    ]


def test_spans_hold_whole_frames():
    a, b = lifted_track(5, first=3), lifted_track(4, first=5)
    # Frames 3 4 5 5 6 6 7 7 8: every third pose begins a span.
    assert frames_together([a, b], 3) == [
        [(0, slice(0, 2))],
        [(0, slice(2, 4)), (1, slice(0, 2))],
        [(0, slice(4, 5)), (1, slice(2, 4))],
    ]


@pytest.mark.parametrize('most', [1, 2, 3, 5, 100])
def test_spans_hold_every_row_once(most):
    tracks = crowd()
    seen = [[] for _ in tracks]
    last = -1
    for span in frames_together(tracks, most):
        frames = []
        for index, rows in span:
            seen[index] += range(rows.start, rows.stop)
            frames += tracks[index].frame_ids[rows].tolist()
        assert min(frames) > last
        last = max(frames)
    assert seen == [list(range(len(track))) for track in tracks]


@pytest.mark.parametrize('axes', ['camera', 'y-up', 'lifter'])
def test_files_do_not_depend_on_the_rows_at_once(monkeypatch, tmp_path, axes):
    found = []
    for rows in (1, 3, 4096):
        at_once(monkeypatch, rows)
        folder = tmp_path / str(rows)
        write_results(
            crowd(),
            folder / 'x', ('json', 'csv', 'trc'),
            axes=axes,
            hypotheses=True)
        found.append({f.name: f.read_bytes() for f in folder.iterdir()})
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 6


def test_json_has_all_people_of_a_frame_together(monkeypatch, tmp_path):
    at_once(monkeypatch, 4)
    path, = write_results(crowd(), tmp_path / 'x', ['json'])
    frames = json.loads(path.read_text())['instance_info']
    assert [list(frame)
            for frame in frames] == 9 * [['frame_id', 'time', 'instances']]
    assert [[p['track_id'] for p in frame['instances']]
            for frame in frames] == [[4], [4, 0], [4, 1, 0], [4, 1, 0],
                                     [4, 1, 0], [4, 7, 0], [4, 0], [4, 1],
                                     [4, 1]]
    assert frames[5]['time'] == .1
    np.testing.assert_allclose(
        frames[5]['instances'][1]['keypoints'],
        crowd()[2].keypoints_3d[0],
        atol=5.1e-5)


@pytest.mark.parametrize('kind', ['json', 'csv'])
def test_memory_of_texts_is_flat(monkeypatch, tmp_path, kind):
    at_once(monkeypatch, 64)
    peaks = []
    for frames in (128, 1024):
        track = lifted_track(frames)
        peaks.append(
            peak_bytes(lambda: write_results(track, tmp_path / 'x', [kind])))
    # Eight times the frames; the frames' ids are sorted, 8 bytes each.
    assert peaks[1] < 1.3 * peaks[0] + 40 * 1024


def test_memory_of_trc_is_that_of_the_numbers(monkeypatch, tmp_path):
    at_once(monkeypatch, 64)
    peaks = [
        peak_bytes(
            lambda: write_results(lifted_track(f), tmp_path / 'x', ['trc']))
        for f in (256, 2048)
    ]
    # As text a number takes 40 bytes and more, as a double eight.
    assert (peaks[1] - peaks[0]) / (2048 - 256) < 17 * 3 * 8 * 8


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('kind', ['mmpose', 'coco', 'openpose'])
def test_memory_of_keypoints_in_json(tmp_path, kind):
    frames, path = 300, tmp_path / 'x.json'
    track = lifted_track(frames)
    joints = (track.keypoints_2d * 30 + 400).round(2).tolist()
    scores = track.scores_2d.round(3).tolist()
    flat = [
        np.column_stack(pair).ravel().tolist() for pair in zip(joints, scores)
    ]
    if kind == 'mmpose':
        document = [
            dict(
                frame_id=number,
                instances=[dict(keypoints=xy, keypoint_scores=s)])
            for number, (xy, s) in enumerate(zip(joints, scores))
        ]
    elif kind == 'coco':
        document = [
            dict(image_id=number, keypoints=row)
            for number, row in enumerate(flat)
        ]
    else:
        document = {
            f'{number}.jpg': dict(people=[dict(pose_keypoints_2d=row)])
            for number, row in enumerate(flat)
        }
    path.write_text(json.dumps(document))
    size = path.stat().st_size
    peak = peak_bytes(lambda: read_keypoint_tracks(path, (1000, 800), 'h36m'))
    # As lists the 51 numbers take another 1 to 2 kB.
    assert (peak - size) / frames < 1900


def test_memory_of_results_in_json(tmp_path):
    frames = 300
    path, = write_results(
        lifted_track(frames), tmp_path / 'x', ['json'], hypotheses=True)
    size = path.stat().st_size
    # 17 joints of 2 hypotheses, poses, places, scores and spreads in doubles,
    # and again in floats; as lists they take 12 kB.
    assert (peak_bytes(lambda: read_results(path)) - size) / frames < 7000
