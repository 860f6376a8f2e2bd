# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The page that lifts: its script says what the package says."""

import json
import re
import shutil
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from foreign_files import SIZE, crowd, document
from formula_lifter import Formula

from mmdiffpose.apis import lift_tracks, read_keypoint_tracks
from mmdiffpose.codecs import GMMDiffusionPose
from mmdiffpose.deployment.onnx_export import DEMO
from mmdiffpose.structures.frame_numbers import number_images
from mmdiffpose.visualization.scene_page import write_html
from projects.web_lifter import build, check

pytest.importorskip(
    'onnxruntime', reason='onnxruntime is not installed (extra "export")')

NODE = shutil.which('node')
HELPERS = Path(__file__).parents[1] / 'helpers'


@pytest.fixture(scope='module')
def facts(tmp_path_factory):
    path = tmp_path_factory.mktemp('facts') / 'facts.json'
    path.write_text(json.dumps(build.page_facts(Formula(), 'a formula')))
    return path


@pytest.fixture
def in_node(facts, tmp_path):
    """What the page's script makes of a file."""
    if NODE is None:
        pytest.skip("the page's script is tested with Node.js, which is not "
                    'installed')

    def work(file, lift=True, told=facts, **options):
        job = dict(
            folder=str(build.PAGE),
            facts=str(told),
            file=str(file),
            lift=lift,
            options=options)
        (tmp_path / 'job.json').write_text(json.dumps(job))
        with subprocess.Popen(
            [NODE, HELPERS / 'lift_in_node.mjs', tmp_path / 'job.json'],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True) as process:
            for line in process.stdout:
                said = json.loads(line)
                if 'inputs' not in said:
                    break
                given = {
                    name: torch.tensor(values).reshape(shape)
                    for name, values, shape in said['inputs']
                }
                found = Formula.run(None, given)
                process.stdin.write(
                    json.dumps({
                        name: values.flatten().tolist()
                        for name, values in found.items()
                    }) + '\n')
                process.stdin.flush()
            process.stdin.close()
        return said

    return work


