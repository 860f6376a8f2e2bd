# Copyright (c) mmdiffpose contributors. All rights reserved.
import json

import numpy as np
import pytest

from mmdiffpose.datasets.world_motions import read_motions
from mmdiffpose.skeletons import H36M_17

J = H36M_17.index


def _sides(leg, arm, **places):
    """A tree: name to (parent, place); names with ``{}`` for the side.

    Places are in centimetres, left is +x, the person faces +z.
    """
    for word, sign in (('Left', 1), ('Right', -1)):
        for names, root, tops in (leg, arm):
            parent = root
            for name, (x, y, z) in zip(names, tops):
                name = name.format(word, word[0])
                places[name] = (parent, (sign * x, y, z))
                parent = name
    return places


LEG = ((9, 90, 0), (9, 50, 2), (9, 8, 0))
ARM = ((4, 140, 0), (18, 141, 0), (45, 141, 0), (70, 141, 0))
TREES = {
    'lafan1':
    _sides((('{}UpLeg', '{}Leg', '{}Foot'), 'Hips', LEG),
           (('{}Shoulder', '{}Arm', '{}ForeArm', '{}Hand'), 'Spine2', ARM),
           Hips=(None, (0, 92, 0)), Spine=('Hips', (0, 98, 0)),
           Spine1=('Spine', (0, 110, 0)), Spine2=('Spine1', (0, 122, 0)),
           Neck=('Spine2', (0, 148, 0)), Head=('Neck', (0, 160, 2))),
    '100style':
    _sides((('{}Hip', '{}Knee', '{}Ankle'), 'Hips', LEG),
           (('{}Collar', '{}Shoulder', '{}Elbow', '{}Wrist'), 'Chest4', ARM),
           Hips=(None, (0, 92, 0)), Chest=('Hips', (0, 102, 0)),
           Chest2=('Chest', (0, 110, 0)), Chest3=('Chest2', (0, 122, 0)),
           Chest4=('Chest3', (0, 132, 0)), Neck=('Chest4', (0, 148, 0)),
           Head=('Neck', (0, 160, 2))),
    'bandai-namco':
    _sides((('UpperLeg_{1}', 'LowerLeg_{1}', 'Foot_{1}'), 'Hips', LEG),
           (('Shoulder_{1}', 'UpperArm_{1}', 'LowerArm_{1}', 'Hand_{1}'),
            'Chest', ARM),
           joint_Root=(None, (0, 0, 0)), Hips=('joint_Root', (0, 92, 0)),
           Spine=('Hips', (0, 110, 0)), Chest=('Spine', (0, 122, 0)),
           Neck=('Chest', (0, 148, 0)), Head=('Neck', (0, 160, 2))),
}  # yapf: disable
FILES = {
    'lafan1': ('fallAndGetUp2_subject4', 'fallAndGetUp', 'subject4'),
    '100style': ('Big_Steps_TR1', 'Big_Steps', 'files'),
    'bandai-namco':
    ('dataset-2_walk-turn_old_012', 'walk-turn_old', 'dataset-2'),
}


@pytest.fixture()
def tool(load_tool):
    return load_tool('dataset_converters/bvh_motions')


def _children(tree, name):
    return [child for child, (parent, _) in tree.items() if parent == name]


