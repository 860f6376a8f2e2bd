# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Who comes back is known again, and nobody is taken for somebody else."""

import json
from pathlib import Path

import numpy as np
import pytest

from mmdiffpose.detection.clothes import clothes_colors, color_distance
from mmdiffpose.detection.person_tracker import PersonTracker
from mmdiffpose.detection.track_collector import TrackCollector
from mmdiffpose.detection.track_linking import TrackPiece, link_pieces
from mmdiffpose.skeletons import COCO_17
from mmdiffpose.structures.detections import Detections

FPS = 30.
BODY = np.array([[0, -88], [4, -92], [-4, -92], [8, -90], [-8, -90], [22, -66],
                 [-22, -66], [27, -34], [-27, -34], [29, -4], [-29, -4],
                 [14, 0], [-14, 0], [14, 44], [-14, 44], [14, 86], [-14, 86]],
                float)
"""Somebody 178 pixels tall, COCO's joints around the hips."""
RED, BLUE = [[30, 60., 40.], [20, 5., -30.]], [[20, 10., -50.], [45, 0., 0.]]


def piece(number,
          start,
          stop,
          place=(0., 0.),
          speed=(0., 0.),
          scale=1.,
          colors=RED):
    """Somebody from one second to another, walking at pixels a second."""
    seconds = np.arange(round(start * FPS), round(stop * FPS)) / FPS
    places = np.array(place) + np.array(speed) * (seconds - start)[:, None]
    noise = np.random.default_rng(number).normal(0, 2, (len(seconds), 17, 2))
    return TrackPiece(
        number, seconds, places[:, None] + scale * BODY + noise,
        np.full((len(seconds), 17), 0.8), COCO_17.bones, None
        if colors is None else np.tile(np.array(colors), (len(seconds), 1, 1)))


def linked(*pieces):
    """Groups of numbers of one person."""
    owner = link_pieces(pieces)
    groups = {}
    for number, first in owner.items():
        groups.setdefault(first, set()).add(number)
    return sorted(map(sorted, groups.values()))


@pytest.mark.parametrize('colors', [RED, None])
def test_who_walks_behind_something_for_two_seconds(colors):
    # 150 pixels a second: 1.5 m/s of somebody 1.78 m tall.
    before = piece(0, 0, 2, (100, 300), (150, 0), colors=colors)
    after = piece(1, 4, 6, (100 + 4 * 150, 300), (150, 0), colors=colors)
    assert linked(before, after) == [[0, 1]]
    # Who stops there for the rest of the clip.
    stands = piece(1, 4, 6, (100 + 3.5 * 150, 300), colors=colors)
    assert linked(before, stands) == [[0, 1]]
    # And who only stood.
    assert linked(
        piece(0, 0, 2, (100, 300), colors=colors),
        piece(1, 4, 6, (120, 310), colors=colors)) == [[0, 1]]


@pytest.mark.parametrize('what, other', [
    ('comes the other way', dict(speed=(-150, 0))),
    ('is a child', dict(scale=0.6)),
    ('is nearer to the camera', dict(scale=1.3)),
    ('wears something else', dict(colors=BLUE)),
    ('comes from the other side', dict(place=(100, 300))),
    ('is far away', dict(place=(1500, 300))),
    ('is on another floor', dict(place=(700, 600))),
    ('comes after a long time', dict(start=5.5)),
    ('was there before', dict(start=1.9, place=(400, 300))),
])
def test_somebody_else(what, other):
    before = piece(0, 0, 2, (100, 300), (150, 0))
    told = dict(start=4, place=(700, 300), speed=(150, 0), stop=8)
    if what == 'comes after a long time':
        told['place'] = 100 + 5.5 * 150, 300
    after = piece(1, **{**told, **other})
    assert linked(before, after) == [[0], [1]], what


def test_two_who_could_both_be_meant_are_nobody():
    before = piece(0, 0, 2, (100, 300), (150, 0))
    one = piece(1, 4, 6, (690, 300), (150, 0))
    two = piece(2, 4.2, 6, (730, 310), (150, 0))
    assert linked(before, one, two) == [[0], [1], [2]]
    # Nor is one who could be either of two.
    second = piece(3, 0, 2, (130, 310), (150, 0))
    assert linked(before, second, one) == [[0], [1], [3]]
    # Clothes tell two who went together.
    blue = piece(3, 0, 2, (130, 310), (150, 0), colors=BLUE)
    again = piece(4, 4, 6, (740, 310), (150, 0), colors=BLUE)
    assert linked(before, blue, one, again) == [[0, 1], [3, 4]]


