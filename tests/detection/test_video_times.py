# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Rotation and time stamps of videos, whose boxes are written by hand."""

import struct
import sys

import cv2
import numpy as np
import pytest
from timed_videos import UNEVEN, write_timed

from mmdiffpose.detection import video_frames
from mmdiffpose.detection.frame_sources import open_frames
from mmdiffpose.detection.video_times import StreamClock, container_times

PARENTS = (b'moov', b'trak', b'mdia', b'minf', b'stbl')


def corner(size=(64, 48)):
    """A picture that is white in the upper left corner."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    image[:size[1] // 4, :size[0] // 4] = 255
    return image


@pytest.fixture
def video(tmp_path):
    path = tmp_path / 'clip.mp4'
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter.fourcc(*'mp4v'), 30, (64, 48))
    for _ in range(12):
        writer.write(corner())
    writer.release()
    return path


def edit(data, change):
    """MP4 boxes, some replaced: ``change(kind, payload)``."""
    out, place = b'', 0
    while place < len(data):
        size, kind = struct.unpack('>I4s', data[place:place + 8])
        if size == 0:
            size = len(data) - place
        assert size >= 8, 'no 64-bit boxes in so short a video'
        body = data[place + 8:place + size]
        body = edit(body, change) if kind in PARENTS else change(kind, body)
        out += struct.pack('>I4s', len(body) + 8, kind) + body
        place += size
    return out


def turned(degrees):
    """The matrix of a track that players turn clockwise."""
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]

    def change(kind, body):
        if kind != b'tkhd':
            return body
        values = [cos, sin, 0, -sin, cos, 0, 0, 0]
        matrix = struct.pack('>8iI', *(v * 65536 for v in values), 1 << 30)
        return body[:40] + matrix + body[76:]

    return change


@pytest.mark.parametrize('degrees, quarter', [(90, 'upper right'),
                                              (180, 'lower right'),
                                              (270, 'lower left')])
def test_turned_as_the_file_says(video, degrees, quarter):
    video.write_bytes(edit(video.read_bytes(), turned(degrees)))
    frame = next(iter(open_frames(video)))
    h, w = frame.shape[:2]
    assert (w, h) == ((64, 48) if degrees == 180 else (48, 64))
    y, x = np.argwhere(frame[..., 0] > 200).mean(0)
    assert (y < h / 2) == ('upper' in quarter)
    assert (x < w / 2) == ('left' in quarter)


def test_a_plain_video_has_an_even_pace(video):
    source = open_frames(video)
    assert len(list(source)) == 12 and len(source.timestamps) == 12
    np.testing.assert_allclose(np.diff(source.timestamps), 1 / 30, atol=2e-3)
    assert source.uneven_times() is None


def test_variable_frame_rates_come_from_the_container(video):
    """Frames of 1 and of 3 ticks, of which a second has 30."""

    def change(kind, body):
        if kind == b'edts':
            # How much of the track is played, at the end of its one entry.
            length, = struct.unpack('>I', body[16:20])
            return body[:16] + struct.pack('>I', 3 * length) + body[20:]
        if kind != b'stts':
            return body
        count, ticks = struct.unpack('>II', body[8:16])
        assert count == 12
        return body[:4] + struct.pack('>I', 2) + struct.pack(
            '>4I', 6, ticks, 6, 3 * ticks)

    video.write_bytes(edit(video.read_bytes(), change))
    source = open_frames(video)
    list(source)
    expected = np.r_[np.arange(6), 6 + 3 * np.arange(6)] / 30
    np.testing.assert_allclose(
        source.uneven_times() - source.timestamps[0], expected, atol=2e-3)
    # Who says the frame rate knows better.
    assert source.uneven_times(25.) is None
    first = open_frames(video, max_frames=8)
    assert len(list(first)) == 8
    assert len(first.uneven_times()) >= 8


def test_numbers_of_images_tell_of_gaps(tmp_path):
    for i in (0, 10, 20, 50, 60):
        cv2.imwrite(str(tmp_path / f'cam2_{i}.png'), corner())
    (tmp_path / '._cam2_0.png').write_bytes(b'\0\5\x16\7')
    source = open_frames(tmp_path)
    assert len(list(source)) == 5 and source.uneven_times() is None
    np.testing.assert_allclose(
        source.uneven_times(10.),
        np.array([0, 1, 2, 5, 6]) / 10)
    cv2.imwrite(str(tmp_path / 'cam3_0.png'), corner())
    cv2.imwrite(str(tmp_path / 'cam3_10.png'), corner())
    with pytest.raises(ValueError, match='again after cam2_, cam3_'):
        open_frames(tmp_path)


def test_lists_of_videos_and_urls_are_refused_clearly(tmp_path, video):
    with pytest.raises(ValueError, match="list of images.*'clip.mp4'.*one by"):
        open_frames([video, str(video)])
    with pytest.raises(ValueError, match='rtsp://127.0.0.1:1/cam: expected a'):
        open_frames('rtsp://127.0.0.1:1/cam')
    with pytest.raises(ValueError, match='found no answer'):
        open_frames('http://127.0.0.1:1/walk.mp4')
    source = open_frames(f'file://{video}')
    assert source.stem == 'clip' and source.length == 12


@pytest.mark.parametrize('without', [False, True])
@pytest.mark.parametrize('suffix, codec',
                         [('mp4', 'libx264'), ('mkv', 'libx264'),
                          ('mov', 'mpeg4'), ('webm', 'libvpx'),
                          ('avi', 'mpeg4')])
def test_uneven_times_of_any_container(tmp_path, monkeypatch, suffix, codec,
                                       without):
    """With B-frames, whose order in the file is another; with PyAV and by
    OpenCV's word."""
    path = write_timed(tmp_path / f'a.{suffix}', UNEVEN, codec, clock=1000)
    if without:
        monkeypatch.setitem(sys.modules, 'av', None)
    assert bool(container_times(path)) == (not without)
    source = open_frames(path)
    brightness = [frame.mean() for frame in source]
    assert (np.diff(brightness) > 5).all()
    np.testing.assert_allclose(source.uneven_times(), UNEVEN, atol=2e-3)
    mean = (len(UNEVEN) - 1) / UNEVEN[-1]
    assert source.rate() == pytest.approx(mean, rel=.01)
    assert source.rate(12.) == 12
    # The header may tell of the clock: 1000, in this AVI.
    assert source.fps < 60


