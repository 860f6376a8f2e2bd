# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What the pipeline decides, with values worked out by hand."""

import json

import cv2
import numpy as np
import pytest
from fake_lifter import FakeLifter, in_plane
from people import TRACK

from mmdiffpose.apis import InferenceOptions
from mmdiffpose.apis.pipeline import LiftingPipeline
from mmdiffpose.detection.person_tracker import PersonTracker
from mmdiffpose.detection.pose2d import Pose2DStage
from mmdiffpose.files.result_reading import read_results
from mmdiffpose.lifting.known_height import measure_height
from mmdiffpose.visualization.picture_sink import ESCAPE

STATS = dict(stats_info=dict(bbox_center=(500., 500.), bbox_scale=400.))
FOCAL, WIDTH, HEIGHT = 400., 1600, 900
# In the plane x = z of the camera, so that every joint is seen 400 px right
# of the middle, at 45 degrees; above and below the root alike.
AWAY = np.array([0, *[.1, .1, -.1, -.1, .2, .2, -.3, -.3] * 2])
DOWN = np.array([0, *[.1, -.1, .3, -.3, .6, -.6, .8, -.8] * 2])
POSE = np.stack([AWAY, DOWN, AWAY], -1)
ROOT = np.array([3., 0, 3.])


class Detector:
    """Sees one person of Human3.6M's joints where a list says so."""
    skeleton = 'h36m'

    def __init__(self, points, there=None, score=0.9):
        self.points, self.there, self.score = points, there, score

    def reset(self):
        self.frame = -1

    def __call__(self, image, boxes=None):
        self.frame += 1
        if self.there is not None and not self.there[self.frame]:
            return np.zeros((0, 17, 2)), np.zeros((0, 17))
        return self.points[None], np.full((1, 17), self.score)


def seen_at_45_degrees():
    points = POSE + ROOT
    return FOCAL * points[:, :2] / points[:, 2:] + [WIDTH / 2, HEIGHT / 2]


def facing_the_person(x, n=0):
    """The lifter's answer: its z goes right and ahead, its x is 0."""
    pose = np.zeros((*x.shape[:2], 3), np.float32)
    pose[..., 1], pose[..., 2] = DOWN, 2**0.5 * AWAY
    scores = np.ones(pose.shape[:2], np.float32)
    return dict(
        keypoints=pose, keypoint_scores=scores, keypoint_std=0.02 * scores)


@pytest.fixture
def turned(regression_config):
    """A pipeline whose lifter is shown the person from the front."""
    model = FakeLifter(regression_config, facing_the_person)
    model.dataset_meta = dict(STATS)
    return LiftingPipeline(model, Pose2DStage(Detector(seen_at_45_degrees())))


def frames(count, height=HEIGHT, width=WIDTH):
    return [np.zeros((height, width, 3), np.uint8)] * count


@pytest.mark.parametrize('causal', [False, True])
@pytest.mark.parametrize('placed', [False, True])
def test_poses_and_places_are_those_of_the_camera(turned, causal, placed,
                                                  tmp_path):
    """Offline and as a stream, in results and in files."""
    options = dict(focal_length=FOCAL, root_trajectory=placed, causal=causal)
    results = list(turned(frames(4), pred_out_dir=str(tmp_path), **options))
    document = json.loads((tmp_path / 'frames.json').read_text())
    assert document['meta_info']['focal_px'] == FOCAL
    assert document['meta_info']['focal_source'] == 'given'
    for result, frame in zip(results, document['instance_info'], strict=True):
        written, = frame['instances']
        person, = result['predictions'][0]
        for found, atol in ((person, 1e-5), (written, 1e-4)):
            np.testing.assert_allclose(found['keypoints'], POSE, atol=atol)
            if placed:
                np.testing.assert_allclose(found['root'], ROOT, atol=0.01)
            else:
                assert 'root' not in found
    own, = list(turned(frames(1), axes='lifter', **options))
    expected = np.stack([0 * AWAY, DOWN, 2**0.5 * AWAY], -1)
    np.testing.assert_allclose(
        own['predictions'][0][0]['keypoints'], expected, atol=1e-5)


def test_a_clip_without_files(turned):
    """The same poses as frame by frame, and frames without people."""
    turned.pose2d.model.there = [True, False, True, True]
    result = turned.lift_clip(
        frames(4), focal_length=FOCAL, root_trajectory=True)
    assert (len(result), result.name) == (4, 'frames')
    track, = result.tracks
    assert track.frame_ids.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(track.keypoints_3d[2], POSE, atol=1e-5)
    np.testing.assert_allclose(track.root_trajectory[2], ROOT, atol=0.01)
    with pytest.raises(ValueError, match='offline'):
        turned.lift_clip(frames(4), causal=True)
    with pytest.raises(ValueError, match='unknown options'):
        turned.lift_clip(frames(4), root=True)


