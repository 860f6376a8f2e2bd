# Copyright (c) mmdiffpose contributors. All rights reserved.
"""People at their known height, with values worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from mmdiffpose.lifting.known_height import measure_height, scale_to_height
from mmdiffpose.lifting.root_trajectory import (estimate_root_trajectory,
                                                place_in_scene)
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.skeletons.limb_lengths import stature_shares
from mmdiffpose.skeletons.mocap_sets import MPI_INF_3DHP_17
from mmdiffpose.skeletons.skeleton import Skeleton
from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.structures.lifter_view import LifterView

# y points down. Right thigh and shin .4 and .4, left .5 and .5; spine .2 and
# .3, neck .1, head .1: .45 + .45 + .7 = 1.6 m from ankle to ear.
STANDING = np.array([
    [0, 0, 0], [-.1, 0, 0], [-.1, .4, 0], [-.1, .8, 0], [.1, 0, 0],
    [.1, .5, 0], [.1, 1., 0], [0, -.2, 0], [0, -.5, 0], [0, -.6, 0],
    [0, -.7, 0], [.2, -.5, 0], [.5, -.5, 0], [.7, -.5, 0], [-.2, -.5, 0],
    [-.5, -.5, 0], [-.7, -.5, 0]
])  # yapf: disable
WHOLE = sum(stature_shares().values())
HEIGHT = 1.6 / WHOLE
ROOT, FOCAL, SIZE = np.array([.4, .2, 5.]), 900., (1280, 720)


def person(number=0, frames=5, poses=STANDING, **changes):
    poses = np.broadcast_to(poses, (frames, 17, 3)).astype(np.float32)
    points = poses + ROOT
    pixels = FOCAL * points[..., :2] / points[..., 2:] + np.array(SIZE) / 2
    std = np.full((frames, 17), .05, np.float32)
    return replace(
        LiftedTrack(
            keypoints_3d=poses,
            scores=np.ones((frames, 17), np.float32),
            std=std,
            hypotheses=np.stack([poses, 1.1 * poses], 1),
            keypoints_2d=pixels,
            scores_2d=np.ones((frames, 17), np.float32),
            frame_ids=np.arange(frames),
            image_size=SIZE,
            track_id=number,
            focal_px=FOCAL,
            covariance=std[..., None, None]**2 * np.eye(3, dtype=np.float32)),
        **changes)


def test_height_by_hand():
    measured = measure_height(person())
    assert measured.metres == pytest.approx(HEIGHT)
    assert measured.seen == pytest.approx(1)


def test_median_of_the_frames_in_which_a_bone_was_seen():
    poses = np.repeat(STANDING[None], 5, axis=0)
    poses[0, 3] += [0, 3., 0]  # A shin of 3.4 m: one of five frames.
    poses[1:3, 10] += [0, -5., 0]
    track = person(poses=poses)
    track.scores[1:3, 10] = 0
    assert measure_height(track).metres == pytest.approx(HEIGHT)
    # Seen in three of five frames, two of them wrong: the median is wrong.
    track.scores[1:3, 10] = 1
    track.scores[3:, 10] = 0
    assert measure_height(track).metres == pytest.approx(
        (1.6 + 5.) / WHOLE, rel=1e-6)


def test_both_ends_of_a_bone_have_to_be_seen():
    poses = np.repeat(STANDING[None], 5, axis=0)
    poses[2:, 2] += [3., 0, 0]  # A knee, which thigh and shin share.
    track = person(poses=poses)
    track.scores[2:, 2] = 0
    assert measure_height(track).metres == pytest.approx(HEIGHT)


def test_one_leg_and_nothing_above_the_hips():
    track = person()
    track.scores[:, 5:] = 0
    track.scores[:, 4] = 0
    shares = stature_shares()
    legs = shares['thigh'] + shares['shin']
    measured = measure_height(track)
    assert measured.metres == pytest.approx(.8 / legs)
    assert measured.seen == pytest.approx(legs / WHOLE)


def test_everything_is_scaled():
    track = replace(
        person(), root_trajectory=np.tile(ROOT, (5, 1)).astype(np.float32))
    scaled, = scale_to_height(track, 1.1 * HEIGHT)
    for name in ('keypoints_3d', 'root_trajectory'):
        np.testing.assert_allclose(
            getattr(scaled, name),
            getattr(track, name) * 1.1,
            rtol=1e-5,
            err_msg=name)
    np.testing.assert_array_equal(scaled.keypoints_2d, track.keypoints_2d)
    np.testing.assert_array_equal(scaled.scores, track.scores)
    assert measure_height(scaled).metres == pytest.approx(1.1 * HEIGHT)
    assert scaled.height == pytest.approx(1.1 * HEIGHT)
    assert scaled.height_std == 0
    assert scaled.scaled_by == pytest.approx(1.1)
    assert (track.height, track.height_std, track.size_std,
            track.scaled_by) == (None, None, None, 1)


def sized(spread=.1, shape=0., **changes):
    """Hypotheses of five sizes, and a std of that size, and of a shape."""
    steps = np.array([-2., -1, 0, 1, 2])
    steps *= spread / np.std(steps, ddof=1)
    track = person(**changes)
    poses = track.keypoints_3d
    variance = spread**2 * np.square(poses) + shape**2
    variance[:, 0] = 0
    return replace(
        track,
        hypotheses=poses[:, None] * np.exp(steps)[:, None, None].astype('f4'),
        std=np.sqrt(variance.mean(-1)),
        covariance=variance[..., None] * np.eye(3, dtype=np.float32))


def test_hypotheses_that_differ_by_size_alone():
    track = sized()
    known, = scale_to_height(track, 1.1 * HEIGHT)
    assert known.size_std == pytest.approx(.1, rel=1e-4)
    np.testing.assert_allclose(
        known.hypotheses,
        np.repeat(1.1 * track.keypoints_3d[:, None], 5, axis=1),
        rtol=1e-4)
    # All but the share that is always left.
    np.testing.assert_allclose(
        known.std, 1.1 * np.sqrt(.05) * track.std, rtol=1e-4)
    np.testing.assert_allclose(
        known.covariance, 1.1**2 * .05 * track.covariance, rtol=1e-4)


@pytest.mark.parametrize('hypotheses', [None, 1, 5])
def test_hypotheses_of_one_size(hypotheses):
    """The std is scaled, and no more."""
    track = sized()
    if hypotheses is not None:
        # They differ by arms, which no height is of.
        hypotheses = np.repeat(track.keypoints_3d[:, None], hypotheses, axis=1)
        hypotheses[:, 0, 12:14] += .2
    track = replace(track, hypotheses=hypotheses)
    known, = scale_to_height(track, .8 * HEIGHT)
    assert known.size_std == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(known.std, .8 * track.std, rtol=1e-4)
    np.testing.assert_allclose(
        known.covariance, .64 * track.covariance, rtol=1e-4, atol=1e-9)
    if hypotheses is not None:
        np.testing.assert_allclose(
            known.hypotheses, .8 * hypotheses, rtol=1e-4, atol=1e-6)


OF_SIZE = (5, 6, 8, 9, 10, 13, 16)


def size_and_shape():
    """As :func:`sized`, with 5 cm of shape, but for joints of the size alone:
    more than a tenth of all coordinates."""
    track = sized(shape=.05)
    for joint in OF_SIZE:
        track.covariance[:, joint] -= .05**2 * np.eye(3, dtype=np.float32)
    return replace(track, std=np.sqrt(np.square(track.std_xyz).mean(-1)))


def test_what_is_unsure_of_the_shape_stays():
    known, = scale_to_height(size_and_shape(), HEIGHT)
    assert known.size_std == pytest.approx(.1, rel=1e-3)
    # The feet are at (-.1, .8, 0) and (.1, 1, 0).
    np.testing.assert_allclose(known.std_xyz[0, 3], [.05, .05, .05], rtol=2e-3)
    np.testing.assert_allclose(
        known.std_xyz[0, 6], np.sqrt(.05) * .1 * np.array([.1, 1, 0]),
        rtol=2e-3, atol=1e-9)  # yapf: disable


def test_axes_stay_as_correlated():
    track = size_and_shape()
    x, y = track.std_xyz[:, 3, 0], track.std_xyz[:, 3, 1]
    track.covariance[:, 3, 0, 1] = track.covariance[:, 3, 1, 0] = .6 * x * y
    found = scale_to_height(track, HEIGHT)[0].covariance[0, 3]
    # .05 m along either axis is left, as above.
    np.testing.assert_allclose(
        found[:2, :2], .05**2 * np.array([[1, .6], [.6, 1]]), rtol=5e-3)


def test_an_unsure_height():
    """Hypotheses and std hold 6 % of it, whatever they held before."""
    for track in (sized(), sized(.2)):
        known, = scale_to_height(track, (1.1 * HEIGHT, .066 * HEIGHT))
        assert known.height_std == pytest.approx(.066 * HEIGHT)
        np.testing.assert_allclose(
            known.keypoints_3d, 1.1 * track.keypoints_3d, rtol=1e-5)
        feet = known.hypotheses[0, :, 6, 1]
        assert (np.diff(feet) > 0).all()  # As it was before.
        assert np.std(np.log(feet), ddof=1) == pytest.approx(.06, rel=1e-4)
        assert np.log(feet).mean() == pytest.approx(np.log(1.1), abs=1e-5)
        # The left foot is at (.1, 1, 0).
        own = .05 * known.size_std**2
        assert known.std_xyz[0, 6, 1] == pytest.approx(
            1.1 * np.sqrt(own + .06**2), rel=1e-4)
        assert known.std[0, 6] == pytest.approx(
            1.1 * np.sqrt((own + .06**2) * 1.01 / 3), rel=1e-4)


def test_as_unsure_as_the_lifter_was():
    """What was taken away comes back; where all was, with the share that is
    always left."""
    track = size_and_shape()
    known, = scale_to_height(track, (HEIGHT, .1 * HEIGHT))
    growth = np.ones(17)
    growth[list(OF_SIZE)] = np.sqrt(1.05)
    np.testing.assert_allclose(known.std, growth * track.std, rtol=1e-3)
    np.testing.assert_allclose(
        known.covariance,
        growth[:, None, None]**2 * track.covariance,
        rtol=1e-3,
        atol=1e-9)


def test_a_height_that_is_given_twice():
    """The second one tells of what the first has left."""
    once, = scale_to_height(sized(shape=.05), (HEIGHT, .05 * HEIGHT))
    twice, = scale_to_height(once, (1.2 * HEIGHT, .06 * HEIGHT))
    assert twice.scaled_by == pytest.approx(1.2)
    assert twice.size_std == pytest.approx(.05)
    variance = np.diagonal(once.covariance, axis1=-2, axis2=-1)[0, 6]
    expected = variance + (.05**2 - .05**2) * np.array([.01, 1, 0])
    np.testing.assert_allclose(
        twice.std_xyz[0, 6]**2, 1.2**2 * expected, rtol=1e-3)


def test_axes_of_the_view_and_of_the_camera():
    """What is known of the view's axes is turned with them."""
    view = LifterView.facing(
        np.tile([1100., 200.], (5, 1)), np.ones(5), FOCAL,
        np.array(SIZE) / 2)  # yapf: disable
    plain = sized(shape=.05)
    seen = replace(sized(shape=.05), axes='lifter', view=view)
    in_view, = scale_to_height(seen, HEIGHT)
    of_camera, = scale_to_height(seen.in_axes('camera'), HEIGHT)
    assert np.abs(of_camera.covariance - in_view.covariance).max() > 1e-4
    np.testing.assert_allclose(
        of_camera.in_axes('lifter').covariance,
        in_view.covariance,
        rtol=1e-3,
        atol=1e-7)
    np.testing.assert_allclose(
        in_view.covariance,
        scale_to_height(plain, HEIGHT)[0].covariance,
        rtol=1e-3)
    np.testing.assert_allclose(of_camera.std, in_view.std, rtol=1e-4)


