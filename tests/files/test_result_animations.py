# Copyright (c) mmdiffpose contributors. All rights reserved.
"""BVH and GLB: what readers that share nothing with the writers find."""

import json
import os
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from stiff_people import as_lifted, on_the_floor, stiff_points

from mmdiffpose.files.result_files import write_results
from mmdiffpose.skeletons import H36M_17, HALPE_26
from mmdiffpose.skeletons.armature import make_armature

HELPERS = Path(__file__).parents[1] / 'helpers'
NODE_MODULES = os.environ.get('MMDIFFPOSE_NODE_MODULES', '')
BPY_PYTHON = os.environ.get('MMDIFFPOSE_BPY_PYTHON', '')
FORMATS = ('bvh', 'glb')
PACKAGES = dict(bvh='pybvh', glb='pygltflib')


def write(tracks, folder, kind, **options):
    pytest.importorskip(PACKAGES[kind])
    return write_results(tracks, folder / 'a', (kind, ), **options)


# ---------------------------------------------------------------- readers


def read_bvh(path):
    """Joints by name, (F, 3), the channels (F, C), seconds a frame: read
    line by line, and posed as the format's authors say."""
    head, _, motion = path.read_text().partition('MOTION\n')
    lines = motion.splitlines()
    frames = int(lines[0].split(':')[1])
    pace = float(lines[1].split(':')[1])
    values = np.array([[float(v) for v in line.split()] for line in lines[2:]])
    assert len(values) == frames
    joints, stack, column, name = {}, [], 0, None
    for line in map(str.split, head.splitlines()[1:]):
        if line[0] in ('ROOT', 'JOINT'):
            name = line[1]
        elif line[0] == 'End':
            name = None
        elif line[0] == '{':
            stack.append(name)
        elif line[0] == 'OFFSET':
            offset = np.array(line[1:], float)
            if name is None:
                assert np.linalg.norm(offset) > 0.001
            else:
                parent = stack[-2] if len(stack) > 1 else None
                joints[name] = dict(parent=parent, offset=offset)
        elif line[0] == 'CHANNELS':
            kinds = line[2:]
            assert len(kinds) == int(line[1])
            assert (len(kinds) == 6) == (joints[name]['parent'] is None)
            joints[name].update(kinds=kinds, start=column)
            column += len(kinds)
        elif line[0] == '}':
            stack.pop()
    assert column == values.shape[1]
    places, turned = {}, {}
    for name, joint in joints.items():
        rotation, move = np.tile(np.eye(3), (frames, 1, 1)), np.zeros(
            (frames, 3))
        for number, kind in enumerate(joint['kinds']):
            channel = values[:, joint['start'] + number]
            if kind.endswith('position'):
                move[:, 'XYZ'.index(kind[0])] = channel
            else:
                rotation = rotation @ Rotation.from_euler(
                    kind[0], channel[:, None], degrees=True).as_matrix()
        parent = joint['parent']
        if parent is None:
            assert not joint['offset'].any()
            places[name], turned[name] = move, rotation
        else:
            places[name] = places[parent] + turned[parent] @ joint['offset']
            turned[name] = turned[parent] @ rotation
    return places, values, pace


def read_glb(path):
    """The document, and a function that reads an accessor."""
    content = path.read_bytes()
    magic, version, length = struct.unpack_from('<4sII', content)
    assert (magic, version, length) == (b'glTF', 2, len(content))
    size, kind = struct.unpack_from('<I4s', content, 12)
    assert kind == b'JSON'
    document = json.loads(content[20:20 + size])
    blob = content[20 + size + 8:]

    def read(number):
        accessor = document['accessors'][number]
        assert accessor['componentType'] == 5126
        width = dict(SCALAR=1, VEC3=3, VEC4=4)[accessor['type']]
        view = document['bufferViews'][accessor['bufferView']]
        values = np.frombuffer(blob, '<f4', accessor['count'] * width,
                               view.get('byteOffset', 0))
        return values.reshape(-1, width).squeeze(-1 if width == 1 else ())

    return document, read