@pytest.mark.parametrize('causal', [False, True])
def test_nothing_is_turned_where_nothing_was_moved(turned, causal):
    own = np.stack([0 * AWAY, DOWN, 2**0.5 * AWAY], -1)
    for meta, fit in ((STATS, False), (dict(), True)):
        turned.model.dataset_meta = dict(meta)
        result, = turned(
            frames(1),
            fit=fit,
            causal=causal,
            root_trajectory=True,
            focal_length=FOCAL)
        np.testing.assert_allclose(
            result['predictions'][0][0]['keypoints'], own, atol=1e-6)


def test_a_known_height_scales_what_comes_out(turned, tmp_path):
    """Poses, std and places, in results and in files, and they say so."""
    options = dict(focal_length=FOCAL, root_trajectory=True)
    guess = turned.lift_clip(frames(2), **options).tracks[0]
    measured = measure_height(guess).metres
    assert guess.height is None
    options['person_height'] = height = 0.3 * measured
    track, = turned.lift_clip(frames(2), **options).tracks
    np.testing.assert_allclose(track.keypoints_3d[0], .3 * POSE, atol=1e-5)
    np.testing.assert_allclose(track.std, .3 * guess.std, rtol=1e-5)
    np.testing.assert_allclose(track.root_trajectory[0], .3 * ROOT, atol=.01)
    result, _ = turned(frames(2), pred_out_dir=str(tmp_path), **options)
    person, = result['predictions'][0]
    assert (person['height'], person['height_std']) == (height, 0)
    document = json.loads((tmp_path / 'frames.json').read_text())
    said = document['meta_info']['heights']['0']
    assert said['height'] == height
    assert said['scaled_by'] == pytest.approx(.3)
    back, = read_results(tmp_path / 'frames.json')
    assert (back.height, back.scaled_by) == (height, said['scaled_by'])
    sample = next(turned(frames(1), return_datasamples=True, **options))
    np.testing.assert_allclose(sample['predictions'][0].pred_instances.heights,
                               [height])
    np.testing.assert_allclose(
        sample['predictions'][0].pred_instances.height_stds, [0])
    by_id = turned.lift_clip(frames(2), person_height={0: height}).tracks[0]
    assert by_id.scaled_by == track.scaled_by
    unsure = turned.lift_clip(frames(2), person_height=(height, .1)).tracks[0]
    assert (unsure.height, unsure.height_std) == (height, .1)
    assert (unsure.std[:, 1:] > track.std[:, 1:]).all()


def test_a_known_height_takes_a_whole_clip(turned):
    with pytest.raises(ValueError, match='takes the whole of a clip'):
        InferenceOptions(person_height=1.8, causal=True)
    with pytest.raises(ValueError, match='got 180 .centimetres. 1.8 m'):
        InferenceOptions(person_height=180)
    with pytest.raises(ValueError, match='from 0 to 0.54, got 0.6'):
        InferenceOptions(person_height=(1.8, .6))
    with pytest.raises(ValueError, match=r'track ids \[3\], found \[0\]'):
        turned.lift_clip(frames(1), person_height={3: 1.8})


def standing(regression_config, **kwargs):
    """A pipeline for one person who does not move."""
    points = np.random.default_rng(0).uniform(20, 180, (17, 2))
    return LiftingPipeline(
        FakeLifter(regression_config, in_plane),
        Pose2DStage(Detector(points, **kwargs)))


def ids(pipeline, count, **options):
    """Who was seen: first and last frame, by id."""
    clip = frames(count, 200, 200)
    tracks, _ = pipeline.detect(_Source(clip), InferenceOptions(**options))
    return {t.track_id: tuple(t.frame_ids[[0, -1]]) for t in tracks}


class _Source(list):
    """Frames of unknown rate."""
    fps, length, name, image = None, None, 'frames', None
    rereadable = False

    def uneven_times(self, fps=None):
        return None

    def rate(self, fps=None):
        return fps


def test_three_seconds_out_of_sight_is_the_same_person(regression_config):
    """90 frames at the 30 a second that are taken where none is said."""
    away = [True] * 3 + [False] * 89 + [True] * 2
    assert ids(standing(regression_config, there=away), 94) == {0: (0, 93)}
    away = [True] * 3 + [False] * 90 + [True] * 2
    assert ids(standing(regression_config, there=away), 95) == {
        0: (0, 2),
        1: (93, 94)
    }
    away = [True] * 3 + [False] * 11 + [True] * 2
    assert len(ids(standing(regression_config, there=away), 16, fps=4)) == 1
    assert len(ids(standing(regression_config, there=away), 16, fps=3)) == 2


def test_ids_of_a_file_are_not_joined(regression_config, tmp_path):
    lines = [f'{f + 1}, {3 if f < 3 else 8}, 0, 0, 200, 200' for f in range(6)]
    (tmp_path / 'ids.txt').write_text('\n'.join(lines))
    there = [True] * 6
    found = ids(
        standing(regression_config, there=there),
        6,
        tracker=str(tmp_path / 'ids.txt'))
    assert found == {3: (0, 2), 8: (3, 5)}