def test_a_model_that_tells_no_axes_apart():
    track = replace(sized(), covariance=None)
    known, = scale_to_height(track, HEIGHT)
    assert known.covariance is None
    np.testing.assert_allclose(known.std, np.sqrt(.05) * track.std, rtol=1e-4)
    bare, = scale_to_height(replace(track, std=None), HEIGHT)
    assert bare.std is None and bare.size_std == 0


def test_pieces_of_a_track_have_the_same_hypotheses():
    """One factor for each of them, over both pieces."""
    early, late = sized(.05), sized(.15, frame_ids=np.arange(40, 45))
    first, second = scale_to_height([early, late], HEIGHT)
    ratio = second.hypotheses / first.hypotheses
    own = late.hypotheses / early.hypotheses
    np.testing.assert_allclose(ratio[:, :, 6, 1], own[:, :, 6, 1], rtol=1e-5)
    assert first.size_std == second.size_std
    both = np.concatenate([first.hypotheses, second.hypotheses])
    for n in range(5):
        joined = replace(person(frames=10), keypoints_3d=both[:, n])
        assert measure_height(joined).metres == pytest.approx(HEIGHT, rel=1e-5)


def test_root_is_found_as_much_further_away():
    track = person()
    np.testing.assert_allclose(
        estimate_root_trajectory(track, FOCAL),
        np.tile(ROOT, (5, 1)),
        atol=1e-4)
    placed, = place_in_scene(scale_to_height(track, .8 * HEIGHT), FOCAL)
    np.testing.assert_allclose(
        placed.root_trajectory, np.tile(.8 * ROOT, (5, 1)), atol=1e-4)


