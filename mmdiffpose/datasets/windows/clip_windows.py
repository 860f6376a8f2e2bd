# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Where windows lie on a clip and which frames each one answers for."""

import numpy as np

CLIP_ENDS = ('overlap', 'pad')


def clip_windows(num_frames: int,
                 seq_len: int,
                 stride: int,
                 clip_end: str = 'overlap',
                 causal: bool = False,
                 once: bool = False) -> np.ndarray:
    """Lays windows over a clip.

    Args:
        num_frames: Frames F of the clip.
        seq_len: Frames T of a window.
        stride: Frames between the starts of consecutive windows.
        clip_end: ``'overlap'`` or ``'pad'``, see
            :class:`~mmdiffpose.datasets.windows.lifting_dataset.LiftingDataset`.
        causal: Whether each window ends with the frames that it answers for.
        once: Whether each frame counts in exactly one window: the one whose
            middle is nearest (the earlier one of two; for causal windows the
            one in which it has most past, which ends soonest after it).
            Otherwise every frame counts wherever it appears.

    Returns:
        (W, 3) integers, one row per window: its first frame, the first frame
        that counts in it, one past the last frame that counts. The first
        frame may be negative and a window may reach beyond the clip, whose
        first and last frames are then repeated.

    Raises:
        ValueError: If ``clip_end`` is unknown.
    """
    if clip_end not in CLIP_ENDS:
        raise ValueError(f'clip_end: expected one of {CLIP_ENDS}, found '
                         f'{clip_end!r}')
    if causal:
        ends = np.append(np.arange(stride, num_frames, stride), num_frames)
        starts = ends - seq_len
    else:
        last = max(num_frames - seq_len, 0)
        starts = np.arange(0, last + 1, stride)
        if starts[-1] + seq_len < num_frames:
            tail = last if clip_end == 'overlap' else starts[-1] + stride
            starts = np.append(starts, tail)
    if not once:
        bounds = np.maximum(starts, 0), np.minimum(starts + seq_len,
                                                   num_frames)
    else:
        if causal:
            changes = starts[:-1] + seq_len
        else:  # the frame from which on the next window's middle is nearer
            changes = (starts[:-1] + starts[1:] + seq_len - 1) // 2 + 1
        bounds = np.append(0, changes), np.append(changes, num_frames)
    return np.stack([starts, *bounds], axis=1)
