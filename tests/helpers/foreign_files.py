# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Keypoint files as the tools of others write them."""

import json

import numpy as np
from projected_people import as_layout, seen

from mmdiffpose.skeletons import SKELETONS

SIZE = (1000, 800)
JOINTS = dict(
    mmpose='coco',
    coco='coco',
    results='coco_wholebody',
    openpose='body25',
    alphapose='halpe26',
    npz='coco')


def walk(frames, joints, start, seed=0, name=None):
    """A person (frames, J, 3) x, y, score, some 200 pixels tall, who drifts
    to the right."""
    name = name or {
        17: 'coco',
        25: 'body25'
    }.get(joints) or next(
        n for n, s in SKELETONS.items() if s.num_joints == joints)
    rng = np.random.default_rng(seed)
    _, pixels = seen(1)
    pose = as_layout(pixels, name)
    pose = (pose - pose.min(1, keepdims=True)) / 2.2 + start
    drift = 2. * np.arange(frames)[:, None, None] * [1, 0]
    scores = rng.uniform(0.1, 1, (frames, joints, 1))
    return np.concatenate([pose + drift + 1, scores], -1)


def flat(rows):
    return rows.ravel().tolist()


def document(kind, people):
    """What each tool writes about people {id: (F, J, 3)}; people's order
    differs from frame to frame."""
    frames = range(len(next(iter(people.values()))))

    def each(frame):
        order = sorted(people, reverse=bool(frame % 2))
        return [(key, people[key][frame]) for key in order]

    if kind == 'mmpose':
        return [
            dict(
                frame_id=f,
                instances=[
                    dict(
                        keypoints=rows[:, :2].tolist(),
                        keypoint_scores=rows[:, 2].tolist(),
                        track_id=key) for key, rows in each(f)
                ]) for f in frames
        ]
    if kind == 'coco':
        return dict(
            images=[
                dict(
                    id=900 - f,
                    file_name=f'a_{f:04d}.jpg',
                    width=1000,
                    height=800) for f in frames
            ],
            categories=[
                dict(id=1, keypoints=list(SKELETONS[JOINTS[kind]].joints))
            ],
            annotations=[
                dict(
                    image_id=900 - f,
                    category_id=1,
                    track_id=key,
                    keypoints=flat(rows)) for f in frames
                for key, rows in each(f)
            ])
    if kind == 'openpose':
        return {
            f'clip_{f:012d}_keypoints.json':
            dict(
                version=1.3,
                people=[
                    dict(person_id=[-1], pose_keypoints_2d=flat(rows))
                    for _, rows in each(f)
                ])
            for f in frames
        }
    named = kind == 'alphapose'
    return [
        dict(
            image_id=f'{f}.jpg' if named else f,
            category_id=1,
            keypoints=flat(rows),
            score=2.5,
            **{'idx' if named else 'track_id': key}) for f in frames
        for key, rows in each(f)
    ]


def write(folder, kind, content):
    path = folder / kind
    if kind == 'openpose':
        path.mkdir()
        for name, page in content.items():
            (path / name).write_text(json.dumps(page))
        return path
    path = path.with_suffix('.json')
    path.write_text(json.dumps(content))
    return path


def crowd(kind, frames=5, number=10):
    joints = SKELETONS[JOINTS[kind]].num_joints
    return {
        i:
        walk(frames, joints, (90 * i + 20, 200 * (i % 3) + 110), i,
             JOINTS[kind])
        for i in range(number)
    }
