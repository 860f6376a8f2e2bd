# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A track is checked once, where it is made."""

import numpy as np
import pytest
from fake_lifter import make_track

from mmdiffpose.apis import KeypointTrack
from mmdiffpose.skeletons import BODY_25, COCO_17, H36M_17


def arrays(frames=3):
    rng = np.random.default_rng(0)
    return rng.uniform(0, 500, (frames, 17, 2)), np.full((frames, 17), .8)


def test_unseen_joints_may_hold_anything():
    keypoints, scores = arrays()
    keypoints[1, 4], scores[1, 4] = np.nan, 0
    keypoints[2, 5], scores[2, 5] = np.inf, -1
    track = KeypointTrack(keypoints, scores, (9, 9), COCO_17)
    assert np.isfinite(track.keypoints).all() and track.scores.min() == 0
    assert np.isnan(keypoints[1, 4]).all(), 'the input is not touched'


@pytest.mark.parametrize('change, message', [
    (dict(scores=np.zeros((3, 17))), 'all scores are 0'),
    (dict(keypoints=np.full((3, 17, 2), np.nan)), 'all scores are 0'),
    (dict(scores=np.full((3, 17), np.nan)), 'all scores are 0'),
    (dict(times=np.arange(2)), 'expected 3 times'),
    (dict(times=np.array([0, 2, 1])), 'times in seconds that increase'),
    (dict(step=0), 'step of at least one'),
    (dict(frame_ids=np.array([0, 1, 1])), 'increase, found 1 after 1'),
    (dict(frame_ids=np.array([4, 2, 3])), 'increase, found 2 after 4'),
    (dict(frame_ids=np.array([0., 1, 2])), 'whole, found numbers of type fl'),
    (dict(frame_ids=np.arange(2)), 'expected 3 frame ids'),
    (dict(mixtures=np.ones((3, 17, 5))), r"\(3, 17, 'components', 5\)"),
    (dict(mixtures=np.zeros((3, 17, 2, 5))), 'joint nose in frame 0'),
    (dict(mixtures=np.full((3, 17, 1, 5), np.nan)), 'expected mixtures with'),
])
def test_bad_tracks_are_refused(change, message):
    keypoints, scores = arrays()
    given = dict(keypoints=keypoints, scores=scores, source='clip.npz')
    with pytest.raises(ValueError, match=f'clip.npz.*{message}'):
        KeypointTrack(
            image_size=(9, 9), skeleton=COCO_17, **{
                **given,
                **change
            })


def test_left_out_frames_become_unseen_ones():
    keypoints, scores = arrays()
    track = KeypointTrack(keypoints, scores, (9, 9), COCO_17,
                          np.array([10, 14, 18]))
    assert len(track.dense()) == 3, 'every fourth frame: no gap'
    dense = track.dense(2)
    assert dense.frame_ids.tolist() == [10, 12, 14, 16, 18]
    assert dense.present.tolist() == [True, False, True, False, True]
    far = KeypointTrack(keypoints, scores, (9, 9), COCO_17,
                        np.array([0, 1, 10**9]))
    with pytest.raises(ValueError, match='expected a clip, found 3 frames'):
        far.dense()


def test_mixtures_are_mapped_with_the_joints():
    """The pelvis of BODY-25 is its own, the spine's variance by hand."""
    track = make_track(2, BODY_25)
    track.mixtures = np.ones((2, 25, 1, 5), np.float32)
    track.mixtures[..., 1:3] = track.keypoints[:, :, None]
    track.mixtures[..., 3:] = 8
    # No nose, and nothing that would stand in for it.
    for name in ('nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear'):
        track.scores[1, BODY_25.index[name]] = 0
    track = KeypointTrack(
        track.keypoints,
        track.scores, (9, 9),
        BODY_25,
        mixtures=track.mixtures)
    mapped = track.to_skeleton(H36M_17)
    seen = mapped.scores > 0
    np.testing.assert_allclose(
        mapped.mixtures[seen][:, 0, 1:3], mapped.keypoints[seen], rtol=1e-5)
    std = mapped.mixtures[0, :, 0, 3]
    assert std[0] == 8
    spine = 8 * np.sqrt(1 / 4 + 2 / 16)
    assert std[H36M_17.index['spine']] == pytest.approx(spine)
    neck = H36M_17.index['neck_base']
    assert mapped.scores[1, neck] == 0 and mapped.mixtures[1, neck, 0, 0] == 0
