# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Annotation files as data sets see them, whole and broken."""
import numpy as np
import pytest
from synthetic_person import moving_person

from mmdiffpose.datasets import (AnnotationLiftingDataset,
                                 Human36MLiftingDataset)
from mmdiffpose.datasets.annotation_files import annotation_writer
from mmdiffpose.datasets.annotation_files.annotations import AnnotationPaths
from mmdiffpose.datasets.annotation_files.camera_files import (read_cameras,
                                                               write_cameras)
from mmdiffpose.datasets.annotation_files.image_names import (Track,
                                                              find_tracks,
                                                              image_names,
                                                              parse_stem)
from mmdiffpose.datasets.cameras import VIRTUAL_CAMERAS
from mmdiffpose.datasets.recordings.recording_file import own_skeleton
from mmdiffpose.registry import DATASETS
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.skeletons.metainfo import describe_skeleton

CAMERA = VIRTUAL_CAMERAS[0]
CAMERAS = {('S1', 'v0'): CAMERA.as_param(), ('S5', 'v0'): CAMERA.as_param()}


def make_records():
    records = []
    for seed, (subject, clip) in enumerate([('S1', 'Eating'),
                                            ('S1', 'Walking_1'),
                                            ('S5', 'Eating_2')]):
        pose = CAMERA.world_to_camera(moving_person(30 + seed, seed))
        pixels = CAMERA.project(pose)
        records.append(
            annotation_writer.ClipRecord(
                Track(subject, clip, 'v0'),
                pixels,
                pose,
                detections=np.concatenate(
                    [pixels + 1, np.full((len(pose), 17, 1), .8)], axis=-1)))
    return records


@pytest.fixture
def tree(tmp_path):
    """A small data set in the exchange format."""
    paths = AnnotationPaths(tmp_path, 'h36m')
    annotation_writer.write_split(
        paths, 'train', make_records(), CAMERAS, detector='cpn')
    write_cameras(paths.cameras, CAMERAS)
    return paths


def build(paths, **kwargs):
    settings = dict(
        ann_file='annotation_body3d/fps50/h36m_train.npz',
        camera_param_file='annotation_body3d/cameras.pkl',
        keypoint_2d_src='detection',
        keypoint_2d_det_file='joint_2d_det_files/cpn_train.npy',
        seq_len=9,
        data_root=str(paths.data_root))
    return Human36MLiftingDataset(**{**settings, **kwargs})


def edit(path, **arrays):
    with np.load(path) as content:
        content = dict(content)
    content.update(arrays)
    np.savez(path, **{k: v for k, v in content.items() if v is not None})


def load(path, key):
    with np.load(path) as content:
        return content[key]


def test_arrays_are_held_once(tree):
    dataset = build(tree, stride=1)
    bases = {id(sequence.keypoints_3d.base) for sequence in dataset.sequences}
    assert len(bases) == 1
    assert dataset.sequences[0].keypoints_3d.base.nbytes == 93 * 17 * 3 * 4


def test_files_hold_what_mmpose_writes(tree):
    path = tree.annotation('train')
    names = load(path, 'imgname')
    assert names[30] == 'S1/S1_Walking_1.v0/S1_Walking_1.v0_000001.jpg'
    part, center, scale = (
        load(path, key) for key in ('part', 'center', 'scale'))
    low, high = part[..., :2].min(1), part[..., :2].max(1)
    np.testing.assert_allclose(center, (low + high) / 2)
    np.testing.assert_allclose(scale * 200 / 1.2, (high - low).max(1))
    assert load(path, 'S').shape == (93, 17, 4)
    assert (load(path, 'S')[..., 3] == 1).all()


def test_frames_without_a_pose_are_context_only(tree):
    pose = load(tree.annotation('train'), 'S')
    pose[3:7, :, 3] = 0
    edit(tree.annotation('train'), S=pose)
    dataset = build(tree, test_mode=True)
    sample = dataset[0]
    np.testing.assert_array_equal(sample['valid_frames'],
                                  [1, 1, 1, 0, 0, 0, 0, 1, 1])
    np.testing.assert_array_equal(sample['lifting_target_visible'].all(1),
                                  sample['valid_frames'])
    total = sum(sample['valid_frames'].sum() for sample in dataset)
    assert total == 93 - 4


