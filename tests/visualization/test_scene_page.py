# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The interactive page: its data, and its script run by Node.js."""

import base64
import csv
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from drawn_people import crowd, person

from mmdiffpose.skeletons import Skeleton
from mmdiffpose.visualization.scene_page import TEMPLATE, write_html

NODE = shutil.which('node')


def data_of(path):
    text = path.read_text(encoding='utf-8')
    found = re.search(
        r'<script id="scene" type="application/json">(.*?)</script>', text,
        re.S)
    return json.loads(found[1])


def array(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)


def run(path, script):
    """What a script of Node.js prints, with the page's code as ``page``."""
    if NODE is None:
        pytest.skip('the script of the page is tested with Node.js, which is '
                    'not installed')
    code = re.search(r'<script id="code">(.*?)</script>', path.read_text(),
                     re.S)[1]
    folder = path.parent
    (folder / 'code.js').write_text(code)
    (folder / 'scene.json').write_text(json.dumps(data_of(path)))
    (folder / 'test.js').write_text(
        "const page = require('./code.js');\n"
        "const scene = require('./scene.json');\n"
        'const tracks = page.decode(scene);\n'
        f'console.log(JSON.stringify({script}));\n')
    done = subprocess.run([NODE, 'test.js'],
                          cwd=folder,
                          capture_output=True,
                          text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_page_stands_alone(tmp_path):
    path = write_html(crowd(2), tmp_path / 'a.html')
    text = path.read_text()
    assert '__SCENE__' not in text
    assert not re.search(r'https?://|src=|@import|url\(', text)
    assert TEMPLATE.is_file()


def test_heights_that_were_given_are_told(tmp_path):
    tracks = crowd(3)
    tracks[1] = replace(tracks[1], height=1.8765, height_std=0., scaled_by=1.1)
    tracks[2] = replace(tracks[2], height=1.69, height_std=.1, scaled_by=1.1)
    path = write_html(tracks, tmp_path / 'a.html')
    numbers = [track['person'] for track in data_of(path)['tracks']]
    assert run(path, 'scene.tracks.map(page.nameOf)') == [
        f'person {numbers[0]}', f'person {numbers[1]}, 1.877 m as given',
        f'person {numbers[2]}, 1.69 ± 0.1 m as given'
    ]


def test_arrays_hold_the_scene(tmp_path):
    tracks = crowd(3)
    tracks[1].scores_2d[4, 2] = 0
    data = data_of(write_html(tracks, tmp_path / 'a.html', max_hypotheses=2))
    assert data['step'] < 1e-3 and data['frames'] == [0, 11]
    first, second = (
        array(t['pose'], '<i2').reshape(12, 17, 3) * data['step']
        for t in data['tracks'][:2])
    np.testing.assert_allclose(
        second - first,
        np.broadcast_to([1.1, 0, -1], first.shape),
        atol=2 * data['step'])
    cloud = array(data['tracks'][0]['cloud'], '<i2').reshape(12, 2, 17, 3)
    assert data['tracks'][0]['hypotheses'] == 2
    # 3 cm less in camera axes: left, up, away from the camera's forward.
    np.testing.assert_allclose(
        (cloud * data['step'] - first[:, None])[:, 0],
        np.broadcast_to([-.03, .03, .03], first.shape),
        atol=2 * data['step'])
    seen = array(data['tracks'][1]['seen'], 'u1').reshape(12, 17)
    assert np.argwhere(seen == 0).tolist() == [[4, 2]]
    assert (array(data['tracks'][0]['std'], '<u2') == 40).all()


def test_size_per_frame_and_person(tmp_path):
    sizes = [
        write_html([person(0, (0, 5), frames)], tmp_path / 'a.html',
                   3).stat().st_size for frames in (100, 1100)
    ]
    # 17 joints: (1 + 3) x 3 x 2 bytes, 2 of std, 1 each of seen and score;
    # base64.
    assert sizes[1] - sizes[0] == pytest.approx(
        1000 * 17 * 28 * 4 / 3, rel=.01)


def test_script_reads_what_was_written(tmp_path):
    track = person(4, (0, 5))
    late = person(4, (0, 5), frame_ids=np.arange(12) + 50)
    path = write_html([track, late], tmp_path / 'a.html')
    data = data_of(path)
    rows = run(
        path, '[0, 11, 12, 49, 50, 61, 62].map('
        'frame => tracks.map(track => page.rowOf(track, frame)))')
    assert rows == [[0, -1], [11, -1], [-1, -1], [-1, -1], [-1, 0], [-1, 11],
                    [-1, -1]]
    pose, cloud = run(
        path, '[page.poseAt(tracks[0], 3), page.cloudAt(tracks[0], 3)]')
    np.testing.assert_allclose(
        pose,
        array(data['tracks'][0]['pose'], '<i2').reshape(12, 17, 3)[3] *
        data['step'])
    assert np.shape(cloud) == (3, 17, 3)


def test_script_camera_is_upright_and_unmirrored(tmp_path):
    path = write_html(crowd(2), tmp_path / 'a.html')
    pixels = np.array(
        run(
            path, '(() => { const camera = new page.Camera(scene);'
            ' camera.resize(800, 600);'
            ' return tracks.map(track => page.poseAt(track, 0)'
            '.map(point => camera.project(point))); })()'))
    (left, right), index = pixels, person(0, (0, 5)).skeleton.index
    for pose in (left, right):
        x, y = pose[:, 0], pose[:, 1]
        assert y[index['head']] < y[index['root']] < y[index['left_foot']]
        assert x[index['left_wrist']] > x[index['right_wrist']]
        assert 0 < x.min() and x.max() < 800 and 0 < y.min() and y.max() < 600
    # Person 1 stands on the right and a metre farther off: smaller.
    assert right[0, 0] > left[0, 0] and right[0, 3] < left[0, 3]


def test_script_draws_who_is_shown(tmp_path):
    """Strokes on a canvas that only counts."""
    path = write_html(crowd(3), tmp_path / 'a.html')
    counts = run(
        path, '(() => { const camera = new page.Camera(scene);'
        ' camera.resize(800, 600);'
        ' const count = state => { let strokes = 0;'
        '  const context = new Proxy({}, {get: (_, name) =>'
        '   name === "canvas" ? {} : () => {'
        '    if (name === "stroke" || name === "fill") strokes++; },'
        '   set: () => true});'
        '  page.draw(context, camera, scene, tracks, {frame: 0,'
        '   hypotheses: false, spread: false, hidden: new Set(), ...state});'
        '  return strokes; };'
        ' return [count({}), count({hidden: new Set([1])}),'
        '  count({hypotheses: true}), count({spread: true}),'
        '  count({frame: 99})]; })()')
    everybody, without, clouds, discs, nobody = counts
    assert nobody == 2  # the floor and its lines
    assert everybody - nobody == 3 * 16 * 2  # bones and their rims
    assert without - nobody == 2 * 16 * 2
    assert clouds - everybody == 3 * 3 * 16
    assert discs - everybody == 3 * 17


def test_script_knows_times(tmp_path):
    """Of every third frame, of uneven times, and of an unknown rate."""

    def clock(**changes):
        path = write_html(person(0, (0, 5), 4, **changes), tmp_path / 'a.html')
        data = data_of(path)
        frames = list(range(data['frames'][0], data['frames'][1] + 1))
        seconds = run(path, f'{frames}.map(f => page.secondsOf(scene, f))')
        return data['fps_known'], seconds, path

    known, seconds, _ = clock(frame_ids=np.arange(4) + 50)
    assert known
    np.testing.assert_allclose(seconds, [2, 2.04, 2.08, 2.12])
    known, seconds, _ = clock(
        frame_ids=np.array([0, 3, 6, 9]), step=3, fps=10.)
    np.testing.assert_allclose(seconds, [0, 0.1, 0.2, 0.3])
    # Frames 2 and 3 are missing, and lie evenly between the others.
    known, seconds, path = clock(
        frame_ids=np.array([0, 1, 4, 5]), times=np.array([0., 1., 1.3, 9.]))
    assert known
    np.testing.assert_allclose(seconds, [0, 1, 1.1, 1.2, 1.3, 9])
    assert run(path, '[-1, 0.5, 1, 1.25, 8, 10].map('
               't => page.frameAt(scene, t))') == [0, 0, 1, 3, 4, 5]
    assert not clock(fps=None)[0]


def test_script_curves(tmp_path):
    """A knee bent by 40 degrees, not seen in a frame, and an absence."""
    track = person(2, (0, 5), 5, frame_ids=np.array([0, 1, 2, 7, 8]))
    index = track.skeleton.index
    knee, foot = index['left_knee'], index['left_foot']
    shin = np.linalg.norm(
        track.keypoints_3d[:, foot] - track.keypoints_3d[:, knee], axis=-1)[0]
    bend = np.deg2rad(40)
    # Camera axes: y down, and z away, where a heel goes.
    track.keypoints_3d[:,
                       foot] = track.keypoints_3d[:, knee] + shin * np.array(
                           [0, np.cos(bend), np.sin(bend)])
    track.scores_2d[2, foot] = 0
    track.scores[:] = np.array([1, 0.5, 0.2, 0, 0.6])[:, None]
    path = write_html(track, tmp_path / 'a.html')
    frames, bent = zip(
        *run(path, 'page.angleCurve(tracks[0], scene.angles.left_knee)'))
    assert frames == (0, 1, 8)  # a score of 0 in frame 7: nobody saw it
    np.testing.assert_allclose(bent, 40, atol=0.5)
    frames, sure = zip(*run(path, 'page.confidence(tracks[0])'))
    assert frames == (0, 1, 2, 7, 8)
    np.testing.assert_allclose(sure, [1, 0.5, 0.2, 0, 0.6], atol=0.005)
    pairs = dict(map(reversed, run(path, 'page.anglePairs(scene)')))
    assert pairs['knees'] == 'left_knee,right_knee'
    assert pairs['spine'] == 'spine'


def test_script_writes_tables(tmp_path):
    tracks = crowd(2, frames=2)
    tracks[1].scores_2d[:, 3] = 0
    path = write_html(tracks, tmp_path / 'a.html')
    joints, angles = (
        list(csv.DictReader(io.StringIO(text))) for text in run(
            path, '[page.jointsTable(scene, tracks),'
            ' page.anglesTable(scene, tracks)]'))
    assert len(joints) == 2 * 2 * 17
    row = joints[17 + 3]
    name = tracks[0].skeleton.joints[3]
    assert (row['frame'], row['time'], row['track'],
            row['joint']) == ('1', '0.0400', '0', name)
    assert (row['std'], row['score'], row['seen']) == ('0.040', '1.000', '1')
    assert [r['seen'] for r in joints if r['joint'] == name] == list('1100')
    heights = {r['joint']: float(r['y']) for r in joints[:17]}
    assert heights['head'] - heights['left_foot'] == pytest.approx(
        1.65, abs=.01)
    straight = [r for r in angles if r['angle'] == 'left_elbow']
    assert len(straight) == 4
    assert all(float(r['degrees']) < 1 for r in straight)


def test_views_beside_lie_within_the_canvas(tmp_path):
    path = write_html(crowd(1), tmp_path / 'a.html')
    for width, height in ((1280, 650), (390, 600), (844, 340)):
        boxes = run(path, f'page.insetsOf({width}, {height})')
        (one, other) = ((b['x'], b['y'], b['side']) for b in boxes)
        for x, y, side in (one, other):
            assert side > 80
            assert x >= 0 and y >= 0 and x + side <= width
            assert y + side <= height
        apart = max(abs(one[0] - other[0]), abs(one[1] - other[1]))
        assert apart >= one[2]


def test_own_joints_without_angles(tmp_path):
    skeleton = Skeleton('crane', ('hook', 'left_arm'), (-1, 0), ())
    whole = person(0, (0, 5), 3)
    names = ('keypoints_3d', 'scores', 'std', 'keypoints_2d', 'scores_2d')
    track = replace(
        whole,
        hypotheses=None,
        skeleton=skeleton,
        **{name: getattr(whole, name)[:, :2]
           for name in names})
    data = data_of(write_html(track, tmp_path / 'a.html'))
    assert data['angles'] == {} and data['sides'] == ['middle', 'left']


def test_nobody_to_show(tmp_path):
    with pytest.raises(ValueError, match='at least one'):
        write_html([], tmp_path / 'a.html')
