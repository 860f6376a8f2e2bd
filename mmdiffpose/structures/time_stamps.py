# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Times in the names of images: clocks, seconds with decimals, Unix time.

A clock is several numbers of which the last ones start again, so that none of
them counts by itself: after ``12-00-59-967`` comes ``12-01-00-000``.
"""

import math
import re
from datetime import date
from functools import reduce
from typing import List, NamedTuple, Optional, Sequence

import numpy as np

MAX_JITTER = 0.2
"""Share of a frame's duration by which time stamps may deviate from an even
pace."""
MIN_BEAT = 3000
"""Microseconds from frame to frame: nobody films faster."""
MIN_FILLED = 0.05
"""Share of the frames between first and last that a clip has."""
_DATED = re.compile(
    r'(?<!\d)((?:19|20)\d\d)[-_.]?([01]\d)[-_.]?([0-3]\d)[t_. -]*'
    r'([01]\d|2[0-3])[-_.:h]?([0-5]\d)[-_.:m]?([0-5]\d)'
    r'(?:[-_.,:s]?(\d{9}|\d{6}|\d{3}))?(?!\d)')
"""A date and a time of day, with or without thousandths."""
_CLOCK = re.compile(r'(?<!\d)(?:(\d{1,2})[-_.:h])?([0-5]?\d)[-_.:m]([0-5]?\d)'
                    r'[-_.,:s](\d{6}|\d{3})(?!\d)')
"""Hours or none, minutes, seconds, thousandths."""
_DECIMAL = re.compile(r'(?:(?<![\da-z])|t|time|sec)(?<!\d)(\d+)\.(\d+)')
"""Seconds, but not ``cam1.0001`` or ``v1.0001``."""
_UNIX = {10: 1_000_000, 13: 1000, 16: 1, 19: .001}
"""Digits of the time since 1970, in seconds to nanoseconds, to microseconds
of its unit."""


class Stamps(NamedTuple):
    """Times of a clip's images.

    Attributes:
        frames: What frame each is: at an even pace with gaps where it has
            gaps, else in order of time.
        seconds: Seconds from the first one, where the pace is uneven.
    """
    frames: List[int]
    seconds: Optional[List[float]] = None


def time_stamps(stems: Sequence[str]) -> Optional[Stamps]:
    """What time the names of a clip's images say.

    Args:
        stems (Sequence[str]): Names without folders and suffixes, in lower
            case.

    Returns:
        Stamps | None: None where they say none, or the same twice.
    """
    for read, surely in ((_dated, True), (_unix, True), (_clock, False),
                         (_decimal, False)):
        micros = read(stems)
        if micros is None or len(set(micros)) < len(micros):
            continue
        stamps = _frames(micros)
        if surely or _plausible(micros, stamps):
            return stamps
    return None


def on_beat(values: Sequence[int]) -> Optional[List[int]]:
    """Times of a steady beat as numbers of frames from 0 on.

    Args:
        values (Sequence[int]): All different, of any unit.

    Returns:
        list[int] | None: None where there are fewer than five, or their steps
        are no multiples of one beat.
    """
    order = np.sort(np.array(values, np.float64))
    steps = np.diff(order)
    if len(steps) < 4:
        return None
    beat = float(np.median(steps))
    counts = np.round(steps / beat)
    if counts.min() < 1 or (abs(steps / beat - counts) > MAX_JITTER).any():
        return None
    # Refine: the median is a whole number, the beat need not be.
    beat = float(steps.sum() / counts.sum())
    place = np.round((np.array(values, np.float64) - order[0]) / beat)
    if len(set(place.tolist())) < len(place):
        return None
    return [int(p) for p in place]


def _frames(micros: Sequence[int]) -> Stamps:
    first = min(micros)
    # Numbers that floats hold exactly.
    since = [value - first for value in micros]
    found = on_beat(since)
    if found is not None:
        return Stamps(found)
    step = reduce(math.gcd, since, 0)
    if step and max(since) // step < 2 * len(since):
        return Stamps([value // step for value in since])
    rank = {value: place for place, value in enumerate(sorted(since))}
    return Stamps([rank[value] for value in since],
                  [value / 1e6 for value in since])


def _plausible(micros: Sequence[int], stamps: Stamps) -> bool:
    """Whether numbers may be times: those of a scene, a take and a frame look
    alike, but would be thousandths of seconds with long pauses."""
    steps = np.diff(np.sort(np.array(micros, np.float64)))
    return (len(steps) > 0 and float(np.median(steps)) >= MIN_BEAT
            and max(stamps.frames) < len(micros) / MIN_FILLED)


def _matches(pattern: 're.Pattern[str]',
             stems: Sequence[str]) -> Optional[List['re.Match[str]']]:
    """The one match of each; None unless each has exactly one."""
    found = [list(pattern.finditer(stem)) for stem in stems]
    if any(len(matches) != 1 for matches in found):
        return None
    return [matches[0] for matches in found]


def _micros(hours: str, minutes: str, seconds: str, rest: str) -> int:
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * 1_000_000 + int(rest[:6].ljust(6, '0'))


def _dated(stems: Sequence[str]) -> Optional[List[int]]:
    matches = _matches(_DATED, stems)
    if matches is None:
        return None
    groups = [match.groups('') for match in matches]
    if not _turns([clock for _, _, _, *clock in groups]):
        return None
    micros = []
    for year, month, day, *clock in groups:
        try:
            days = date(int(year), int(month), int(day)).toordinal()
        except ValueError:
            return None
        micros.append(days * 86_400_000_000 + _micros(*clock))
    return micros


def _clock(stems: Sequence[str]) -> Optional[List[int]]:
    matches = _matches(_CLOCK, stems)
    if matches is None:
        return None
    groups = [match.groups('0') for match in matches]
    return [_micros(*group) for group in groups] if _turns(groups) else None


def _turns(clocks: Sequence[Sequence[str]]) -> bool:
    """Whether a number of a clock changes, besides the last one.

    Otherwise the last one counts by itself.
    """
    leading = 3 if any(clock[-1] for clock in clocks) else 2
    return len({tuple(clock[:leading]) for clock in clocks}) > 1


def _decimal(stems: Sequence[str]) -> Optional[List[int]]:
    """Seconds with decimals, unless one of both parts counts by itself."""
    matches = _matches(_DECIMAL, stems)
    if matches is None:
        return None
    whole, decimals = zip(*(match.groups() for match in matches))
    if len(set(decimals)) == 1 or len(set(whole)) == 1 and (len(
        {len(part)
         for part in decimals}) > 1 or len(decimals[0]) < 3):
        return None
    return [_micros('0', '0', *match.groups()) for match in matches]


def _unix(stems: Sequence[str]) -> Optional[List[int]]:
    """Time since 1970, of this century."""
    matches = _matches(re.compile(r'(?<!\d)[12]\d{9,18}(?!\d)'), stems)
    if matches is None:
        return None
    digits = {len(match[0]) for match in matches}
    unit = _UNIX.get(digits.pop())
    if digits or unit is None:
        return None
    return [round(int(match[0]) * unit) for match in matches]
