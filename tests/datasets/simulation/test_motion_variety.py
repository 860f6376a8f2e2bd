# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

from mmdiffpose.datasets.simulation.motion_variety import (MotionVariety,
                                                           VarietyDraw,
                                                           cross_limbs, mirror,
                                                           straighten_knees,
                                                           tilt_bodies, vary)
from mmdiffpose.skeletons import H36M_17

J = H36M_17.index
ALL = np.ones((1, 4), bool)
ARMS = np.array([[True, True, False, False]])
LEFT_LEG = np.array([[False, False, True, False]])

# Standing, arms hanging, facing +z, left is +x; both feet at y = 0.1.
STANDING = np.array([
    [0, .9, 0], [-.1, .9, 0], [-.1, .5, 0], [-.1, .1, 0], [.1, .9, 0],
    [.1, .5, 0], [.1, .1, 0], [0, 1.1, 0], [0, 1.4, 0], [0, 1.5, 0],
    [0, 1.6, 0], [.2, 1.4, 0], [.2, 1.1, 0], [.2, .9, 0], [-.2, 1.4, 0],
    [-.2, 1.1, 0], [-.2, .9, 0]
])  # yapf: disable


def _window(pose):
    return pose[None, None].astype(np.float64)


def _uniform(count):
    rng = np.random.default_rng(4)
    return rng.random((count, MotionVariety.NUMBERS))


def _changed(**joints):
    pose = STANDING.copy()
    for name, place in joints.items():
        pose[J[name]] = place
    return pose


def test_arms_of_a_turned_person_by_hand():
    """The donor points forward with the left arm and faces -x."""
    donor = _changed(left_elbow=[.2, 1.4, .5], left_wrist=[.2, 1.4, .9])
    turn = Rotation.from_euler('y', -90, degrees=True)
    donor = turn.apply(donor) + [3, 0, 1]
    assert donor[J['left_wrist'], 0] < donor[J['left_shoulder'], 0]
    result = cross_limbs(_window(STANDING), _window(donor), ARMS)[0, 0]
    # Directions are the donor's, lengths (.3 and .2) the receiver's.
    expected = _changed(left_elbow=[.2, 1.4, .3], left_wrist=[.2, 1.4, .5])
    np.testing.assert_allclose(result, expected, atol=1e-12)


def test_arms_go_with_a_leaning_chest():
    """On a trunk that lies face down, an arm held forward points down."""
    donor = _changed(left_elbow=[.2, 1.4, .3], left_wrist=[.2, 1.4, .5])
    lying = Rotation.from_euler('x', 90, degrees=True).apply(STANDING)
    lying += [0, 2, 0]
    result = cross_limbs(_window(lying), _window(donor), ARMS)[0, 0]
    lift = result[J['root'], 1] - lying[J['root'], 1]
    np.testing.assert_allclose(
        result[J['left_wrist']] - result[J['left_shoulder']], [0, -.5, 0],
        atol=1e-12)
    # The wrist is the lowest joint now, and takes the height of the lowest.
    assert lift == pytest.approx(.5)


def test_arms_follow_the_chest_and_legs_the_pelvis():
    """A donor whose chest looks to the left of its pelvis, by 90 degrees."""
    donor = _changed(
        # The line of the shoulders runs along -z, the left one behind.
        left_shoulder=[0, 1.4, -.2],
        right_shoulder=[0, 1.4, .2],
        # One arm and one leg straight ahead: the arm along +x, the leg +z.
        left_elbow=[.3, 1.4, -.2],
        left_wrist=[.5, 1.4, -.2],
        left_knee=[.1, .9, .4],
        left_foot=[.1, .9, .8])
    limbs = np.array([[True, False, True, False]])
    result = cross_limbs(_window(STANDING), _window(donor), limbs)[0, 0]
    expected = _changed(
        left_elbow=[.2, 1.4, .3],
        left_wrist=[.2, 1.4, .5],
        left_knee=[.1, .9, .4],
        left_foot=[.1, .9, .8])
    np.testing.assert_allclose(result, expected, atol=1e-12)