def test_a_height_for_each_of_some():
    tall = person(3)
    early = person(7, poses=.5 * STANDING)
    late = person(7, poses=.5 * STANDING, frame_ids=np.arange(40, 45))
    other = person(1)
    scaled = scale_to_height([early, tall, late, other], {
        3: 1.5 * HEIGHT,
        7: HEIGHT
    })
    assert [round(t.scaled_by, 5) for t in scaled] == [2, 1.5, 2, 1]
    assert [t.track_id for t in scaled] == [7, 3, 7, 1]
    assert scaled[3] is other


def test_pieces_of_one_person_get_one_factor():
    early = person(7)
    late = person(7, poses=1.2 * STANDING, frame_ids=np.arange(40, 45))
    # Ten frames, five of either size: the median lies in the middle.
    factors = [t.scaled_by for t in scale_to_height([early, late], HEIGHT)]
    assert factors == pytest.approx([1 / 1.1] * 2, rel=1e-5)


def test_joints_in_another_order():
    order = [
        H36M_17.joints.index(name)
        for name in ('head', 'thorax', 'right_shoulder', 'right_elbow',
                     'right_wrist', 'left_shoulder', 'left_elbow',
                     'left_wrist', 'right_hip', 'right_knee', 'right_foot',
                     'left_hip', 'left_knee', 'left_foot', 'root', 'spine',
                     'neck_base')
    ]
    track = replace(
        person(),
        keypoints_3d=person().keypoints_3d[:, order],
        skeleton=MPI_INF_3DHP_17)
    assert measure_height(track).metres == pytest.approx(HEIGHT)


