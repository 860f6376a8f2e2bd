# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Clocks that differ by a few frames are found through the noise."""
import dataclasses

import numpy as np
import pytest
from walking_person import CAMERA, OneSequence, sequence, walking

from mmdiffpose.datasets.recordings.data_report import report_data
from mmdiffpose.datasets.windows.clock_check import find_clock_shift
from mmdiffpose.skeletons import H36M_17


def shifted(late, swing=.4, noise=6., **changes):
    """2D of so many frames earlier."""
    made = sequence(walking(160, swing), **changes)
    exact = made.keypoints_3d[..., :2] / made.keypoints_3d[..., 2:]
    pixels = exact * CAMERA['f'] + CAMERA['c']
    pixels += np.random.default_rng(5).normal(0, noise, pixels.shape)
    first = max(late, 0), max(-late, 0)
    rows = [slice(start, start + 140) for start in first]
    return dataclasses.replace(
        made,
        keypoints_3d=made.keypoints_3d[rows[0]],
        keypoints_2d=pixels[rows[1]],
        scores=made.scores[rows[0]])


@pytest.mark.parametrize('late', [-5, -3, 3, 4, 8])
def test_a_few_frames_are_refused_by_number(late):
    with pytest.raises(
            ValueError,
            match=f'{abs(late)} frames '
            f'{"late" if late > 0 else "early"}, as of a shifted clock'):
        OneSequence(shifted(late)).full_init()


def test_one_frame_is_reported():
    own = shifted(1, swing=1.2, noise=4.)
    dataset = OneSequence(own)
    dataset.full_init()
    report = report_data(dataset.sequences, H36M_17, 50.)
    assert report.values['clock_shift_frames'] == 1
    assert any('1 frame late' in text for text in report.warnings)


@pytest.mark.parametrize('noise', [0., 3., 12.])
def test_clocks_that_agree_are_left_alone(noise):
    own = OneSequence(shifted(0, noise=noise))
    own.full_init()
    assert find_clock_shift(own.sequences) is None


def test_what_is_off_in_all_frames_is_no_clock():
    """A detector whose joints all lie 4 pixels to the side, on a person who
    walks that way."""
    own = shifted(0, noise=1.)
    own = dataclasses.replace(own, keypoints_2d=own.keypoints_2d + 4.)
    dataset = OneSequence(own)
    dataset.full_init()
    assert find_clock_shift(dataset.sequences) is None
