# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Where windows lie on a clip and which frames each one answers for."""

from typing import List, NamedTuple, Tuple

import numpy as np

CLIP_ENDS = ('overlap', 'pad')


class Window(NamedTuple):
    """A window on a sequence.

    Attributes:
        sequence: Index of the sequence.
        start: First frame; may be negative and the window may reach beyond
            the clip, whose first and last frames are then repeated.
        valid_from: First frame that counts in this window.
        valid_to: One past the last frame that counts.
    """
    sequence: int
    start: int
    valid_from: int
    valid_to: int


def clip_windows(num_frames: int,
                 seq_len: int,
                 stride: int,
                 clip_end: str = 'overlap',
                 causal: bool = False,
                 once: bool = False) -> List[Tuple[int, int, int]]:
    """Lays windows over a clip.

    Args:
        num_frames: Frames F of the clip.
        seq_len: Frames T of a window.
        stride: Frames between the starts of consecutive windows.
        clip_end: ``'overlap'`` or ``'pad'``, see
            :class:`~mmdiffpose.datasets.lifting_dataset.LiftingDataset`.
        causal: Whether each window ends with the frames that it answers for.
        once: Whether each frame counts in exactly one window: the one whose
            middle is nearest (the earlier one of two; for causal windows the
            one in which it has most past, which ends soonest after it).
            Otherwise every frame counts wherever it appears.

    Returns:
        (start, valid_from, valid_to) per window.

    Raises:
        ValueError: If ``clip_end`` is unknown.
    """
    if clip_end not in CLIP_ENDS:
        raise ValueError(f'clip_end: expected one of {CLIP_ENDS}, found '
                         f'{clip_end!r}')
    if causal:
        ends = list(range(stride, num_frames, stride)) + [num_frames]
        starts = [end - seq_len for end in ends]
    else:
        last = max(num_frames - seq_len, 0)
        starts = list(range(0, last + 1, stride))
        if starts[-1] + seq_len < num_frames:
            starts.append(last if clip_end ==
                          'overlap' else starts[-1] + stride)
    if not once:
        return [(start, max(start, 0), min(start + seq_len, num_frames))
                for start in starts]
    bounds = [0]
    for first, second in zip(starts[:-1], starts[1:]):
        bounds.append(first + seq_len if causal else
                      # the frame from which the second's middle is nearer
                      int(np.floor((first + second + seq_len - 1) / 2)) + 1)
    bounds.append(num_frames)
    return list(zip(starts, bounds[:-1], bounds[1:]))
