# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of a lifted track."""

import numpy as np
import pytest

from mmdiffpose.lifting.lift import LiftedTrack
from mmdiffpose.visualization.palette import LEFT, RIGHT, UNSEEN
from mmdiffpose.visualization.track_renderer import TrackRenderer


def make_track(frames=6, **changes):
    rng = np.random.default_rng(0)
    pose = rng.uniform(-0.8, 0.8, (17, 3)).astype(np.float32)
    # Left limbs in one half of every picture, right limbs in the other.
    pose[[4, 5, 6, 11, 12, 13], 0] = 0.5
    pose[[1, 2, 3, 14, 15, 16], 0] = -0.5
    pose[[0, 7, 8, 9, 10], 0] = 0
    pose[0] = 0
    poses = np.repeat(pose[None], frames, 0)
    fields = dict(
        keypoints_3d=poses,
        scores=np.ones((frames, 17), np.float32),
        std=np.full((frames, 17), 0.05, np.float32),
        hypotheses=np.repeat(poses[:, None], 3, 1) + 0.02,
        keypoints_2d=poses[..., :2] * 200 + [400, 300],
        scores_2d=np.ones((frames, 17), np.float32),
        frame_ids=np.arange(frames),
        image_size=(800, 600),
        fps=30.)
    return LiftedTrack(**{**fields, **changes})


def columns_of(image, color):
    """x of the pixels that have exactly this colour."""
    return np.nonzero((image == color).all(-1))[1]


def test_left_is_left_in_every_panel():
    renderer = TrackRenderer(make_track(), size=200)
    picture, front, _ = renderer.panels(0)
    for panel in (picture, front):
        middle = panel.shape[1] / 2
        assert columns_of(panel, LEFT).mean() > middle + 20
        assert columns_of(panel, RIGHT).mean() < middle - 20


def test_all_frames_are_of_one_even_size():
    track = make_track()
    track.keypoints_3d[3] *= 0.5
    renderer = TrackRenderer(track, size=151)
    shapes = {renderer.render(i).shape for i in range(6)}
    assert len(shapes) == 1
    height, width, channels = shapes.pop()
    assert height % 2 == width % 2 == 0 and channels == 3


def test_larger_std_covers_more():
    small, large = (
        TrackRenderer(
            make_track(std=np.full((6, 17), std), hypotheses=None),
            size=200).panels(0)[1] for std in (0.03, 0.15))
    bare = TrackRenderer(
        make_track(std=None, hypotheses=None), size=200).panels(0)[1]
    assert (large != bare).sum() > 3 * (small != bare).sum() > 0


def test_joints_not_seen_are_grey_in_3d_and_left_out_in_2d():
    track = make_track()
    track.scores_2d[2, 4:7] = 0
    # Detectors write such for what they do not see.
    track.keypoints_2d[2, 4:7] = 0
    renderer = TrackRenderer(track, size=200)
    picture, front, _ = renderer.panels(2)
    assert len(columns_of(front, UNSEEN)) > 10
    assert not len(columns_of(renderer.panels(1)[1], UNSEEN))
    whole = renderer.panels(1)[0]
    drawn = (picture != picture[0, 0]).any(-1)
    assert drawn.sum() < (whole != whole[0, 0]).any(-1).sum()
    assert not drawn[:5].any() and not drawn[:, :5].any()


def test_video_lies_under_the_joints():
    """A marker painted at a joint's pixel is covered by that joint."""
    track = make_track()
    image = np.zeros((600, 800, 3), np.uint8)
    image[:, 400:] = (0, 200, 0)
    renderer = TrackRenderer(track, size=300)
    for picture in (image, image[::2, ::2]):
        panel = renderer.panels(0, picture)[0]
        edge = np.flatnonzero((panel == (0, 200, 0)).all(-1).any(0))[0]
        root = track.keypoints_2d[0, 0] * renderer.picture.scale + \
            renderer.picture.offset
        assert edge == pytest.approx(root[0], abs=2)
    with pytest.raises(ValueError, match='800 x 600.*found 600 x 800'):
        renderer.render(0, image.swapaxes(0, 1))


def test_sheet():
    renderer = TrackRenderer(make_track(), size=120)
    one, three = renderer.sheet([0]), renderer.sheet([0, 2, 5])
    assert three.shape[1] == 3 * one.shape[1]
    assert three.shape[0] == one.shape[0] > 3 * 120
