# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From a keypoint file to poses and pictures on the command line."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from video_files import write_video

from mmdiffpose.apis import init_model
from mmdiffpose.cli.known_heights import parse_heights

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs/diffpose_mixste_mini-27.py'
TRACK = ROOT / 'mmdiffpose/data/demo_track_coco17.json'


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'lifter.pth'
    torch.save(init_model(CONFIG).state_dict(), path)
    return path


@pytest.fixture
def infer(load_command, checkpoint, tmp_path):
    tool = load_command('infer')

    def run(track, *arguments):
        args = tool.parse_args([
            str(track), '--config',
            str(CONFIG), '--checkpoint',
            str(checkpoint), '--out-dir',
            str(tmp_path / 'out'), '--panel-size', '120', '--device', 'cpu',
            *map(str, arguments)
        ])
        return tool.run(args)

    return run


@pytest.fixture
def short_track(tmp_path):
    """The bundled track's first 12 frames."""
    document = json.loads(TRACK.read_text())
    document['instance_info'] = document['instance_info'][:12]
    path = tmp_path / 'short.json'
    path.write_text(json.dumps(document))
    return path


def test_bundled_track(infer, tmp_path, capsys):
    paths = infer(TRACK)
    assert [path.name for path in paths] == [
        f'demo_track_coco17_3d.{s}' for s in ('json', 'npz', 'gif', 'png')
    ]
    with np.load(paths[1]) as file:
        assert file['keypoints_3d'].shape == (98, 17, 3)
        assert file['hypotheses'].shape[0] == 98
    with Image.open(paths[2]) as gif:
        assert gif.is_animated
    assert cv2.imread(str(paths[3])).shape[2] == 3
    assert not list((tmp_path / 'out').glob('*part*'))
    printed = capsys.readouterr().out
    assert 'lifted: 98 frames in' in printed
    assert 'frames/s' in printed.split('drawn: 49 frames')[1]


def test_options(infer, short_track):
    paths = infer(short_track, '--no-animation', '--axes', 'z-up')
    assert [path.suffix for path in paths] == ['.json', '.npz', '.png']
    meta = json.loads(paths[0].read_text())['meta_info']
    assert meta['axes'] == 'z-up'
    with np.load(paths[1]) as file:
        poses = file['keypoints_3d']
    camera = infer(short_track, '--no-animation')[1]
    with np.load(camera) as file:
        np.testing.assert_allclose(poses[..., 2],
                                   -file['keypoints_3d'][..., 1])
    many = infer(short_track, '--no-animation', '--cfg-options',
                 'model.test_cfg.num_hypotheses=7')[1]
    with np.load(many) as file:
        assert file['hypotheses'].shape[1] == 7


@pytest.mark.parametrize('height', ['1.5', '0=1.5', '1.5+-0.2', '0=1.5±.2'])
def test_known_height(infer, short_track, height):
    with np.load(infer(short_track, '--no-animation')[1]) as file:
        before = dict(file)
    assert 'heights' not in json.loads(str(before['meta']))
    path = infer(short_track, '--no-animation', '--height', height)[1]
    with np.load(path) as after:
        said = json.loads(str(after['meta']))['heights']['0']
        assert said['height'] == 1.5
        assert said['height_std'] == (0 if height.endswith('.5') else .2)
        np.testing.assert_allclose(
            after['keypoints_3d'],
            before['keypoints_3d'] * said['scaled_by'],
            rtol=1e-4,
            atol=1e-6)


@pytest.mark.parametrize('texts, heights', [
    (None, None),
    (['1.75'], 1.75),
    (['1.69+-0.1'], (1.69, .1)),
    (['1.69±0.1'], (1.69, .1)),
    (['0=1.88+-.02', '3=1.71'], {
        0: (1.88, .02),
        3: 1.71
    }),
])
def test_heights_in_words(texts, heights):
    assert parse_heights(texts) == heights


@pytest.mark.parametrize('texts',
                         [['1.7+-'], ['1.7+-.1+-.1'], ['+-.1'], ['1.7-.1'],
                          ['0=1.7+-x'], ['0=1.7', '0=1.8']])
def test_heights_in_wrong_words(texts):
    with pytest.raises(ValueError, match=r'--height: expected metres, or ID='):
        parse_heights(texts)


def test_video_below_the_joints(infer, short_track, tmp_path):
    frames = [np.full((994, 1768, 3), (0, 160, 0), np.uint8)] * 12
    video = write_video(frames, tmp_path / 'video.mp4', 30)
    paths = infer(short_track, '--video', video, '--format', 'mp4')
    assert paths[2].suffix == '.mp4'
    still = cv2.imread(str(paths[3])).astype(int)
    green = still[..., 1] - still[..., 0] > 100
    assert green.mean() > 0.05