def test_a_raised_leg_by_hand():
    donor = _changed(left_knee=[.1, .9, .4], left_foot=[.1, .5, .4])
    result = cross_limbs(_window(STANDING), _window(donor), LEFT_LEG)[0, 0]
    np.testing.assert_allclose(result, donor, atol=1e-12)
    both = np.array([[False, False, True, True]])
    squat = _changed(
        left_knee=[.1, .9, .4], left_foot=[.1, .5, .4],
        right_knee=[-.1, .9, .4], right_foot=[-.1, .5, .4])  # yapf: disable
    result = cross_limbs(_window(STANDING), _window(squat), both)[0, 0]
    assert result[J['left_foot'], 1] == pytest.approx(.1)
    assert result[J['root'], 1] == pytest.approx(.5)


arrays = hnp.arrays(np.float64, (2, 3, 17, 3), elements=st.floats(-2, 2))


@settings(max_examples=40, deadline=None)
@given(own=arrays, other=arrays,
       limbs=hnp.arrays(bool, (2, 4)))  # yapf: disable
def test_crossing_holds_on_anything(own, other, limbs):
    result = cross_limbs(own, other, limbs)
    assert np.isfinite(result).all()
    np.testing.assert_allclose(
        result[..., 1].min(-1), own[..., 1].min(-1), atol=1e-9)
    trunk = [J[name] for name in (
        'root', 'spine', 'thorax', 'neck_base', 'head', 'left_hip',
        'right_shoulder')]  # yapf: disable
    np.testing.assert_allclose(
        result[:, :, trunk] - result[:, :, :1],
        own[:, :, trunk] - own[:, :, :1],
        atol=1e-9)


def test_own_limbs_change_nothing():
    rng = np.random.default_rng(0)
    windows = rng.normal(size=(2, 4, 17, 3))
    np.testing.assert_allclose(
        cross_limbs(windows, windows, np.repeat(ALL, 2, 0)),
        windows,
        atol=1e-9)


def test_tilt_to_lying_by_hand():
    """About x by 90 degrees: up becomes front, so the face looks down."""
    result = tilt_bodies(
        _window(STANDING), np.array([np.pi / 2]), np.array([0.]))[0, 0]
    np.testing.assert_allclose(result[:, 1], .1, atol=1e-12)
    np.testing.assert_allclose(
        result[J['head']] - result[J['root']], [0, 0, .7], atol=1e-12)
    np.testing.assert_allclose(result[J['left_hip'], 0], .1, atol=1e-12)


@pytest.mark.parametrize('angle, heading', [(.3, .7), (-1.2, 4.), (3., 2.)])
def test_tilt_is_scipys_rotation(angle, heading):
    windows = np.random.default_rng(1).normal(size=(1, 3, 17, 3))
    result = tilt_bodies(windows, np.array([angle]), np.array([heading]))
    axis = np.array([np.cos(heading), 0, -np.sin(heading)])
    turn = Rotation.from_rotvec(angle * axis)
    for before, after in zip(windows[0], result[0]):
        np.testing.assert_allclose(
            after - after[0], turn.apply(before - before[0]), atol=1e-9)
        assert after[:, 1].min() == pytest.approx(before[:, 1].min())
        np.testing.assert_allclose(after[0, [0, 2]], before[0, [0, 2]])


def _leg(bent):
    """Standing, the left knee bent forward by so many degrees; thigh .4 m,
    shin .4 m, the ankle below the hip."""
    half = np.deg2rad(bent) / 2
    return _changed(
        left_knee=[.1, .9 - .4 * np.cos(half), .4 * np.sin(half)],
        left_foot=[.1, .9 - .8 * np.cos(half), 0])


@pytest.mark.parametrize('bent, less, left', [
    (60, 20, 40),
    (40, 20, 20),
    (20, 20, 5),
    (10, 20, 1.25),
    (0, 20, 0),
    (60, 0, 60),
])
def test_straighter_knees_by_hand(bent, less, left):
    result = straighten_knees(_window(_leg(bent)),
                              np.deg2rad([float(less)]))[0, 0]
    np.testing.assert_allclose(result, _leg(left), atol=1e-7)