def with_python(file, fps=None, focal=None, lifter=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        tracks = read_keypoint_tracks(file, **options)
        for track in tracks:
            track.fps = fps or track.fps
        return tracks, lift_tracks(
            lifter or Formula(), tracks, focal_length=focal)


def arrays_of(one):
    shape = (len(one['frameIds']), 17, 3)
    return dict(
        keypoints_3d=np.reshape(one['poses'], shape),
        scores=np.reshape(one['scores'], shape[:2]),
        std=np.reshape(one['std'], shape[:2]),
        hypotheses=np.reshape(one['hypotheses'], (shape[0], 3, 17, 3)))


def assert_same(found, expected):
    assert 'error' not in found, found
    assert len(found['lifted']) == len(expected)
    for one, track in zip(found['lifted'], expected):
        assert one['frameIds'] == track.frame_ids.tolist()
        assert one['trackId'] == track.track_id
        for name, values in arrays_of(one).items():
            np.testing.assert_allclose(
                values, getattr(track, name), atol=2e-6, err_msg=name)


def scene_of(page):
    found = re.search(
        r'<script id="scene" type="application/json">(.*?)</script>', page,
        re.S)
    return json.loads(found[1])


def assert_same_scene(page, expected, folder):
    """All but last digits, which are multiples of a step."""
    other = write_html(expected, folder / 'expected.html').read_text('utf-8')
    data, known = scene_of(page), scene_of(other)
    assert list(data) != [] and set(data) == set(known)
    step = data['step']
    assert step == pytest.approx(known['step'], rel=1e-5)
    for one, track in zip(data.pop('tracks'), known.pop('tracks')):
        for name, kind, most in (('pose', '<i2', 2), ('cloud', '<i2', 2),
                                 ('std', '<u2', 1), ('score', 'u1',
                                                     1), ('seen', 'u1', 0)):
            values, others = (
                np.frombuffer(check.bytes_of(t.pop(name)), kind).astype(int)
                for t in (one, track))
            assert np.abs(values - others).max() <= most, name
        assert one == track
    for name in ('height', 'floor', 'step'):
        assert data.pop(name) == pytest.approx(known.pop(name), abs=1e-3)
    assert data == known
    # But for the data it is the same page.
    assert page.count(check.SCENE_START) == 1
    assert page.split(check.SCENE_START)[0] == other.split(
        check.SCENE_START)[0]


def changed_demo(folder, change):
    content = json.loads(DEMO.read_text())
    change(content)
    path = folder / 'demo.json'
    path.write_text(json.dumps(content))
    return path


def instances(content):
    return [frame['instances'][0] for frame in content['instance_info']]


def test_the_demo_track(in_node, tmp_path):
    _, expected = with_python(DEMO)
    found = in_node(DEMO)
    assert_same(found, expected)
    assert found['warnings'] == []
    assert_same_scene(found['page'], expected, tmp_path)


def test_a_known_focal_length(in_node):
    assert_same(in_node(DEMO, focal=1100), with_python(DEMO, focal=1100)[1])
    assert not np.allclose(
        with_python(DEMO, focal=1100)[1][0].keypoints_3d,
        with_python(DEMO)[1][0].keypoints_3d,
        atol=1e-3)


@pytest.mark.parametrize('fps', [8, 100])
def test_other_frame_rates(in_node, tmp_path, fps):
    """12 to 60 frames a second are what the lifter knows."""

    def hide(content):
        content['meta_info']['fps'] = fps
        people = instances(content)
        for person in people[40:44]:  # of all joints: bridged
            person['keypoint_scores'] = [0.] * 17
        for person in people[20:26]:
            person['keypoint_scores'][9] = 0.

    path = changed_demo(tmp_path, hide)
    _, expected = with_python(path)
    assert_same(in_node(path), expected)


def test_joints_that_were_hardly_or_not_seen(in_node, tmp_path):

    def hide(content):
        people = instances(content)
        for person in people[:7] + people[30:38] + people[90:]:
            for hip in (11, 12):  # the root is relative to nothing
                person['keypoint_scores'][hip] = 0.
        for person in people[83:89]:  # one hip stands in for both
            person['keypoint_scores'][12] = 0.
        for person in people:
            person['keypoint_scores'][10] = 0.  # never
            person['keypoint_scores'][7] = .05  # hardly
        for person in people[50:80]:  # longer than what is bridged
            person['keypoint_scores'] = [0.] * 17

    path = changed_demo(tmp_path, hide)
    _, expected = with_python(path)
    assert len(expected) == 2
    found = in_node(path)
    assert_same(found, expected)
    assert_same_scene(found['page'], expected, tmp_path)


def test_a_lifter_that_reads_mixtures(in_node, tmp_path):
    lifter = Formula('diffpose', 'mixtures')
    told = tmp_path / 'told.json'
    told.write_text(json.dumps(build.page_facts(lifter, 'a formula')))

    def hide(content):
        people = instances(content)
        for frame, person in enumerate(people):
            person['keypoint_scores'][9] = frame / len(people)
        for person in people[40:44]:
            person['keypoint_scores'] = [0.] * 17
        for person in people[60:70]:
            person['keypoint_scores'][5] = 0.

    path = changed_demo(tmp_path, hide)
    _, expected = with_python(path, lifter=lifter)
    assert_same(in_node(path, told=told), expected)
    # They tell something.
    _, others = with_python(path)
    assert np.abs(expected[0].keypoints_3d -
                  others[0].keypoints_3d).max() > .01


def test_a_window_in_which_nobody_is_seen(tmp_path):
    """Mixtures of joints that nothing is known of, as the codec has them."""
    if NODE is None:
        pytest.skip('Node.js is not installed')
    inputs = np.zeros((3, 17, 3), np.float32)
    scores = np.zeros((3, 17), np.float32)
    jobs = [(inputs, scores)]
    seen = inputs.copy()
    seen[1, 3:7] = [[.1, .2, 1], [.3, -.1, 1], [.2, .4, 1], [0, .1, 1]]
    jobs.append((seen, np.where(seen[..., 2], np.float32(.7), 0)))
    script = '''
        const [page, jobs, told] = process.argv.slice(2);
        const {mixturesOfScores} = await import(page);
        const floats = values => Float32Array.from(values);
        const made = JSON.parse(jobs).map(
          job => mixturesOfScores(...job.map(floats), 17, JSON.parse(told)));
        console.log(JSON.stringify(made.map(values => [...values])));
    '''
    (tmp_path / 'script.mjs').write_text(script)
    codec = GMMDiffusionPose(num_components=2, mask_channel=True)
    told = dict(components=2, sigma=codec.score_sigma)
    done = subprocess.run([
        NODE, tmp_path / 'script.mjs', build.PAGE / 'mixtures.mjs',
        json.dumps([[a.ravel().tolist() for a in job] for job in jobs]),
        json.dumps(told)
    ],
                          capture_output=True,
                          check=True,
                          text=True)
    for found, (places, given) in zip(json.loads(done.stdout), jobs):
        expected = codec.mixtures_from_scores(places[..., :2], given,
                                              places[..., 2] == 0)
        np.testing.assert_allclose(
            np.reshape(found, expected.shape), expected, atol=1e-6)


@pytest.mark.parametrize('frames', [1, 2, 10, 27, 28])
def test_short_clips(in_node, tmp_path, frames):

    def cut(content):
        content['instance_info'] = content['instance_info'][:frames]

    path = changed_demo(tmp_path, cut)
    _, expected = with_python(path)
    assert_same(in_node(path), expected)


@pytest.mark.parametrize('named', [True, False])
@pytest.mark.parametrize('kind', ['mmpose', 'coco', 'results', 'alphapose'])
def test_files_of_other_tools(in_node, tmp_path, kind, named):
    """Who is who, too, where the file does not say it."""
    content = document(kind, crowd(kind, frames=4, number=4))
    if not named:
        for frame in (content['annotations'] if kind == 'coco' else content):
            for person in frame.get('instances', [frame]):
                person.pop('track_id', None)
                person.pop('idx', None)
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(content))
    tracks, _ = with_python(path, image_size=SIZE)
    found = in_node(path, lift=False, imageSize=SIZE)['tracks']
    assert len(found) == len(tracks) == 4
    for one, track in zip(found, tracks):
        assert one['trackId'] == track.track_id
        assert one['frameIds'] == track.frame_ids.tolist()
        assert one['skeleton'] == track.skeleton.name
        np.testing.assert_allclose(
            np.reshape(one['keypoints'], track.keypoints.shape),
            track.keypoints,
            atol=1e-4)
        np.testing.assert_allclose(
            np.reshape(one['scores'], track.scores.shape),
            track.scores,
            atol=1e-6)


