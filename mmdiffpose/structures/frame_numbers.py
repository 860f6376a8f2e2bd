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

SUFFIXES = ('jpg', 'jpeg', 'png', 'bmp', 'webp', 'tif', 'tiff', 'json', 'txt',
            'ppm', 'pgm', 'gif', 'heic', 'exr', 'npy', 'jp2')
_HASH = re.compile(r'(?<![0-9a-z])(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}'
                   r'[0-9a-f]{12}|(?=(?:[0-9]+[a-f]+){2}|(?:[a-f]+[0-9]+){2})'
                   r'[0-9a-f]{10,})(?![0-9a-z])')
"""A UUID, or ten and more hexadecimal digits, numbers and letters mixed."""
MIN_DENSITY = 0.001
"""A number counts frames if it takes this share of the values between its
first and its last; what is spread wider is no clip."""
MAX_JITTER = 0.2
"""Share of a frame's duration by which time stamps may deviate from an even
pace."""


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
    numbers = [[int(n) for n in re.findall(r'\d+', stem)] for stem in stems]
    shortest = min(map(len, numbers))
    # From the left and from the right, for names that say more or less.
    places = [*range(shortest), *range(-shortest, 0)]
    columns = {place: [row[place] for row in numbers] for place in places}
    best: Optional[int] = None
    most = MIN_DENSITY
    for place, column in columns.items():
        # The last one that is as good: what stands in front names the clip.
        if counting_density(column) >= most:
            best, most = place, counting_density(column)
    if best is None:
        seconds = _decimals(stems)
        return dict(zip(names, on_beat(seconds))) if seconds else None
    return dict(zip(names, on_beat(columns[best])))


def _decimals(stems: Sequence[str]) -> Optional[List[int]]:
    """Time stamps such as 12.0333, in units of their last digit."""
    found = [re.findall(r'(\d+)\.(\d{2,})', stem) for stem in stems]
    if not all(len(numbers) == 1 for numbers in found):
        return None
    if len({len(numbers[0][1]) for numbers in found}) > 1:
        return None
    values = [int(whole + part) for (whole, part), in found]
    return values if counting_density(values) >= MIN_DENSITY else None


def counting_density(column: Sequence[int]) -> float:
    """Share of the values in reach that a number takes; 0: not a count.

    1 for every frame and for every n-th, and for time stamps of a steady
    beat.
    """
    values = sorted(map(int, column))
    if len(set(values)) < len(values):
        return 0.
    ids = sorted(on_beat(values))
    step = reduce(math.gcd, np.diff(ids).tolist(), 0) or 1
    return len(ids) / ((ids[-1] - ids[0]) // step + 1)


def on_beat(column: Sequence[int]) -> List[int]:
    """Numbers as they are; time stamps (33, 67, 100) as numbers of frames.

    Numbers whose steps are nearly but not exactly equal count time.
    """
    values = [int(value) for value in column]
    order = np.sort(np.array(values, np.float64))
    steps = np.diff(order)
    if len(steps) < 4 or len(set(values)) < len(values):
        return values
    beat = float(np.median(steps))
    if beat < 8 or reduce(math.gcd, [int(s) for s in steps], 0) * 2 > beat:
        return values
    counts = np.round(steps / beat)
    if counts.min() < 1 or (abs(steps / beat - counts) > MAX_JITTER).any():
        return values
    # Refine: the median is a whole number, the beat need not be.
    beat = float(steps.sum() / counts.sum())
    place = np.round((np.array(values, np.float64) - order[0]) / beat)
    if len(set(place.tolist())) < len(values):
        return values
    return [int(p) for p in place]


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