def break_tree(paths, what):
    """Break one file; returns what the message must hold."""
    path = paths.annotation('train')
    pose, part = load(path, 'S'), load(path, 'part')
    flip = list(H36M_17.flip_indices)
    detections = paths.detections('cpn', 'train')
    if what == 'truncated npz':
        path.write_bytes(path.read_bytes()[:-5000])
        return 'h36m_train.npz.*truncated'
    if what == 'truncated npy':
        detections.write_bytes(detections.read_bytes()[:-500])
        return 'cpn_train.npy.*truncated'
    if what == 'no archive':
        path.write_text('404 not found')
        return 'h36m_train.npz cannot be read'
    if what == 'missing key':
        edit(path, part=None)
        return r"h36m_train.npz.*lacks \['part'\]"
    if what == 'pickled names':
        edit(path, imgname=load(path, 'imgname').astype(object))
        return 'h36m_train.npz'
    if what == 'millimetres':
        pose[..., :3] *= 1000
        edit(path, S=pose)
        return 'h36m_train.npz.*millimetres: divide by 1000'
    if what == 'swapped sides':
        edit(path, S=pose[:, flip], part=part[:, flip])
        return 'h36m_train.npz: left and right look swapped'
    if what == 'swapped detections':
        np.save(detections, np.load(detections)[:, flip])
        return 'cpn_train.npy: left and right look swapped'
    if what == 'nan':
        pose[41, 2, 0] = np.nan
        edit(path, S=pose)
        return 'h36m_train.npz: S holds NaN or infinity, first in row 41'
    if what == 'nan detection':
        array = np.load(detections)
        array[7] = np.inf
        np.save(detections, array)
        return 'cpn_train.npy.*row 7'
    if what == 'frame count':
        np.save(detections, np.load(detections)[:-1])
        return 'cpn_train.npy has 92 frames, but .*h36m_train.npz has 93'
    if what == 'rows':
        edit(path, S=pose[:-1])
        return r'h36m_train.npz: S has the shape \(92, 17, 4\)'
    if what == 'joint count':
        edit(path, S=pose[:, :16])
        return r'\(93, 16, 4\), expected \(93, 17, 4\)'
    if what == 'missing camera':
        write_cameras(paths.cameras, {('S1', 'v0'): CAMERA.as_param()})
        return r"cameras.pkl lacks 1 of the 2 cameras.*\('S5', 'v0'\)"
    if what == 'image name':
        names = load(path, 'imgname')
        names[50] = 'frame_50.jpg'
        edit(path, imgname=names)
        return 'h36m_train.npz.*"frame".*pattern'
    if what == 'row order':
        edit(path, imgname=np.roll(load(path, 'imgname'), 5))
        return 'h36m_train.npz.*do not stand together'
    raise AssertionError(what)


@pytest.mark.parametrize('what', [
    'truncated npz', 'truncated npy', 'no archive', 'missing key',
    'pickled names', 'millimetres', 'swapped sides', 'swapped detections',
    'nan', 'nan detection', 'frame count', 'rows', 'joint count',
    'missing camera', 'image name', 'row order'
])
def test_broken_files(tree, what):
    message = break_tree(tree, what)
    with pytest.raises(ValueError, match=message):
        build(tree)


@pytest.mark.parametrize('missing', [
    'annotation_body3d/fps50/h36m_train.npz', 'annotation_body3d/cameras.pkl',
    'joint_2d_det_files/cpn_train.npy'
])
def test_missing_files(tree, missing):
    (tree.data_root / missing).unlink()
    with pytest.raises(FileNotFoundError, match=f'{missing}.*Write it with'):
        build(tree)
    assert build(tree, lazy_init=True).metainfo['num_keypoints'] == 17


@pytest.mark.parametrize('settings, message', [
    (dict(keypoint_2d_src='pipeline'), 'keypoint_2d_src'),
    (dict(keypoint_2d_det_file=None), 'needs keypoint_2d_det_file'),
    (dict(subjects=['S2']), r"no subject \['S2'\]; it has \['S1', 'S5'\]"),
    (dict(cameras='v0'), 'cameras must be a list'),
    (dict(subjects=['S5'], actions=['Walking']), 'no clip passes'),
])
def test_bad_settings(tree, settings, message):
    with pytest.raises(ValueError, match=message):
        build(tree, **settings)


