# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Several people, a gap, missing joints, an unknown rate: in every format.

Each file is read by what shares nothing with its writer. Frames of axes and
places differ from format to format; how far each joint is from the left hip
does not.
"""

import csv
import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from stiff_people import as_lifted, stiff_points
from test_result_animations import pose_glb, read_bvh

from mmdiffpose.files.result_files import FORMATS, write_results
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.skeletons.joint_spelling import canonical_joint

JOINTS = H36M_17.joints
WRIST, HIP = (H36M_17.index[j] for j in ('right_wrist', 'left_hip'))
PACKAGES = dict(
    c3d=('c3d', 'ezc3d'),
    bvh=('pybvh', ),
    glb=('pygltflib', ),
    rrd=('rerun', ))
FPS = 50.
FRAMES = {3: [*range(20)], 8: [*range(5, 10), *range(14, 20)]}
"""Of two people; the second is away from 10 to 13."""
MISSING = (8, 7)
"""Person and frame in which a wrist was not seen."""
NAMES = {canonical_joint(joint): joint for joint in JOINTS}
NAMES.update(left_ankle='left_foot', right_ankle='right_foot')


def two_people(**fields):
    """Tracks, and where everybody is, by person and frame."""
    tracks, truth = [], {}
    for number, clip in ((3, 5), (8, 2)):
        points = stiff_points(frames=20, clip=clip)
        for frame in FRAMES[number]:
            truth[number, frame] = points[frame]
        runs = np.split(FRAMES[number],
                        np.flatnonzero(np.diff(FRAMES[number]) > 1) + 1)
        for rows in runs:
            track = as_lifted(
                points[rows],
                fps=FPS,
                frame_ids=rows,
                track_id=number,
                keypoints_2d=np.full((len(rows), 17, 2), 300., np.float32),
                **fields)
            if number == MISSING[0] and MISSING[1] in rows:
                row = rows.tolist().index(MISSING[1])
                track.scores[row, WRIST] = track.scores_2d[row, WRIST] = 0
            tracks.append(track)
    return tracks, truth


# Readers: {(person, frame): {joint: (3, ) or None}}, None where it is marked
# as not seen.


def from_json(path, files):
    document, found = json.loads(path.read_text()), {}
    for frame in document['instance_info']:
        for person in frame['instances']:
            found[person['track_id'],
                  frame['frame_id']] = {
                      joint: np.array(place) if score > 0 else None
                      for joint, place, score in zip(
                          document['meta_info']['joints'], person['keypoints'],
                          person['keypoint_scores'])
                  }
    return found


def from_npz(path, files):
    with np.load(path) as file:
        data = dict(file)
    return {
        (int(person), int(frame)): {
            j: p if s > 0 else None
            for j, p, s in zip(JOINTS, places, scores)
        }
        for person, frame, places, scores in
        zip(data['track_ids'], data['frame_ids'], data['keypoints_3d'],
            data['scores'])
    }


def from_csv(path, files):
    found = {}
    for row in csv.DictReader(path.open()):
        place = np.array([row[axis] for axis in 'xyz'], float)
        key = int(row['track']), int(row['frame'])
        seen = float(row['score']) > 0
        assert seen == (row['u'] != '')
        found.setdefault(key, {})[row['joint']] = place if seen else None
    return found


def number_in(path):
    return int(path.stem.split('person')[1].split('_')[0])


def from_trc(path, files):
    found = {}
    for file in files:
        lines = file.read_text().split('\n')
        names = lines[3].rstrip('\t').split('\t')[2::3]
        for line in filter(str.strip, lines[6:]):
            cells = line.split('\t')
            points = np.array(cells[2:], float).reshape(-1, 3)
            unit = dict(zip(lines[1].split('\t'),
                            lines[2].split('\t')))['Units']
            points = points / dict(mm=1000, m=1)[unit]
            found[number_in(file), int(cells[0]) - 1] = {
                NAMES[canonical_joint(name)]:
                None if np.isnan(point).any() else point
                for name, point in zip(names, points)
            }
    return found


def from_c3d(path, files):
    found = {}
    for file in files:
        points, names, first = c3d_points(file)
        for row, joints in enumerate(points):
            places = {
                name: None if np.isnan(place).any() else place / 1000
                for name, place in zip(names, joints)
            }
            if any(place is not None for place in places.values()):
                found[number_in(file), first + row] = places
    return found


def c3d_points(path):
    import ezc3d
    file = ezc3d.c3d(str(path))
    points = file['data']['points'][:3].transpose(2, 1, 0).copy()
    points[file['data']['meta_points']['residuals'][0].T < 0] = np.nan
    names = file['parameters']['POINT']['LABELS']['value']
    return points, names, int(file['header']['points']['first_frame'])


def from_animations(path, files):
    found = {}
    for file in files:
        read = read_bvh if file.suffix == '.bvh' else pose_glb
        places = read(file)[0]
        start = file.stem.partition('_frame')[2]
        first = int(start) if start else FRAMES[number_in(file)][0]
        for row in range(len(places['root'])):
            found[number_in(file), first + row] = {
                joint: places[joint][row]
                for joint in JOINTS
            }
    return found


def from_html(path, files):
    import base64
    text = path.read_text().split('type="application/json">')[1]
    data = json.loads(text.split('</script>')[0])

    def array(value, kind):
        return np.frombuffer(base64.b64decode(value), kind)

    found = {}
    for track in data['tracks']:
        poses = array(track['pose'], '<i2').reshape(-1, 17, 3) * data['step']
        seen = array(track['seen'], 'u1').reshape(-1, 17)
        for first, row, count in track['runs']:
            for i in range(count):
                found[track['person'], first + i] = {
                    joint: pose if sure else None
                    for joint, pose, sure in zip(JOINTS, poses[row +
                                                               i], seen[row +
                                                                        i])
                }
    return found


READERS = dict(
    json=from_json,
    npz=from_npz,
    csv=from_csv,
    trc=from_trc,
    c3d=from_c3d,
    bvh=from_animations,
    glb=from_animations,
    html=from_html,
    opensim=from_trc)
NO_POSES = {'angles', 'rrd'}
"""Read in tests of their own."""


def test_every_format_is_read_somewhere():
    assert {*READERS, *NO_POSES} == set(FORMATS)


def write(tracks, folder, kind):
    for package in PACKAGES.get(kind, ()):
        pytest.importorskip(package)
    files = write_results(tracks, folder / 'a', (kind, ))
    if kind == 'opensim':
        files = sorted((folder / 'a_opensim').glob('*.trc'))
    return files


@pytest.mark.parametrize('kind', READERS)
def test_people_gaps_and_missing_joints(tmp_path, kind):
    tracks, truth = two_people()
    files = write(tracks, tmp_path, kind)
    found = READERS[kind](files[0], files)
    # Nobody is there who was away, and everybody else is.
    assert set(found) == set(truth)
    marks = kind not in ('bvh', 'glb')
    for key, places in found.items():
        unseen = {j for j, place in places.items() if place is None}
        assert unseen == ({'right_wrist'}
                          if key == MISSING and marks else set())
        hip, points = places['left_hip'], truth[key]
        for joint, place in places.items():
            if place is None:
                continue
            assert np.isfinite(place).all()
            # In millimetres and shares of a step files are not exact.
            expected = np.linalg.norm(points[H36M_17.index[joint]] -
                                      points[HIP])
            assert np.linalg.norm(place - hip) == pytest.approx(
                expected, abs=5e-4)
            assert joint in ('root', ) or np.abs(place).max() > 1e-6


@pytest.mark.parametrize('kind', [*READERS, 'angles'])
def test_an_unknown_rate_is_refused_or_no_time(tmp_path, kind):
    tracks, truth = two_people()
    tracks = [replace(track, fps=None) for track in tracks]
    if kind in ('c3d', 'bvh', 'glb'):
        with pytest.raises(ValueError, match='frame rate.*--fps'):
            write(tracks, tmp_path, kind)
        assert not list(tmp_path.iterdir())
        return
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        files = write(tracks, tmp_path, kind)
    text = files[0].read_text('latin-1')
    if kind in ('trc', 'opensim'):
        assert any('30' in str(w.message) for w in said)
    elif kind in ('csv', 'angles'):
        rows = list(csv.DictReader(files[0].open()))
        assert rows and all(row['time'] == '' for row in rows)
    elif kind == 'json':
        assert '"time"' not in text and '"fps":null' in text
    elif kind == 'html':
        assert '"fps_known":false' in text
    else:
        with np.load(files[0]) as file:
            assert 'times' not in file


def test_angles_of_people_gaps_and_missing_joints(tmp_path):
    tracks, truth = two_people()
    path, = write(tracks, tmp_path, 'angles')
    rows = list(csv.DictReader(path.open()))
    assert {(int(r['track']), int(r['frame'])) for r in rows} == set(truth)
    empty = {(int(r['track']), int(r['frame']), r['angle'])
             for r in rows if r['degrees'] == ''}
    assert empty == {(*MISSING, 'right_elbow')}


@pytest.mark.parametrize('kind', FORMATS)
def test_nobody_is_no_file(tmp_path, kind):
    with pytest.raises(ValueError, match='at least one'):
        write([], tmp_path, kind)
    assert not list(tmp_path.iterdir())
