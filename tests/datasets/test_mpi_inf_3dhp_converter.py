# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Official files and npz pairs through converter and data set."""
import numpy as np
import pytest
from scipy.io import savemat
from synthetic_person import evaluate, moving_person

from mmdiffpose.datasets import MPIINF3DHPLiftingDataset
from mmdiffpose.datasets.cameras import VIRTUAL_CAMERAS
from mmdiffpose.datasets.mpi_inf_3dhp import (FROM_H36M, JOINTS_28_TO_17,
                                              MPI_INF_3DHP_17, TEST_SEQUENCES,
                                              TO_H36M, TRAIN_CAMERAS)
from mmdiffpose.skeletons import H36M_17

UNIVERSAL = 1.1
"""The universal skeleton is the person's, so many times as large."""
VALID = slice(10, 25)
# fx, cx, fy, cy of the test cameras, worked out by hand from millimetres.
TEST_INTRINSICS = {
    'TS1': (1500.1723, 1017.38734, 1500.1723, 1043.03198),
    'TS5': (1683.98346, 939.85754, 1683.98346, 560.14074),
}


@pytest.fixture
def converter(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'dataset_converters')
    import mpi_inf_3dhp
    return mpi_inf_3dhp


def train_camera(number):
    """Rotation world to camera, position, fx, cx, fy, cy."""
    camera = VIRTUAL_CAMERAS[number % 4]
    return (camera.rotation.T, camera.position + .01 * number, 1500. + number,
            1024., 1498., 1030.)


def project(pose, fx, cx, fy, cy):
    flat = pose[..., :2] / pose[..., 2:]
    return flat * [fx, fy] + [cx, cy]


def train_views(seed):
    """Camera-space poses in own order and pixels of all 14 cameras."""
    world = moving_person(31 + seed, seed)[:, list(FROM_H36M)]
    views = []
    for number in range(14):
        rotation, position, *intrinsics = train_camera(number)
        pose = (world - position) @ rotation.T
        views.append((pose, project(pose, *intrinsics)))
    return views


def test_view(name):
    seed = TEST_SEQUENCES.index(name)
    world = moving_person(40 + seed, 50 + seed)[:, list(FROM_H36M)]
    pose = (world - VIRTUAL_CAMERAS[0].position) @ VIRTUAL_CAMERAS[0].rotation
    key = 'TS5' if name in ('TS5', 'TS6') else 'TS1'
    pixels = project(pose, *TEST_INTRINSICS[key])
    valid = np.zeros(len(pose))
    valid[VALID] = 1
    return pose, pixels, valid


test_view.__test__ = False


def calibration():
    lines = ['Skeletool Camera Calibration File V1.0']
    for number in range(14):
        rotation, position, fx, cx, fy, cy = train_camera(number)
        inner = np.eye(4)
        inner[0, 0], inner[0, 2], inner[1, 1], inner[1, 2] = fx, cx, fy, cy
        outer = np.eye(4)
        outer[:3, :3], outer[:3, 3] = rotation, -1000 * rotation @ position
        lines += [
            f'name          {number}', '  sensor      10 10 ',
            '  size        2048 2048 ', '  animated    0 '
        ]
        for name, matrix in (('intrinsic', inner), ('extrinsic', outer)):
            numbers = ' '.join(f'{value:.12g}' for value in matrix.ravel())
            lines.append(f'  {name}   {numbers} ')
        lines.append('  radial      0 ')
    return '\n'.join(lines) + '\n'


def write_official(root):
    h5py = pytest.importorskip('h5py')
    for subject, sequence in ((1, 1), (1, 2), (3, 1)):
        folder = root / f'S{subject}' / f'Seq{sequence}'
        folder.mkdir(parents=True)
        cells = {
            name: np.empty((14, 1), object)
            for name in ('annot2', 'annot3', 'univ_annot3')
        }
        for number, (pose, pixels) in enumerate(
                train_views(10 * subject + sequence)):
            joints = np.full((len(pose), 28, 3), 5.)
            joints[:, list(JOINTS_28_TO_17)] = 1000 * pose
            points = np.full((len(pose), 28, 2), 5.)
            points[:, list(JOINTS_28_TO_17)] = pixels
            cells['annot3'][number, 0] = joints.reshape(len(pose), -1)
            cells['univ_annot3'][number, 0] = UNIVERSAL * joints.reshape(
                len(pose), -1)
            cells['annot2'][number, 0] = points.reshape(len(pose), -1)
        savemat(folder / 'annot.mat', cells)
        (folder / 'camera.calibration').write_text(calibration())
    for name in TEST_SEQUENCES:
        pose, pixels, valid = test_view(name)
        folder = root / 'mpi_inf_3dhp_test_set' / name
        folder.mkdir(parents=True)
        pose[-3:] = 0  # frames without any annotation
        with h5py.File(folder / 'annot_data.mat', 'w') as file:
            file['annot2'] = pixels[:, None]
            file['annot3'] = 1000 * pose[:, None]
            file['univ_annot3'] = 1000 * UNIVERSAL * pose[:, None]
            file['valid_frame'] = valid[:, None]