def test_bad_mixtures(tree):
    path = tree.mixtures('cpn', 'train')
    np.save(path, np.ones((93, 17, 3, 4), np.float32))
    file = f'joint_2d_det_files/{path.name}'
    with pytest.raises(ValueError, match=r'gmm.npy.*\(93, 17, 3, 4\)'):
        build(tree, mixture_file=file)
    np.save(path, np.ones((90, 17, 3, 5), np.float32))
    with pytest.raises(ValueError, match='gmm.npy has 90 frames'):
        build(tree, mixture_file=file)


def test_bad_records_write_nothing(tmp_path):
    paths = AnnotationPaths(tmp_path, 'x')
    good = make_records()
    bad = annotation_writer.ClipRecord(good[0].track,
                                       good[0].keypoints_2d[:-1],
                                       good[0].keypoints_3d)
    with pytest.raises(ValueError, match='S1_Eating.v0.*the same frames'):
        annotation_writer.write_split(
            paths, 'train', [good[1], bad], CAMERAS, source='src')
    behind = annotation_writer.ClipRecord(good[0].track, good[0].keypoints_2d,
                                          -good[0].keypoints_3d)
    with pytest.raises(ValueError, match='src .S1_Eating.v0.*in front of'):
        annotation_writer.write_split(
            paths, 'train', [behind], CAMERAS, source='src')
    with pytest.raises(ValueError, match='no camera'):
        annotation_writer.write_split(paths, 'train', good,
                                      {('S1', 'v0'): CAMERAS['S1', 'v0']})
    with pytest.raises(ValueError, match='name of a detector'):
        annotation_writer.write_split(paths, 'train', good, CAMERAS)
    assert not list(tmp_path.iterdir())


def test_camera_file_round_trip(tmp_path):
    path = tmp_path / 'cameras.pkl'
    write_cameras(path, CAMERAS)
    cameras = read_cameras(path)
    for key, camera in CAMERAS.items():
        for name in ('R', 'T', 'f', 'c'):
            np.testing.assert_array_equal(cameras[key][name], camera[name])


@pytest.mark.parametrize('change, message', [
    (dict(f=None), r"lacks \['f'\]"),
    (dict(f=[1., 2., 3.]), 'f: expected 2 finite numbers'),
    (dict(R=-np.eye(3)), 'R is no rotation'),
    (dict(T=[np.nan, 0, 0]), 'T: expected 3 finite numbers'),
    (dict(w=0), 'positive w'),
])
def test_bad_cameras(tmp_path, change, message):
    with pytest.raises(ValueError, match=f'S1.*{message}'):
        write_cameras(tmp_path / 'cameras.pkl',
                      {('S1', 'v0'): {
                           **CAMERAS['S1', 'v0'],
                           **change
                       }})


def test_image_names_come_back():
    track = Track('S11', 'SittingDown_2', '60457274')
    names = image_names(track, [1, 123456])
    assert names[1].endswith('S11_SittingDown_2.60457274_123456.jpg')
    assert find_tracks(np.array(names)) == [(track, slice(0, 2))]
    assert track.action == 'SittingDown'
    with pytest.raises(ValueError, match='cannot be written'):
        image_names(Track('S_1', 'Walking', '5'), [1])
    with pytest.raises(ValueError, match='pattern'):
        parse_stem('TS1')


@pytest.mark.parametrize('rows, message', [
    ([0, 2, 1, *range(3, 30)], 'found frame 3 in row 1 after frame 1 in row'),
    ([*range(10), *range(20, 30)],
     r'clip "S1_Eating.v0": .* frame 21 in row 10 after frame 10 in row 9'),
    ([0, 1, 1, *range(2, 30)], 'frame 2 in row 2 after frame 2 in row 1'),
    (list(range(29, -1, -1)), 'frame 29 in row 1 after frame 30 in row 0'),
    (list(range(0, 30, 5)), 'every 5-th frame .* folder "fps10"'),
])
def test_rows_that_are_no_consecutive_frames(tree, rows, message):
    path = tree.annotation('train')
    arrays = {key: load(path, key)[rows] for key in np.load(path).files}
    edit(path, **arrays)
    with pytest.raises(ValueError, match=message):
        build(tree, keypoint_2d_src='gt')


