# Copyright (c) mmdiffpose contributors. All rights reserved.
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.spatial.transform import Rotation

from mmdiffpose.datasets.mocap.bvh import load_bvh

HIERARCHY = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Leg
  {
    OFFSET 1 -2 0.5
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 -3 0
    }
  }
  JOINT Spine
  {
    OFFSET 0 1 0
    CHANNELS 3 Xrotation Yrotation Zrotation
    End Site
    {
      OFFSET 0 2 0
    }
  }
}
MOTION
Frames: {frames}
Frame Time: 0.02
"""


def _write(path, values):
    text = HIERARCHY.replace('{frames}', str(len(values)))
    rows = '\n'.join(' '.join(map(repr, row)) for row in values.tolist())
    path.write_text(text + rows + '\n')
    return path


@pytest.fixture()
def motion():
    rng = np.random.default_rng(0)
    return np.concatenate(
        [rng.uniform(-5, 5, (7, 3)),
         rng.uniform(-180, 180, (7, 9))], axis=1)


def test_rest_pose_by_hand(tmp_path):
    clip = load_bvh(_write(tmp_path / 'a.bvh', np.zeros((1, 12))))
    assert clip.joints == ('Hips', 'Leg', 'Leg_end', 'Spine', 'Spine_end')
    assert clip.parents == (-1, 0, 1, 0, 3)
    assert clip.frame_time == .02
    np.testing.assert_allclose(
        clip.positions[0],
        [[0, 0, 0], [1, -2, .5], [1, -5, .5], [0, 1, 0], [0, 3, 0]])


def test_quarter_turn_by_hand(tmp_path):
    values = np.zeros((1, 12))
    values[0, 1], values[0, 3] = 10, 90  # up by 10, a quarter turn about z
    clip = load_bvh(_write(tmp_path / 'a.bvh', values))
    np.testing.assert_allclose(clip.positions[0, 4], [-3, 10, 0], atol=1e-12)


def test_agrees_with_scipy_rotations(tmp_path, motion):
    clip = load_bvh(_write(tmp_path / 'a.bvh', motion))
    root = Rotation.from_euler('ZYX', motion[:, 3:6], degrees=True)
    leg = root * Rotation.from_euler('ZXY', motion[:, 6:9], degrees=True)
    spine = root * Rotation.from_euler('XYZ', motion[:, 9:12], degrees=True)
    hips = motion[:, :3]
    knee = hips + root.apply([1, -2, .5])
    chest = hips + root.apply([0, 1, 0])
    expected = np.stack([
        hips, knee, knee + leg.apply([0, -3, 0]), chest,
        chest + spine.apply([0, 2, 0])
    ], axis=1)  # yapf: disable
    np.testing.assert_allclose(clip.positions, expected, atol=1e-9)


def test_positions_take_the_place_of_offsets(tmp_path):
    """As Bandai Namco's files have them, for every joint and the root."""
    channels = ('CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation '
                'Yrotation')
    text = HIERARCHY.replace('{frames}', '1').replace(
        'OFFSET 0 0 0',
        'OFFSET 4 5 6').replace('CHANNELS 3 Zrotation Xrotation Yrotation',
                                channels)
    values = [1, 2, 3, 0, 0, 0, 1, -2, .5, 0, 0, 0, 0, 0, 0]
    path = tmp_path / 'a.bvh'
    path.write_text(text + ' '.join(map(str, values)) + '\n')
    np.testing.assert_allclose(
        load_bvh(path).positions[0],
        [[1, 2, 3], [2, 0, 3.5], [2, -3, 3.5], [1, 3, 3], [1, 5, 3]])


def test_replaced_offsets(tmp_path, motion):
    path = _write(tmp_path / 'a.bvh', motion)
    clip = load_bvh(path, offsets=dict(Leg=np.array([0., -4, 0])))
    lengths = np.linalg.norm(
        clip.positions[:, clip.index['Leg']] - clip.positions[:, 0], axis=-1)
    np.testing.assert_allclose(lengths, 4)
    with pytest.raises(ValueError, match="no joint 'Arm'.*Leg"):
        load_bvh(path, offsets=dict(Arm=np.zeros(3)))


def test_bad_files(tmp_path, motion):
    path = tmp_path / 'a.bvh'
    with pytest.raises(FileNotFoundError, match='a.bvh'):
        load_bvh(path)
    good = _write(path, motion).read_text()
    for text, message in (
        (good[:good.index('MOTION')], 'no MOTION section'),
        (good[:-30], 'expected 7 frames of 12'),
        (good.replace('Frames:', 'Frames'), 'malformed MOTION'),
        (good.replace('OFFSET 1', 'OFFSETS 1'), "unexpected 'OFFSETS'"),
        (good.replace(repr(float(motion[2, 2])), 'nan'), 'not finite'),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=f'a.bvh.*{message}'):
            load_bvh(path)


SIX = 'CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation'


def six_channels(path, values, encoding='utf-8', name='Knee'):
    """Hips at the end of a leg of 40 and a shin of 40, six channels each."""
    path.write_bytes(
        f'HIERARCHY\nROOT Hips\n{{\nOFFSET 0 0 0\n{SIX}\nJOINT {name}\n{{\n'
        f'OFFSET 0 -40 0\n{SIX}\nEnd Site\n{{\nOFFSET 0 -40 0\n}}\n}}\n}}\n'
        f'MOTION\nFrames: 1\nFrame Time: 0.01\n{values}\n'.encode(encoding))
    return path


@pytest.mark.parametrize(
    'values',
    [
        '0 90 0 0 0 0 0 -40 0 0 0 0',
        # Nothing is moved from OFFSET: bones would have no length otherwise.
        '0 90 0 0 0 0 0 0 0 0 0 0'
    ])
def test_position_channels_on_every_joint(tmp_path, values):
    clip = load_bvh(six_channels(tmp_path / 'a.bvh', values))
    np.testing.assert_allclose(clip.positions[0],
                               [[0, 90, 0], [0, 50, 0], [0, 10, 0]])


@pytest.mark.parametrize('encoding',
                         ['utf-8-sig', 'utf-16', 'utf-16-be', 'latin-1'])
def test_encodings(tmp_path, encoding):
    path = six_channels(tmp_path / 'a.bvh', '0 90 0 0 0 0 0 -40 0 0 0 0',
                        encoding, 'Gelenkhöhe')
    clip = load_bvh(path)
    assert clip.joints[1] == 'Gelenkhöhe'
    np.testing.assert_allclose(clip.positions[0, 2], [0, 10, 0])


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_damaged_files_are_read_or_refused(tmp_path_factory, data):
    """A word of a sound file replaced, or the file cut anywhere."""
    path = tmp_path_factory.mktemp('bvh') / 'a.bvh'
    words = _write(path, np.zeros((2, 12))).read_text().split(' ')
    if data.draw(st.booleans()):
        words = words[:data.draw(st.integers(0, len(words)))]
    else:
        place = data.draw(st.integers(0, len(words) - 1))
        words[place] = data.draw(
            st.sampled_from(
                ['', '{', '}', 'JOINT', 'nan', '-1', '1e999', 'MOTION', '\0']))
    path.write_text(' '.join(words))
    try:
        clip = load_bvh(path)
    except ValueError as error:
        assert 'a.bvh' in str(error)
    else:
        assert np.isfinite(clip.positions).all() and clip.frame_time > 0