def pose_glb(path):
    """Joints of the skin by name (F, 3), times, the document."""
    document, read = read_glb(path)
    animation, = document['animations']
    tracks = {}
    for channel in animation['channels']:
        sampler = animation['samplers'][channel['sampler']]
        assert sampler['interpolation'] == 'LINEAR'
        times = read(sampler['input'])
        target = channel['target']
        tracks[target['node'], target['path']] = read(sampler['output'])
    F = len(times)
    nodes = document['nodes']
    places = {}

    def visit(number, place, turned):
        node = nodes[number]
        step = tracks.get((number, 'translation'),
                          np.tile(node['translation'], (F, 1)))
        place = place + np.einsum('fij,fj->fi', turned, step)
        if (number, 'rotation') in tracks:
            turned = turned @ Rotation.from_quat(
                tracks[number, 'rotation']).as_matrix()
        if number in document['skins'][0]['joints']:
            places[node['name']] = place
        for child in node.get('children', []):
            visit(child, place, turned)

    visit(document['scenes'][document['scene']]['nodes'][0], np.zeros((F, 3)),
          np.tile(np.eye(3), (F, 1, 1)))
    return places, times, document, tracks


def joints_of(path):
    """(F, 17, 3) metres, y up."""
    read = read_bvh if path.suffix == '.bvh' else pose_glb
    places = read(path)[0]
    return np.stack([places[joint] for joint in H36M_17.joints], 1)


# ------------------------------------------------------------------ tests


@pytest.mark.parametrize('kind', FORMATS)
def test_stiff_people_come_back(tmp_path, kind):
    points, said = stiff_points(), []
    path, = write(as_lifted(points), tmp_path, kind, say=said.append)
    assert path.name == f'a_person1.{kind}'
    np.testing.assert_allclose(
        joints_of(path), on_the_floor(points), atol=5e-5)
    line, = said
    assert 'a_person1' in line and ' 0.0 mm' in line


@pytest.mark.parametrize('kind', FORMATS)
def test_what_stiff_bones_cost_is_said(tmp_path, kind):
    """One frame of one shin is 40 mm too long: the foot is off by that."""
    points, said = stiff_points(frames=20), []
    foot, knee = H36M_17.index['left_foot'], H36M_17.index['left_knee']
    shin = points[7, foot] - points[7, knee]
    whole = points.copy()
    points[7, foot] += shin / np.linalg.norm(shin) * 0.04
    path, = write(as_lifted(points), tmp_path, kind, say=said.append)
    assert '0.1 mm from' in said[0]  # 40 mm over 17 joints and 20 frames
    assert '40.0 mm (left_foot, frame 7)' in said[0]
    floor = points[..., 1].min()
    np.testing.assert_allclose(
        joints_of(path), whole - [0, floor, 0], atol=5e-5)


@pytest.mark.parametrize('kind', FORMATS)
def test_left_and_right_by_option(tmp_path, kind):
    points = stiff_points(frames=5)
    path, = write(as_lifted(points), tmp_path, kind, symmetric_bones=True)
    found = joints_of(path)
    for left, right in H36M_17.flip_pairs:
        parents = H36M_17.parents[left], H36M_17.parents[right]
        lengths = [
            np.linalg.norm(found[0, a] - found[0, b])
            for a, b in zip((left, right), parents)
        ]
        true = [
            np.linalg.norm(points[0, a] - points[0, b])
            for a, b in zip((left, right), parents)
        ]
        np.testing.assert_allclose(lengths, np.mean(true), atol=2e-6)


@pytest.mark.parametrize('kind', FORMATS)
def test_who_leaves_and_comes_back_is_two_animations(tmp_path, kind):
    points = stiff_points(frames=10)
    lifted = as_lifted(points, frame_ids=np.array([*range(4), *range(90, 96)]))
    other = as_lifted(points[:3] + [1, 0, 0], track_id=4)
    paths = write([other, lifted], tmp_path, kind)
    assert [path.name for path in paths] == [
        f'a_person1_frame0.{kind}', f'a_person1_frame90.{kind}',
        f'a_person4.{kind}'
    ]
    found = [joints_of(path) for path in paths]
    expected = on_the_floor(points)
    np.testing.assert_allclose(found[0], expected[:4], atol=5e-5)
    np.testing.assert_allclose(found[1], expected[4:], atol=5e-5)
    np.testing.assert_allclose(found[2], expected[:3] + [1, 0, 0], atol=5e-5)


