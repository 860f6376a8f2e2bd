# Copyright (c) mmdiffpose contributors. All rights reserved.
"""People keep their ids."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.detection.person_tracker import PersonTracker

JOINTS = 17
BODY = np.random.default_rng(0).uniform([-20, -80], [20, 80], (JOINTS, 2))


def crowd(frame, number=10, seed=1):
    """People who walk through each other at different speeds, (P, K, 2)."""
    rng = np.random.default_rng(seed)
    # Nobody stands in another at first: who is who would be anybody's guess.
    start = np.c_[150 * np.arange(number), rng.uniform(300, 420, number)]
    speed = rng.uniform(4, 12, number) * np.where(start[:, 0] > 700, -1, 1)
    swing = 6 * np.sin(frame / 5 + np.arange(number))[:, None, None]
    place = start + np.c_[speed * frame, 0 * speed]
    return place[:, None] + BODY + swing * np.sign(BODY)


def follow(tracker, frames, seen=None, seed=0):
    """Ids of each true person in each frame, -1 where they are unseen."""
    rng = np.random.default_rng(seed)
    ids = []
    for number, keypoints in enumerate(frames):
        people = np.arange(len(keypoints)) if seen is None else seen(number)
        order = rng.permutation(people)
        noisy = keypoints[order] + rng.normal(0, 1.5, (len(order), JOINTS, 2))
        found = tracker.update(noisy, np.full(noisy.shape[:2], 0.8))
        row = np.full(len(keypoints), -1)
        row[order] = found
        ids.append(row)
    return np.array(ids)


def test_ten_people_who_cross_keep_their_ids():
    frames = [crowd(t) for t in range(120)]
    ids = follow(PersonTracker(), frames)
    assert (ids == ids[0]).all()
    assert sorted(ids[0]) == list(range(10))
    # They do cross: everybody of one half meets somebody of the other.
    order = [np.argsort(f[:, :, 0].mean(1)).tolist() for f in frames]
    assert order[0] == list(range(10))
    assert np.mean(order[-1][:5]) > 5 > np.mean(order[-1][5:])


def test_ten_people_hidden_in_turns():
    frames = [crowd(t) for t in range(120)]

    def seen(frame):
        return np.array([p for p in range(10) if (frame + 12 * p) % 40 >= 5])

    ids = follow(PersonTracker(), frames, seen)
    for person in ids.T:
        assert len(set(person[person >= 0].tolist())) == 1


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.integers(2, 10))
def test_no_two_people_share_an_id(seed, number):
    frames = [crowd(t, number, seed) for t in range(0, 30, 2)]
    for row in follow(PersonTracker(), frames, seed=seed):
        assigned = row[row >= 0].tolist()
        assert len(assigned) == len(set(assigned))


def test_a_long_absence_ends_a_track():
    body = np.tile(BODY + 200, (1, 1, 1))
    scores = np.full((1, JOINTS), 0.9)
    nobody = np.zeros((0, JOINTS, 2)), np.zeros((0, JOINTS))
    tracker = PersonTracker(max_lost=3)
    assert tracker.update(body, scores).tolist() == [0]
    for _ in range(3):
        assert tracker.update(*nobody).shape == (0, )
    assert tracker.update(body, scores).tolist() == [0]
    for _ in range(4):
        tracker.update(*nobody)
    assert tracker.update(body, scores).tolist() == [1]
    tracker.reset()
    assert tracker.update(body, scores).tolist() == [0]


def test_a_jump_is_somebody_else():
    tracker = PersonTracker()
    scores = np.full((1, JOINTS), 0.9)
    tracker.update(BODY[None] + 200, scores)
    assert tracker.update(BODY[None] + [900, 200], scores).tolist() == [1]


def test_doubtful_and_double_detections():
    keypoints = np.stack([BODY, BODY + 1, BODY + 400, BODY + 800, BODY + 1200])
    scores = np.full((5, JOINTS), 0.8)
    scores[1] = 0.6  # the first person again
    scores[2] = 0.05  # hardly anything
    scores[3] = 0  # nothing
    scores[4, 1:] = 0  # one joint
    ids = PersonTracker(min_score=0.).update(keypoints, scores)
    assert ids.tolist() == [0, -1, 1, -1, -1]
    ids = PersonTracker(min_score=0.15).update(keypoints, scores)
    assert ids.tolist() == [0, -1, -1, -1, -1]


def test_missing_joints_do_not_hide_a_person():
    tracker = PersonTracker()
    scores = np.full((1, JOINTS), 0.8)
    ids = [tracker.update(BODY[None] + 100, scores)[0]]
    for frame in range(1, 20):
        partly = scores.copy()
        keypoints = BODY[None] + 100 + 3 * frame
        keypoints[0, frame % JOINTS:] = 0
        partly[0, frame % JOINTS:] = 0
        ids.append(tracker.update(keypoints, partly)[0])
    # Those with less than two joints are nobody, all others the same person.
    assert set(ids) <= {0, -1} and ids.count(-1) <= 3, ids


def test_wrong_settings():
    with pytest.raises(ValueError, match='max_lost'):
        PersonTracker(max_lost=-1)
