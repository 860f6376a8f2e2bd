# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Frames are numbered by the number in their names that counts up."""

import hashlib
import random

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from mmdiffpose.structures.frame_numbers import natural_key, number_images


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