def write_npz(root, scale=1., suffix='_ori'):
    train = {
        f'S{subject} Seq{sequence}': [{
            str(number):
            dict(
                data_2d=pixels.astype(np.float32),
                data_3d=(1000 * scale * pose).astype(np.float32))
            for number, (
                pose,
                pixels) in enumerate(train_views(10 * subject + sequence))
            if number in TRAIN_CAMERAS
        }, 25]
        for subject, sequence in ((1, 1), (1, 2), (3, 1))
    }
    test = {}
    for name in TEST_SEQUENCES:
        pose, pixels, valid = test_view(name)
        test[name] = dict(
            data_2d=pixels, data_3d=1000 * scale * pose, valid=valid)
    for split, content in (('train', train), ('test', test)):
        np.savez_compressed(root / f'data_{split}_3dhp{suffix}', data=content)
    return [
        'npz', '--train',
        str(root / f'data_train_3dhp{suffix}.npz'), '--test',
        str(root / f'data_test_3dhp{suffix}.npz')
    ]


def truths(scale=1., own_order=False):
    order = list(range(17)) if own_order else list(TO_H36M)
    result = {}
    for subject, sequence in ((1, 1), (1, 2), (3, 1)):
        views = train_views(10 * subject + sequence)
        for number in TRAIN_CAMERAS:
            result[f'S{subject}', f'Seq{sequence}',
                   f'Seq{sequence}Cam{number}'] = scale * (
                       views[number][0][:, order])
    for name in TEST_SEQUENCES:
        result[name, name, 'Cam0'] = scale * test_view(name)[0][:, order]
    return result


def build(root, split, target, **kwargs):
    settings = dict(
        ann_file=f'annotation_body3d/mpi_inf_3dhp_{split}_{target}.npz',
        camera_param_file='annotation_body3d/cameras.pkl',
        seq_len=9,
        test_mode=True,
        data_root=str(root))
    return MPIINF3DHPLiftingDataset(**{**settings, **kwargs})


@pytest.mark.parametrize('form', ['official', 'npz'])
@pytest.mark.parametrize('target, scale', [('annot3', 1.),
                                           ('univ_annot3', UNIVERSAL)])
def test_round_trip(tmp_path, converter, form, target, scale):
    out = tmp_path / 'out'
    if form == 'official':
        write_official(tmp_path / 'source')
        arguments = ['official', '--data-root', str(tmp_path / 'source')]
    else:
        suffix = '_ori' if target == 'annot3' else ''
        arguments = write_npz(tmp_path, scale, suffix)
    report = converter.main(arguments +
                            ['--target', target, '--out-dir',
                             str(out)])
    for split in report['splits'].values():
        assert split['median_projection_distance_px'] < 0.01
    assert report['splits']['train']['cameras'] == 16
    truth = truths(scale)

    dataset = build(out, 'train', target)
    result, scored = evaluate(dataset, truth)
    assert result['MPJPE_mm'] < 2e-3
    assert len(scored) == sum(
        len(pose) for key, pose in truth.items() if key[0][0] == 'S')

    dataset = build(out, 'test', target)
    result, scored = evaluate(dataset, truth)
    assert result['MPJPE_mm'] < 2e-3
    assert sorted(scored) == [(name, name, 'Cam0', frame)
                              for name in TEST_SEQUENCES
                              for frame in range(40)[VALID]]
    result, _ = evaluate(dataset, truth, shift=.016)
    assert result['MPJPE_mm'] == pytest.approx(16 * 16 / 17, abs=1e-3)
    sizes = {
        sequence.subject:
        (sequence.camera_param['w'], sequence.camera_param['h'])
        for sequence in dataset.sequences
    }
    assert sizes['TS4'] == (2048, 2048) and sizes['TS5'] == (1920, 1080)


def test_mmpose_reads_our_files(tmp_path, converter, monkeypatch):
    mmpose_datasets = pytest.importorskip('mmpose.datasets')
    # MMPose looks its joint sets up below the working directory first.
    monkeypatch.chdir(tmp_path)
    converter.main(
        write_npz(tmp_path) +
        ['--target', 'annot3', '--out-dir',
         str(tmp_path / 'out')])
    dataset = mmpose_datasets.datasets.Human36mDataset(
        ann_file='annotation_body3d/mpi_inf_3dhp_train_annot3.npz',
        camera_param_file='annotation_body3d/cameras.pkl',
        data_root=str(tmp_path / 'out'))
    sample = dataset.get_data_info(0)
    expected = truths()['S1', 'Seq1', 'Seq1Cam0'][0]
    np.testing.assert_allclose(
        sample['lifting_target'][0], expected, atol=1e-5)
    assert sample['camera_param']['w'] == 2048


