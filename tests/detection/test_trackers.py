# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Ids of other trackers: their files, and their packages where they are."""

import numpy as np
import pytest

from mmdiffpose.detection.person_tracker import PersonTracker
from mmdiffpose.detection.trackers import MotFile, make_tracker

BODY = np.random.default_rng(0).uniform([-20, -80], [20, 80], (17, 2))
SCORES = np.full(17, 0.8)


def joints(*places):
    return np.array([BODY + place for place in places]).reshape(-1, 17, 2)


def scores(number):
    return np.tile(SCORES, (number, 1))


def write(path, *rows):
    path.write_text('\n'.join(','.join(map(str, row)) for row in rows) + '\n')
    return path


def test_words():
    assert isinstance(make_tracker(), PersonTracker)
    assert make_tracker('builtin', 60.).max_lost == 30
    with pytest.raises(FileNotFoundError, match='builtin, norfair, bytetrack'):
        make_tracker('deepsort')


def test_ids_of_a_file(tmp_path):
    # Left, top, width, height: a head and soles more than the joints' box.
    path = write(tmp_path / 'tracks.txt',
                 (1, 7, 75, 105, 50, 200, 1, -1, -1, -1),
                 (1, 4, 275, 105, 50, 200, 1, -1, -1, -1),
                 (3, 4, 80, 105, 50, 200, 1, -1, -1, -1),
                 (3, 9, 600, 0, 50, 200))
    tracker = make_tracker(path)
    assert isinstance(tracker, MotFile)
    ids = tracker.update(joints((300, 200), (100, 200)), scores(2))
    assert ids.tolist() == [4, 7]
    # A frame without a line, then one in which the file knows one of two.
    assert tracker.update(joints((300, 200)), scores(1)).tolist() == [-1]
    ids = tracker.update(joints((300, 200), (105, 200)), scores(2))
    assert ids.tolist() == [-1, 4]
    assert tracker.update(joints(), scores(0)).shape == (0, )
    # Whoever is too unsure is nobody.
    tracker = make_tracker(path, min_score=0.9)
    assert tracker.update(joints((300, 200)), scores(1)).tolist() == [-1]


def test_the_best_of_boxes_that_overlap(tmp_path):
    path = write(tmp_path / 'a.txt', (1, 1, 80, 120, 40, 160),
                 (1, 2, 90, 120, 40, 160))
    ids = make_tracker(path).update(joints((111, 200), (100, 200)), scores(2))
    assert ids.tolist() == [2, 1]


@pytest.mark.parametrize('rows, message', [
    ([(1, 2, 3)], 'line 1'),
    ([(1, 1, 0, 0, 5, 5), ('frame', 'id', 0, 0, 5, 5)], 'line 2'),
    ([(0, 1, 0, 0, 5, 5)], 'frames from 1 on'),
    ([(1, 1, 0, 0, 0, 5)], 'line 1'),
    ([(1, 1, 0, 0, 5, 5), (1, 1, 9, 9, 5, 5)], 'found 1 again in frame 1'),
    ([(1, -1, 0, 0, 5, 5)], 'line 1'),
    ([('nan', 1, 0, 0, 5, 5)], 'line 1'),
    ([], 'found none'),
])
def test_files_of_another_form(tmp_path, rows, message):
    with pytest.raises(ValueError, match=f'bad.txt.*{message}'):
        make_tracker(write(tmp_path / 'bad.txt', *rows))


@pytest.mark.parametrize('word, package', [('norfair', 'norfair'),
                                           ('bytetrack', 'trackers')])
def test_packages(word, package):
    pytest.importorskip(package)
    if package == 'trackers':
        pytest.importorskip('supervision')
    tracker = make_tracker(word, 30.)
    rng = np.random.default_rng(0)
    seen = []
    for frame in range(40):
        places = [(100 + 4 * frame, 200), (400 - 2 * frame, 500)]
        order = rng.permutation(2)
        people = joints(*(places[i] for i in order))
        if 15 <= frame < 18:
            order, people = order[:1], people[:1]
        found = tracker.update(people, scores(len(people)))
        seen += [(int(person), int(number))
                 for person, number in zip(order, found) if number >= 0]
    assert len(set(seen)) == 2 and len({number for _, number in seen}) == 2
    assert len(seen) >= 70
    tracker.update(joints(), scores(0))


@pytest.mark.parametrize('word, package', [('norfair', 'norfair'),
                                           ('bytetrack', 'trackers')])
def test_packages_that_are_missing(word, package, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, package, None)
    with pytest.raises(ImportError, match=rf'mmdiffpose\[{package}\]'):
        make_tracker(word)
