# Copyright (c) mmdiffpose contributors. All rights reserved.
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.spatial.transform import Rotation

from mmdiffpose.datasets.mocap.asf_amc import (INCH, read_amc, read_asf,
                                               read_motion)
from mmdiffpose.datasets.mocap.h36m_mapping import (H36M_FROM_ACCLAIM,
                                                    map_joints)
from mmdiffpose.datasets.mocap.resample import resample
from mmdiffpose.datasets.mocap.virtual_views import center_on_floor
from mmdiffpose.datasets.mocap_mini_file import load_mocap_mini

ASF = """# a skeleton with three bones
:version 1.10
:name TINY
:units
  mass 1.0
  length 0.45
  angle deg
:documentation
   made for a test
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name stem
     direction 0 1 0
     length 2.0
     axis 10 20 30  XYZ
    dof rx ry rz
    limits (-160.0 20.0)
           (-70.0 70.0)
           (-60.0 70.0)
  end
  begin
     id 2
     name twig
     direction 0.6 0 0.8
     length 1.5
     axis -90 5 20  XYZ
    dof rx rz
    limits (-45.0 90.0)
           (-70.0 20.0)
  end
  begin
     id 3
     name stiff
     direction 0 0 -1
     length 0.5
     axis 0 0 0  XYZ
  end
:hierarchy
  begin
    root stem
    stem twig
    twig stiff
  end
"""

AMC = """#!OML:ASF X:\\f\xfcr Bonn\\tiny.ASF
:FULLY-SPECIFIED
:DEGREES
1
root 0 0 0 0 0 0
stem 0 0 0
twig 0 0
2
root 1 2 3 40 50 60
stem 11 12 13
twig -21 22
"""


@pytest.fixture
def tiny(tmp_path):
    (tmp_path / 'tiny.asf').write_text(ASF)
    (tmp_path / 'tiny.amc').write_text(AMC, encoding='latin-1')
    return tmp_path


def zyx(*degrees):
    """Rz Ry Rx, by SciPy instead of by our own code."""
    return Rotation.from_euler('xyz', degrees, degrees=True).as_matrix()


def test_rest_pose_is_the_sum_of_the_offsets(tiny):
    skeleton, motion = read_motion(tiny / 'tiny.asf', tiny / 'tiny.amc')
    assert skeleton.joints == ('root', 'stem', 'twig', 'stiff')
    assert skeleton.parents == (-1, 0, 1, 2)
    expected = np.array([[0, 0, 0], [0, 2, 0], [.9, 2, 1.2], [.9, 2, .7]])
    np.testing.assert_allclose(
        motion[0], expected * INCH / 0.45, rtol=0, atol=1e-12)


def test_posed_frame_agrees_with_matrices_written_out(tiny):
    _, motion = read_motion(tiny / 'tiny.asf', tiny / 'tiny.amc')
    root = zyx(40, 50, 60)
    frame = zyx(10, 20, 30)
    stem = root @ frame @ zyx(11, 12, 13) @ frame.T
    frame = zyx(-90, 5, 20)
    twig = stem @ frame @ zyx(-21, 0, 22) @ frame.T
    joints = [np.array([1., 2, 3])]
    joints.append(joints[-1] + stem @ [0, 2, 0])
    joints.append(joints[-1] + twig @ [.9, 0, 1.2])
    joints.append(joints[-1] + twig @ [0, 0, -.5])
    np.testing.assert_allclose(
        motion[1], np.array(joints) * INCH / 0.45, rtol=0, atol=1e-12)


def test_agrees_with_another_reader(tiny):
    """pyacclaim 0.0.1 has the same conventions, in inches, drops the last
    frame and cannot read HDM05's headers: a reference, no dependency."""
    pyacclaim = pytest.importorskip('pyacclaim.parser')
    (tiny / 'utf8.amc').write_text(AMC + '3\n')
    reference = pyacclaim.loadASF(str(tiny / 'tiny.asf'))
    pose = pyacclaim.loadAMC(reference, str(tiny / 'utf8.amc'))[1]
    reference['bones']['root'].set_pose(pose)
    skeleton, motion = read_motion(tiny / 'tiny.asf', tiny / 'tiny.amc')
    theirs = [
        reference['bones'][name].global_coordinate for name in skeleton.joints
    ]
    np.testing.assert_allclose(motion[1], np.array(theirs) * INCH, atol=1e-12)


