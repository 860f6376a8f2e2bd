# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Detectors that a word stands for, with the real packages where they are.

The packages' own answers are replaced by what is known: networks that find
coloured dots run in rtmlib, MediaPipe's answer to a real picture was recorded
(and is given anew where its files are), Ultralytics' results are made by its
own classes.
"""

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from dot_networks import picture, write_constant, write_rtmpose
from mediapipe_task import CROP, FULL_FRAME_20, write_task

from mmdiffpose.detection.frame_sources import open_frames
from mmdiffpose.detection.named_detectors import NAMED_DETECTORS, find_detector
from mmdiffpose.detection.pose2d_mmpose import make_pose2d
from mmdiffpose.skeletons import COCO_17, MEDIAPIPE_33

SIZE = 640, 480
TRACK = Path(mmdiffpose.__file__).parent / 'data' / 'demo_track_coco17.json'


def two_people(number):
    rng = np.random.default_rng(number)
    box = rng.uniform([-70, -130], [70, 130], (number, 2))
    return np.stack([box[:, ::1] + [150, 240], box[::-1] + [470, 230]])


def boxes_around(joints):
    return np.concatenate([joints.min(1), joints.max(1)], -1)


def seen_by(stage, image):
    (_, found), = stage.run([image])
    return found


def test_words():
    assert find_detector('rtmlib') == ('rtmlib', None)
    assert find_detector('MediaPipe:heavy') == ('mediapipe', 'heavy')
    assert find_detector('human') is None
    assert find_detector('rtmpose-l') is None
    assert 'AGPL' in NAMED_DETECTORS['ultralytics'].licence


@pytest.mark.parametrize('arguments, message', [
    (('movenet', ), '--pose2d-weights'),
    (('movenet:fast', 'x.onnx'), 'the word alone'),
    (('mediapipe:lite', 'x.task'), 'a variant or weights'),
    (('movenet', 'x.onnx', 'cpu', None, 'people.onnx'), 'det_weights'),
])
def test_what_a_detector_is_not_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_pose2d(*arguments)


@pytest.mark.parametrize('word', ['rtmlib', 'mediapipe', 'ultralytics'])
def test_missing_packages(word, monkeypatch):
    monkeypatch.setitem(sys.modules, word, None)
    with pytest.raises(ImportError, match=rf'mmdiffpose\[{word}\]'):
        make_pose2d(word)


# ---- rtmlib


@pytest.fixture
def rtmlib_files(tmp_path):
    """A person detector's file for two people, and one for nobody."""
    for package in ('rtmlib', 'onnx', 'onnxruntime'):
        pytest.importorskip(package)

    def people(joints, name='people.onnx'):
        # YOLOX sees the picture in the corner of its own square.
        ratio = min(640 / SIZE[0], 640 / SIZE[1])
        rows = np.c_[boxes_around(joints) * ratio, np.full(len(joints), 0.9)]
        return write_constant(tmp_path / name, [rows[None]])

    return SimpleNamespace(folder=tmp_path, people=people)


@pytest.mark.parametrize('number, skeleton', [(17, 'coco'), (26, 'halpe26')])
def test_rtmlib_finds_dots(rtmlib_files, number, skeleton):
    joints = two_people(number)
    pose = write_rtmpose(rtmlib_files.folder / 'pose.onnx', number)
    stage = make_pose2d(
        'rtmlib', pose, 'cpu', det_weights=rtmlib_files.people(joints))
    assert stage.skeleton.name == skeleton
    found = seen_by(stage, picture(joints, SIZE))
    assert found.keypoints.shape == (2, number, 2)
    # A dot has a radius of 5 pixels, of which the first column and row count.
    assert np.abs(found.keypoints - joints).max() < 8
    assert found.scores.min() > 0.5 and found.scores.max() <= 1
    # Without its dot a joint is not seen.
    joints[0, 3] = -100
    found = seen_by(stage, picture(joints, SIZE))
    assert found.scores[0, 3] < 0.1 and found.scores[1].min() > 0.5


