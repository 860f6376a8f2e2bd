# Copyright (c) mmdiffpose contributors. All rights reserved.
"""VideoPose3D's files through converter and data set, and what is wrong."""
import json
import pickle

import numpy as np
import pytest
from synthetic_person import (Y_UP_TO_Z_UP, evaluate, moving_person, see,
                              z_up_cameras)

from mmdiffpose.datasets import Human36MLiftingDataset
from mmdiffpose.datasets.annotation_files.h36m_metadata import CAMERA_IDS
from mmdiffpose.skeletons import H36M_17

JOINTS_32 = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
CLIPS = {
    ('S1', 'Sitting 1'): 60,
    ('S1', 'SittingDown'): 41,
    ('S8', 'TakingPhoto'): 33,
    ('S9', 'Walking'): 75,
    ('S11', 'Directions 1'): 30,
}
FILES = dict(
    ann_file='annotation_body3d/fps50/h36m_{}.npz',
    camera_param_file='annotation_body3d/cameras.pkl',
    keypoint_2d_det_file='joint_2d_det_files/cpn_ft_h36m_dbb_{}.npy',
    mixture_file='joint_2d_det_files/cpn_ft_h36m_dbb_{}_gmm.npy')


@pytest.fixture
def h36m(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'dataset_converters')
    import h36m
    return h36m


def source_content():
    """What VideoPose3D's files hold, and the truth behind it."""
    content = dict(poses={}, keypoints={}, detections={}, mixtures={})
    truth, cameras = {}, {}
    for (subject, name), frames in CLIPS.items():
        world = moving_person(frames, seed=frames) @ Y_UP_TO_Z_UP.T
        world = world.astype(np.float32).astype(np.float64)
        joints = np.full((frames, 32, 3), 7., np.float32)
        joints[:, list(JOINTS_32)] = world
        views = []
        for number, (camera_id,
                     camera) in enumerate(z_up_cameras(CAMERA_IDS).items()):
            # Each subject's cameras stand elsewhere, as in the real data.
            camera = dict(camera, T=camera['T'] + .01 * int(subject[1:]))
            cameras[subject, camera_id] = camera
            pose, pixels = see(world, camera)
            clip = name.replace(' ', '_').replace('TakingPhoto', 'Photo')
            truth[subject, clip, camera_id] = pose
            # The videos run on after the motion capture has stopped.
            extra = np.full((3 + number, 17, 2), -9.)
            views.append(np.concatenate([pixels, extra]).astype(np.float32))
        noisy = [view + np.float32(2) for view in views]
        mixtures = [
            np.concatenate([np.ones_like(view[..., :1]), view, view * 0 + 3],
                           axis=-1)[:, :, None].repeat(3, axis=2)
            for view in views
        ]
        for key, value in dict(
                poses=joints, keypoints=views, detections=noisy,
                mixtures=mixtures).items():
            content[key].setdefault(subject, {})[name] = value
    return content, truth, cameras


def write_source(folder, content, cameras):
    """Write the files; returns the converter's arguments."""
    arguments = ['videopose3d', '--out-dir', str(folder / 'out')]
    for key, stem in dict(
            poses='data_3d_h36m',
            keypoints='data_2d_h36m_gt',
            detections='data_2d_h36m_cpn_ft_h36m_dbb',
            mixtures='data_2d_h36m_cpn_ft_h36m_dbb_gmm').items():
        name = 'positions_3d' if key == 'poses' else 'positions_2d'
        np.savez_compressed(folder / f'{stem}.npz', **{name: content[key]})
        arguments += [f'--{key}', str(folder / f'{stem}.npz')]
    (folder / 'cameras.pkl').write_bytes(pickle.dumps(cameras))
    return arguments + ['--cameras', str(folder / 'cameras.pkl')]


def build(folder, split, **kwargs):
    files = {name: path.format(split) for name, path in FILES.items()}
    settings = dict(files, seq_len=27, test_mode=True, data_root=str(folder))
    return Human36MLiftingDataset(**{**settings, **kwargs})


