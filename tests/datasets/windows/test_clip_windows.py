# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.datasets.windows.clip_windows import clip_windows

SIZES = dict(
    num_frames=st.integers(1, 200),
    seq_len=st.integers(1, 60),
    stride=st.integers(1, 60),
    clip_end=st.sampled_from(['overlap', 'pad']))


@settings(deadline=None, max_examples=300)
@given(**SIZES, causal=st.booleans())
def test_each_frame_counts_once(num_frames, seq_len, stride, clip_end, causal):
    stride = min(stride, seq_len)
    counts = np.zeros(num_frames, int)
    for start, low, high in clip_windows(
            num_frames, seq_len, stride, clip_end, causal, once=True):
        assert start <= low <= high <= min(start + seq_len, num_frames)
        counts[low:high] += 1
    assert (counts == 1).all()


@settings(deadline=None, max_examples=200)
@given(**SIZES)
def test_a_frame_counts_where_it_is_most_central(num_frames, seq_len, stride,
                                                 clip_end):
    stride = min(stride, seq_len)
    rows = clip_windows(num_frames, seq_len, stride, clip_end, once=True)
    for start, low, high in rows:
        for frame in range(low, high):
            own = abs(frame - (start + (seq_len - 1) / 2))
            best = np.abs(frame - (rows[:, 0] + (seq_len - 1) / 2)).min()
            assert own == best


@settings(deadline=None, max_examples=100)
@given(**SIZES)
def test_training_windows_cover_the_clip(num_frames, seq_len, stride,
                                         clip_end):
    stride = min(stride, seq_len)
    seen = set()
    for start, low, high in clip_windows(num_frames, seq_len, stride,
                                         clip_end):
        assert (low, high) == (max(start, 0), min(start + seq_len, num_frames))
        if clip_end == 'overlap' and num_frames >= seq_len:
            assert 0 <= start <= num_frames - seq_len
        seen.update(range(low, high))
    assert seen == set(range(num_frames))


@pytest.mark.parametrize('stride', [1, 4])
def test_causal_windows_end_with_what_they_score(stride):
    rows = clip_windows(10, 9, stride, causal=True, once=True)
    for start, low, high in rows:
        assert start + 9 == high
        assert high - low <= stride
    assert rows[0, 0] == stride - 9  # the clip's first frames are padded


def test_clip_ends_by_hand():
    # 10 frames, windows of 4: the third one moves back or is padded.
    np.testing.assert_array_equal(
        clip_windows(10, 4, 4, 'overlap', once=True),
        [[0, 0, 4], [4, 4, 7], [6, 7, 10]])
    np.testing.assert_array_equal(
        clip_windows(10, 4, 4, 'pad', once=True),
        [[0, 0, 4], [4, 4, 8], [8, 8, 10]])
    # A clip shorter than a window.
    np.testing.assert_array_equal(
        clip_windows(3, 4, 4, once=True), [[0, 0, 3]])


def test_unknown_policy():
    with pytest.raises(ValueError, match="clip_end.*'drop'"):
        clip_windows(10, 4, 4, 'drop')
