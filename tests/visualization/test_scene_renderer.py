# Copyright (c) mmdiffpose contributors. All rights reserved.
"""All people in one picture and one scene."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_people import SIZE, crowd, person

from mmdiffpose.visualization.common_scene import CommonScene
from mmdiffpose.visualization.palette import (LEFT, PEOPLE, RIGHT, UNSEEN,
                                              person_color)
from mmdiffpose.visualization.scene_renderer import SceneRenderer


def scene_of(tracks, **kwargs):
    return CommonScene.fit(tracks, [t.track_id for t in tracks], **kwargs)


def where(image, color):
    """(P, 2) x and y of the pixels that have exactly this colour."""
    return np.argwhere((image == color).all(-1))[:, ::-1]


# ----------------------------------------------------------------- scene


def test_people_stand_where_they_were_solved_to_be():
    left, right = person(0, (-1., 5.)), person(1, (2., 7.))
    scene = scene_of([left, right])
    first, second = (p.poses() for p in scene.people)
    # x right, y up, z to the viewer.
    np.testing.assert_allclose(
        second - first, np.broadcast_to([3, 0, -2], first.shape), atol=1e-5)
    assert scene.rooted
    np.testing.assert_allclose(first[..., 1].min(1), 0, atol=1e-6)
    middle = np.concatenate([first[:, 0], second[:, 0]]).mean(0)
    np.testing.assert_allclose(middle[[0, 2]], 0, atol=1e-5)


def test_jumps_are_kept_and_drift_is_not():
    jumper = person(0, (0., 5.), frames=200)
    jumper.root_trajectory[100:110, 1] -= 0.4
    jumper.root_trajectory[:, 1] += np.linspace(0, 1, 200)
    scene = scene_of([jumper])
    lowest = scene.people[0].poses()[..., 1].min(1)
    assert lowest[105] == pytest.approx(0.4, abs=0.07)
    assert lowest.min() > -1e-6
    assert np.delete(lowest, range(100, 110)).max() < 0.2


def test_wild_frames_do_not_shrink_the_scene():
    track = person(0, (0., 5.), frames=300)
    track.root_trajectory[150, 2] = 500
    scene = scene_of([track])
    assert max(scene.floor) < 2


@pytest.mark.parametrize('count', [2, 5, 6, 11])
def test_side_by_side_in_the_pictures_order(count):
    tracks = crowd(count, rooted=False)[::-1]
    scene = scene_of(tracks, azimuth=0.3)
    roots = {p.number: p.offsets[0] for p in scene.people}
    across = [
        np.cos(0.3) * roots[n][0] + np.sin(0.3) * roots[n][2]
        for n in range(count)
    ]
    assert (np.diff(across) > 0.4).all()
    places = np.array([roots[n][[0, 2]] for n in range(count)])
    gaps = np.linalg.norm(places[:, None] - places, axis=-1)
    assert gaps[~np.eye(count, dtype=bool)].min() > 1
    lowest = [p.poses()[..., 1].min() for p in scene.people]
    np.testing.assert_allclose(lowest, 0, atol=1e-6)


def test_one_missing_trajectory_puts_all_side_by_side():
    tracks = crowd(3)
    tracks[1] = replace(tracks[1], root_trajectory=None)
    assert not scene_of(tracks).rooted


# --------------------------------------------------------------- picture


@pytest.mark.parametrize('rooted', [True, False])
def test_ten_people_in_one_size(rooted):
    tracks = crowd(10, rooted)
    tracks[3] = tracks[3].part(2, 5)
    renderer = SceneRenderer(tracks, size=240)
    frames = [renderer.render(frame) for frame in (0, 3, 11, 99)]
    assert len({frame.shape for frame in frames}) == 1
    height, width, _ = frames[0].shape
    assert height % 2 == width % 2 == 0
    assert frames[0].dtype == np.uint8
    assert renderer.frame_ids == list(range(12))
    third = (len(where(frame, person_color(3))) for frame in frames[:2])
    assert next(third) < next(third)


def test_everybody_is_inside_upright_and_unmirrored():
    renderer = SceneRenderer(crowd(4), size=300)
    view = renderer.view
    for placed in renderer.scene.people:
        x, y, _ = view.project(placed.pose(0)).T
        index = placed.track.skeleton.index
        assert y[index['head']] < y[index['root']] < y[index['left_foot']]
        assert x[index['left_wrist']] > x[index['right_wrist']]
        assert 0 < x.min() and x.max() < view.width
        assert 0 < y.min() and y.max() < view.height


def test_left_is_left_in_both_panels():
    for panel in SceneRenderer(crowd(1), size=300).panels(0):
        left, right = where(panel, LEFT), where(panel, RIGHT)
        assert left[:, 0].mean() > right[:, 0].mean() + 5


@pytest.mark.parametrize('size', [(1920, 1080), (1080, 1920), (3000, 500),
                                  (500, 500)])
def test_pictures_keep_their_shape(size):
    """A circle in the picture is one in the panel."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    image = np.full((height, width, 3), 60, np.uint8)
    radius = min(size) / 3
    disc = np.hypot(x - width / 2, y - height / 2) < radius
    image[disc] = (250, 10, 10)
    tracks = [replace(person(0, (0, 5)), image_size=size)]
    tracks[0].scores_2d[:] = 0
    picture = SceneRenderer(tracks, size=300).panels(0, image)[0]
    found = where(picture, (250, 10, 10))
    across, down = np.ptp(found, axis=0)
    assert across == pytest.approx(down, abs=3)
    assert 0.5 <= picture.shape[1] / picture.shape[0] <= 2