def test_wrong_input_ends_with_a_sentence(run_tool, checkpoint, tmp_path):
    (tmp_path / 'empty.json').write_text('[]')
    result = run_tool('infer.py', 'empty.json', '--config', CONFIG,
                      '--checkpoint', checkpoint, '--out-dir', 'out')
    assert result.returncode == 1
    assert 'error: empty.json is empty' in result.stderr
    assert 'Traceback' not in result.stderr
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('arguments, message', [
    (('--overlap', 27), 'overlap should be from 0 to 26'),
    (('--track-id', 5), r'track ids \[5\], found \[0\]'),
    (('--skeleton', 'coco', '--image-size', 0, 5),
     'image_size should be two whole numbers'),
    (('--causal', ), 'without --causal'),
    (('--height', 188), r'centimetres\? 1.88 m'),
    (('--height', '1=1.8', '1=1.9'), 'found 1=1.8 1=1.9 .person 1 has two'),
    (('--height', '1.8', '1.9'), 'or ID=METRES for each of several people'),
    (('--height', 1.8, '--causal'), 'takes the whole of a clip'),
])
def test_wrong_options(infer, short_track, arguments, message):
    with pytest.raises(ValueError, match=message):
        infer(short_track, *arguments)


def test_missing_video(infer, short_track, tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.mp4'):
        infer(short_track, '--video', tmp_path / 'nowhere.mp4')
    assert not (tmp_path / 'out').exists()


DETECTOR = """
import numpy as np


class Walkers:
    skeleton = 'coco'

    def __init__(self, weights):
        self.body = np.load(weights)

    def reset(self):
        self.frame = 0

    def __call__(self, image, boxes=None):
        people = 2 if 2 <= self.frame < 10 else 1
        people *= int(image.mean() > 60)
        self.frame += 1
        places = np.array([[60 + 2 * self.frame, 60], [200, 60]])[:people]
        points = self.body + places[:, None]
        return points, np.full(points.shape[:2], 0.9)
"""


@pytest.fixture
def detector(tmp_path):
    """Arguments of a 2D detector that sees two people."""
    (tmp_path / 'walkers.py').write_text(DETECTOR)
    body = np.random.default_rng(0).uniform([-20, -50], [20, 50], (17, 2))
    np.save(tmp_path / 'body.npy', body)
    return ('--pose2d', f'{tmp_path}/walkers.py:Walkers', '--pose2d-weights',
            tmp_path / 'body.npy')


@pytest.fixture
def video(tmp_path):
    frames = [np.full((120, 260, 3), (0, 160, 90), np.uint8)] * 12
    return write_video(frames, tmp_path / 'walk.mp4', 24)


def test_everybody_in_a_video(infer, video, detector, capsys):
    paths = infer(video, *detector, '--formats', 'json', 'csv', '--axes',
                  'y-up', '--format', 'mp4')
    assert [path.name for path in paths
            ] == [f'walk_3d.{s}' for s in ('json', 'csv', 'mp4', 'png')]
    document = json.loads(paths[0].read_text())
    people = [[p['track_id'] for p in frame['instances']]
              for frame in document['instance_info']]
    assert people == [[0]] * 2 + [[0, 1]] * 8 + [[0]] * 2
    capture = cv2.VideoCapture(str(paths[2]))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 12
    assert capture.get(cv2.CAP_PROP_FPS) == 24
    printed = capsys.readouterr().out
    for stage in ('detected: 12', 'lifted: 20', 'drawn: 12'):
        assert f'{stage} frames in' in printed
    assert '2 people in 12 frames' in printed


def test_one_of_them_streaming(infer, video, detector, capsys):
    paths = infer(video, *detector, '--causal', '--latency', 2, '--track-id',
                  1)
    assert [path.name for path in paths
            ] == [f'walk_3d.{s}' for s in ('json', 'npz', 'mp4')]
    with np.load(paths[1]) as file:
        assert file['frame_ids'].tolist() == list(range(2, 10))
        assert set(file['track_ids']) == {1}
    assert 'streamed: 12 frames' in capsys.readouterr().out


@pytest.mark.parametrize('causal', [(), ('--causal', )])
def test_nobody_in_a_video(infer, detector, causal, tmp_path):
    frames = [np.zeros((120, 260, 3), np.uint8)] * 3
    video = write_video(frames, tmp_path / 'dark.mp4', 24)
    with pytest.raises(ValueError, match='dark.mp4: nobody was found'):
        infer(video, *detector, '--no-animation', *causal)


def test_all_people_of_a_keypoint_file(infer, short_track):
    document = json.loads(short_track.read_text())
    for frame in document['instance_info']:
        second = dict(frame['instances'][0], track_id=7)
        second['keypoints'] = [[x + 300, y] for x, y in second['keypoints']]
        frame['instances'].append(second)
    short_track.write_text(json.dumps(document))
    paths = infer(short_track, '--all-people', '--no-animation')
    with np.load(paths[1]) as file:
        assert sorted(set(file['track_ids'])) == [0, 7]
    with pytest.warns(UserWarning, match='taking track'):
        one = infer(short_track, '--no-animation')
    with np.load(one[1]) as file:
        assert len(set(file['track_ids'])) == 1


def test_no_checkpoint_and_no_model_of_the_zoo(load_command):
    tool = load_command('infer')
    args = ['a.json', '--out-dir', 'out', '--config']
    with pytest.raises(ValueError, match='name the checkpoint, too'):
        tool.make_inferencer(tool.parse_args([*args, str(CONFIG)]))
    with pytest.raises(FileNotFoundError, match='did you mean mixste_mini'):
        tool.make_inferencer(tool.parse_args([*args, 'mixste_mini']))


def test_the_zoo_is_listed(load_command, capsys):
    with pytest.raises(SystemExit) as caught:
        load_command('infer').parse_args(['--list-models'])
    assert caught.value.code == 0
    printed = capsys.readouterr().out
    assert 'licence' in printed or 'no trained models' in printed