def test_straighter_knees_keep_lengths_planes_and_ground():
    rng = np.random.default_rng(0)
    pose = rng.normal(size=(3, 2, 17, 3))
    result = straighten_knees(pose, np.array([.2, .3, .0]))
    np.testing.assert_allclose(result[2], pose[2], atol=1e-9)
    np.testing.assert_allclose(result[..., 1].min(-1), pose[..., 1].min(-1))
    for hip, knee, foot in ((1, 2, 3), (4, 5, 6)):
        for near, far in ((hip, knee), (knee, foot)):
            np.testing.assert_allclose(
                np.linalg.norm(
                    result[..., far, :] - result[..., near, :], axis=-1),
                np.linalg.norm(
                    pose[..., far, :] - pose[..., near, :], axis=-1))
        before = pose[..., foot, :] - pose[..., hip, :]
        after = result[..., foot, :] - result[..., hip, :]
        np.testing.assert_allclose(
            np.cross(before, after), np.zeros_like(before), atol=1e-9)
        normal = np.cross(before, pose[..., knee, :] - pose[..., hip, :])
        moved = result[..., knee, :] - result[..., hip, :]
        np.testing.assert_allclose((normal * moved).sum(-1), 0, atol=1e-9)


def test_windows_with_straighter_knees():
    draws = _uniform(20_000)[:, :2]
    angle = MotionVariety(
        straighten=.3, straighten_by=(10., 20.)).draw_straighter(draws)
    assert (angle > 0).mean() == pytest.approx(.3, abs=.01)
    drawn = np.rad2deg(angle[angle > 0])
    assert drawn.min() >= 10 and drawn.max() <= 20
    assert drawn.mean() == pytest.approx(15, abs=.2)


def test_mirror_by_hand():
    pose = _changed(left_wrist=[.7, 1.4, .2])
    result = mirror(pose)
    assert result[J['right_wrist']].tolist() == [-.7, 1.4, .2]
    assert result[J['left_wrist']].tolist() == [.2, .9, 0]
    np.testing.assert_array_equal(mirror(result), pose)
    assert pose[J['left_wrist'], 0] == .7


def test_vary_does_what_was_drawn_in_order():
    rng = np.random.default_rng(2)
    windows, donors = rng.normal(size=(2, 4, 3, 17, 3))
    draw = VarietyDraw(
        limbs=np.array([[0] * 4, [1, 0, 0, 1], [0] * 4, [0, 1, 0, 0]], bool),
        tilt=np.array([0, 0, .5, 1.]),
        heading=np.arange(4.),
        mirrored=np.array([False, False, True, True]))
    kept = windows.copy()
    result = vary(windows, donors, draw)
    np.testing.assert_array_equal(windows, kept)
    np.testing.assert_array_equal(result[0], windows[0])
    np.testing.assert_array_equal(
        result[1:2], cross_limbs(windows[1:2], donors[1:2], draw.limbs[1:2]))
    np.testing.assert_array_equal(
        result[2:3],
        mirror(tilt_bodies(windows[2:3], draw.tilt[2:3], draw.heading[2:3])))
    last = cross_limbs(windows[3:], donors[3:], draw.limbs[3:])
    np.testing.assert_array_equal(
        result[3:], mirror(tilt_bodies(last, draw.tilt[3:], draw.heading[3:])))


def test_windows_drawn_one_by_one_are_worked_on_together():
    variety = MotionVariety(cross=.7, tilt=.7)
    uniform = _uniform(8)
    draws = [variety.draw(row[None]) for row in uniform]
    windows, donors = np.random.default_rng(3).normal(size=(2, 8, 3, 17,
                                                            3)).astype(
                                                                np.float32)
    together = vary(windows, donors, variety.draw(uniform))
    assert together.dtype == np.float32
    for i, draw in enumerate(draws):
        np.testing.assert_allclose(
            together[i], vary(windows[[i]], donors[[i]], draw)[0], atol=1e-5)


