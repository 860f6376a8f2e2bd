# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From frames to 3D poses: offline and streaming, one person or ten."""

import json

import cv2
import numpy as np
import pytest
from people import TRACK, PaintedJoints, paint, walkers

from mmdiffpose.apis import (DiffusionPose3DInferencer, KeypointTrack,
                             lift_track, read_keypoint_file)
from mmdiffpose.detection.pose2d import Pose2DStage
from mmdiffpose.skeletons import COCO_17

FRAMES, WIDTH = 24, 320


def people_of(results):
    return [result['predictions'][0] for result in results]


def poses_of(results, person=0):
    return np.array([p[person]['keypoints'] for p in people_of(results)])


def test_layout_and_poses_are_those_of_the_track(inferencer, clip, joints):
    results = list(inferencer(clip))
    assert [result['frame_id'] for result in results] == list(range(FRAMES))
    person, = people_of(results)[3]
    assert sorted(person) == sorted([
        'track_id', 'keypoints', 'keypoint_scores', 'keypoint_std',
        'keypoint_std_xyz', 'keypoints_2d', 'keypoint_scores_2d', 'bbox'
    ])
    json.dumps(results[3])
    track = KeypointTrack(
        np.round(joints[:, 0] * 8) / 8, np.full((FRAMES, 17), 0.8),
        (WIDTH, 300), COCO_17)
    lifted = lift_track(inferencer.model, track)
    np.testing.assert_allclose(
        poses_of(results), lifted.keypoints_3d, atol=1e-6)
    np.testing.assert_allclose(person['keypoints_2d'], lifted.keypoints_2d[3])
    x1, y1, x2, y2 = person['bbox'][0]
    assert x1 < x2 and y1 < y2


def test_ten_people_each_have_their_own_window(inferencer):
    joints = walkers(FRAMES, 10, spacing=90)
    # Their own movements, so that nobody can be mistaken for another.
    for person in range(10):
        joints[:, person] = np.roll(joints[:, person], 3 * person, axis=0)
    # A detector lists people in any order.
    rng = np.random.default_rng(0)
    order = [rng.permutation(10) for _ in joints]
    order[0] = np.arange(10)
    frames = [paint(p[o], 1100) for p, o in zip(joints, order)]
    results = list(inferencer(frames))
    for result in people_of(results):
        assert [person['track_id'] for person in result] == list(range(10))
    fourth = list(inferencer(frames, track_ids=[4]))
    track = KeypointTrack(
        np.round(joints[:, 4] * 8) / 8, np.full((FRAMES, 17), 0.8),
        (1100, 300), COCO_17)
    expected = lift_track(inferencer.model, track).keypoints_3d
    np.testing.assert_allclose(poses_of(results, 4), expected, atol=1e-5)
    np.testing.assert_allclose(poses_of(fourth), expected, atol=1e-5)


def test_nobody(inferencer, tmp_path):
    empty = [paint(np.zeros((0, 17, 2)), WIDTH)] * 3
    with pytest.warns(UserWarning, match='nobody was found in 3 frames'):
        results = list(inferencer(empty, out_dir=str(tmp_path / 'out')))
    assert people_of(results) == [[], [], []]
    assert not (tmp_path / 'out').exists()
    assert people_of(inferencer(iter(empty), causal=True)) == [[], [], []]
    sample = next(inferencer(empty, return_datasamples=True))
    assert len(sample['predictions'][0].pred_instances) == 0


def test_scores_of_zero_are_nobody(make_inferencer, clip):
    with pytest.warns(UserWarning, match='nobody'):
        results = list(make_inferencer(detector=PaintedJoints(score=0))(clip))
    assert people_of(results) == [[]] * FRAMES


@pytest.mark.parametrize('causal', [False, True])
def test_a_person_in_one_frame(inferencer, joints, causal):
    clip = [paint(p[:t == 5], WIDTH) for t, p in enumerate(joints[:9])]
    people = people_of(inferencer(iter(clip), causal=causal))
    assert [len(p) for p in people] == [int(t == 5) for t in range(9)]
    assert np.isfinite(people[5][0]['keypoints']).all()


def test_a_clip_shorter_than_a_window(inferencer, clip):
    assert np.isfinite(poses_of(inferencer(clip[:2]))).all()
    assert np.isfinite(poses_of(inferencer(clip[0]))).all()


