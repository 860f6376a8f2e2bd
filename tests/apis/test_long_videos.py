# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Videos of any length: detected, lifted, drawn and written in flat memory."""
import resource

import cv2
import numpy as np
import pytest
from long_clips import peak_bytes
from people import walkers

from mmdiffpose.skeletons import COCO_17

SIZE = (480, 360)
FRAME = 3 * SIZE[0] * SIZE[1]
"""Bytes of a picture."""


class Walkers:
    """Finds two people in each picture, whatever is in it."""
    skeleton = COCO_17

    def reset(self):
        self.joints = walkers(100, people=2)
        self.number = 0

    def __call__(self, image, boxes=None):
        self.number += 1
        steps = np.r_[0:100, 98:0:-1]  # there and back
        return (self.joints[steps[self.number % len(steps)]],
                np.full((2, 17), .8))


def write_video(path, frames, fps=30):
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter.fourcc(*'mp4v'), fps, SIZE)
    for number in range(frames):
        writer.write(np.full((*SIZE[::-1], 3), number % 250, np.uint8))
    writer.release()
    return path


def lift(inferencer, video, out, **options):
    """All that a user can ask for; says how many frames there were."""
    return sum(1 for _ in inferencer(
        str(video), pred_out_dir=str(out), vis_out_dir=str(out), **options))


def test_pictures_do_not_stay(make_inferencer, tmp_path):
    inferencer = make_inferencer(detector=Walkers())
    peaks = {}
    for frames in (8, 30, 90):
        video = write_video(tmp_path / f'walk{frames}.mp4', frames)

        def work():
            assert lift(
                inferencer, video, tmp_path / 'out', panel_size=100) == frames

        peaks[frames] = peak_bytes(work)  # the first is for warmth
    # Poses stay, a few kilobytes a person; three pictures would be 1.5 MB.
    assert peaks[90] - peaks[30] < 3 * FRAME
    assert (tmp_path / 'out/walk90.mp4').is_file()


@pytest.mark.slow
def test_an_hour_takes_no_more_memory_than_a_minute(make_inferencer, tmp_path):
    inferencer = make_inferencer(detector=Walkers())
    peaks = {}
    for seconds in (60, 3600):
        video = write_video(tmp_path / f'walk{seconds}.mp4', 5 * seconds, 5)
        assert lift(
            inferencer, video, tmp_path / 'out', panel_size=100) == 5 * seconds
        # Of the process, so far.
        peaks[seconds] = resource.getrusage(
            resource.RUSAGE_SELF).ru_maxrss / 1024
    grown = peaks[3600] - peaks[60]
    print(f'{peaks[60]:.0f} MB after a minute, {grown:.0f} more after an hour')
    # Numbers stay: 17,700 frames more of two people, each lifted as ten at the
    # lifter's 50 a second, with hypotheses and covariance 3 kB. Pictures
    # don't: they would be 9,200 MB.
    assert grown < 2 * 177_000 * 4e-3
