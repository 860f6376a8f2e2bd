# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest


@pytest.fixture
def make_sample():
    """Factory of data samples as metrics get them from MMEngine.

    Each is one window of a video, its truth drawn from a seed, its
    prediction the truth relative to the root plus ``offset`` (metres) on all
    joints but the root.
    """

    def make(start=0,
             num_frames=6,
             num_hypotheses=4,
             offset=(0.03, 0., 0.04),
             action='Sitting',
             clip='Sitting 1',
             valid=None,
             seed=0):
        generator = np.random.default_rng([seed, start])
        shape = (num_frames, 17, 3)
        target = generator.normal(scale=0.3, size=shape) + (0, 0, 4)
        pred = target - target[:, :1]
        pred[:, 1:] += offset
        draws = generator.normal(
            scale=0.02, size=(num_frames, num_hypotheses, 17, 3))
        draws[:, :, 0] = 0
        visible = np.ones(shape[:2], np.float32)
        return dict(
            pred_instances=dict(
                keypoints=pred.astype(np.float32),
                keypoint_std=np.full(shape[:2], 0.03, np.float32),
                hypotheses=(pred[:, None] + draws).astype(np.float32)),
            gt_instances=dict(
                lifting_target=target.astype(np.float32),
                lifting_target_visible=visible,
                valid_frames=np.ones(num_frames, bool)
                if valid is None else np.array(valid)),
            subject='S9',
            action=action,
            camera='54138969',
            clip=clip,
            frame_ids=np.arange(start, start + num_frames))

    return make


@pytest.fixture
def evaluate():
    """Run a metric over samples in batches and return its log."""

    def run(metric, samples, batch_size=2):
        for first in range(0, len(samples), batch_size):
            metric.process(None, samples[first:first + batch_size])
        return metric.evaluate(len(samples))

    return run