def test_rtmlib_believes_that_nobody_is_there(rtmlib_files):
    pose = write_rtmpose(rtmlib_files.folder / 'pose.onnx', 17)
    nobody = write_constant(rtmlib_files.folder / 'nobody.onnx',
                            [np.zeros((1, 2, 5))])
    stage = make_pose2d('rtmlib', pose, 'cpu', det_weights=nobody)
    assert len(seen_by(stage, picture(two_people(17), SIZE)).keypoints) == 0


def test_rtmlib_takes_boxes(rtmlib_files):
    joints = two_people(17)
    pose = write_rtmpose(rtmlib_files.folder / 'pose.onnx', 17)
    stage = make_pose2d('rtmlib', pose, 'cpu', 'whole_image')
    found = seen_by(stage, picture(joints[:1], SIZE))
    assert np.abs(found.keypoints - joints[:1]).max() < 10


def test_rtmo(rtmlib_files):
    joints = two_people(17)
    rows = np.c_[boxes_around(joints), [0.9, 0.8]]
    poses = np.concatenate([joints, np.full((2, 17, 1), 0.7)], -1)
    folder = rtmlib_files.folder
    # Its name says nothing: what it gives does.
    path = write_constant(folder / 'any.onnx', [rows[None], poses[None]])
    found = seen_by(make_pose2d('rtmlib', path), picture(joints, SIZE))
    order = np.argsort(found.keypoints[:, 0, 0])
    np.testing.assert_allclose(found.keypoints[order], joints, atol=1e-3)
    np.testing.assert_allclose(found.scores, 0.7, atol=1e-6)
    nobody = write_constant(folder / 'nobody.onnx',
                            [rows[None] * [1, 1, 1, 1, 0.1], poses[None]])
    found = seen_by(make_pose2d('rtmlib', nobody), picture(joints, SIZE))
    assert len(found.keypoints) == 0
    with pytest.raises(ValueError, match='finds people itself'):
        make_pose2d('rtmlib', path, 'cpu', 'whole_image')
    with pytest.raises(ValueError, match='finds people itself'):
        make_pose2d('rtmlib', path, det_weights=path)


def test_rtmlib_without_its_package(monkeypatch):
    """What is asked of it, and what is done with what it says."""
    asked = []

    class Tool:
        onnx_model = 'model.onnx'

        def __init__(self, path, **options):
            asked.append((type(self).__name__, path, options))
            entry = SimpleNamespace(shape=['N', 3, 256, 192])
            self.session = SimpleNamespace(get_inputs=lambda: [entry])

    class YOLOX(Tool):

        def __call__(self, image):
            assert self.model_input_size == (256, 192)
            return [[1, 2, 30, 40]] if image.any() else []

    class RTMPose(Tool):

        def __call__(self, image, bboxes=()):
            # Like the real one: without boxes there is one person.
            people = len(bboxes) or 1
            assert self.model_input_size == (192, 256)
            return np.ones((people, 17, 2)) * 5, np.full((people, 17), 1.1)

    models = dict(balanced=dict(det='people', pose='joints'))
    monkeypatch.setitem(
        sys.modules, 'rtmlib',
        SimpleNamespace(
            Body=SimpleNamespace(MODE=models), YOLOX=YOLOX, RTMPose=RTMPose))
    stage = make_pose2d('rtmlib', device='cuda', nms_thr=0.4)
    assert [path for _, path, _ in asked] == ['joints']
    image = np.full((48, 64, 3), 9, np.uint8)
    (_, found), (_, nobody) = stage.run([image, 0 * image])
    assert found.keypoints.shape == (1, 17, 2) and found.scores.max() == 1
    assert nobody.keypoints.shape == (0, 17, 2)
    told = dict(backend='onnxruntime', device='cuda')
    assert asked == [('RTMPose', 'joints', told),
                     ('YOLOX', 'people',
                      dict(told, score_thr=0.3, nms_thr=0.4))]