@pytest.mark.parametrize('kind', FORMATS)
def test_a_missing_joint_is_never_at_zero(tmp_path, kind):
    points = stiff_points(frames=20)
    lifted = as_lifted(points)
    wrist = H36M_17.index['right_wrist']
    lifted.scores[5:8, wrist] = 0
    lifted.keypoints_3d[5:8, wrist] = np.nan
    path, = write(lifted, tmp_path, kind)
    found, expected = joints_of(path), on_the_floor(points)
    others = np.ones((20, 17), bool)
    others[5:8, wrist] = False
    np.testing.assert_allclose(found[others], expected[others], atol=5e-5)
    # In 60 ms the forearm hardly turns.
    away = np.linalg.norm(found - expected, axis=-1)[5:8, wrist]
    assert (away < 0.05).all()
    lifted.keypoints_3d[:, wrist] = np.nan
    with pytest.raises(ValueError, match='a_person1.*right_wrist'):
        write(lifted, tmp_path, kind)


@pytest.mark.parametrize('kind', FORMATS)
def test_what_they_cannot_say_is_refused(tmp_path, kind):
    lifted = as_lifted(stiff_points(frames=3))
    with pytest.raises(ValueError, match=f'{kind.upper()}.*frame rate.*--fps'):
        write(replace(lifted, fps=None), tmp_path, kind)
    cat = replace(H36M_17, joints=('tail', *H36M_17.joints[1:]))
    with pytest.raises(ValueError, match='T-pose.*tail'):
        write(replace(lifted, skeleton=cat), tmp_path, kind)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('kind', FORMATS)
def test_joints_of_another_set(tmp_path, kind):
    """Halpe-26 in somebody's spelling; names lose what viewers drop."""
    names = [
        joint.replace('left_', 'L.').replace('right_', 'R.')
        for joint in HALPE_26.joints
    ]
    skeleton = replace(HALPE_26, joints=tuple(names), name='own')
    rng = np.random.default_rng(0)
    armature = make_armature(skeleton, rng.uniform(0.1, 0.4, 26))
    angles = 0.4 * np.sin(
        np.arange(12)[:, None] / 8 + rng.uniform(0, 6, len(armature.names)))
    vectors = angles[..., None] * [0.6, 0.0, 0.8]
    points = armature.pose(
        np.zeros((12, 3)),
        Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(
            12, -1, 3, 3))
    lifted = as_lifted(points, skeleton=skeleton)
    path, = write(lifted, tmp_path, kind)
    places = (read_bvh if kind == 'bvh' else pose_glb)(path)[0]
    plain = [name.replace('.', '_') for name in names]
    found = np.stack([places[name] for name in plain], 1)
    apart = found - points
    # Everybody is moved by one amount, onto the floor.
    np.testing.assert_allclose(
        apart, np.broadcast_to(apart[0, 0], apart.shape), atol=5e-5)


@pytest.mark.parametrize('kind', FORMATS)
def test_uneven_frames_are_brought_to_the_rate(tmp_path, kind):
    """Walking at 1 m/s, in one pose; frames 0.1, 0.15 and 0.05 s apart."""
    times = np.array([2.0, 2.1, 2.25, 2.3])
    points = np.tile(stiff_points(frames=1), (4, 1, 1))
    points[..., 0] += times[:, None]
    path, = write(as_lifted(points, fps=10., times=times), tmp_path, kind)
    found = joints_of(path)
    np.testing.assert_allclose(
        found[:, 0, 0] - points[0, 0, 0], [0, 0.1, 0.2, 0.3], atol=1e-5)


def test_times_and_angles_of_bvh(tmp_path):
    lifted = as_lifted(stiff_points(frames=200), fps=30000 / 1001)
    path, = write(lifted, tmp_path, 'bvh')
    places, values, pace = read_bvh(path)
    assert pace == pytest.approx(1001 / 30000, abs=1e-10)
    # No angle turns round from 180 to -180 degrees.
    assert np.abs(np.diff(values[:, 3:], axis=0)).max() < 90
    assert list(places)[0] == 'root'


def test_bvh_by_other_readers(tmp_path):
    pytest.importorskip('pybvh')
    points = stiff_points()
    path, = write(as_lifted(points), tmp_path, 'bvh')
    import pybvh
    bvh = pybvh.read_bvh_file(path)
    assert (len(bvh), bvh.fps) == (40, pytest.approx(50))
    assert bvh.world_up == '+y'
    nodes = bvh.node_positions()
    found = nodes[:, [bvh.node_index[joint] for joint in H36M_17.joints]]
    np.testing.assert_allclose(found, on_the_floor(points), atol=5e-5)
    bvhio = pytest.importorskip('bvhio')
    root = bvhio.readAsHierarchy(str(path))
    for frame in (0, 20, 39):
        root.loadPose(frame)
        joints = {
            joint.Name: np.array(joint.PositionWorld)
            for joint, _, _ in root.layout()
        }
        np.testing.assert_allclose([joints[j] for j in H36M_17.joints],
                                   on_the_floor(points)[frame],
                                   atol=1e-4)