def test_several_people_in_a_scene(in_node, tmp_path):
    content = document('coco', crowd('coco', frames=30, number=7))
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(content))
    _, expected = with_python(path)
    found = in_node(path)
    assert_same(found, expected)
    assert_same_scene(found['page'], expected, tmp_path)


def test_words_for_nobody(in_node, tmp_path):
    """Ids that number detections, marks of joints, nulls."""
    content = document('mmpose', crowd('mmpose', frames=6, number=3))
    for frame in content:
        for number, person in enumerate(frame['instances']):
            person['track_id'] = number
            person['keypoints'][3] = [-999., -999.]
            person['keypoints'][4] = [9999., 9999.]
            person['keypoints'][5] = None
        frame['instances'].append(None)
    content[3] = None
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(content))
    tracks, _ = with_python(path, image_size=SIZE, skeleton='coco')
    found = in_node(path, lift=False, imageSize=SIZE, skeleton='coco')
    assert len(found['tracks']) == len(tracks) == 3
    assert any('ids name nobody' in word for word in found['warnings'])
    for one, track in zip(found['tracks'], tracks):
        scores = np.reshape(one['scores'], track.scores.shape)
        np.testing.assert_allclose(scores, track.scores, atol=1e-6)
        assert not scores[:, 3:6].any() and scores[0].any()
        np.testing.assert_allclose(
            np.reshape(one['keypoints'], track.keypoints.shape),
            track.keypoints,
            atol=1e-4)


def test_frames_of_arrays_with_nan(in_node, tmp_path):
    people = crowd('mmpose', frames=3, number=2)
    content = [
        dict(
            keypoints=[rows[f, :, :2].tolist() for rows in people.values()],
            scores=[rows[f, :, 2].tolist() for rows in people.values()])
        for f in range(3)
    ]
    content[1]['keypoints'][0][3][0] = float('nan')
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(content))
    tracks, _ = with_python(path, image_size=SIZE)
    found = in_node(path, lift=False, imageSize=SIZE)
    for one, track in zip(found['tracks'], tracks):
        np.testing.assert_allclose(
            np.reshape(one['scores'], track.scores.shape),
            track.scores,
            atol=1e-6)
    assert found['tracks'][0]['scores'][17 + 3] == 0
    assert any('taken as those of coco' in w for w in found['warnings'])


def test_flags_of_annotations(in_node, tmp_path):
    content = document('coco', crowd('coco', frames=2, number=1))
    for item in content['annotations']:
        item['keypoints'][2::3] = [2] * 15 + [1, 0]
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(content))
    found = in_node(path, lift=False)
    scores = found['tracks'][0]['scores']
    assert not any('divided' in word for word in found['warnings'])
    assert scores == 2 * ([1.] * 15 + [.5, 0.])