def test_resolution_change():
    renderer = SceneRenderer(crowd(2), size=200)
    half = np.zeros((SIZE[1] // 2, SIZE[0] // 2, 3), np.uint8)
    assert renderer.render(0, half).shape == renderer.render(0).shape
    with pytest.raises(ValueError, match='1200 x 800.*found 800 x 1200'):
        renderer.render(0, np.zeros((1200, 800, 3), np.uint8))


def test_uncertainty_shows_either_way():
    plain = crowd(2, std=None, hypotheses=None)
    pictures = [
        SceneRenderer(tracks, size=240).panels(0)[1]
        for tracks in (plain, crowd(2, hypotheses=None), crowd(2, std=None))
    ]
    for picture in pictures[1:]:
        assert (picture != pictures[0]).any(-1).sum() > 100
    wide = crowd(2, hypotheses=None, std=np.full((12, 17), 0.1))
    wide = SceneRenderer(wide, size=240).panels(0)[1]
    assert (wide
            != pictures[0]).sum() > 1.5 * (pictures[1] != pictures[0]).sum()
    both = SceneRenderer(crowd(2), size=240).panels(0)[1]
    assert (both != pictures[2]).any(-1).sum() > 100, 'std beside hypotheses'


def test_a_persons_colour_follows_from_the_number_alone():
    alone = SceneRenderer(person(7, (0, 5)), size=240).panels(0)
    among = SceneRenderer(crowd(9), size=240).panels(0)
    for panels in (alone, among):
        assert all(len(where(panel, PEOPLE[7])) for panel in panels)
    assert not len(where(alone[0], PEOPLE[2]))


def test_pieces_of_a_track_and_joints_not_seen():
    track = person(2, (0, 5))
    track.scores_2d[7, 4:7] = 0
    renderer = SceneRenderer([track.part(6, 12), track.part(0, 3)], size=240)
    assert len({placed.number for placed in renderer.scene.people}) == 1
    grey = [len(where(renderer.panels(f)[1], UNSEEN)) for f in (6, 7)]
    assert grey[0] == 0 < grey[1]
    bare = renderer.render(4)
    assert not len(where(bare[40:-45], LEFT))