@pytest.mark.parametrize('old, new, message', [
    ('twig -21 22', 'twig -21', 'frame 2'),
    ('twig -21 22\n', '', 'no multiple'),
    ('twig -21 22', 'twig nan 22', 'NaN or infinite in frame 2'),
    ('twig -21 22', 'twig x 22', 'twig'),
    ('twig', 'leaf', 'a bone that its skeleton has not'),
    ('1\nroot', 'root', 'number of the first frame'),
])
def test_broken_motion(tiny, old, new, message):
    path = tiny / 'broken.amc'
    path.write_text(AMC.replace(old, new), encoding='latin-1')
    with pytest.raises(ValueError, match=message) as error:
        read_amc(path, read_asf(tiny / 'tiny.asf'))
    assert 'broken.amc' in str(error.value)


@pytest.mark.parametrize('old, new', [
    (':hierarchy', ':nothing'),
    ('length 0.45', 'length much'),
    ('direction 0 1 0', ''),
    ('orientation 0 0 0', 'orientation 0 90 0'),
    ('stem twig', 'stem twig twig'),
])
def test_broken_skeleton(tiny, old, new):
    path = tiny / 'broken.asf'
    path.write_text(ASF.replace(old, new))
    with pytest.raises(ValueError, match='broken.asf'):
        read_asf(path)


def test_missing_files_are_named(tiny):
    with pytest.raises(FileNotFoundError, match='gone.asf'):
        read_asf(tiny / 'gone.asf')


def test_cmu_skeleton_is_a_person(shared_dir):
    folder = shared_dir / 'data' / 'cmu' / 'subjects' / '01'
    skeleton, motion = read_motion(folder / '01.asf', folder / '01_01.amc')
    assert motion.shape == (2751, 31, 3)
    joint = skeleton.joints.index
    femur = np.linalg.norm(
        motion[:, joint('lfemur')] - motion[:, joint('lhipjoint')], axis=-1)
    np.testing.assert_allclose(femur, 0.40402, atol=1e-5)
    lowest = motion[:, [joint('ltoes'), joint('rtoes')], 1].min()
    assert -0.05 < lowest < 0.05


def test_cmu_motion_agrees_with_its_bvh_twin(shared_dir):
    """mocap-mini has the same clip from a BVH file, which somebody else made
    from CMU's files and another reader of ours reads."""
    twin = next(clip for clip in load_mocap_mini()[0]
                if clip.clip == 'PlaygroundJumps_1')
    folder = shared_dir / 'data' / 'cmu' / 'subjects' / '01'
    skeleton, motion = read_motion(folder / '01.asf', folder / '01_01.amc')
    pose = map_joints(motion, skeleton.joints, H36M_FROM_ACCLAIM)
    pose = center_on_floor(resample(pose, 120, 50))
    assert pose.shape == twin.positions.shape == (1146, 17, 3)
    # The two are brought to 50 fps in different ways.
    difference = np.linalg.norm(pose - twin.positions, axis=-1)
    assert difference.mean() < .001
    assert difference.max() < .02


@pytest.mark.parametrize('numbers, message', [
    ((1, 2, 5), 'frames 3 to 4 are missing'),
    ((1, 2, 2), 'frame 2 is there twice'),
    ((1, 2, 1), 'frame 1 follows frame 2'),
])
def test_frames_follow_each_other(tiny, numbers, message):
    head = AMC.partition('1\n')[0]
    body = 'root 0 0 0 0 0 0\nstem 0 0 0\ntwig 0 0\n'
    text = head + ''.join(f'{number}\n{body}' for number in numbers)
    (tiny / 'tiny.amc').write_text(text, encoding='latin-1')
    skeleton = read_asf(tiny / 'tiny.asf')
    with pytest.raises(ValueError, match=f'tiny.amc: {message}'):
        read_amc(tiny / 'tiny.amc', skeleton)
    # A file that was cut out of a longer one may begin anywhere.
    text = head + ''.join(f'{number}\n{body}' for number in (301, 302))
    (tiny / 'tiny.amc').write_text(text, encoding='latin-1')
    assert len(read_amc(tiny / 'tiny.amc', skeleton)['root']) == 2