def test_even_times_need_no_others(tmp_path):
    path = write_timed(tmp_path / 'a.mkv', np.arange(20) / 30, clock=1000)
    source = open_frames(path)
    list(source)
    assert source.uneven_times() is None and source.rate() == 30


def test_frames_that_cannot_be_decoded_keep_opencvs_times(
        tmp_path, monkeypatch):
    """The container has places for frames that OpenCV leaves out."""
    path = write_timed(tmp_path / 'a.mp4', UNEVEN)
    monkeypatch.setattr(video_frames, 'container_times',
                        lambda _: [0., .5, *(UNEVEN + 9)])
    source = open_frames(path)
    list(source)
    np.testing.assert_allclose(source.timestamps, UNEVEN, atol=2e-3)


class Camera:
    """Stands in for OpenCV's; says nothing of time, or what it is told."""

    def __init__(self, stamps=()):
        self.stamps = list(stamps)
        self.read_frames = -1

    def isOpened(self):
        return True

    def get(self, kind):
        if kind == cv2.CAP_PROP_POS_MSEC and self.stamps:
            return 1000 * self.stamps[self.read_frames]
        return 0

    def set(self, *_):
        return False

    def read(self):
        self.read_frames += 1
        return self.read_frames < 4, corner()

    def release(self):
        pass


def test_times_of_live_sources(monkeypatch):
    """A camera's frames are of when they come, a stream's of when they were
    sent, as long as it says so."""
    now = iter(np.array([5, 5.1, 5.3, 5.35]))
    monkeypatch.setattr(video_frames.time, 'monotonic', lambda: next(now))
    monkeypatch.setattr(cv2, 'VideoCapture', lambda _: Camera())
    camera = open_frames('webcam:0')
    list(camera)
    np.testing.assert_allclose(camera.timestamps, [0, .1, .3, .35])

    for sent, expected in (([7, 7.2, 7.3,
                             7.5], [7, 7.2, 7.3,
                                    7.5]), ([7, 7.2, 0,
                                             0], [7, 7.2, 7.4, 7.45])):
        now = iter(np.array([5, 5.1, 5.3, 5.35]))
        monkeypatch.setattr(cv2, 'VideoCapture', lambda _, s=sent: Camera(s))
        source = open_frames('rtsp://camera.local/1')
        assert source.live and source.stem == 'camera_local_1'
        list(source)
        np.testing.assert_allclose(source.timestamps, expected)


def test_a_clock_averages_jitter_and_follows_pauses():
    rng = np.random.default_rng(0)
    clock = StreamClock(25.)
    true = np.arange(500) / 24.9  # the header is a little off
    found = np.array([clock.time(t + rng.uniform(0, .01)) for t in true])
    assert (np.diff(found) > 0).all()
    assert np.abs(found - true - .005)[50:].max() < .006
    assert np.abs(np.diff(found) - 1 / 24.9)[50:].max() < .0025
    assert clock.time(true[-1] + 3) == true[-1] + 3
    # Nothing is known, or only stamps are.
    assert StreamClock(None).time(None) is None
    raw = StreamClock(None)
    assert [raw.time(t) for t in (1., 1.5, 1.4)] == [1, 1.5, None]
    told = StreamClock(10.)
    assert [told.time(None) for _ in range(3)] == pytest.approx([0, .1, .2])
