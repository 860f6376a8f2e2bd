# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Clips of people whose 2D joints are painted into the frames.

A detector of one's own reads them back, so that the whole way of a frame
through the inferencer is tested without a trained detector.
"""

from pathlib import Path

import numpy as np

from mmdiffpose.apis import read_keypoint_file
from mmdiffpose.skeletons import COCO_17

ROOT = Path(__file__).parents[2]
TRACK = ROOT / 'mmdiffpose/data/demo_track_coco17.json'


def walkers(frames, people=1, spacing=200):
    """The bundled track several times side by side, (F, P, 17, 2) pixels."""
    track = read_keypoint_file(TRACK)
    points = track.keypoints[np.arange(frames) % len(track)]
    start = points[0].mean(0)
    return np.stack([(points - start) * 0.4 + [100 + spacing * person, 150]
                     for person in range(people)], 1)


def paint(points, width, height=300):
    """A black frame that carries (P, 17, 2) joints in its first rows."""
    frame = np.zeros((height, width, 3), np.uint8)
    code = np.round(points.reshape(-1) * 8).astype(np.uint16)
    frame[0, 0, 0] = len(points)
    flat = frame[1:].reshape(-1)
    flat[:2 * len(code)] = code.view(np.uint8)
    return frame


class PaintedJoints:
    """Reads what :func:`paint` wrote."""
    skeleton = COCO_17

    def __init__(self, score=0.8):
        self.score, self.calls, self.boxes = score, 0, []

    def __call__(self, image, boxes=None):
        self.calls += 1
        self.boxes.append(boxes)
        people = int(image[0, 0, 0])
        flat = np.ascontiguousarray(image[1:]).reshape(-1)
        code = flat[:people * 68].view(np.uint16)
        points = code.reshape(people, 17, 2) / 8
        return points, np.full((people, 17), self.score)