def test_shares_of_what_is_drawn():
    variety = MotionVariety(cross=.3, tilt=.2, max_tilt=60, mirror=.1)
    draw = variety.draw(_uniform(20000))
    # A crossed window has one limb at least in 15 of 16 cases.
    assert draw.limbs.any(1).mean() == pytest.approx(.3 * 15 / 16, abs=.01)
    assert draw.limbs.mean(0) == pytest.approx(np.full(4, .15), abs=.01)
    tilted = draw.tilt[draw.tilt != 0]
    assert len(tilted) / 20000 == pytest.approx(.2, abs=.01)
    assert np.rad2deg(np.abs(tilted)).max() == pytest.approx(60, abs=.1)
    assert np.rad2deg(tilted).std() == pytest.approx(60 / 3**.5, abs=1)
    assert draw.mirrored.mean() == pytest.approx(.1, abs=.01)
    assert np.quantile(draw.heading,
                       [0, .5, 1]) == pytest.approx([0, np.pi, 2 * np.pi],
                                                    abs=.1)
    nothing = MotionVariety(mirror=0).draw(_uniform(100))
    assert not nothing.limbs.any() and not nothing.tilt.any()
    assert not nothing.mirrored.any()


def test_times_without_a_warp():
    times = MotionVariety().draw_times(np.random.default_rng(0), 5, 2)
    np.testing.assert_allclose(times, [[-2, -1, 0, 1, 2]] * 2)
    times = MotionVariety().draw_times(np.random.default_rng(0), 4)
    np.testing.assert_allclose(times, [[-1.5, -.5, .5, 1.5]])
    one = MotionVariety(warp=1).draw_times(np.random.default_rng(0), 1)
    np.testing.assert_array_equal(one, [[0]])


def test_times_of_a_steady_speed():
    variety = MotionVariety(warp=1, speed=(1.25, 1.25))
    times = variety.draw_times(np.random.default_rng(0), 3)
    np.testing.assert_allclose(times, [[-1.25, 0, 1.25]])


def test_warped_times_are_smooth_and_within_the_speeds():
    variety = MotionVariety(warp=.5)
    times = variety.draw_times(np.random.default_rng(5), 81, 4000)
    steps = np.diff(times)
    assert steps.min() >= .7 - 1e-9 and steps.max() <= 1.4 + 1e-9
    np.testing.assert_allclose(times[:, 40], 0, atol=1e-12)
    unwarped = np.isclose(steps, 1).all(1)
    assert unwarped.mean() == pytest.approx(.5, abs=.03)
    # Half cosine waves over 40 steps: at most pi / 80 of the whole range of
    # the logarithm a step.
    bends = np.abs(np.diff(np.log(steps)))
    assert bends.max() <= np.pi / 80 * np.log(2) + 1e-6
    # Beginning, middle and end are drawn apart from each other.
    ends = np.log(steps[~unwarped][:, [0, 40, -1]])
    assert np.abs(np.corrcoef(ends.T)[np.triu_indices(3, 1)]).max() < .06


@pytest.mark.parametrize('options', [
    dict(straighten=1.1),
    dict(straighten_by=(20., 10.)),
    dict(cross=1.5), dict(tilt=-.1), dict(mirror=2), dict(warp=-1),
    dict(max_tilt=181), dict(speed=(1.4, .7)), dict(speed=(0, 1))
])  # yapf: disable
def test_bad_variety_options(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        MotionVariety(**options)


def test_vary_refuses_other_counts_and_shapes():
    windows = np.zeros((2, 3, 17, 3))
    draw = MotionVariety().draw(_uniform(3))
    with pytest.raises(ValueError, match='3 windows were drawn for, but 2'):
        vary(windows, windows, draw)
    with pytest.raises(ValueError, match=r'found \(2, 4, 17, 3\)'):
        cross_limbs(windows, np.zeros((2, 4, 17, 3)), np.repeat(ALL, 2, 0))