def test_own_joint_order(tmp_path, converter):
    converter.main(
        write_npz(tmp_path) +
        ['--target', 'annot3', '--out-dir',
         str(tmp_path / 'out')])
    dataset = build(
        tmp_path / 'out', 'test', 'annot3', joint_order='mpi_inf_3dhp')
    truth = truths(own_order=True)
    result, _ = evaluate(dataset, truth, joint_order='mpi_inf_3dhp')
    assert result['MPJPE_mm'] < 1e-3
    assert tuple(dataset.metainfo['flip_indices']) == (
        MPI_INF_3DHP_17.flip_indices)
    assert dataset.metainfo['keypoint_id2name'][14] == 'pelvis'
    assert dataset[0]['dataset_name'] == 'mpi_inf_3dhp'
    with pytest.raises(ValueError, match='joint_order'):
        build(tmp_path / 'out', 'test', 'annot3', joint_order='coco')


def test_calibrated_extrinsics_lead_to_the_world(tmp_path, converter):
    write_official(tmp_path)
    from mpi_inf_3dhp_sources import read_calibration
    path = tmp_path / 'S1' / 'Seq1' / 'camera.calibration'
    camera = read_calibration(path)[8]
    rotation, position, fx, cx, fy, cy = train_camera(8)
    np.testing.assert_allclose(camera['R'], rotation.T, atol=1e-9)
    np.testing.assert_allclose(camera['T'], position, atol=1e-9)
    np.testing.assert_allclose(camera['f'], [fx, fy])
    np.testing.assert_allclose(camera['c'], [cx, cy])


def test_joint_orders_agree():
    mapped = [MPI_INF_3DHP_17.joints[joint] for joint in TO_H36M]
    for ours, theirs in zip(H36M_17.joints, mapped):
        assert ours.startswith(('left', 'right')) == theirs.startswith(
            ('left', 'right'))
        if '_' in ours and ours.split('_')[0] in ('left', 'right'):
            assert ours.replace('foot', 'ankle') == theirs
    for left, right in MPI_INF_3DHP_17.flip_pairs:
        names = [MPI_INF_3DHP_17.joints[joint] for joint in (left, right)]
        assert names[0] == names[1].replace('right', 'left')


def break_official(root, what):
    folder = root / 'S1' / 'Seq2'
    if what == 'no calibration':
        (folder / 'camera.calibration').unlink()
        return FileNotFoundError, 'Seq2.camera.calibration'
    if what == 'missing camera':
        path = folder / 'camera.calibration'
        path.write_text('\n'.join(path.read_text().split('\n')[:40]))
        return ValueError, 'Seq2.camera.calibration.*camera 5|lacks camera'
    if what == 'truncated train':
        path = folder / 'annot.mat'
        path.write_bytes(path.read_bytes()[:20000])
        return ValueError, 'Seq2.annot.mat.*get it again'
    if what == 'truncated test':
        path = root / 'mpi_inf_3dhp_test_set' / 'TS2' / 'annot_data.mat'
        path.write_bytes(path.read_bytes()[:3000])
        return ValueError, 'TS2.annot_data.mat.*get it again'
    if what == 'missing test':
        (root / 'mpi_inf_3dhp_test_set' / 'TS3' / 'annot_data.mat').unlink()
        return FileNotFoundError, 'TS3.annot_data.mat'
    raise AssertionError(what)


@pytest.mark.parametrize('what', [
    'no calibration', 'missing camera', 'truncated train', 'truncated test',
    'missing test'
])
def test_bad_official_source(tmp_path, converter, what):
    write_official(tmp_path)
    error, message = break_official(tmp_path, what)
    with pytest.raises(error, match=message):
        converter.main([
            'official', '--data-root',
            str(tmp_path), '--target', 'annot3', '--out-dir',
            str(tmp_path / 'out')
        ])


def test_targets_are_never_mixed(tmp_path, converter):
    ours = write_npz(tmp_path)
    with pytest.raises(ValueError, match='annot3'):
        converter.main(ours + ['--target', 'univ_annot3'])
    other = write_npz(tmp_path, UNIVERSAL, '')
    with pytest.raises(ValueError, match='one release'):
        converter.main(ours[:3] + other[3:] + ['--target', 'annot3'])
    with pytest.raises(SystemExit):
        converter.main(ours)  # the target has to be said


def test_frame_counts_that_differ(tmp_path, converter):
    arguments = write_npz(tmp_path)
    path = tmp_path / 'data_test_3dhp_ori.npz'
    data = np.load(path, allow_pickle=True)['data'].item()
    data['TS2']['data_2d'] = data['TS2']['data_2d'][:-1]
    np.savez(path, data=data)
    with pytest.raises(ValueError, match='TS2 Cam0 has 40 frames in 2D.*41'):
        converter.main(
            arguments +
            ['--target', 'annot3', '--out-dir',
             str(tmp_path / 'out')])