@pytest.mark.parametrize('split, subjects', [('train', {'S1', 'S8'}),
                                             ('test', {'S9', 'S11'})])
def test_round_trip(tmp_path, h36m, split, subjects):
    content, truth, cameras = source_content()
    h36m.main(write_source(tmp_path, content, cameras))
    dataset = build(tmp_path / 'out', split)
    result, scored = evaluate(dataset, truth)
    assert result['MPJPE_mm'] < 1e-3
    assert result['P-MPJPE_mm'] < 1e-3
    frames = {(*key, frame)
              for key, pose in truth.items() if key[0] in subjects
              for frame in range(len(pose))}
    assert len(scored) == len(frames) and set(scored) == frames

    result, _ = evaluate(dataset, truth, shift=.016)
    assert result['MPJPE_mm'] == pytest.approx(16 * 16 / 17, abs=1e-3)


def test_every_array_of_a_sample(tmp_path, h36m):
    content, truth, cameras = source_content()
    h36m.main(write_source(tmp_path, content, cameras))
    dataset = build(tmp_path / 'out', 'test', keypoint_2d_src='detection')
    sample = dataset[0]
    key = sample['subject'], sample['clip'], sample['camera']
    frames = sample['frame_ids']
    camera = cameras[key[0], key[2]]
    pose = truth[key][frames]
    pixels = (
        pose[..., :2] / pose[..., 2:] * camera['f'].ravel() +
        camera['c'].ravel())
    np.testing.assert_allclose(sample['keypoints'], pixels + 2, atol=1e-3)
    np.testing.assert_allclose(
        sample['keypoint_mixtures'][:, :, 2, 1:3], pixels, atol=1e-3)
    assert sample['keypoint_mixtures'].shape == (27, 17, 3, 5)
    np.testing.assert_allclose(sample['camera_param']['f'],
                               camera['f'].ravel())
    assert sample['target_img_path'][0].endswith(
        'S9_Walking.54138969_000001.jpg')


def test_reprojection_of_3d_onto_2d(tmp_path, h36m):
    content, _, cameras = source_content()
    report = h36m.main(write_source(tmp_path, content, cameras))
    for split in report['splits'].values():
        assert split['median_projection_distance_px'] < 0.01


def test_report(tmp_path, h36m):
    content, _, cameras = source_content()
    h36m.main(write_source(tmp_path, content, cameras))
    report = json.loads(
        (tmp_path / 'out' / 'videopose3d_report.json').read_text())
    train = report['splits']['train']
    assert train['frames'] == 4 * (60 + 41 + 33)
    assert train['mean_detection_error_px'] == pytest.approx(8**.5, abs=1e-3)
    lengths = train['subjects']['S1']['bone_lengths_mm']
    assert lengths['right_hip'] == pytest.approx(130, abs=20)
    notes = report['notes']
    assert 'S11 Directions: 1 clips, expected 2 (known: ' in ' '.join(notes)
    assert any('S1 Sitting: 1 clips, expected 2' in note for note in notes)
    assert any('"TakingPhoto" is called Photo' in note for note in notes)
    assert sum('frames after the end of the 3D left out' in note
               for note in notes) == 3 * 4 * len(CLIPS)


def test_exact_actions(tmp_path, h36m):
    content, _, cameras = source_content()
    h36m.main(write_source(tmp_path, content, cameras))
    dataset = build(tmp_path / 'out', 'train', actions=['Sitting'])
    assert {sequence.clip for sequence in dataset.sequences} == {'Sitting_1'}
    dataset = build(
        tmp_path / 'out',
        'train',
        actions=['SittingDown', 'Photo'],
        subjects=['S8'],
        cameras=['58860488'])
    assert [sequence.name
            for sequence in dataset.sequences] == ['S8 Photo camera 58860488']
    with pytest.raises(ValueError, match="no action \\['Sit'\\]"):
        build(tmp_path / 'out', 'train', actions=['Sit'])


