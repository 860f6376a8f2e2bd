# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Frames from everywhere, one at a time."""

import warnings
import weakref

import cv2
import numpy as np
import pytest
from video_files import read_video, write_video

from mmdiffpose.detection.frame_sources import images_at, open_frames
from mmdiffpose.files.keypoint_files import is_keypoint_input


def picture(value=0, width=32, height=24):
    return np.full((height, width, 3), value, np.uint8)


@pytest.fixture
def video(tmp_path):
    frames = [picture(40 * i) for i in range(5)]
    return write_video(frames, tmp_path / 'clip.mp4', 12.5)


def write_images(folder, names, **size):
    for value, name in enumerate(names):
        assert cv2.imwrite(str(folder / name), picture(10 * value, **size))


def values(source):
    return [int(frame.mean().round()) for frame in source]


def test_pictures_of_some_frames(video):
    read = read_video(video, [0, 3, 99])
    assert read[0].mean() < 5 and 110 < read[1].mean() < 130
    assert read[2] is None
    assert list(images_at(None, [0, 1])) == [None, None]


def test_video(video):
    source = open_frames(str(video))
    assert (source.fps, source.length, source.stem) == (12.5, 5, 'clip')
    assert source.rereadable and not source.live
    once = values(source)
    np.testing.assert_allclose(once, [0, 40, 80, 120, 160], atol=4)
    assert values(source) == once
    first = open_frames(video, max_frames=2)
    assert first.length == 2 and values(first) == once[:2]


def test_a_folder_is_a_clip_in_the_order_of_numbers(tmp_path):
    write_images(tmp_path, ['f1.png', 'f2.png', 'f10.png'])
    (tmp_path / 'notes.txt').write_text('no image')
    source = open_frames(tmp_path)
    assert source.length == 3 and source.image is None
    assert values(source) == [0, 10, 20]
    assert open_frames(tmp_path / 'f2.png').image == tmp_path / 'f2.png'


def test_arrays_in_memory(tmp_path):
    frames = np.stack([picture(1), picture(2)])
    assert values(open_frames(frames)) == [1, 2]
    assert values(open_frames(frames[0])) == [1]
    assert values(open_frames(list(frames))) == [1, 2]
    write_images(tmp_path, ['b.png', 'a.png'])
    paths = [str(tmp_path / name) for name in ('b.png', 'a.png')]
    assert values(open_frames(paths)) == [0, 10]


def test_an_iterator_is_read_once_and_lazily():
    alive = weakref.WeakSet()
    most = 0

    def frames():
        nonlocal most
        for value in range(20):
            frame = picture(value)
            alive.add(_Key(frame))
            yield frame
            del frame
            most = max(most, len(alive))

    source = open_frames(frames())
    assert not source.rereadable
    seen = 0
    for frame in source:
        seen += 1
        # The test, the source and the generator never hold two.
        del frame
    assert seen == 20 and most <= 1
    with pytest.raises(ValueError, match='read before'):
        list(source)


class _Key:
    """Lives as long as an array does."""

    def __new__(cls, array):
        key = super().__new__(cls)
        _KEYS[id(array)] = key
        weakref.finalize(array, _KEYS.pop, id(array))
        return key


_KEYS = {}


def test_a_change_of_resolution_is_resized():
    frames = [picture(5), picture(6, 64, 48), picture(7, 16, 12), picture(8)]
    with pytest.warns(UserWarning, match='32 x 24 to 64 x 48 in frame 1'):
        found = list(open_frames(frames))
    assert {frame.shape for frame in found} == {(24, 32, 3)}
    assert values(found) == [5, 6, 7, 8]


def test_another_shape_is_an_error(tmp_path):
    frames = [picture(), picture(), picture(0, 24, 32)]
    with pytest.raises(ValueError, match='32 x 24 .* 24 x 32 in frame 2'):
        list(open_frames(frames))
    write_images(tmp_path, ['a.png'])
    write_images(tmp_path, ['b.png'], width=48)
    with pytest.raises(ValueError, match='one camera'):
        list(open_frames(tmp_path))


@pytest.mark.parametrize('frames, message', [
    ([], 'at least one frame'),
    (iter([]), 'at least one frame'),
    ([picture().astype(float)], 'uint8.*float64'),
    ([picture()[..., 0]], r'\(h, w, 3\).*\(24, 32\)'),
    (['picture'], 'picture does not exist: expected an image'),
    ([None], 'NoneType'),
    (np.zeros((2, 3)), r'\(2, 3\)'),
    (1.5, 'found float'),
])
def test_what_is_no_frame(frames, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        list(open_frames(frames))


def test_broken_files(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.mp4'):
        open_frames(tmp_path / 'nowhere.mp4')
    broken = tmp_path / 'broken.mp4'
    broken.write_bytes(b'no video at all' * 100)
    with pytest.raises(ValueError, match='broken.mp4: expected a video'):
        open_frames(broken)
    empty = tmp_path / 'empty.mp4'
    empty.touch()
    with pytest.raises(ValueError, match='empty.mp4'):
        list(open_frames(empty))
    image = tmp_path / 'broken.png'
    image.write_bytes(b'no image')
    with pytest.raises(ValueError, match='broken.png: expected an image'):
        list(open_frames(image))
    (tmp_path / 'folder').mkdir()
    with pytest.raises(ValueError, match='expected images'):
        open_frames(tmp_path / 'folder')


def test_webcam_numbers(monkeypatch):
    opened = []

    class Camera:

        def __init__(self, number):
            opened.append(number)
            self.left = 2

        def isOpened(self):
            return opened[-1] != 9

        def get(self, _):
            return 0.

        def read(self):
            self.left -= 1
            return self.left >= 0, picture(3)

        def release(self):
            opened.append('released')

    monkeypatch.setattr(cv2, 'VideoCapture', Camera)
    for name, number in (('webcam', 0), ('webcam:1', 1), (2, 2), ('3', 3)):
        source = open_frames(name)
        assert opened.pop() == number
        assert source.live and not source.rereadable and source.fps is None
        assert values(source) == [3, 3] and opened.pop() == 'released'
    first = open_frames('webcam', max_frames=1)
    assert first.live and values(first) == [3] and opened.pop() == 'released'
    with pytest.raises(ValueError, match='webcam 9 cannot be opened'):
        open_frames('webcam:9')


def test_keypoint_files_are_no_frames(tmp_path, video):
    write_images(tmp_path, ['a.png'])
    openpose = tmp_path / 'openpose'
    openpose.mkdir()
    (openpose / 'frame_000_keypoints.json').write_text('{}')
    for path, expected in ((openpose, True), (tmp_path, False), (video, False),
                           ('a/b.JSON', True), ('b.npz', True), (0, False)):
        assert is_keypoint_input(path) is expected


def test_no_warnings_for_a_good_source(video):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert len(list(open_frames(video))) == 5