NAMES = [
    ['7.jpg', '8.jpg', '10.jpg'],
    ['cam2_take_0003.png', 'cam2_take_0001.png', 'cam2_take_0002.png'],
    ['a/b7/10.jpg', 'a/b7/20.jpg', 'a/b7/40.JPG.json'],
    ['one.jpg', 'two.jpg'],
    ['take 3.jpg'],
]
TIMES = [
    ['33.jpg', '67.jpg', '100.jpg', '133.jpg', '167.jpg'],
    ['12-59-59-967.jpg', '13-00-00-000.jpg', '13-00-00-033.jpg'],
    ['x_12.0333.jpg', 'x_12.0667.jpg', 'x_12.1000.jpg'],
    ['1700000000.png', '1700000001.png'],
    ['a_1.jpg', 'a_2.jpg', 'b_1.jpg', 'b_2.jpg'],
]


def of_images(names, folder):
    walker = next(iter(crowd('alphapose', len(names), 1).values()))
    path = folder / 'a.json'
    path.write_text(
        json.dumps([
            dict(image_id=name, keypoints=rows.ravel().tolist(), idx=1)
            for name, rows in zip(names, walker)
        ]))
    return path


@pytest.mark.parametrize('names', NAMES)
def test_frames_from_names(in_node, tmp_path, names):
    path = of_images(names, tmp_path)
    found = in_node(path, lift=False, imageSize=SIZE)['tracks'][0]
    seen = np.reshape(found['scores'], (len(found['frameIds']), -1)).any(1)
    assert np.array(found['frameIds'])[seen].tolist() == sorted(
        number_images('a', names, True).values())


@pytest.mark.parametrize('names', TIMES)
def test_names_that_say_more_than_a_number(in_node, tmp_path, names):
    path = of_images(names, tmp_path)
    assert 'one number counts' in in_node(path, imageSize=SIZE)['error']


def test_somebody_else_is_somebody_else(in_node, tmp_path):
    """One leaves, another one comes elsewhere."""
    one, other = (rows[:, :17] for rows in crowd('coco', 8, 2).values())
    other = other + [500, 0, 0]
    content = [
        dict(
            frame_id=f,
            instances=[
                dict(keypoints=rows[f].tolist())
                for rows in ((one, ) if f < 4 else (other, ))
            ]) for f in range(8)
    ]
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(content))
    tracks, _ = with_python(path, image_size=SIZE)
    found = in_node(path, lift=False, imageSize=SIZE)['tracks']
    assert len(found) == len(tracks) == 2
    assert [one['frameIds'] for one in found] == [[0, 1, 2, 3], [4, 5, 6, 7]]


BAD = {
    'shares': (lambda c: [
        p.update(keypoints=[[x / 1768, y / 994] for x, y in p['keypoints']])
        for p in instances(c)
    ], 'in pixels of a picture of 1768 x 994'),
    'outside': (lambda c: [
        p.update(keypoints=[[x + 3000, y] for x, y in p['keypoints']])
        for p in instances(c)
    ], 'most of them outside'),
    'nobody':
    (lambda c: [p.update(keypoint_scores=[0] * 17)
                for p in instances(c)], 'no joint was seen'),
    'size': (lambda c: c['meta_info'].pop('image_size'), "picture's size"),
    'names':
    (lambda c: c['meta_info']['joints'].__setitem__(0, 'snout'), 'of no set'),
    'count': (lambda c: instances(c)[3]['keypoints'].pop(),
              'expected 16 keypoint scores, found 17'),
    'text': (lambda c: instances(c)[3]['keypoints'][0].__setitem__(0, 'x'),
             'expected numbers'),
    'frame': (lambda c: c['instance_info'][4].update(frame_id=1.5),
              'whole number as frame id'),
    'negative':
    (lambda c: c['instance_info'][0].update(frame_id=-1), 'frame ids from 0'),
    'person': (lambda c: instances(c)[3].update(track_id='<script>'),
               'whole number as track id'),
    'far': (lambda c: c['instance_info'][97].update(frame_id=10**6),
            'expected a clip'),
    'format': (lambda c: c.pop('instance_info'), 'mmdiffpose infer'),
}


@pytest.mark.parametrize('name', sorted(BAD))
def test_what_cannot_be_known_is_refused(in_node, tmp_path, name):
    change, message = BAD[name]
    path = changed_demo(tmp_path, change)
    assert message in in_node(path)['error']


def test_joints_that_are_chosen(in_node, tmp_path):
    """Names that no set has, and the set that the user knows it to be."""
    path = changed_demo(
        tmp_path, lambda c: c['meta_info']['joints'].__setitem__(0, 'snout'))
    assert_same(in_node(path, skeleton='coco'), with_python(DEMO)[1])
    assert 'expected 26 joints (halpe26), found 17' in in_node(
        path, skeleton='halpe26')['error']