def test_a_change_of_resolution(inferencer, clip):

    class Corner:
        """Joints at the same shares of the picture."""
        skeleton = 'coco'

        def __call__(self, image, boxes=None):
            size = image.shape[1::-1]
            assert size == (WIDTH, 300)
            points = np.random.default_rng(0).uniform(0.2, 0.8, (1, 17, 2))
            return points * size, np.ones((1, 17))

    inferencer._pose2d = Pose2DStage(Corner())
    clip = clip[:6] + [cv2.resize(f, None, fx=2, fy=2) for f in clip[6:]]
    with pytest.warns(UserWarning, match='resolution changes'):
        people = people_of(inferencer(clip))
    assert {p['track_id'] for frame in people for p in frame} == {0}
    clip[7] = clip[7][:, :200]
    with pytest.raises(ValueError, match='200 x 600 in frame 7'):
        list(inferencer(clip))


def test_axes_hypotheses_and_samples(make_inferencer, diffusion_config, clip):
    inferencer = make_inferencer(diffusion_config)
    camera = list(inferencer(clip, hypotheses=True))
    person = camera[2]['predictions'][0][0]
    assert np.shape(person['hypotheses']) == (3, 17, 3)
    z_up = poses_of(inferencer(clip, axes='z-up'))
    np.testing.assert_allclose(
        z_up, poses_of(camera)[..., [0, 2, 1]] * [1, 1, -1], atol=1e-6)
    sample = list(
        inferencer(
            clip, return_datasamples=True, axes='z-up',
            hypotheses=True))[2]['predictions'][0]
    found = sample.pred_instances
    np.testing.assert_allclose(found.keypoints[0], z_up[2], atol=1e-6)
    assert found.hypotheses.shape == (1, 3, 17, 3)
    assert found.keypoint_std.shape == (1, 17)
    assert found.track_ids.tolist() == [0] and found.bboxes.shape == (1, 4)


def test_a_common_scene(inferencer):
    joints = walkers(6, 2, spacing=400)
    clip = [paint(p, 700) for p in joints]
    people = people_of(
        inferencer(clip, root_trajectory=True, focal_length=700.))[3]
    left, right = (np.array(person['root']) for person in people)
    assert left[0] < right[0] and left[2] > 0 and right[2] > 0


def test_files(make_inferencer, diffusion_config, clip, tmp_path):
    inferencer = make_inferencer(diffusion_config)
    options = dict(
        out_dir=str(tmp_path), formats=('json', 'npz', 'csv'), panel_size=100)
    for result in inferencer(clip, return_vis=True, **options):
        picture, = result['visualization']
    assert picture.ndim == 3 and picture.dtype == np.uint8
    folder = tmp_path / 'predictions'
    document = json.loads((folder / 'frames.json').read_text())
    assert len(document['instance_info']) == FRAMES
    assert (folder / 'frames.csv').is_file()
    with np.load(folder / 'frames.npz') as file:
        assert file['hypotheses'].shape == (FRAMES, 3, 17, 3)
    video = cv2.VideoCapture(str(tmp_path / 'visualizations/frames.mp4'))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == FRAMES
    assert video.get(cv2.CAP_PROP_FRAME_WIDTH) == picture.shape[1]
    assert not list(tmp_path.rglob('.*'))


def test_an_iterator_is_drawn_without_its_pictures(inferencer, clip):
    with pytest.warns(UserWarning, match='drawn without the pictures'):
        results = list(inferencer(iter(clip), return_vis=True, panel_size=100))
    assert all(len(result['visualization']) == 1 for result in results)
    assert results[0]['visualization'][0].shape == results[-1][
        'visualization'][0].shape


def test_keypoint_files(make_inferencer):
    detector = PaintedJoints()
    inferencer = make_inferencer(detector=detector)
    results = list(inferencer(str(TRACK), axes='y-up'))
    track = read_keypoint_file(TRACK)
    assert len(results) == len(track) and detector.calls == 0
    expected = lift_track(inferencer.model, track).keypoints_3d
    np.testing.assert_allclose(
        poses_of(results), expected * [1, -1, -1], atol=1e-5)
    with pytest.raises(ValueError, match='lifted offline'):
        next(inferencer(TRACK, causal=True))


