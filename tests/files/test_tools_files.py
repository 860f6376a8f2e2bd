# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Files as tools write them give back the people that were projected."""

import json
import warnings

import numpy as np
import pytest
from projected_people import SIZE, as_layout, recovered, seen, with_scores

from mmdiffpose.apis import read_keypoint_file, read_keypoint_tracks
from mmdiffpose.files.keypoint_files import is_keypoint_input
from mmdiffpose.skeletons import SKELETONS

FRAMES = 12


@pytest.fixture(scope='module')
def pixels():
    return seen(FRAMES)[1]


def dump(path, document, encoding='utf-8'):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding=encoding)
    return path


def flat(joints, score=.9):
    return with_scores(joints, score).ravel().tolist()


def read(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return read_keypoint_file(path, options.pop('size', SIZE), **options)


def openpose(folder, joints, key='pose_keypoints_2d', version=1.3):
    for i, rows in enumerate(joints):
        dump(folder / f'walk_{i:012d}_keypoints.json',
             dict(version=version, people=[{
                 key: flat(rows)
             }]))
    return folder


@pytest.mark.parametrize('name', [
    'body25', 'body25b', 'coco18', 'openpose_mpi', 'halpe26', 'coco',
    'coco_wholebody', 'halpe136'
])
def test_openpose_and_pose2sim(tmp_path, pixels, name):
    joints = as_layout(pixels, name)
    track = read(openpose(tmp_path / 'pose/cam1_json', joints))
    assert track.skeleton.name == name and recovered(track, pixels)
    assert is_keypoint_input(tmp_path)
    # The one video of a project is found from its folder.
    assert recovered(read(tmp_path), pixels)
    openpose(tmp_path / 'pose/cam2_json', joints)
    with pytest.raises(ValueError, match="several: .'cam1_json', 'cam2_json'"):
        read(tmp_path / 'pose')


def test_openpose_1_0_and_what_lies_beside(tmp_path, pixels):
    folder = openpose(tmp_path / 'old', as_layout(pixels, 'coco18'),
                      'pose_keypoints', 1.0)
    (folder / '._walk_000000000000_keypoints.json').write_bytes(b'\0\5\x16\7')
    dump(folder / 'settings.json', {'a': 1})
    (folder / 'walk_000000000000_rendered.png').write_bytes(b'')
    assert is_keypoint_input(folder)
    assert recovered(read(folder), pixels)


def test_nobody_in_pose2sims_files(tmp_path, pixels):
    """Empty objects and people of NaN are nobody."""
    joints = as_layout(pixels, 'halpe26')
    for i, rows in enumerate(joints):
        people = [{}, dict(pose_keypoints_2d=[float('nan')] * 78)]
        if i != 5:
            people.insert(i % 3, dict(pose_keypoints_2d=flat(rows)))
        dump(tmp_path / f'cam_{i:06d}.json', dict(people=people))
    tracks = read_keypoint_tracks(tmp_path, SIZE)
    assert len(tracks) == 1
    assert np.flatnonzero(~tracks[0].present).tolist() == [5]


@pytest.mark.parametrize('name', ['coco', 'halpe26', 'halpe136'])
def test_alphaposes_folder(tmp_path, pixels, name):
    joints = as_layout(pixels, name)
    dump(tmp_path / 'alphapose-results.json', [
        dict(image_id=f'{i}.jpg', category_id=1, keypoints=flat(rows), idx=1)
        for i, rows in enumerate(joints)
    ])
    (tmp_path / 'vis').mkdir()
    (tmp_path / 'vis/0.jpg').write_bytes(b'')
    assert is_keypoint_input(tmp_path)
    track = read(tmp_path)
    assert track.skeleton.name == name and recovered(track, pixels)


@pytest.mark.parametrize('outer, inner', [('people', 'pose_keypoints_2d'),
                                          ('bodies', 'joints')])
def test_alphaposes_open_and_cmu_forms(tmp_path, pixels, outer, inner):
    """With Halpe's models joint 1, the neck, is the top of the head."""
    joints = as_layout(pixels, 'coco18')
    joints[:, 1] = as_layout(pixels, 'halpe26')[:, 17]
    pages = {
        f'{i}.jpg': {
            'version': 'AlphaPose v0.3',
            outer: [{
                inner: flat(rows)
            }]
        }
        for i, rows in enumerate(joints)
    }
    path = dump(tmp_path / 'a/alphapose-results.json', pages)
    track = read(path)
    assert track.skeleton.name == 'coco18' and recovered(track, pixels)
    assert (track.scores[:, 1] == 0).all()
    for name, page in pages.items():
        dump(tmp_path / 'sep-json' / name.replace('.jpg', '.json'), page)
    assert recovered(read(tmp_path / 'sep-json'), pixels)


@pytest.mark.parametrize('form', ['tasks', 'people', 'solutions', 'objects'])
def test_mediapipes_landmarks(tmp_path, pixels, form):
    joints = as_layout(pixels, 'mediapipe') / SIZE
    frames = []
    for i, rows in enumerate(joints):
        page = [
            dict(x=x, y=y, z=0., visibility=.9, presence=.8) for x, y in rows
        ]
        frames.append(
            dict(
                tasks=page,
                people=[page],
                solutions=dict(landmark=page),
                objects=dict(
                    frame=2 * i, timestamp_ms=100 * i,
                    pose_landmarks=[page]))[form])
    frames[4] = dict(pose_landmarks=[], frame=8) if form == 'objects' else None
    with pytest.warns(UserWarning, match='shares of the picture, taken as of'):
        track = read_keypoint_file(dump(tmp_path / 'a.json', frames), SIZE)
    assert track.skeleton.name == 'mediapipe'
    assert np.flatnonzero(~track.present).tolist() == [4]
    np.testing.assert_allclose(track.keypoints[5], joints[5] * SIZE, rtol=1e-4)
    assert track.scores.max() == np.float32(.8)
    if form == 'objects':
        assert track.step == 2


@pytest.mark.parametrize('channels', [2, 3, 4, 5])
def test_mediapipes_arrays(tmp_path, pixels, channels):
    joints = as_layout(pixels, 'mediapipe') / SIZE
    rows = np.zeros((FRAMES, 33, 5))
    rows[..., :2], rows[..., 2], rows[..., 3:] = joints, -.1, .7
    np.save(tmp_path / 'a.npy', rows[..., :channels])
    np.savez(tmp_path / 'a.npz', landmarks=rows[..., :channels])
    for name in ('a.npy', 'a.npz'):
        track = read(tmp_path / name)
        assert recovered(track, pixels)
        expected = .7 if channels > 3 else 1
        assert track.scores.min() == np.float32(expected)
    assert is_keypoint_input(tmp_path / 'a.npy')


@pytest.mark.parametrize('unit', [1, 1000])
@pytest.mark.parametrize('form', ['json', 'npy'])
def test_world_landmarks_are_no_keypoints(tmp_path, form, unit):
    """They are relative to the middle of the hips, in metres."""
    camera, _ = seen(FRAMES)
    marks = as_layout((camera - camera[:, :1])[..., :2], 'mediapipe') * unit
    path = tmp_path / f'a.{form}'
    if form == 'npy':
        np.save(path, np.concatenate([marks, -marks[..., :1] - 9], -1))
    else:
        dump(path, [[dict(x=x, y=y, z=0., visibility=.9) for x, y in rows]
                    for rows in marks])
    with pytest.raises(ValueError, match='hips at .0, 0.|places in space'):
        read(path)


def test_tensorflow_js_names_its_joints(tmp_path, pixels):
    names = SKELETONS['coco'].joints
    joints = as_layout(pixels, 'coco')
    order = np.random.default_rng(0).permutation(17)

    def camel(name):
        first, *others = name.split('_')
        return first + ''.join(map(str.capitalize, others))

    movenet = [[
        dict(
            score=.9,
            keypoints=[
                dict(x=rows[i][0], y=rows[i][1], score=.8, name=names[i])
                for i in order
            ])
    ] for rows in joints]
    posenet = [[
        dict(keypoints=[
            dict(position=dict(x=x, y=y), part=camel(name), score=.8)
            for (x, y), name in zip(rows, names)
        ])
    ] for rows in joints]
    for document in (movenet, posenet):
        assert recovered(read(dump(tmp_path / 'a.json', document)), pixels)
    movenet[4][0]['keypoints'].reverse()
    with pytest.raises(ValueError, match='frame 4: expected the joints of'):
        read(dump(tmp_path / 'a.json', movenet))


def test_upside_down_and_the_size_of_another_picture(tmp_path, pixels):
    frames = [
        dict(frame_id=i, instances=[dict(keypoints=rows.tolist())])
        for i, rows in enumerate(with_scores(as_layout(pixels, 'coco')))
    ]
    path = dump(tmp_path / 'a.json', frames)
    with pytest.raises(
            ValueError, match='outside of it, .*of another picture'):
        read(path, size=(480, 270))
    for page in frames:
        for joint in page['instances'][0]['keypoints']:
            joint[1] = SIZE[1] - joint[1]
    with pytest.warns(UserWarning, match='upside down in most frames; if'):
        read_keypoint_file(dump(path, frames), SIZE)


def test_ultralytics_json_and_labels(tmp_path, pixels):
    joints = as_layout(pixels, 'coco')

    def page(rows, size=(1, 1)):
        return dict(
            name='person',
            track_id=4,
            box=dict(x1=0),
            keypoints=dict(
                x=(rows[:, 0] / size[0]).tolist(),
                y=(rows[:, 1] / size[1]).tolist(),
                visible=[.9] * 17))

    for size in ((1, 1), SIZE):
        frames = [[page(rows, size)] for rows in joints]
        frames[3] = []
        track = read(dump(tmp_path / 'a.json', frames))
        assert track.track_id == 4 and not track.present[3]
        assert abs(track.keypoints[4] - joints[4]).max() < .01
    labels = tmp_path / 'predict/labels'
    labels.mkdir(parents=True)
    for tail, expected in (('', 0), (' 0.87', 0), (' 0.87 7', 7), (' 7', 7)):
        for i, rows in enumerate(joints):
            values = with_scores(rows / SIZE).ravel()
            line = '0 .5 .5 .2 .6 ' + ' '.join(f'{v:.6f}' for v in values)
            (labels / f'clip_{i + 1}.txt').write_text(line + tail + '\n')
        track = read(tmp_path / 'predict')
        assert recovered(track, pixels) and track.track_id in (expected, None)
        assert track.frame_ids.tolist() == list(range(1, FRAMES + 1))


def trc(path, names, joints):
    lines = [
        f'PathFileType\t4\t(X/Y/Z)\t{path.name}', 'DataRate\tCameraRate\t...',
        f'50.0\t50.0\t{len(joints)}\t{len(names)}\tm\t50.0\t0\t1',
        'Frame#\tTime\t' + '\t\t\t'.join(names) + '\t\t',
        '\t\t' + '\t'.join(f'X{i}\tY{i}\tZ{i}' for i in range(len(names)))
    ]
    for i, rows in enumerate(joints):
        cells = [
            '' if np.isnan(value) else f'{value:.3f}' for row in rows
            for value in (*row, 0.)
        ]
        lines.append('\t'.join([str(i), f'{i / 50:.6f}', *cells]))
    path.write_text('\n'.join(lines) + '\n')


def test_sports2ds_folder(tmp_path, pixels):
    names = [
        'Hip', 'RHip', 'RKnee', 'RAnkle', 'RBigToe', 'LHip', 'LKnee', 'LAnkle',
        'Neck', 'Head', 'Nose', 'RShoulder', 'RElbow', 'RWrist', 'LShoulder',
        'LElbow', 'LWrist'
    ]
    halpe = SKELETONS['halpe26'].index
    own = dict(R='right_', L='left_')
    order = [
        halpe[(own[n[0]] +
               n[1:].lower()).replace('bigtoe', 'big_toe') if n[0] in
              own and n[1].isupper() else n.lower()] for n in names
    ]
    joints = as_layout(pixels, 'halpe26')[:, order]
    joints[3, 2] = np.nan
    trc(tmp_path / 'v_Sports2D_px_person00.trc', names, joints)
    trc(tmp_path / 'v_Sports2D_px_person01.trc', names, joints + [400, 0])
    trc(tmp_path / 'v_Sports2D_m_person00.trc', names, joints / 300)
    (tmp_path / 'v_Sports2D_angles_person00.mot').write_text('')
    tracks = read_keypoint_tracks(tmp_path, SIZE)
    assert [track.track_id for track in tracks] == [0, 1]
    assert tracks[0].scores[3, 2] == 0
    keep = np.arange(FRAMES) != 3
    assert np.abs(tracks[1].keypoints[keep] - joints[keep] -
                  [400, 0]).max() < .01
    np.testing.assert_allclose(tracks[0].seconds, np.arange(FRAMES) / 50)
    with pytest.raises(ValueError, match='markers in space are no keypoints'):
        read(tmp_path / 'v_Sports2D_m_person00.trc')


@pytest.mark.parametrize('meta', [None, dict(dataset_name='coco')])
def test_mmposes_folder_of_images(tmp_path, pixels, meta):
    """The inferencers write a file for each image of a folder."""
    joints = as_layout(pixels, 'coco')
    for i, rows in enumerate(joints):
        people = [
            dict(keypoints=rows.tolist(), keypoint_scores=[.9] * 17, bbox=[])
        ] * (
            i != 4)
        page = people if meta is None else dict(
            meta_info=meta, instance_info=people)
        dump(tmp_path / f'predictions/frame_{i}.json', page)
    assert is_keypoint_input(tmp_path)
    track = read(tmp_path)
    assert np.flatnonzero(~track.present).tolist() == [4]
    keep = np.arange(FRAMES) != 4
    assert np.abs(track.keypoints - joints)[keep].max() < .01
    dump(tmp_path / 'predictions/frame_5.json',
         [dict(frame_id=0, instances=people)])
    with pytest.raises(ValueError, match='frame_5.json: expected the people'):
        read(tmp_path)


def test_a_folder_of_one_file(tmp_path, pixels):
    """MMPose's inferencers write one for a video, other tools too."""
    frames = [
        dict(frame_id=i, instances=[dict(keypoints=rows.tolist())])
        for i, rows in enumerate(with_scores(as_layout(pixels, 'coco')))
    ]
    dump(tmp_path / 'predictions/video.json', frames)
    assert recovered(read(tmp_path), pixels)
    dump(tmp_path / 'predictions/other.json', frames)
    with pytest.raises(ValueError, match=r'expected a key .people|one image'):
        read(tmp_path)


def test_times_in_names(tmp_path, pixels):
    """Where images come at an uneven pace their names say when."""
    joints = as_layout(pixels, 'coco')
    times = np.cumsum(
        [0, .04, .02, .09, .03, .05, .02, .02, .08, .07, .03, .1])
    names = [f'{1714567890.95 + t:.3f}.jpg' for t in times]
    people = [
        dict(image_id=name, keypoints=flat(rows))
        for name, rows in zip(names, joints)
    ]
    annotations = dict(
        images=[dict(id=i, file_name=n) for i, n in enumerate(names)],
        annotations=[
            dict(image_id=i, keypoints=flat(rows))
            for i, rows in enumerate(joints)
        ])
    for name, rows in zip(names, joints):
        dump(tmp_path / f'folder/{name}_keypoints.json',
             dict(people=[dict(pose_keypoints_2d=flat(rows))]))
    for path in (dump(tmp_path / 'a.json',
                      people[::-1]), dump(tmp_path / 'b.json',
                                          annotations), tmp_path / 'folder'):
        track = read(path)
        assert recovered(track, pixels)
        np.testing.assert_allclose(track.seconds, times, atol=1e-6)


def test_rtmlibs_arrays(tmp_path, pixels):
    joints = as_layout(pixels, 'halpe26')
    scores = np.full(joints.shape[:2], .9)
    frames = [
        dict(frame_id=i, keypoints=[k.tolist()], scores=[s.tolist()])
        for i, (k, s) in enumerate(zip(joints, scores))
    ]
    assert recovered(read(dump(tmp_path / 'a.json', frames)), pixels)
    np.savez(
        tmp_path / 'b.npz', keypoints=joints[:, None], scores=scores[:, None])
    assert recovered(read(tmp_path / 'b.npz'), pixels)


def test_videopose3ds_custom_file(tmp_path, pixels):
    joints = as_layout(pixels, 'coco')

    def save(videos, name='coco'):
        meta = dict(
            layout_name=name,
            num_joints=17,
            video_metadata={'v.mp4': dict(w=SIZE[0], h=SIZE[1])})
        np.savez(
            tmp_path / 'data_2d_custom_x.npz',
            positions_2d=np.array(videos, dtype=object),
            metadata=np.array(meta, dtype=object))

    path = tmp_path / 'data_2d_custom_x.npz'
    save({'v.mp4': {'custom': [joints]}})
    track = read(path, size=None)
    assert track.image_size == SIZE and recovered(track, pixels)
    save({'v.mp4': {'custom': [joints]}, 'w.mp4': {'custom': [joints]}})
    with pytest.raises(ValueError, match='expected one video, found .*w.mp4'):
        read(path)
    save({'v.mp4': {'custom': [joints]}, 'w.mp4': print})
    with pytest.raises(ValueError, match='builtins.print.*not plain data'):
        read(path)


@pytest.mark.parametrize('encoding',
                         ['utf-8-sig', 'utf-16', 'utf-16-le', 'utf-32'])
def test_encodings(tmp_path, pixels, encoding):
    frames = [
        dict(frame_id=i, instances=[dict(keypoints=rows.tolist())])
        for i, rows in enumerate(with_scores(as_layout(pixels, 'coco')))
    ]
    path = dump(tmp_path / 'a.json', frames, encoding)
    assert recovered(read(path), pixels)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        (tmp_path / 'b.json').write_bytes(
            json.dumps(
                dict(instance_info=frames, meta_info=dict(a='Größe')),
                ensure_ascii=False).encode('latin-1'))
        read_keypoint_file(tmp_path / 'b.json', SIZE)
