# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures come out of a file as they went in, or there is no file."""

import cv2
import numpy as np
import pytest
from drawn_people import crowd
from PIL import Image
from video_files import read_video, write_video

from mmdiffpose.visualization.clip_renderer import ClipRenderer
from mmdiffpose.visualization.picture_sink import PictureSink, PngWriter
from mmdiffpose.visualization.scene_renderer import SceneRenderer
from mmdiffpose.visualization.track_renderer import TrackRenderer


def pictures(number, height=40, width=60):
    """Each of its own grey, with a coloured corner."""
    frames = [
        np.full((height, width, 3), 20 * i, np.uint8) for i in range(number)
    ]
    for frame in frames:
        frame[:20, :20] = 200, 40, 10
    return frames


def test_an_mp4_plays_what_was_written(tmp_path):
    frames = pictures(6)
    path = write_video(frames, tmp_path / 'new/a.mp4', 30)
    read = read_video(path, [0, 4, 99])
    assert read[0].shape == (40, 60, 3) and read[2] is None
    assert np.abs(read[0].astype(int) - frames[0])[:, 30:].mean() < 6
    assert 70 < read[1][:, 30:].mean() < 90, 'frame 4, not a neighbour'
    assert read[0][5, 5, 0] > read[0][5, 5, 2] + 100, 'red is red'
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS) == 30


def test_a_gif_shows_some_15_frames_a_second(tmp_path):
    # Greys that wander: all pictures have the first one's colours.
    steps = np.repeat(np.arange(0, 240, 20, dtype=np.uint8), 5)
    wandering = [
        np.tile(np.roll(steps, 5 * i)[None, :, None], (40, 1, 3))
        for i in range(12)
    ]
    path = write_video(wandering, tmp_path / 'a.gif', 15)
    with Image.open(path) as gif:
        assert gif.size == (60, 40) and gif.n_frames == 12
        assert gif.info['loop'] == 0 and gif.info['duration'] == 70
    # Every second and every fourth frame.
    for fps, count in ((10, 12), (25, 6), (30, 6), (60, 3)):
        with Image.open(write_video(wandering, path, fps)) as gif:
            assert gif.n_frames == count
            # In hundredths of a second, so that not all rates are exact.
            expected = 12 / count / fps * 1000
            assert gif.info['duration'] == pytest.approx(expected, abs=5)


@pytest.mark.parametrize('suffix', ['mp4', 'gif'])
def test_an_error_leaves_no_file(tmp_path, suffix):
    (tmp_path / f'a.{suffix}').write_text('old')
    with pytest.raises(KeyError):
        with PictureSink(tmp_path / f'a.{suffix}', 30) as sink:
            sink.put(pictures(1)[0], 0)
            raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == [f'a.{suffix}']
    assert (tmp_path / f'a.{suffix}').read_text() == 'old'


def test_what_nobody_wants_need_not_be_drawn(tmp_path):
    wanted = PictureSink(tmp_path / 'a.gif', 30).wants
    assert [wanted(number) for number in range(4)] == [True, False] * 2
    assert PictureSink(tmp_path / 'a.mp4', 30).wants(1)
    assert not PictureSink().wants(0)
    assert PictureSink(show=True).wants(1)


def test_a_window_needs_a_screen(monkeypatch):

    def no_screen(*_):
        raise cv2.error('headless')

    monkeypatch.setattr(cv2, 'imshow', no_screen)
    with pytest.raises(ValueError, match='opencv-python, not'):
        PictureSink(show=True).put(pictures(1)[0], 0)


def test_a_png_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, 'imwrite', lambda *_: False)
    with pytest.raises(ValueError, match='a.png: OpenCV could not write'):
        PngWriter(tmp_path / 'a.png').put(pictures(1)[0])
    assert not list(tmp_path.iterdir())


def test_one_person_is_shown_from_two_sides_and_several_together():
    alone, other = crowd(2, rooted=False)
    frames = range(12)
    large, together = TrackRenderer(alone, 200), SceneRenderer([alone, other],
                                                               200)
    same = np.testing.assert_array_equal
    same(ClipRenderer([alone], frames, 200).render(3), large.render(3))
    same(
        ClipRenderer([alone, other], frames, 200).render(3),
        together.render(3))
    # Frames without them are an empty scene.
    same(
        ClipRenderer([alone], range(13), 200).render(12),
        SceneRenderer([alone], 200).render(12))


def test_a_still_picture_shows_the_middle_of_the_clip():
    people = crowd(2, rooted=False)
    renderer = ClipRenderer(people[:1], range(12), 100)
    # Five of 12 frames: sixths of the way from 0 to 11.
    assert renderer.still_frames == [2, 4, 6, 7, 9]
    sheet = renderer.still([None] * 5)
    assert sheet.shape[0] > 3 * 70, 'three panels, one over the other'
    renderer = ClipRenderer(people, range(12), 100)
    assert renderer.still_frames == [3, 6, 8]
    rows = renderer.still([None] * 3)
    assert rows.shape[0] == 3 * renderer.render(0).shape[0]