@pytest.mark.parametrize('window', [
    dict(seq_len=1),
    dict(seq_len=27, pad_video_seq=True, causal=False),
    dict(seq_len=27, seq_step=2),
])
def test_mmpose_reads_our_files(tmp_path, h36m, monkeypatch, window):
    """MMPose's own data set gives the frames that went in."""
    mmpose_datasets = pytest.importorskip('mmpose.datasets')
    # MMPose looks its joint sets up below the working directory first.
    monkeypatch.chdir(tmp_path)
    content, truth, cameras = source_content()
    h36m.main(write_source(tmp_path, content, cameras))
    dataset = mmpose_datasets.datasets.Human36mDataset(
        ann_file=FILES['ann_file'].format('test'),
        camera_param_file=FILES['camera_param_file'],
        keypoint_2d_src='detection',
        keypoint_2d_det_file=FILES['keypoint_2d_det_file'].format('test'),
        data_root=str(tmp_path / 'out'),
        test_mode=True,
        **window)
    assert len(dataset)
    for index in range(0, len(dataset), 7):
        sample = dataset.get_data_info(index)
        name = sample['target_img_path'][0].split('/')[-1]
        stem, frame = name[:-len('.jpg')].rsplit('_', 1)
        subject, rest = stem.split('_', 1)
        clip, camera = rest.split('.')
        pose = truth[subject, clip, camera][int(frame) - 1]
        np.testing.assert_allclose(
            sample['lifting_target'][0], pose, atol=1e-6)
        assert sample['camera_param']['id'] == camera


def test_without_ground_truth_2d_the_poses_are_projected(tmp_path, h36m):
    content, _, cameras = source_content()
    for key in cameras:
        cameras[key]['k'] = np.array([[-.2], [.24], [-.002]])
        cameras[key]['p'] = np.array([[-.0014], [-.0009]])
    arguments = write_source(tmp_path, content, cameras)
    at = arguments.index('--keypoints')
    h36m.main(arguments[:at] + arguments[at + 2:])
    camera = pytest.importorskip('mmpose.utils.camera').SimpleCamera
    dataset = build(tmp_path / 'out', 'train', stride=27)
    for index in range(0, len(dataset), 5):
        sample = dataset[index]
        key = sample['subject'], sample['camera']
        pixels = camera(cameras[key]).camera_to_pixel(
            sample['lifting_target'].astype(np.float64))
        np.testing.assert_allclose(sample['keypoints'], pixels, atol=2e-3)


def change(content, cameras, what):
    """Break a source in one way; returns what the message must hold."""
    walk, subject = content['poses']['S9'], 'S9'
    if what == 'millimetres':
        walk['Walking'] = walk['Walking'] * 1000
        return 'data_3d_h36m.npz.*S9.*millimetres'
    if what == 'nan':
        walk['Walking'][5, 3] = np.nan
        return 'data_3d_h36m.npz.*S9.*NaN.*row 5'
    if what == 'swapped sides':
        order = list(H36M_17.flip_indices)
        for clips in content['poses'].values():
            for name in clips:
                pose = clips[name][:, list(JOINTS_32)][:, order]
                clips[name][:, list(JOINTS_32)] = pose
        for clips in content['keypoints'].values():
            for views in clips.values():
                for view in views:
                    view[:] = view[:, order]
        return 'left and right look swapped'
    if what == 'wrong camera':
        cameras[subject, CAMERA_IDS[0]] = cameras[subject, CAMERA_IDS[1]]
        return 'S9_Walking.54138969.*project'
    if what == 'missing camera':
        del cameras[subject, CAMERA_IDS[2]]
        return "lacks \\('S9', '58860488'\\)"
    if what == 'short 2D':
        views = content['detections'][subject]['Walking']
        views[1] = views[1][:20]
        return 'dbb.npz.*S9 "Walking" has 20 frames.*75 in 3D'
    if what == 'missing 2D':
        del content['detections'][subject]['Walking']
        return 'dbb.npz lacks S9 "Walking"'
    if what == 'unknown action':
        walk['Dancing'] = walk.pop('Walking')
        return '"Dancing" is none of the actions'
    if what == 'joint count':
        walk['Walking'] = walk['Walking'][:, :20]
        return r'S9 "Walking" has the shape \(75, 20, 3\)'
    raise AssertionError(what)