def test_a_motion_in_radians(tiny):
    _, expected = read_motion(tiny / 'tiny.asf', tiny / 'tiny.amc')
    lines = []
    for line in AMC.replace(':DEGREES', ':RADIANS').splitlines():
        name, *values = line.split(' ')
        if name in ('root', 'stem', 'twig'):
            moved = 3 if name == 'root' else 0
            values = values[:moved] + [
                repr(float(np.deg2rad(float(v)))) for v in values[moved:]
            ]
        lines.append(' '.join([name, *values]))
    (tiny / 'tiny.amc').write_text('\n'.join(lines), encoding='latin-1')
    _, found = read_motion(tiny / 'tiny.asf', tiny / 'tiny.amc')
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_orders_of_root_and_bones(tiny):
    """Channels in another order are another turn; SciPy says which."""
    text = ASF.replace('order TX TY TZ RX RY RZ', 'order RZ RX RY TX TZ TY')
    text = text.replace('axis XYZ\n', 'axis ZXY\n')
    text = text.replace('axis 10 20 30  XYZ', 'axis 10 20 30  ZYX')
    (tiny / 'tiny.asf').write_text(text)
    _, motion = read_motion(tiny / 'tiny.asf', tiny / 'tiny.amc')
    # The numbers 1 2 3 40 50 60 are RZ RX RY TX TZ TY now.
    root = Rotation.from_euler('zxy', [1, 2, 3], degrees=True).as_matrix()
    frame = Rotation.from_euler('zyx', [10, 20, 30], degrees=True).as_matrix()
    stem = root @ frame @ zyx(11, 12, 13) @ frame.T
    place = np.array([40., 60, 50])
    np.testing.assert_allclose(
        motion[1, :2],
        np.array([place, place + stem @ [0, 2, 0]]) * INCH / 0.45,
        atol=1e-12)
    for old, new, message in (('order RZ RX RY', 'order RX RY RZ',
                               'of axis ZXY whose order turns'),
                              ('order RZ RX RY TX TZ TY', 'order RZ RX RY',
                               'a root of order'), ('dof rx rz', 'dof rx tz',
                                                    'with dof'),
                              ('ZYX\n', 'XXZ\n', 'with axis')):
        (tiny / 'tiny.asf').write_text(text.replace(old, new))
        with pytest.raises(ValueError, match=message):
            read_asf(tiny / 'tiny.asf')


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16', 'utf-16-le'])
def test_encodings(tiny, encoding):
    _, expected = read_motion(tiny / 'tiny.asf', tiny / 'tiny.amc')
    (tiny / 'tiny.asf').write_text(ASF, encoding=encoding)
    (tiny / 'tiny.amc').write_text(AMC, encoding=encoding)
    _, found = read_motion(tiny / 'tiny.asf', tiny / 'tiny.amc')
    np.testing.assert_array_equal(found, expected)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_damaged_files_are_read_or_refused(tmp_path_factory, data):
    """A word of a sound file replaced, or the file cut anywhere."""
    folder = tmp_path_factory.mktemp('acclaim')
    texts = {'tiny.asf': ASF, 'tiny.amc': AMC}
    name = data.draw(st.sampled_from(sorted(texts)))
    words = texts[name].split(' ')
    if data.draw(st.booleans()):
        words = words[:data.draw(st.integers(0, len(words)))]
    else:
        place = data.draw(st.integers(0, len(words) - 1))
        words[place] = data.draw(
            st.sampled_from([
                '', 'begin', 'end', 'nan', '-1', '1e999', '\0', ':root', '²',
                'twig', '7\n'
            ]))
    texts[name] = ' '.join(words)
    for file, text in texts.items():
        (folder / file).write_text(text, encoding='utf-8')
    try:
        _, motion = read_motion(folder / 'tiny.asf', folder / 'tiny.amc')
    except ValueError as error:
        assert 'tiny.a' in str(error)
    else:
        assert motion.ndim == 3