def _write_bvh(path, tree, frames=3, all_positions=False, knee=0):
    """The tree at rest but for a bent left knee, moving by 1 cm along x."""
    lines, values = ['HIERARCHY'], []

    def add(name, depth):
        parent, place = tree[name]
        own = np.array(place, float)
        offset = own - tree[parent][1] if parent else np.zeros(3)
        pad = '  ' * depth
        positions = all_positions or parent is None
        channels = 'Zrotation Xrotation Yrotation'
        if positions:
            channels = 'Xposition Yposition Zposition ' + channels
            values.extend(own if parent is None else offset)
        bend = knee if name in ('LeftLeg', 'LeftKnee', 'LowerLeg_L') else 0
        values.extend([0, bend, 0])
        lines.extend([
            f'{pad}{"JOINT" if parent else "ROOT"} {name}', f'{pad}{{',
            f'{pad}  OFFSET {offset[0]} {offset[1]} {offset[2]}',
            f'{pad}  CHANNELS {6 if positions else 3} {channels}'
        ])
        children = _children(tree, name)
        for child in children:
            add(child, depth + 1)
        if not children:
            lines.extend([
                f'{pad}  End Site', f'{pad}  {{', f'{pad}    OFFSET 0 18 0',
                f'{pad}  }}'
            ])
        lines.append(f'{pad}}}')

    add(_children(tree, None)[0], 0)
    lines += ['MOTION', f'Frames: {frames}', 'Frame Time: 0.0166667']
    for frame in range(frames):
        row = [values[0] + frame, *values[1:]]
        lines.append(' '.join(map(str, row)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(lines) + '\n')


@pytest.mark.parametrize('name', list(TREES))
def test_presets_by_hand(tool, tmp_path, name):
    stem, action, subject = FILES[name]
    _write_bvh(
        tmp_path / f'files/{stem}.bvh', TREES[name],
        all_positions=name == 'bandai-namco', knee=90)  # yapf: disable
    out = tmp_path / 'out.npz'
    tool.main(
        ['--skeleton', name, '--data-root',
         str(tmp_path), '--out',
         str(out)])
    motions = read_motions(out)
    assert (len(motions), motions.fps[0]) == (1, 60)
    assert (motions.actions[0], motions.subjects[0]) == (action, subject)
    assert (motions.clips[0], motions.sources[0]) == (stem, name)
    pose = motions.positions[0]
    expected = dict(
        root=(0, .9, 0), right_knee=(-.09, .5, .02), right_foot=(-.09, .08, 0),
        # The shin (0, -42, -2) turned by 90 degrees about x.
        left_foot=(.09, .52, -.4), left_hip=(.09, .9, 0), spine=(0, 1.16, 0),
        thorax=(0, 1.41, 0), neck_base=(0, 1.54, .01), head=(0, 1.6, .02),
        left_shoulder=(.18, 1.41, 0), right_elbow=(-.45, 1.41, 0),
        left_wrist=(.7, 1.41, 0))  # yapf: disable
    if name == '100style':
        expected['head'] = (0, 1.69, .02)
    for joint, place in expected.items():
        assert pose[J[joint]] == pytest.approx(place, abs=1e-6), joint
    np.testing.assert_allclose(
        motions.positions[2] - pose, [[.02, 0, 0]] * 17, atol=1e-6)


def test_100style_is_cut(tool, tmp_path):
    for kind in ('FW', 'ID'):
        _write_bvh(tmp_path / f'Old/Old_{kind}.bvh', TREES['100style'], 9)
    (tmp_path / 'Frame_Cuts.csv').write_text(
        'STYLE_NAME,FW_START,FW_STOP,ID_START,ID_STOP\n'
        'Young,1,1,1,1\nOld,2,6,N/A,N/A\n')
    motions = tool.main([
        '--skeleton', '100style', '--data-root',
        str(tmp_path), '--out',
        str(tmp_path / 'out.npz')
    ])
    assert motions.clips.tolist() == ['Old_FW', 'Old_ID']
    assert motions.starts.tolist() == [0, 5, 14]
    assert motions.positions[0, 0, 0] == pytest.approx(.02)


def test_own_skeleton_in_half_inches_with_z_up(tool, tmp_path):
    tree = {
        name: (parent, (x, -z, y))
        for name, (parent, (x, y, z)) in TREES['lafan1'].items()
    }
    _write_bvh(tmp_path / 'anna/walk_3.bvh', tree)
    joints = {
        name: list(names) if len(names) > 1 else names[0]
        for name, names in tool.PRESETS['lafan1'].joints.items()
    }
    skeleton = tmp_path / 'mine.json'
    skeleton.write_text(json.dumps(dict(
        metres_per_unit=.0127, joints=joints)))  # yapf: disable
    arguments = [
        '--skeleton',
        str(skeleton), '--data-root',
        str(tmp_path), '--out',
        str(tmp_path / 'out.npz')
    ]
    with pytest.raises(ValueError, match='up is z, expected y; see --up'):
        tool.main(arguments)
    assert not (tmp_path / 'out.npz').exists()
    motions = tool.main(arguments + ['--up', 'z', '--source', 'home'])
    assert motions.subjects[0] == 'anna' and motions.actions[0] == 'walk_3'
    assert motions.sources[0] == 'home'
    knee = motions.positions[0, J['left_knee']]
    assert knee == pytest.approx([9 * .0127, 50 * .0127, 2 * .0127], abs=1e-6)


def test_centimetres_that_are_called_metres_are_refused(tool, tmp_path):
    _write_bvh(tmp_path / 'walk1_subject1.bvh', TREES['lafan1'])
    joints = dict(tool.PRESETS['lafan1'].joints)
    skeleton = tmp_path / 'mine.json'
    skeleton.write_text(json.dumps(dict(metres_per_unit=1, joints=joints)))
    with pytest.raises(ValueError, match='looks like centimetres'):
        tool.main([
            '--skeleton',
            str(skeleton), '--data-root',
            str(tmp_path), '--out',
            str(tmp_path / 'out.npz')
        ])


def test_mirrored_files_are_refused(tool, tmp_path):
    tree = {
        name: (parent, (-x, y, z))
        for name, (parent, (x, y, z)) in TREES['lafan1'].items()
    }
    _write_bvh(tmp_path / 'walk1_subject1.bvh', tree)
    with pytest.raises(ValueError, match='left and right look swapped'):
        tool.main([
            '--skeleton', 'lafan1', '--data-root',
            str(tmp_path), '--out',
            str(tmp_path / 'out.npz')
        ])


@pytest.mark.parametrize('change, message', [
    (dict(metres_per_unit=0), 'metres_per_unit is 0'),
    (dict(unit='cm'), "unknown keys \\['unit'\\]"),
    (dict(file_name='('), 'unterminated subpattern'),
    (dict(joints=dict(root='Hips')), 'missing are'),
    (dict(joints=None), 'is no skeleton'),
])
def test_bad_skeletons(tool, tmp_path, change, message):
    content = dict(
        metres_per_unit=.01, joints={name: name
                                     for name in H36M_17.joints})
    content.update(change)
    path = tmp_path / 'bad.json'
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        tool.read_skeleton(str(path), tool.PRESETS)


def test_other_bad_input(tool, tmp_path):
    with pytest.raises(FileNotFoundError, match='xsens.*one of.*lafan1'):
        tool.read_skeleton('xsens', tool.PRESETS)
    arguments = [
        '--skeleton', 'lafan1', '--data-root',
        str(tmp_path), '--out',
        str(tmp_path / 'out.npz')
    ]
    with pytest.raises(FileNotFoundError, match='no .*bvh below'):
        tool.main(arguments)
    path = tmp_path / 'walk1_subject1.bvh'
    _write_bvh(path, TREES['100style'])
    with pytest.raises(ValueError, match='lacks the joints.*LeftArm'):
        tool.main(arguments)
    _write_bvh(path, TREES['lafan1'], frames=1)
    with pytest.raises(ValueError, match='has 1 frames, two are needed'):
        tool.main(arguments)
    _write_bvh(path.with_name('walk.bvh'), TREES['lafan1'])
    _write_bvh(path, TREES['lafan1'])
    with pytest.raises(ValueError, match='walk.bvh does not begin with'):
        tool.main(arguments)