def test_two_inputs_of_one_name_keep_their_results(make_inferencer, tmp_path):
    inferencer = make_inferencer()
    paths = [tmp_path / folder / 'walk.json' for folder in 'ab']
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(TRACK.read_bytes())
    out = dict(pred_out_dir=str(tmp_path / 'out'))
    list(inferencer(str(paths[0]), **out))
    with pytest.warns(UserWarning, match='called walk_2'):
        list(inferencer(str(paths[1]), **out))
    list(inferencer(str(paths[0]), **out))
    # Another process knows from the files whose they are.
    with pytest.warns(UserWarning, match='called walk_2'):
        list(make_inferencer()(str(paths[1]), **out))
    names = {path.name for path in (tmp_path / 'out').iterdir()}
    assert names == {'walk.json', 'walk_2.json'}


def test_the_2d_stage_may_be_a_file(regression_config, clip, tmp_path):
    file = tmp_path / 'detector.py'
    file.write_text('import numpy as np\n\n\nclass Constant:\n'
                    "    skeleton = 'coco'\n\n"
                    '    def __init__(self, weights):\n'
                    '        self.points = np.load(weights)\n\n'
                    '    def __call__(self, image, boxes=None):\n'
                    '        return self.points, np.ones((1, 17))\n')
    points = np.random.default_rng(0).uniform(50, 250, (1, 17, 2))
    np.save(tmp_path / 'points.npy', points)
    with pytest.warns(UserWarning, match='random weights'):
        inferencer = DiffusionPose3DInferencer(
            regression_config,
            pose2d=f'{file}:Constant',
            pose2d_weights=tmp_path / 'points.npy')
    assert len(list(inferencer(clip[:3]))) == 3
    with pytest.warns(UserWarning), pytest.raises(ValueError, match='Missing'):
        list(
            DiffusionPose3DInferencer(
                regression_config, pose2d=f'{file}:Missing')(clip))


@pytest.mark.parametrize('options, message', [
    (dict(axis='z-up'), r"unknown options \['axis'\] .did you mean axes"),
    (dict(skeleton='halpe_26'), 'did you mean halpe26'),
    (dict(formats='json'), 'formats should be a list of some of'),
    (dict(overlap='3'), "overlap should be a whole number from 0 on, got '3'"),
    (dict(fit='no'), 'fit should be True or False'),
    (dict(track_ids=3), 'track_ids should be a list of whole numbers, got 3'),
    (dict(axes='up'), "unknown axes 'up'"),
    (dict(latency=-1), 'latency'),
    (dict(batch_size=0), 'batch_size'),
    (dict(track_ids=[7]), r'track ids \[7\], found \[0\]'),
    (dict(causal=True, latency=9), 'latency should be from 0 to 4'),
    (dict(fps=0), 'fps should be a number above 0, got 0'),
])
def test_wrong_options(inferencer, clip, options, message):
    with pytest.raises(ValueError, match=message):
        list(inferencer(clip, **options))


def test_wrong_parts(regression_config):
    with pytest.raises(FileNotFoundError, match='mixste_mini-27'):
        DiffusionPose3DInferencer('no_such_config')
    with pytest.raises(ValueError, match="attribute 'skeleton'"):
        Pose2DStage(lambda image: None)
    with pytest.warns(UserWarning), pytest.raises(FileNotFoundError):
        list(
            DiffusionPose3DInferencer(
                regression_config, pose2d=PaintedJoints())('nowhere.mp4'))


@pytest.mark.parametrize('causal', [False, True])
def test_mixtures_reach_the_lifter(make_inferencer, diffusion_config, clip,
                                   causal):
    """A joint that may be in two places gives other hypotheses."""

    class Doubtful(PaintedJoints):

        def __init__(self, distance):
            super().__init__()
            self.distance = distance

        def __call__(self, image, boxes=None):
            points, scores = super().__call__(image, boxes)
            places = np.stack([points, points + self.distance], 2)
            stds = np.full_like(places, 1.)
            weights = np.full((*scores.shape, 2, 1), 0.5)
            return points, scores, np.concatenate([weights, places, stds], -1)

    one, two = (
        np.array([
            people[0]['hypotheses'] for people in people_of(
                make_inferencer(diffusion_config, Doubtful(distance))(
                    clip[:4], causal=causal, hypotheses=True))
        ]) for distance in (0., 60.))
    # The noise is the same: only the mixtures tell the two apart.
    assert np.abs(one - two).max() > 1e-4