@pytest.mark.parametrize('height, message', [
    (188, r'0.4 to 2.8, got 188 \(centimetres\? 1.88 m\)'),
    (6.17, r'got 6.17 \(feet\? 1.88 m\)'),
    (-1.8, 'got -1.8$'),
    (0., 'got 0.0$'),
    (float('nan'), 'got nan'),
    ('1.8', "got '1.8'"),
    (True, 'got True'),
    ({}, 'found none'),
    ({
        0: 20.
    }, 'height of person 0 should be metres'),
    ((1.8, -.1), r'deviation of the height should be a number from 0 to 0.54'),
    ((1.8, .6), 'got 0.6'),
    ((1.8, .1, .1), 'metres and their standard deviation, got'),
    ({
        0: (1.8, 'x')
    }, "deviation of the height of person 0 .* got 'x'"),
    ({
        2: 1.8
    }, r'nobody with the track ids \[2\], found \[0\]'),
])
def test_impossible_heights(height, message):
    with pytest.raises(ValueError, match=message):
        scale_to_height(person(), height)


def test_one_height_for_two_people():
    with pytest.raises(ValueError, match=r'found 2 with .* \[0, 4\].*0=1.8\)'):
        scale_to_height([person(0), person(4)], 1.8)


def test_too_little_was_seen():
    track = person()
    track.scores[:, 1:7] = 0  # No legs: spine, neck and head are .42 of .9.
    assert measure_height(track).seen == pytest.approx(.465, abs=.001)
    assert scale_to_height(track, 1.8)[0].height == 1.8
    track.scores[:, 10] = 0
    track.scores[:, 9] = 0
    with pytest.raises(ValueError, match='only 32 % of the way from ankle'):
        scale_to_height(track, 1.8)
    track.scores[:] = 0
    assert np.isnan(measure_height(track).metres)
    with pytest.raises(ValueError, match='only 0 %'):
        scale_to_height(track, 1.8)


def test_other_skeletons_are_refused():
    track = replace(
        person(), skeleton=Skeleton('two', ('a', 'b'), (-1, 0), ()))
    with pytest.raises(ValueError, match=r"found a lifter of \['a', 'b'\]"):
        measure_height(track)


@pytest.mark.parametrize('factor', [0., -1., float('nan'), float('inf')])
def test_no_size_at_all(factor):
    with pytest.raises(ValueError, match='positive number'):
        person().scaled(factor)
