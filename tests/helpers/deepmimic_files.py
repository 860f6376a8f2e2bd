# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Files as DeepMimic's, of a humanoid with round lengths."""
import json

# Name, parent, type, offset: the tree of the published humanoid, with round
# lengths. x is forward, y up, z to the right.
HUMANOID = (
    ('root', -1, 'none', (0, 0, 0)),
    ('chest', 0, 'spherical', (0, .25, 0)),
    ('neck', 1, 'spherical', (0, .2, 0)),
    ('right_hip', 0, 'spherical', (0, 0, .1)),
    ('right_knee', 3, 'revolute', (0, -.4, 0)),
    ('right_ankle', 4, 'spherical', (0, -.4, 0)),
    ('right_shoulder', 1, 'spherical', (0, .25, .2)),
    ('right_elbow', 6, 'revolute', (0, -.3, 0)),
    ('right_wrist', 7, 'fixed', (0, -.25, 0)),
    ('left_hip', 0, 'spherical', (0, 0, -.1)),
    ('left_knee', 9, 'revolute', (0, -.4, 0)),
    ('left_ankle', 10, 'spherical', (0, -.4, 0)),
    ('left_shoulder', 1, 'spherical', (0, .25, -.2)),
    ('left_elbow', 12, 'revolute', (0, -.3, 0)),
    ('left_wrist', 13, 'fixed', (0, -.25, 0)),
)
WIDTHS = dict(none=4, spherical=4, revolute=1, fixed=0)


def write_character(path, joints=HUMANOID, head=.15, turned=None):
    """A character; the joint number ``turned`` is so against its parent."""
    entries = []
    for number, (name, parent, kind, offset) in enumerate(joints):
        entries.append(
            dict(
                ID=number,
                Name=name,
                Parent=parent,
                Type=kind,
                AttachX=offset[0],
                AttachY=offset[1],
                AttachZ=offset[2],
                AttachThetaZ=.1 * (number == turned)))
    skull = dict(Name='neck', AttachX=0, AttachY=head, AttachZ=0)
    path.write_text(json.dumps(dict(
        Skeleton=dict(Joints=entries), BodyDefs=[skull])))  # yapf: disable
    return path


def frame(seconds, position=(0, .85, 0), **turns):
    """A frame; joints that are not named are at rest."""
    row = [seconds, *position]
    for name, _, kind, _ in HUMANOID:
        rest = {4: [1, 0, 0, 0], 1: [0], 0: []}[WIDTHS[kind]]
        row += list(turns.get(name, rest))
    return row


def write_motion(path, *frames):
    path.write_text(json.dumps(dict(Loop='wrap', Frames=frames)))
    return path