def test_who_goes_and_comes_twice():
    pieces = [
        piece(n, 2.5 * n, 2.5 * n + 1.5, (100 + 250 * n, 300), (100, 0))
        for n in range(4)
    ]
    assert linked(*pieces) == [[0, 1, 2, 3]]


def test_crowds_with_pillars():
    """Whatever is linked is one person, also without clothes."""
    rng = np.random.default_rng(5)
    links = 0
    for _ in range(60):
        pieces, truth = [], []
        for person in range(6):
            place = rng.uniform([0, 200], [1500, 400])
            speed = rng.choice([-1, 1]) * rng.uniform(60, 220), 0.
            scale = rng.uniform(0.5, 1.6)
            number, start = 2 * person, rng.uniform(0, 4)
            gone, back = start + 2, start + 2 + rng.uniform(1, 2.5)
            pieces.append(piece(number, start, gone, place, speed, scale))
            there = place + np.array(speed) * (back - start)
            pieces.append(
                piece(number + 1, back, back + 2, there, speed, scale))
            truth += [person, person]
        for group in linked(*pieces):
            assert len({truth[number] for number in group}) == 1
            links += len(group) - 1
    assert links > 200


def test_a_whole_clip():
    """Through tracker and collector: one track, with a gap."""

    def follow(image_colors):
        tracker, collector = PersonTracker(), TrackCollector()
        for frame in range(150):
            there = 0 if 50 <= frame < 112 else 1
            found = Detections(
                (BODY + [100 + 5 * frame, 300])[None][:there].astype(
                    np.float32), np.full((there, 17), 0.8, np.float32))
            collector.add(
                tracker.update(*found[:2]), found,
                np.array([image_colors(frame)])[:there])
        return collector

    collector = follow(lambda frame: RED)
    assert len(collector.tracks((1000, 600), COCO_17, FPS)) == 2
    track, = collector.tracks((1000, 600), COCO_17, FPS, link=True)
    assert track.track_id == 0 and len(track) == 150
    assert (track.scores[:, 0] > 0).sum() == 88
    changed = follow(lambda frame: RED if frame < 60 else BLUE)
    assert len(changed.tracks((1000, 600), COCO_17, FPS, link=True)) == 2


def test_colors_of_clothes():
    image = np.full((300, 400, 3), 200, np.uint8)
    image[80:155, 80:130] = (0, 0, 255)  # a red shirt, BGR
    image[155:200, 80:130] = (255, 0, 0)  # blue trousers
    people = np.stack([BODY + [105, 150], BODY + [300, 150]])
    scores = np.full((2, 17), 0.9)
    colors = clothes_colors(image, people, scores, COCO_17)
    # CIE L*a*b* of sRGB red and blue (D65), L* by half.
    np.testing.assert_allclose(colors[0, 0], [53.2 / 2, 80.1, 67.2], atol=0.5)
    np.testing.assert_allclose(
        colors[0, 1], [32.3 / 2, 79.2, -107.9], atol=0.5)
    assert color_distance(colors[:1], colors[:1]) == 0
    assert color_distance(colors[:1], colors[1:]) > 80
    scores[0, 5] = 0  # a shoulder that was not seen
    scores[1] = 0
    colors = clothes_colors(image, people, scores, COCO_17)
    assert np.isnan(colors[0, 0]).all() and np.isfinite(colors[0, 1]).all()
    assert np.isnan(colors[1]).all()
    assert np.isnan(color_distance(colors[:1], colors[1:]))
    far = clothes_colors(image, people + 1000, np.ones((2, 17)), COCO_17)
    assert np.isnan(far).all()


def test_the_man_after_his_somersault():
    """Of a real video: he jumps off a wall and is not found for a second."""
    path = Path(__file__).with_name('somersault.json')
    document = json.loads(path.read_text())
    collector = TrackCollector()
    for frame in range(48):
        rows = [r for r in document['detections'] if r['frame'] == frame]
        found = Detections(*(
            np.array([row[name]
                      for row in rows], np.float32).reshape(len(rows), *shape)
            for name, shape in (('keypoints', (17, 2)), ('scores', (17, )))))
        collector.add(
            np.array([row['id'] for row in rows], int), found,
            np.array([row['colors'] for row in rows]).reshape(-1, 2, 3))
    told = document['image_size'], COCO_17, document['fps']
    assert len(collector.tracks(*told)) == 3
    man, woman = collector.tracks(*told, link=True)
    assert man.track_id == 0 and len(man) == 48
    assert woman.track_id == 1 and len(woman) == 37
    away = np.flatnonzero((man.scores == 0).all(1))
    assert away.tolist() == list(range(17, 31))
