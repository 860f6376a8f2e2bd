# Copyright (c) mmdiffpose contributors. All rights reserved.
"""2D keypoints that are not those of their 3D poses are refused."""
import numpy as np
import pytest
from walking_person import CAMERA, OneSequence, sequence, walking

from mmdiffpose.datasets.windows import projection_check
from mmdiffpose.skeletons import H36M_17


def changed(change):
    own = sequence()
    own.keypoints_2d = change(own.keypoints_2d)
    return own


SWAP = list(H36M_17.flip_indices)
ORDER = np.random.default_rng(1).permutation(17)
MISTAKES = {
    'v seems to point up': lambda p: p * [1, -1] + [0, 800],
    'v seems to be negative': lambda p: p * [1, -1],
    'u seems to point left': lambda p: p * [-1, 1] + [1000, 0],
    'u and v seem to be exchanged': lambda p: p[..., ::-1],
    'shares of the picture, expected': lambda p: p / [1000, 800],
    'shares of the picture\'s width': lambda p: p / 1000,
    'normalised to -1 to 1': lambda p: p / [500, 400] - 1,
    'screen-normalised': lambda p: p / 500 - [1, .8],
    'pictures of 500 x 400 px': lambda p: p / 2,
    'from the middle of the picture': lambda p: p - [500, 400],
    'left and right of 2D and 3D': lambda p: p[:, SWAP],
    'in another order': lambda p: p[:, ORDER],
    '7 frames late': lambda p: np.concatenate([p[:1]] * 7 + [p])[:-7],
    '40 frames early': lambda p: np.concatenate([p[40:]] + [p[-1:]] * 40),
}


@pytest.mark.parametrize('message', MISTAKES)
def test_mistakes_are_named(message):
    with pytest.raises(ValueError, match='do not belong.*' + message) as error:
        OneSequence(changed(MISTAKES[message]))
    assert 'S1 Walking_1 camera v0' in str(error.value)


def test_what_belongs_together_passes():
    assert len(OneSequence(sequence()))


def test_the_order_that_is_named_puts_it_right():
    own = changed(MISTAKES['in another order'])
    own.validate(17)
    guess = projection_check.guess_mistake(own, projection_check.compare(own))
    assert str(np.argsort(ORDER).tolist()) in guess.text
    # 3 px of noise along each axis: 3.5 px is the median of their length.
    assert guess.distance == pytest.approx(3.53, abs=.15)


def test_axes_of_the_poses_are_named():
    own = sequence()
    own.keypoints_3d = own.keypoints_3d * [1, -1, 1]
    with pytest.raises(ValueError, match='y of the 3D poses seems to point'):
        OneSequence(own)


def test_another_camera_is_refused_without_a_guess():
    own = sequence()
    other = sequence(walking() * [1, 1, -1] + [1., 0, 10])
    own.keypoints_2d = other.keypoints_2d
    with pytest.raises(ValueError, match='none of the usual mistakes'):
        OneSequence(own)


def test_a_small_person_is_refused():
    own = sequence()
    own.keypoints_3d = own.keypoints_3d / 10  # projects as before
    with pytest.raises(
            ValueError,
            match='body of at least 0.3 m, found one '
            r'of 0.16\d? m.*tenth.*multiply by 10'):
        OneSequence(own)


def test_joints_that_are_unknown_or_unseen_tell_nothing():
    own = sequence()
    own.visible = np.ones((200, 17))
    own.visible[:, 9:] = 0
    own.keypoints_2d[:, 9:] = 0
    own.keypoints_2d[:, :3] = np.nan
    own.scores[:, :3] = 0
    assert len(OneSequence(own))
    own.keypoints_2d[:, 3:] *= [1, -1]
    with pytest.raises(ValueError, match='v seems to be negative'):
        OneSequence(own)


def test_the_lens_is_not_a_mistake():
    """A strong lens that bends the corner of the picture by 40 px."""
    camera = dict(CAMERA, k=np.array([.6, 0, 0]), p=np.zeros(2))
    poses = walking()
    flat = poses[..., :2] / poses[..., 2:]
    bent = flat * (1 + .6 * (flat**2).sum(-1, keepdims=True))
    own = sequence(
        poses,
        camera_param=camera,
        keypoints_2d=bent * CAMERA['f'] + CAMERA['c'])
    own.validate(17)
    assert projection_check.compare(own).distance() < .01


def test_missing_intrinsics_are_said_once(monkeypatch):
    said = []
    monkeypatch.setattr(projection_check, '_said', set())
    monkeypatch.setattr(projection_check, 'print_log',
                        lambda text, **kwargs: said.append(text))
    for _ in range(2):
        own = sequence(camera_param=dict(w=1000, h=800))
        own.keypoints_3d = own.keypoints_3d - [0, 0, 5]  # axes of its own
        assert len(OneSequence(own))
    assert len(said) == 1
    assert '1 of 1 sequences' in said[0] and 'is not checked' in said[0]