def test_every_fifth_frame_in_mmposes_folder(tree):
    path = tree.annotation('train')
    rows = np.r_[0:30:5, 30:61:5, 61:93:5]
    other = tree.data_root / 'annotation_body3d/fps10/h36m_train.npz'
    other.parent.mkdir()
    np.savez(other,
             **{key: load(path, key)[rows]
                for key in np.load(path).files})
    dataset = build(
        tree,
        ann_file='annotation_body3d/fps10/h36m_train.npz',
        keypoint_2d_src='gt',
        seq_len=3)
    assert [len(s) for s in dataset.sequences] == [6, 7, 7]


def test_windows_folders_in_names(tree):
    path = tree.annotation('train')
    expected = [s.name for s in build(tree).sequences]
    names = [name.replace('/', '\\') for name in load(path, 'imgname')]
    edit(path, imgname=np.array(names))
    assert [s.name for s in build(tree).sequences] == expected
    edit(path, imgname=np.array([n.replace('_000', '_x') for n in names]))
    with pytest.raises(ValueError, match='row 0: .* has no frame number'):
        build(tree)


OTHERS = dict(
    neck='thorax',
    head_top='head',
    R_Shoulder='right_shoulder',
    L_Shoulder='left_shoulder',
    L_Hip='left_hip',
    R_Hip='right_hip',
    R_Knee='right_knee',
    L_Knee='left_knee',
    L_Ankle='left_foot',
    R_Ankle='right_foot')
LINKS = [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (5, 6), (4, 7), (7, 8),
         (6, 9)]


def of_other_joints(tree, **header):
    """The files with ten joints; what describes them, or nothing."""
    order = [H36M_17.index[name] for name in OTHERS.values()]
    path = tree.annotation('train')
    edit(path, **{key: load(path, key)[:, order]
                  for key in ('part', 'S')}, **header)
    detections = tree.detections('cpn', 'train')
    np.save(detections, np.load(detections)[:, order])
    return order


HEADER = dict(joints=list(OTHERS), links=LINKS, root='neck', fps=25.)


@pytest.mark.parametrize('source', ['detection', 'gt'])
def test_files_of_other_joints_say_which(tree, source):
    order = of_other_joints(tree, **HEADER)
    settings = dict(
        type='mmdiffpose.AnnotationLiftingDataset',
        ann_file='annotation_body3d/fps50/h36m_train.npz',
        camera_param_file='annotation_body3d/cameras.pkl',
        keypoint_2d_src=source,
        keypoint_2d_det_file='joint_2d_det_files/cpn_train.npy',
        seq_len=9,
        data_root=str(tree.data_root))
    dataset = DATASETS.build(settings)
    meta = dataset.metainfo
    assert meta['flip_indices'] == [0, 1, 3, 2, 5, 4, 7, 6, 9, 8]
    assert dataset.skeleton.joints == tuple(OTHERS)
    assert dataset.skeleton.root == 0 and meta['fps'] == 25
    assert AnnotationLiftingDataset.metainfo_of(
        settings)['keypoint_id2name'] == meta['keypoint_id2name']
    for sequence, record in zip(dataset.sequences, make_records()):
        flat = (
            record.keypoints_2d
            if source == 'gt' else record.detections[..., :2])
        np.testing.assert_allclose(
            sequence.keypoints_2d, flat[:, order], rtol=1e-5)
        np.testing.assert_allclose(
            sequence.keypoints_3d, record.keypoints_3d[:, order], rtol=1e-5)


def test_a_config_says_which_joints_files_have(tree):
    of_other_joints(tree)
    with pytest.raises(ValueError, match='17 joints. Other joints are'):
        build(tree)
    meta = describe_skeleton(own_skeleton(list(OTHERS), LINKS, 'neck'))
    dataset = build(tree, metainfo=meta)
    assert dataset.skeleton.joints == tuple(OTHERS)
    # By the folder, as MMPose lays them out.
    assert build(tree, metainfo=meta).metainfo['fps'] == 50


def test_sides_of_other_joints_are_compared(tree):
    mirror = [0, 1, 3, 2, 5, 4, 7, 6, 9, 8]
    of_other_joints(tree,
                    **dict(HEADER, joints=[list(OTHERS)[i] for i in mirror]))
    with pytest.raises(ValueError, match='left and right look swapped'):
        build(tree, keypoint_2d_src='gt')