def test_files_that_are_none_of_rtmlibs(rtmlib_files):
    folder = rtmlib_files.folder
    with pytest.raises(FileNotFoundError, match='nothing.onnx'):
        make_pose2d('rtmlib', folder / 'nothing.onnx')
    with pytest.raises(ValueError, match='a mode of'):
        make_pose2d('rtmlib:fast')
    people = rtmlib_files.people(two_people(17))
    with pytest.raises(ValueError, match='two outputs of rank 3'):
        make_pose2d('rtmlib', people)
    animal = write_rtmpose(folder / 'animal.onnx', 20)
    with pytest.raises(ValueError, match=r'17, 26, 133.*\(20, 2\)'):
        make_pose2d('rtmlib', animal)


# ---- MediaPipe


class Landmarker:
    """Answers as MediaPipe's did, and knows whether it was closed."""
    made = []

    def __init__(self, options):
        self.options, self.closed, self.times = options, False, []
        self.made.append(self)

    def close(self):
        self.closed = True

    def detect_for_video(self, image, milliseconds):
        assert not self.closed
        assert image.data.flags.c_contiguous
        assert milliseconds > max(self.times, default=-1)
        self.times.append(milliseconds)
        people = [
            [
                SimpleNamespace(x=x, y=y, visibility=v, presence=p)
                for (x, y, score), (v, p) in zip(FULL_FRAME_20, pairs)
            ] for pairs in [
                # Whichever of the two is the lesser one counts.
                [(s, 1.) if i % 2 else (1., s)
                 for i, s in enumerate(FULL_FRAME_20[:, 2])]
            ]
        ] if image.data.any() else []
        return SimpleNamespace(pose_landmarks=people)


@pytest.fixture
def recorded_mediapipe(monkeypatch, tmp_path):
    """A task file, and a package that says what the real one said."""
    monkeypatch.setattr(Landmarker, 'made', [])
    vision = SimpleNamespace(
        PoseLandmarkerOptions=lambda **options: options,
        RunningMode=SimpleNamespace(VIDEO='video'),
        PoseLandmarker=SimpleNamespace(create_from_options=Landmarker))
    package = SimpleNamespace(
        tasks=SimpleNamespace(
            vision=vision, BaseOptions=lambda **options: options),
        Image=lambda image_format, data: SimpleNamespace(data=data),
        ImageFormat=SimpleNamespace(SRGB='rgb'))
    monkeypatch.setitem(sys.modules, 'mediapipe', package)
    path = tmp_path / 'pose.task'
    path.write_bytes(b'task')
    return path


def demo_joints(frame):
    """MoveNet's joints of the same picture, in the crop's pixels."""
    document = json.loads(TRACK.read_text())
    person, = document['instance_info'][frame]['instances']
    corner = [CROP[1].start, CROP[0].start]
    return np.array(person['keypoints']) - corner


def assert_like_movenet(found):
    rows = [MEDIAPIPE_33.index[joint] for joint in COCO_17.joints]
    apart = np.linalg.norm(found.keypoints[0][rows] - demo_joints(20), axis=1)
    # Of somebody who is 400 pixels tall.
    assert apart.max() < 20 and apart.mean() < 12
    assert found.scores[0].min() > 0.8


def test_recorded_mediapipe(recorded_mediapipe):
    stage = make_pose2d('mediapipe', recorded_mediapipe)
    assert stage.skeleton is MEDIAPIPE_33
    image = np.full((500, 500, 3), 9, np.uint8)
    (_, found), (_, nobody) = stage.run([image, 0 * image])
    assert_like_movenet(found)
    np.testing.assert_allclose(found.scores[0], FULL_FRAME_20[:, 2])
    assert len(nobody.keypoints) == 0
    # Each clip begins anew.
    first, second = Landmarker.made
    assert first.closed and not second.closed
    assert second.options['base_options'] == dict(model_asset_buffer=b'task')
    with pytest.raises(ValueError, match='finds people itself'):
        make_pose2d('mediapipe', recorded_mediapipe, 'cpu', 'whole_image')


