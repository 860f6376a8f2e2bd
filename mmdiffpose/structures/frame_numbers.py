# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Frame numbers from the names of images and files.

A name may hold many numbers: of a take, a camera, a date, a hash. The frame's
is the one that counts up from name to name, wherever it stands.
"""

import math
import re
from functools import reduce
from typing import Dict, List, Optional, Sequence

import numpy as np

from .time_stamps import on_beat, time_stamps

SUFFIXES = ('jpg', 'jpeg', 'png', 'bmp', 'webp', 'tif', 'tiff', 'json', 'txt',
            'ppm', 'pgm', 'gif', 'heic', 'exr', 'npy', 'jp2')
_HASH = re.compile(r'(?<![0-9a-z])(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}'
                   r'[0-9a-f]{12}|(?=(?:[0-9]+[a-f]+){2}|(?:[a-f]+[0-9]+){2})'
                   r'[0-9a-f]{10,})(?![0-9a-z])')
"""A UUID, or ten and more hexadecimal digits, numbers and letters mixed."""
MIN_DENSITY = 0.001
"""A number counts frames if it takes this share of the values between its
first and its last; what is spread wider is no clip."""
COUNTS = 0.5
"""From this share on a number surely counts, even beside uneven times."""


def plain_stem(name: str) -> str:
    """A name without folders, the suffix of an image, and hashes."""
    stem = re.split(r'[/\\]', name)[-1]
    while True:
        head, dot, tail = stem.rpartition('.')
        if not dot or tail.lower() not in SUFFIXES:
            break
        stem = head
    # Roboflow: <name>_jpg.rf.<hash>
    stem = re.sub(r'\.rf\.[0-9A-Za-z]+$', '', stem)
    return _HASH.sub('#', stem.lower())


def natural_key(name: str) -> List[object]:
    """Sorts 2 before 10: numbers compare as numbers, text as text."""
    # Digits at odd places.
    return [
        int(part) if i % 2 else part
        for i, part in enumerate(re.split(r'(\d+)', name))
    ]


def file_number(name: str) -> Optional[int]:
    """The last number in a single name; None: there is none."""
    numbers = re.findall(r'\d+', plain_stem(name))
    return int(numbers[-1]) if numbers else None


def frame_numbers(names: Sequence[str]) -> Optional[Dict[str, int]]:
    """What the names of a clip's images count.

    Args:
        names (Sequence[str]): All different.

    Returns:
        dict[str, int] | None: Name to frame; None if no number counts.
    """
    if len(names) < 2:
        return {name: file_number(name) or 0 for name in names}
    stems = [plain_stem(name) for name in names]
    stamps = time_stamps(stems)
    if stamps is not None and stamps.seconds is None:
        return dict(zip(names, stamps.frames))
    numbers = [[int(n) for n in re.findall(r'\d+', stem)] for stem in stems]
    shortest = min(map(len, numbers))
    # From the left and from the right, for names that say more or less.
    places = [*range(shortest), *range(-shortest, 0)]
    columns = {place: [row[place] for row in numbers] for place in places}
    best: Optional[int] = None
    most = MIN_DENSITY if stamps is None else COUNTS
    for place, column in columns.items():
        # The last one that is as good: what stands in front names the clip.
        density = counting_density(column)
        if density >= most and not _starts_again(stems, place, column):
            best, most = place, density
    if best is not None:
        return dict(zip(names, _steady(columns[best])))
    return None if stamps is None else dict(zip(names, stamps.frames))


def frame_times(names: Sequence[str]) -> Optional[Dict[int, float]]:
    """Seconds of a clip's images, where their names say times of an uneven
    pace, for which no frame rate stands.

    Args:
        names (Sequence[str]): All different.

    Returns:
        dict[int, float] | None: Frame, as of :func:`frame_numbers`, to seconds
        from the first one; None where no times are needed.
    """
    if len(names) < 2:
        return None
    stamps = time_stamps([plain_stem(name) for name in names])
    if stamps is None or stamps.seconds is None:
        return None
    if list((frame_numbers(names) or {}).values()) != stamps.frames:
        return None
    return dict(zip(stamps.frames, stamps.seconds))


def _starts_again(stems: Sequence[str], place: int,
                  column: Sequence[int]) -> bool:
    """Whether a number starts again while what stands in front of it counts
    on: 59 in 12-58-59 comes before 0 in 12-59-00."""
    parts = [re.split(r'(\d+)', stem) for stem in stems]
    fronts = [
        ''.join(p[:2 * place + 1 if place >= 0 else len(p) + 2 * place])
        for p in parts
    ]
    if not 1 < len(set(fronts)) <= len(fronts) / 2:
        return False
    order = [
        natural_key(front)
        for _, front in sorted(zip(column, fronts), key=lambda pair: pair[0])
    ]
    return any(after < before for before, after in zip(order, order[1:]))


def counting_density(column: Sequence[int]) -> float:
    """Share of the values in reach that a number takes; 0: not a count.

    1 for every frame and for every n-th, and for time stamps of a steady
    beat.
    """
    values = sorted(map(int, column))
    if len(set(values)) < len(values):
        return 0.
    ids = sorted(_steady(values))
    step = reduce(math.gcd, np.diff(ids).tolist(), 0) or 1
    return len(ids) / ((ids[-1] - ids[0]) // step + 1)


def _steady(column: Sequence[int]) -> List[int]:
    """Numbers as they are; time stamps (33, 67, 100) as numbers of frames.

    Numbers whose steps are nearly but not exactly equal count time.
    """
    values = [int(value) for value in column]
    steps = [int(step) for step in np.diff(np.sort(np.array(values)))]
    beat = float(np.median(steps))
    if beat < 8 or reduce(math.gcd, steps, 0) * 2 > beat:
        return values
    return on_beat(values) or values


def number_images(where: str,
                  names: Sequence[str],
                  in_order: bool = False) -> Dict[str, int]:
    """Frame ids of a clip's images.

    Args:
        where (str): The file, for messages.
        names (Sequence[str]): Names, all different.
        in_order (bool): Whether they stand in the file in order of time, so
            that names which count nothing are numbered as they come.
            Otherwise such names need to have no number at all, and stand in
            order of their text. Defaults to False.

    Returns:
        dict[str, int]: Name to frame.

    Raises:
        ValueError: If the names are of several clips, or do not say in which
            order they come.
    """
    found = frame_numbers(names)
    if found is not None:
        return found
    stems = [plain_stem(name) for name in names]
    several = _clips(stems)
    if several:
        raise ValueError(
            f'{where}: expected names with a number that counts the frames of '
            'one video, found the same numbers again after '
            f'{", ".join(several)}; several videos need a file or folder each')
    if in_order or not any(re.search(r'[\d#]', stem) for stem in stems):
        ordered = names if in_order else sorted(names)
        return {name: place for place, name in enumerate(ordered)}
    raise ValueError(
        f'{where}: expected names with a number that counts the frames, found '
        f'{sorted(names)[:3]}, in which none does')


def _clips(stems: Sequence[str]) -> List[str]:
    """Beginnings of the names, if the rest counts for each of several."""
    groups: Dict[str, List[int]] = {}
    for stem in stems:
        match = re.fullmatch(r'(.*?)(\d+)\D*', stem)
        if match is None:
            return []
        groups.setdefault(match[1], []).append(int(match[2]))
    largest = max(map(len, groups.values()))
    if len(groups) < 2 or largest < 2:
        return []
    return sorted(groups)[:5]