def test_what_is_in_a_glb(tmp_path):
    points = stiff_points(frames=200)
    lifted = as_lifted(points, frame_ids=np.arange(25, 225), fps=25.)
    path, = write(lifted, tmp_path, 'glb')
    _, times, document, tracks = pose_glb(path)
    np.testing.assert_allclose(times, np.arange(200) / 25, rtol=1e-6)
    sampler = document['animations'][0]['samplers'][0]
    accessor = document['accessors'][sampler['input']]
    assert accessor['min'] == [0] and accessor['max'] == [float(times[-1])]
    assert document['asset']['extras'] == dict(
        person=1, first_frame=25, first_second=1.0, frame_step=1, fps=25.0)
    names = [node['name'] for node in document['nodes']]
    assert set(H36M_17.joints) < set(names)
    assert all(name.replace('_', '').isalnum() for name in names)
    for (_, path), values in tracks.items():
        if path == 'rotation':
            assert (np.einsum('fi,fi->f', values[1:], values[:-1]) > 0).all()
    # At rest a T-pose: both arms level.
    by_name = {node['name']: node for node in document['nodes']}
    for side, sign in (('left', 1), ('right', -1)):
        x, y, z = by_name[f'{side}_wrist']['translation']
        assert sign * x > 0.1 and y == z == 0
    assert not any('rotation' in node for node in document['nodes'])


def test_the_validator_finds_no_error(tmp_path):
    if not shutil.which('node') or not Path(
            NODE_MODULES, 'gltf-validator').is_dir() or not NODE_MODULES:
        pytest.skip('needs node, and gltf-validator in the folder that '
                    'MMDIFFPOSE_NODE_MODULES names')
    path, = write(as_lifted(stiff_points()), tmp_path, 'glb')
    script = '''
        const [folder, path] = process.argv.slice(1);
        const validator = require(folder + '/gltf-validator');
        validator.validateBytes(
            new Uint8Array(require('fs').readFileSync(path))).then(
            (report) => console.log(JSON.stringify(report.issues)));'''
    result = subprocess.run(['node', '-e', script, NODE_MODULES, path],
                            capture_output=True,
                            text=True,
                            timeout=60)
    issues = json.loads(result.stdout)
    assert (issues['numErrors'], issues['numWarnings']) == (0, 0), issues


@pytest.mark.parametrize('kind', FORMATS)
def test_three_js_shows_the_same(tmp_path, kind):
    if not shutil.which('node') or not NODE_MODULES or not Path(
            NODE_MODULES, 'three').is_dir():
        pytest.skip('needs node, and three in the folder that '
                    'MMDIFFPOSE_NODE_MODULES names')
    points = stiff_points()
    path, = write(as_lifted(points), tmp_path, kind)
    result = subprocess.run(
        ['node', HELPERS / 'three_joints.mjs', NODE_MODULES, path, '50', '40'],
        capture_output=True,
        text=True,
        timeout=60)
    places = json.loads(result.stdout)
    found = np.stack([places[joint] for joint in H36M_17.joints], 1)
    np.testing.assert_allclose(found, on_the_floor(points), atol=2e-4)


@pytest.mark.parametrize('kind', FORMATS)
def test_blender_shows_the_same(tmp_path, kind):
    if not BPY_PYTHON:
        pytest.skip('needs bpy: MMDIFFPOSE_BPY_PYTHON names a Python with it')
    points = stiff_points()
    path, = write(as_lifted(points), tmp_path, kind)
    picture = tmp_path / 'picture.png'
    subprocess.run([
        BPY_PYTHON, HELPERS / 'blender_joints.py', path, tmp_path / 'out.json',
        picture
    ],
                   check=True,
                   capture_output=True,
                   timeout=300)
    found = json.loads((tmp_path / 'out.json').read_text())
    assert found['fps'] == pytest.approx(50)
    places = np.stack([found['joints'][joint] for joint in H36M_17.joints], 1)
    # Blender's z is up; its duration may have a frame too many.
    places = places[:40, :, [0, 2, 1]] * [1, 1, -1]
    np.testing.assert_allclose(places, on_the_floor(points), atol=2e-4)
    assert picture.stat().st_size > 1000