def test_mediapipe_of_a_crop_that_is_not_square(recorded_mediapipe):
    stage = make_pose2d('mediapipe', recorded_mediapipe)
    found = seen_by(stage, np.full((200, 800, 3), 9, np.uint8))
    np.testing.assert_allclose(
        found.keypoints[0, 0], FULL_FRAME_20[0, :2] * [800, 200], rtol=1e-5)


def test_mediapipes_file_is_downloaded_once(recorded_mediapipe, monkeypatch,
                                            tmp_path):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    asked = []

    def download(address, path):
        asked.append(address)
        Path(path).write_bytes(b'heavy')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    for _ in range(2):
        stage = make_pose2d('mediapipe:heavy')
        assert stage.model.path.read_bytes() == b'heavy'
    assert len(asked) == 1 and asked[0].endswith('pose_landmarker_heavy.task')

    def fail(address, path):
        raise OSError('no network')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', fail)
    with pytest.raises(ValueError, match='no network.*--pose2d-weights'):
        make_pose2d('mediapipe')
    with pytest.raises(ValueError, match="variant of .*'huge'"):
        make_pose2d('mediapipe:huge')
    with pytest.raises(FileNotFoundError, match='none.task'):
        make_pose2d('mediapipe', tmp_path / 'none.task')


def test_real_mediapipe(shared_dir, tmp_path):
    pytest.importorskip('mediapipe')
    modules = os.environ.get('MMDIFFPOSE_NODE_MODULES', '')
    package = Path(modules) / '@mediapipe' / 'pose'
    video = shared_dir / 'data/video/sports2d_demo.mp4'
    for path in (package, video):
        if not path.exists():
            pytest.skip(f'{path} does not exist (MMDIFFPOSE_NODE_MODULES)')
    stage = make_pose2d('mediapipe', write_task(package, tmp_path / 'a.task'))
    image = np.ascontiguousarray(list(open_frames(video, 21))[20][CROP])
    found = seen_by(stage, image)
    assert found.keypoints.shape == (1, 33, 2)
    assert_like_movenet(found)
    assert len(seen_by(stage, 0 * image).keypoints) == 0
    (tmp_path / 'b.task').write_bytes(b'none')
    with pytest.raises(ValueError, match='b.task.*pose landmarker'):
        make_pose2d('mediapipe', tmp_path / 'b.task')


# ---- Ultralytics


def ultralytics_package(monkeypatch, answers, task='pose'):
    calls = []

    class Model:

        def __init__(self, path, task):
            self.task = made_task

        def predict(self, images, **options):
            calls.append((len(images), options))
            return [answers(image) for image in images]

    made_task = task
    monkeypatch.setitem(sys.modules, 'ultralytics',
                        SimpleNamespace(YOLO=Model))
    return calls


def yolo_result(image, joints, scores):
    """As Ultralytics gives it, by its own class where that is there."""
    rows = torch.tensor(
        np.concatenate([joints, scores[..., None]], -1), dtype=torch.float32)
    try:
        from ultralytics.engine.results import Results
    except ImportError:
        return SimpleNamespace(
            keypoints=SimpleNamespace(xy=rows[..., :2], conf=rows[..., 2]))
    boxes = torch.tensor(
        np.c_[boxes_around(joints),
              scores.mean(1),
              np.zeros(len(joints))]) if len(joints) else torch.zeros((0, 6))
    return Results(
        image, path='', names={0: 'person'}, boxes=boxes, keypoints=rows)


