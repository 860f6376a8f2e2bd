# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Points as tensors have the codec's mixtures."""
import numpy as np
import pytest
import torch

from mmdiffpose.codecs import GMMDiffusionPose
from mmdiffpose.codecs.point_mixtures import mixtures_of_points


@pytest.mark.parametrize('frames', [1, 4, 5])
def test_they_are_those_of_scores_of_one_and_zero(frames):
    codec = GMMDiffusionPose(num_components=1, num_keypoints=6)
    rng = np.random.default_rng(frames)
    points = rng.normal(0, .3, (3, frames, 6, 2)).astype(np.float32)
    seen = rng.random((3, frames, 6)) > .3
    seen[0] = True
    seen[1, 0] = False  # a frame without any joint
    seen[2] = frames < 5 and seen[2]  # a window without any
    expected = [
        codec.mixtures_from_scores(p, s.astype(np.float32), ~s)
        for p, s in zip(points, seen)
    ]
    found = mixtures_of_points(
        torch.from_numpy(points), torch.from_numpy(seen), codec.score_sigma[0])
    np.testing.assert_allclose(found, np.stack(expected), atol=1e-6)
    assert found[0, ..., 3].unique().numel() == 1