@pytest.mark.parametrize('what', [
    'millimetres', 'nan', 'swapped sides', 'wrong camera', 'missing camera',
    'short 2D', 'missing 2D', 'unknown action', 'joint count'
])
def test_bad_source(tmp_path, h36m, what):
    content, _, cameras = source_content()
    message = change(content, cameras, what)
    with pytest.raises(ValueError, match=message):
        h36m.main(write_source(tmp_path, content, cameras))


def test_truncated_source(tmp_path, h36m):
    content, _, cameras = source_content()
    arguments = write_source(tmp_path, content, cameras)
    path = tmp_path / 'data_3d_h36m.npz'
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ValueError, match='data_3d_h36m.npz.*get it again'):
        h36m.main(arguments)


def test_failed_conversion_leaves_old_files(tmp_path, h36m):
    content, _, cameras = source_content()
    h36m.main(write_source(tmp_path, content, cameras))
    files = {
        path: path.read_bytes()
        for path in (tmp_path / 'out').rglob('*') if path.is_file()
    }
    change(content, cameras, 'nan')
    with pytest.raises(ValueError):
        h36m.main(write_source(tmp_path, content, cameras))
    after = {path for path in (tmp_path / 'out').rglob('*') if path.is_file()}
    assert after == set(files)
    test_file = tmp_path / 'out' / FILES['ann_file'].format('test')
    assert test_file.read_bytes() == files[test_file]


def test_check_of_preprocessed_files(tmp_path, h36m):
    content, _, cameras = source_content()
    h36m.main(write_source(tmp_path, content, cameras))
    report = h36m.main(['check', '--data-root', str(tmp_path / 'out')])
    assert report['splits']['test']['frames'] == 4 * (75 + 30)
    assert len(report['splits']['test']['files']) == 3
    with pytest.raises(FileNotFoundError, match='cameras.pkl'):
        h36m.main(['check', '--data-root', str(tmp_path / 'nothing')])


def test_missing_files_name_the_command(tmp_path):
    with pytest.raises(
            FileNotFoundError, match='h36m_train.npz does not exist.*h36m.py'):
        build(tmp_path, 'train')


def test_metadata_xml(tmp_path, h36m):
    """Angles and numbers in metadata.xml's order become the same camera."""
    from scipy.spatial.transform import Rotation
    rng = np.random.default_rng(0)
    outer = rng.uniform(-1, 1, (4, 11, 6))
    inner = np.arange(1., 37).reshape(4, 9)
    text = ' '.join(map(repr, [*outer.ravel().tolist(), *inner.ravel()]))
    path = tmp_path / 'metadata.xml'
    text = text.replace('np.float64(', '').replace(')', '')
    path.write_text(f'<metadata><w0>[{text}]</w0></metadata>')
    cameras = h36m.read_camera_source(path)
    assert len(cameras) == 44
    camera = cameras['S9', '58860488']
    angles, position = outer[2, 8, :3], outer[2, 8, 3:]
    world_to_camera = Rotation.from_euler('XYZ', angles).as_matrix()
    np.testing.assert_allclose(camera['R'], world_to_camera.T, atol=1e-12)
    np.testing.assert_allclose(camera['T'], position / 1000)
    np.testing.assert_allclose(camera['f'], [19, 20])
    np.testing.assert_allclose(camera['p'], [26, 27])
    assert (camera['w'], camera['h']) == (1000, 1000)
    path.write_text('<metadata><w0>[1 2 3]</w0></metadata>')
    with pytest.raises(ValueError, match='metadata.xml.*3 numbers'):
        h36m.read_camera_source(path)