def test_recorded_ultralytics(monkeypatch, tmp_path):
    joints, scores = two_people(17), np.full((2, 17), 0.9)
    scores[1, 4] = 0.2  # newer versions keep the place of such a joint
    joints[1, 5], scores[1, 5] = 0, 0.3  # older ones put it into the corner

    def answers(image):
        some = int(image[0, 0, 0])
        return yolo_result(image, joints[:some], scores[:some])

    calls = ultralytics_package(monkeypatch, answers)
    (tmp_path / 'pose.pt').write_bytes(b'')
    stage = make_pose2d('ultralytics', tmp_path / 'pose.pt', 'cpu')
    assert stage.skeleton is COCO_17
    frames = [np.full((*SIZE[::-1], 3), n, np.uint8) for n in (2, 0, 1)]
    found = [people for _, people in stage.run(frames, 2)]
    assert [len(people.keypoints) for people in found] == [2, 0, 1]
    assert [number for number, _ in calls] == [2, 1]
    assert calls[0][1] == dict(conf=0.3, device='cpu', verbose=False)
    expected = np.where(scores[1] == 0.3, 0, scores[1])
    np.testing.assert_allclose(found[0].scores[1], expected, atol=1e-6)
    np.testing.assert_allclose(found[0].keypoints[0], joints[0], atol=1e-3)
    with pytest.raises(ValueError, match='finds people itself'):
        make_pose2d('ultralytics', tmp_path / 'pose.pt', 'cpu', 'whole_image')


@pytest.mark.parametrize('keypoints, message', [
    (None, 'without keypoints'),
    (SimpleNamespace(xy=torch.zeros(1, 17, 2), conf=None), 'without scores'),
    (SimpleNamespace(xy=torch.ones(1, 21, 2), conf=torch.ones(
        1, 21)), 'found 21 joints'),
])
def test_models_that_find_something_else(monkeypatch, tmp_path, keypoints,
                                         message):
    ultralytics_package(monkeypatch,
                        lambda image: SimpleNamespace(keypoints=keypoints))
    (tmp_path / 'hand.pt').write_bytes(b'')
    stage = make_pose2d('ultralytics', tmp_path / 'hand.pt')
    with pytest.raises(ValueError, match=f'hand.pt.*{message}'):
        seen_by(stage, np.zeros((8, 8, 3), np.uint8))


def test_ultralytics_downloads_into_no_current_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    ultralytics_package(monkeypatch, None)
    stage = make_pose2d('ultralytics:yolo26n-pose')
    wanted = tmp_path / 'hub' / 'checkpoints' / 'yolo26n-pose.pt'
    assert stage.model.name == str(wanted)
    with pytest.raises(FileNotFoundError, match='ultralytics:my downloads'):
        make_pose2d('ultralytics', tmp_path / 'my.pt')
    (tmp_path / 'my.pt').write_bytes(b'')
    ultralytics_package(monkeypatch, None, task='detect')
    with pytest.raises(ValueError, match='does detect'):
        make_pose2d('ultralytics', tmp_path / 'my.pt')


def test_real_ultralytics_runs(tmp_path, monkeypatch):
    """Its own network, with random weights, end to end."""
    ultralytics = pytest.importorskip('ultralytics')
    try:
        import torchvision
        torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except (ImportError, RuntimeError) as error:
        # A build for another torch, such as one for graphics cards.
        pytest.skip(f'torchvision does not import: {error}')
    path = tmp_path / 'random-pose.pt'
    ultralytics.YOLO('yolo11n-pose.yaml').save(path)
    stage = make_pose2d('ultralytics', path, 'cpu', bbox_thr=0.)
    image = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
    found = seen_by(stage, image)
    assert found.keypoints.shape[1:] == (17, 2)
    assert found.scores.shape == found.keypoints.shape[:2]
    ultralytics.YOLO('yolo11n.yaml').save(tmp_path / 'boxes.pt')
    with pytest.raises(ValueError, match='boxes.pt.*expected a pose model'):
        seen_by(make_pose2d('ultralytics', tmp_path / 'boxes.pt'), image)


def test_movenet_by_its_word(shared_dir):
    pytest.importorskip('onnxruntime')
    weights = shared_dir / 'models/movenet_thunder.onnx'
    video = shared_dir / 'data/video/sports2d_demo.mp4'
    for path in (weights, video):
        if not path.is_file():
            pytest.skip(f'{path} does not exist')
    image = np.ascontiguousarray(list(open_frames(video, 21))[20][CROP])
    found = seen_by(make_pose2d('movenet', weights), image)
    apart = np.linalg.norm(found.keypoints[0] - demo_joints(20), axis=1)
    assert apart.mean() < 10
