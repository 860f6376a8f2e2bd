# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Frames are numbered by the number in their names that counts up."""

import datetime
import hashlib
import random

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from mmdiffpose.structures.frame_numbers import (frame_times, natural_key,
                                                 number_images)


def digest(i):
    return hashlib.md5(str(i).encode()).hexdigest()


@pytest.mark.parametrize('pattern', [
    '{i}_cam2.jpg', 'frame{i}_of_240.png', 'video.mp4_{i:06d}.jpg',
    'frame.{i:04d}', 'clip.v2.{i:04d}_keypoints.json',
    '2024-05-06_{i:03d}.jpg', '{i}_2024-05-06.jpg',
    'walk_mp4-{i}_jpg.rf.{h}.jpg', '{i}_{h}.jpg', '{h}_{i}.png',
    'S1_Act.54138969.{i}.jpg', 'img{i}(1).jpg', 'a/b2/{i}.jpg', 'a\\{i}.jpg',
    'take3_{i:012d}_keypoints.json', '{i}.jpg.json', 'x{i}'
])
@pytest.mark.parametrize('numbers', [
    range(120),
    range(8),
    range(0, 600, 5), [*range(20), *range(40, 60)],
    range(95, 106)
])
def test_the_counting_number_wherever_it_stands(pattern, numbers):
    names = [pattern.format(i=i, h=digest(i)) for i in numbers]
    shuffled = names.copy()
    random.Random(0).shuffle(shuffled)
    found = number_images('x', shuffled)
    assert [found[name] for name in names] == list(numbers)


@pytest.mark.parametrize('pattern, unit', [('t_{:.0f}.jpg', 1000),
                                           ('{:.6f}.png', 1),
                                           ('{:013.0f}.jpg', 1e6)])
def test_time_stamps_are_brought_to_the_beat(pattern, unit):
    kept = [i for i in range(120) if i not in (5, 6, 20)]
    names = [pattern.format(unit * i / 30) for i in kept]
    assert list(number_images('x', names).values()) == kept


MOMENT = datetime.datetime(2024, 5, 1, 12, 59, 58, 200000)
CLOCKS = {
    'dated':
    lambda t: f'{MOMENT + datetime.timedelta(seconds=t)}.jpg',
    'compact':
    lambda t: (MOMENT + datetime.timedelta(seconds=t)).strftime(
        'IMG_%Y%m%d_%H%M%S%f')[:-3] + '.png',
    'iso':
    lambda t: (MOMENT + datetime.timedelta(seconds=t)).strftime(
        'cam2_%Y-%m-%dT%H-%M-%S-%f_keypoints.json'),
    'clock':
    lambda t:
    (MOMENT + datetime.timedelta(seconds=t)).strftime('%H.%M.%S.%f')[:-3],
    'minutes':
    lambda t: (MOMENT + datetime.timedelta(seconds=t - 60)).strftime(
        '%M_%S.%f')[:-3] + '.jpg',
    'seconds':
    lambda t: f'frame_{t + 8.7:.3f}.png',
    'repr':
    lambda t: f'{t + 8.7!r}.png',
    'unix':
    lambda t: f'{1714567890.7 + t}.jpg',
    'milliseconds':
    lambda t: f'{1714567890700 + round(1000 * t)}.jpg',
    'nanoseconds':
    lambda t: f'cam_{1714567890700000000 + round(1e9 * t)}.jpg'
}
"""Names of the moment so many seconds after a start; all of them pass a
second, most a minute and an hour."""


@pytest.mark.parametrize('clock', CLOCKS)
@pytest.mark.parametrize('fps', [5, 30])
def test_clocks_that_start_again(clock, fps):
    kept = [i for i in range(90) if i not in (5, 6, 20)]
    names = [CLOCKS[clock](i / fps) for i in kept]
    shuffled = names.copy()
    random.Random(0).shuffle(shuffled)
    found = number_images('x', shuffled)
    assert [found[name] for name in names] == kept
    assert frame_times(names) is None


@pytest.mark.parametrize('clock', set(CLOCKS) - {'clock', 'minutes'})
def test_clocks_of_an_uneven_pace(clock):
    """The order, and the times beside it."""
    rng = random.Random(1)
    times = [0.]
    for _ in range(60):
        times.append(times[-1] + rng.choice([.02, .033, .05, .081]))
    names = [CLOCKS[clock](t) for t in times]
    shuffled = names.copy()
    rng.shuffle(shuffled)
    found = number_images('x', shuffled)
    assert [found[name] for name in names] == list(range(61))
    seconds = frame_times(shuffled)
    assert [seconds[i] for i in range(61)] == pytest.approx(times, abs=.001)


@pytest.mark.parametrize('pattern', [
    'S01_02_{c:02d}_{i:03d}.jpg', 'cam_{c}.{i:04d}.png', '1_{c}_{i:02d}.jpg',
    '2024-05-01-{c:02d}_{i:03d}.jpg', '12-0{c}-{i:02d}.jpg'
])
def test_takes_are_no_clocks(pattern):
    names = [pattern.format(c=c, i=i) for c in (3, 4) for i in range(40)]
    with pytest.raises(ValueError, match='the same numbers again after'):
        number_images('x', names, True)
    # A number that goes on from take to take counts.
    names = [pattern.format(c=3 + i // 30, i=i) for i in range(50)]
    assert list(number_images('x', names).values()) == list(range(50))


def test_a_part_of_a_clock_is_no_count():
    """59 comes before 0 if an hour has passed."""
    names = [f'12-59-{i}.jpg' for i in range(30, 60)]
    names += [f'13-00-{i:02d}.jpg' for i in range(20)]
    with pytest.raises(ValueError, match='same numbers again after 12-59-'):
        number_images('x', names)
    names = [f'2024_05_06_{name}' for name in names]
    assert list(number_images('x', names).values()) == list(range(50))


def test_names_that_do_not_say_the_order_are_refused():
    hashes = [f'{digest(i)}.jpg' for i in range(8)]
    with pytest.raises(ValueError, match='folder: expected names with a numb'):
        number_images('folder', hashes)
    assert list(number_images('x', hashes, True).values()) == list(range(8))
    cameras = [f'cam{c}_{i:03d}.jpg' for c in (1, 2) for i in range(9)]
    with pytest.raises(ValueError, match='again after cam1_, cam2_; several'):
        number_images('x', cameras, True)
    assert number_images('x', ['c.jpg', 'a.jpg', 'b.jpg']) == {
        'a.jpg': 0,
        'b.jpg': 1,
        'c.jpg': 2
    }
    assert number_images('x', ['a_7.jpg']) == {'a_7.jpg': 7}


def test_natural_order():
    names = ['a10.jpg', 'a2.jpg', 'a1_11.jpg', 'a1_2.jpg']
    assert sorted(
        names,
        key=natural_key) == ['a1_2.jpg', 'a1_11.jpg', 'a2.jpg', 'a10.jpg']


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.text('ab._-', max_size=4), min_size=2, max_size=2),
    st.integers(0, 10**6), st.integers(1, 9), st.integers(2, 40),
    st.integers(0, 8))
def test_any_text_around_a_count(parts, start, step, count, width):
    numbers = [start + step * i for i in range(count)]
    names = [f'{parts[0]}{n:0{width}d}{parts[1]}.png' for n in numbers]
    found = number_images('x', names[::-1])
    assert [found[name] for name in names] == numbers