def test_a_stream_waits_as_long(regression_config):
    away = [True] * 3 + [False] * 16 + [True] * 2
    pipeline = standing(regression_config, there=away)
    people = [
        result['predictions'][0]
        for result in pipeline(iter(frames(21, 200, 200)), causal=True)
    ]
    assert people[2][0]['track_id'] == 0 and people[20][0]['track_id'] == 1


def test_somebody_is_there_from_a_mean_score_of_0_15_on(regression_config):
    assert len(ids(standing(regression_config, score=0.2), 2)) == 1
    assert len(ids(standing(regression_config, score=0.1), 2)) == 0
    points, half = np.random.default_rng(0).uniform(0, 90, (1, 17, 2)), 0.5
    assert PersonTracker().update(points, np.full((1, 17), 0.2)) == [0]
    assert PersonTracker().update(points, np.full((1, 17), 0.1)) == [-1]
    pipeline = standing(regression_config, score=0.2)
    pipeline.person_thr = half
    assert ids(pipeline, 2) == {}


@pytest.mark.parametrize('causal', [False, True])
def test_videos_play_30_frames_a_second_where_none_is_said(
        regression_config, tmp_path, causal):
    files = []
    options = InferenceOptions(
        vis_out_dir=str(tmp_path), panel_size=100, causal=causal)
    list(standing(regression_config).run(frames(3, 200, 200), options, files))
    assert [path.name for path in files] == ['frames.mp4']
    assert cv2.VideoCapture(str(files[0])).get(cv2.CAP_PROP_FPS) == 30


def test_the_last_result_comes_with_the_files(regression_config, tmp_path):
    """Nobody has to ask for one more."""
    options = InferenceOptions(
        vis_out_dir=str(tmp_path), still=True, panel_size=100)
    results = standing(regression_config).run(frames(3, 200, 200), options)
    for _ in range(3):
        assert not list(tmp_path.glob('frames.*'))
        next(results)
    video = cv2.VideoCapture(str(tmp_path / 'frames.mp4'))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    assert (tmp_path / 'frames.png').is_file()


def test_escape_ends_the_clip_and_keeps_what_was_drawn(regression_config,
                                                       tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, 'imshow', lambda *_: None)
    monkeypatch.setattr(cv2, 'destroyWindow', lambda *_: None)
    keys = iter([-1, ESCAPE])
    monkeypatch.setattr(cv2, 'waitKey', lambda _: next(keys))
    files = []
    options = InferenceOptions(
        vis_out_dir=str(tmp_path), show=True, panel_size=100)
    results = standing(regression_config).run(
        frames(5, 200, 200), options, files)
    assert len(list(results)) == 2
    assert files == [tmp_path / 'frames.mp4']
    video = cv2.VideoCapture(str(files[0]))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 2


def test_files_are_named_and_told(regression_config, tmp_path):
    files = []
    options = InferenceOptions(
        out_dir=str(tmp_path),
        pred_out_dir=str(tmp_path),
        vis_out_dir=str(tmp_path),
        formats=('npz', 'csv'),
        animation='auto',
        still=True,
        suffix='_3d',
        panel_size=100)
    results = list(standing(regression_config).run(TRACK, options, files))
    names = [
        f'{TRACK.stem}_3d.{kind}' for kind in ('npz', 'csv', 'gif', 'png')
    ]
    assert [path.name for path in files] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert len(results) == 98
    # A single picture needs no animation beside it.
    list(standing(regression_config).run(frames(1, 200, 200), options, files))
    assert [path.name for path in files[4:]
            ] == [f'frames_3d.{kind}' for kind in ('npz', 'csv', 'png')]


def test_the_largest_person_of_a_keypoint_file(regression_config, tmp_path):
    document = json.loads(TRACK.read_text())
    document['instance_info'] = document['instance_info'][:4]
    for frame in document['instance_info']:
        small = dict(frame['instances'][0], track_id=7)
        small['keypoints'] = [[x / 2, y / 2] for x, y in small['keypoints']]
        frame['instances'].append(small)
    path = tmp_path / 'two.json'
    path.write_text(json.dumps(document))
    pipeline = standing(regression_config)
    everybody = list(pipeline(path))
    assert [p['track_id'] for p in everybody[0]['predictions'][0]] == [0, 7]
    with pytest.warns(UserWarning, match='taking'):
        largest = list(pipeline(path, largest=True))
    assert [p['track_id'] for p in largest[0]['predictions'][0]] == [0]
    one = list(pipeline(path, track_ids=[7]))
    assert [p['track_id'] for p in one[0]['predictions'][0]] == [7]


def test_wrong_animation():
    with pytest.raises(ValueError, match="animation should be one of.*'avi'"):
        InferenceOptions(animation='avi')
