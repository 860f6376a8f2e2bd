# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of a stream keep their size, whoever comes."""

import numpy as np
import pytest

from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.visualization.live_renderer import LiveRenderer


def person(track_id, x):
    rng = np.random.default_rng(track_id)
    return LiftedTrack(
        keypoints_3d=rng.normal(0, 0.4, (2, 17, 3)),
        scores=np.ones((2, 17)),
        std=np.full((2, 17), 0.05),
        hypotheses=None,
        keypoints_2d=rng.uniform([x, 20], [x + 30, 80], (2, 17, 2)),
        scores_2d=np.ones((2, 17)),
        frame_ids=np.arange(2),
        image_size=(161, 100),
        track_id=track_id)


def test_size_and_people():
    image = np.full((100, 161, 3), (0, 120, 0), np.uint8)
    renderer = LiveRenderer(200)
    people = [(person(number, 20 * number), 1) for number in range(5)]
    pictures = [renderer.render(image, people[:n]) for n in (0, 1, 2, 5, 0)]
    assert len({picture.shape for picture in pictures}) == 1
    height, width = pictures[0].shape[:2]
    assert height % 2 == width % 2 == 0 and width > height
    np.testing.assert_array_equal(pictures[0], pictures[-1])
    # Each person is drawn in the picture and beside it.
    for fewer, more in zip(pictures[:3], pictures[1:4]):
        changed = (fewer != more).any((0, 2))
        assert changed[:width // 2].any() and changed[-200:].any()


@pytest.mark.parametrize('size', [(100, 2000), (2000, 100)])
def test_long_pictures_have_a_sensible_shape(size):
    picture = LiveRenderer(120).render(np.zeros((*size, 3), np.uint8), [])
    assert 1 < picture.shape[1] / picture.shape[0] < 5
