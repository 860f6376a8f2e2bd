# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Acclaim trees in the layouts of HDM05 and CMU through converter and data
set."""
import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from synthetic_person import STANDING, evaluate

from mmdiffpose.datasets import OpenMocapDataset
from mmdiffpose.datasets.cameras import VIRTUAL_CAMERAS
from mmdiffpose.datasets.mocap.virtual_views import build_cameras
from mmdiffpose.skeletons import H36M_17

CONFIG = Path(__file__).parents[2] / 'configs/_base_/datasets/hdm05.py'
CAMERAS = build_cameras(Config.fromfile(CONFIG).virtual_cameras)
UNIT = 0.0254 / 0.45
FPS = 120
ROOT = np.array([0, 1.05, 0])
J = H36M_17.index
# Ends of the bones in the rest pose, chosen so that the mapped joints are
# STANDING's: the thorax is the middle of two ends.
ENDS = dict(
    lhipjoint=('root', STANDING[J['left_hip']]),
    lfemur=('lhipjoint', STANDING[J['left_knee']]),
    ltibia=('lfemur', STANDING[J['left_foot']]),
    rhipjoint=('root', STANDING[J['right_hip']]),
    rfemur=('rhipjoint', STANDING[J['right_knee']]),
    rtibia=('rfemur', STANDING[J['right_foot']]),
    lowerback=('root', STANDING[J['spine']]),
    upperback=('lowerback', np.array([0, 1.3, 0])),
    thorax=('upperback', STANDING[J['thorax']] - [0, .04, 0]),
    lowerneck=('thorax', STANDING[J['thorax']] + [0, .04, 0]),
    upperneck=('lowerneck', STANDING[J['neck_base']]),
    head=('upperneck', STANDING[J['head']]),
    lclavicle=('thorax', STANDING[J['left_shoulder']]),
    lhumerus=('lclavicle', STANDING[J['left_elbow']]),
    lradius=('lhumerus', np.array([.2, .98, .06])),
    lwrist=('lradius', STANDING[J['left_wrist']]),
    rclavicle=('thorax', STANDING[J['right_shoulder']]),
    rhumerus=('rclavicle', STANDING[J['right_elbow']]),
    rradius=('rhumerus', np.array([-.2, .98, .06])),
    rwrist=('rradius', STANDING[J['right_wrist']]))


def write_asf(path):
    lines = [
        ':version 1.10', ':name VICON', ':units', '  mass 1.0',
        '  length 0.45', '  angle deg', ':root', '  order TX TY TZ RX RY RZ',
        '  axis XYZ', '  position 0 0 0', '  orientation 0 0 0', ':bonedata'
    ]
    for number, (name, (parent, end)) in enumerate(ENDS.items()):
        start = ROOT if parent == 'root' else ENDS[parent][1]
        offset = (end - start) / UNIT
        length = np.linalg.norm(offset)
        direction = ' '.join(f'{x:.15g}' for x in offset / length)
        lines += [
            '  begin', f'    id {number + 1}', f'    name {name}',
            f'    direction {direction}', f'    length {length:.15g}',
            '    axis 0 0 20 XYZ'
        ] + (['    dof rx'] if 'tibia' in name else []) + ['  end']
    lines += [':hierarchy', '  begin']
    for parent in ['root', *ENDS]:
        children = [name for name in ENDS if ENDS[name][0] == parent]
        if children:
            lines.append(f'    {parent} {" ".join(children)}')
    path.write_text('\n'.join(lines + ['  end']) + '\n')


def motion(seconds, seed):
    """Turn in degrees and position of the root at some times."""
    angle = 40 * seed + 60 * np.sin(seconds)
    place = ROOT + np.stack([
        3 + .4 * np.sin(seconds + seed), .05 * np.sin(3 * seconds),
        .3 * np.cos(2 * seconds)
    ],
                            axis=-1)
    return angle, place


def write_amc(path, frames, seed):
    angle, place = motion(np.arange(frames) / FPS, seed)
    lines = ['#!OML:ASF', ':FULLY-SPECIFIED', ':DEGREES']
    for frame in range(frames):
        x, y, z = place[frame] / UNIT
        lines += [
            str(frame + 1),
            f'root {x:.15g} {y:.15g} {z:.15g} 0 {angle[frame]:.15g} 0',
            'ltibia 0', 'rtibia 0'
        ]
    path.write_text('\n'.join(lines) + '\n')


def true_views(frames, seed, subject, clip):
    """The mapped person at 50 fps in each camera's axes."""
    count = int((frames - 1) * 50 / FPS + 1e-6) + 1
    angle, place = motion(np.arange(count) / 50, seed)
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    zero, one = np.zeros(count), np.ones(count)
    turn = np.array([[cos, zero, sin], [zero, one, zero], [-sin, zero, cos]])
    world = np.einsum('ijf,kj->fki', turn, STANDING - ROOT) + place[:, None]
    pelvis = world[:, 0]
    middle = (pelvis.min(axis=0) + pelvis.max(axis=0)) / 2 * [1, 0, 1]
    return {
        (subject, clip, camera.name):
        (world - middle - camera.position) @ camera.rotation
        for camera in CAMERAS
    }


HDM05 = {
    ('bd', 'squat1Reps_001'): 100,
    ('dg', 'grabHighR_012'): 61,
    ('tr', 'squat1Reps_052'): 75,
    ('tr', 'kickLFront1Reps_025'): 122,
}
CMU = {('01', 'motion_01'): 90, ('13', 'motion_07'): 50}


@pytest.fixture
def converters(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'dataset_converters')
    import cmu
    import hdm05
    return dict(hdm05=hdm05, cmu=cmu)


def write_tree(root, name):
    """A tiny copy of a data set's layout; returns the truth."""
    truth = {}
    clips = HDM05 if name == 'hdm05' else CMU
    for seed, ((subject, clip), frames) in enumerate(clips.items()):
        if name == 'hdm05':
            folder = root / 'HDM05_cut_amc' / clip.split('_')[0]
            skeleton = root / f'HDM_{subject}.asf'
            path = folder / f'HDM_{subject}_{clip}_120.amc'
        else:
            folder = root / 'subjects' / subject
            skeleton = folder / f'{subject}.asf'
            path = folder / f'{subject}_{clip.split("_")[1]}.amc'
        folder.mkdir(parents=True, exist_ok=True)
        write_asf(skeleton)
        write_amc(path, frames, seed)
        truth.update(true_views(frames, seed, subject, clip))
    return truth


def convert(converters, root, name='hdm05'):
    """Writes a tiny tree, converts it to ``root / 'out'``."""
    truth = write_tree(root / 'source', name)
    report = converters[name].main(
        ['--data-root',
         str(root / 'source'), '--out-dir',
         str(root / 'out')])
    return truth, report


def build(root, name, split, **kwargs):
    settings = dict(
        ann_file=f'annotation_body3d/fps50/{name}_{split}.npz',
        camera_param_file='annotation_body3d/cameras.pkl',
        keypoint_2d_src='detection',
        keypoint_2d_det_file=f'joint_2d_det_files/virtual_{split}.npy',
        mixture_file=f'joint_2d_det_files/virtual_{split}_gmm.npy',
        seq_len=9,
        test_mode=True,
        data_root=str(root))
    return OpenMocapDataset(**{**settings, **kwargs})


@pytest.mark.parametrize('name, split, subjects', [
    ('hdm05', 'train', {'bd', 'dg'}),
    ('hdm05', 'test', {'tr'}),
    ('cmu', 'train', {'01', '13'}),
])
def test_round_trip(tmp_path, converters, name, split, subjects):
    truth, report = convert(converters, tmp_path, name)
    assert report['splits'][split]['median_projection_distance_px'] < 0.01
    dataset = build(tmp_path / 'out', name, split)
    result, scored = evaluate(dataset, truth)
    assert result['MPJPE_mm'] < 0.01
    assert sorted(scored) == sorted((*key, frame)
                                    for key, pose in truth.items()
                                    if key[0] in subjects
                                    for frame in range(len(pose)))
    result, _ = evaluate(dataset, truth, shift=.016)
    assert result['MPJPE_mm'] == pytest.approx(16 * 16 / 17, abs=.01)


def test_reprojection_before_and_after_noise(tmp_path, converters):
    write_tree(tmp_path / 'source', 'hdm05')
    arguments = [
        '--data-root',
        str(tmp_path / 'source'), '--out-dir',
        str(tmp_path / 'out')
    ]
    converters['hdm05'].main(arguments)
    exact = build(tmp_path / 'out', 'hdm05', 'test', keypoint_2d_src='gt')
    noisy = build(tmp_path / 'out', 'hdm05', 'test')
    errors = []
    for index in range(len(exact)):
        sample, seen = exact[index], noisy[index]
        pose, camera = sample['lifting_target'], sample['camera_param']
        pixels = pose[..., :2] / pose[..., 2:] * camera['f'] + camera['c']
        assert np.abs(pixels - sample['keypoints']).max() < 0.01
        errors.append(
            np.linalg.norm(seen['keypoints'] - sample['keypoints'], axis=-1))
        np.testing.assert_allclose(
            seen['keypoint_mixtures'][..., 0].sum(-1), 1, atol=1e-5)
    report = json.loads(
        (tmp_path / 'out' / 'conversion_report.json').read_text())
    mean = np.concatenate(errors).mean()
    assert 3 < mean < 15
    assert report['splits']['test'][
        'mean_detection_error_px'] == pytest.approx(
            mean, rel=.2)

    # The same seed gives the same noise, another seed another one.
    first = noisy[0]['keypoints']
    converters['hdm05'].main(arguments)
    np.testing.assert_array_equal(
        build(tmp_path / 'out', 'hdm05', 'test')[0]['keypoints'], first)


def test_mmpose_reads_our_files(tmp_path, converters, monkeypatch):
    mmpose_datasets = pytest.importorskip('mmpose.datasets')
    # MMPose looks its joint sets up below the working directory first.
    monkeypatch.chdir(tmp_path)
    truth, _ = convert(converters, tmp_path, 'cmu')
    dataset = mmpose_datasets.datasets.Human36mDataset(
        ann_file='annotation_body3d/fps50/cmu_train.npz',
        camera_param_file='annotation_body3d/cameras.pkl',
        data_root=str(tmp_path / 'out'))
    assert len(dataset) == sum(len(pose) for pose in truth.values())
    sample = dataset.get_data_info(len(dataset) - 1)
    expected = truth['13', 'motion_07', 'v3'][-1]
    np.testing.assert_allclose(
        sample['lifting_target'][0], expected, atol=1e-5)


def test_cameras_of_the_config(tmp_path, converters):
    for ours, theirs in zip(CAMERAS, VIRTUAL_CAMERAS):
        assert ours.name == theirs.name
        # The config's numbers are rounded to a tenth of a millimetre.
        np.testing.assert_allclose(ours.position, theirs.position, atol=1e-4)
        np.testing.assert_allclose(ours.rotation, theirs.rotation, atol=1e-4)
        assert (ours.focal, ours.center) == (theirs.focal, theirs.center)
    convert(converters, tmp_path)
    cameras = Config.fromfile(CONFIG).virtual_cameras
    build(tmp_path / 'out', 'hdm05', 'test', virtual_cameras=cameras)
    cameras[2]['position'] = (1., 2., 3.)
    with pytest.raises(ValueError, match='cameras.pkl: camera v2 .*with R='):
        build(tmp_path / 'out', 'hdm05', 'test', virtual_cameras=cameras)
    del cameras[2]['target']
    with pytest.raises(ValueError, match='virtual camera needs exactly'):
        build_cameras(cameras)


def test_turned_copies_are_the_same_motion_from_elsewhere(
        tmp_path, converters):
    convert(converters, tmp_path)
    cameras = dict(virtual_cameras=Config.fromfile(CONFIG).virtual_cameras)
    settings = dict(cameras, subjects=['bd'], test_mode=False)
    plain = build(tmp_path / 'out', 'hdm05', 'train', **settings)
    turned = build(
        tmp_path / 'out', 'hdm05', 'train', headings=(0., 90.), **settings)
    for dataset in (plain, turned):
        dataset.full_init()
    assert len(turned) == 2 * len(plain)
    assert len({s.name for s in turned.sequences}) == 8
    named = {camera.name: camera for camera in CAMERAS}
    for own, copy in zip(turned.sequences[:4], turned.sequences[4:]):
        camera = named[own.camera]
        x, y, z = np.moveaxis(camera.camera_to_world(own.keypoints_3d), -1, 0)
        found = camera.camera_to_world(copy.keypoints_3d)
        np.testing.assert_allclose(found, np.stack([z, y, -x], -1), atol=2e-3)
        error = copy.keypoints_2d - camera.project(copy.keypoints_3d)
        assert 2 < np.linalg.norm(error, axis=-1).mean() < 20
        assert copy.mixtures.shape == own.mixtures.shape
    with pytest.raises(ValueError, match='headings need virtual_cameras'):
        build(tmp_path / 'out', 'hdm05', 'train', headings=(0., 90.))
    with pytest.raises(ValueError, match='for training'):
        build(tmp_path / 'out', 'hdm05', 'test', headings=(0., 90.), **cameras)


@pytest.mark.parametrize('what, error, message', [
    ('no skeleton', FileNotFoundError, 'HDM_tr.asf does not exist'),
    ('truncated', ValueError, 'HDM_tr_squat1Reps_052_120.amc is truncated'),
    ('name', ValueError, 'is not called HDM_'),
    ('millimetres', ValueError, 'divide by 1000'),
    ('empty', FileNotFoundError, 'no HDM_'),
])
def test_bad_source(tmp_path, converters, what, error, message):
    write_tree(tmp_path, 'hdm05')
    path = next(tmp_path.rglob('HDM_tr_squat*.amc'))
    if what == 'no skeleton':
        (tmp_path / 'HDM_tr.asf').unlink()
    elif what == 'truncated':
        path.write_bytes(path.read_bytes()[:-20])
    elif what == 'name':
        path.rename(path.with_name('HDM_tr_squat.amc'))
    elif what == 'millimetres':
        skeleton = tmp_path / 'HDM_tr.asf'
        skeleton.write_text(skeleton.read_text().replace(
            'length 0.45\n', 'length 0.00045\n'))
    else:
        for file in tmp_path.rglob('*.amc'):
            file.unlink()
    with pytest.raises(error, match=message):
        converters['hdm05'].main(
            ['--data-root',
             str(tmp_path), '--out-dir',
             str(tmp_path / 'out')])


def test_raw_files(tmp_path, converters, shared_dir, capsys):
    """One actor of HDM05 and one subject of CMU, as downloaded."""
    source = tmp_path / 'source'
    source.mkdir()
    for file in (shared_dir / 'data' / 'hdm05').glob('HDM_mm*'):
        if file.suffix == '.asf' or 'squat' in file.name:
            (source / file.name).symlink_to(file)
    report = converters['hdm05'].main(
        ['--data-root',
         str(source), '--out-dir',
         str(tmp_path / 'hdm05')])
    test = report['splits']['test']
    assert test['clips'] == 4
    lengths = test['subjects']['mm']['bone_lengths_mm']
    assert lengths['left_knee'] == pytest.approx(403, abs=1)
    assert 'train: no files of bd' in report['notes']
    report = converters['cmu'].main([
        '--data-root',
        str(shared_dir / 'data' / 'cmu' / 'subjects' / '02'), '--out-dir',
        str(tmp_path / 'cmu')
    ])
    train = report['splits']['train']
    assert train['source_frames'] == pytest.approx(
        2.4 * train['frames'] / 4, rel=.01)
    assert 380 < train['subjects']['02']['bone_lengths_mm']['left_knee'] < 450
    assert 'median bones in mm' in capsys.readouterr().out


def test_cmus_frame_rates_are_said_or_given(tmp_path, converters):
    """601 frames are 10 s at 60 a second, and 5 s at the usual 120."""
    cmu = converters['cmu']
    folder = tmp_path / 'subjects/14'
    folder.mkdir(parents=True)
    write_asf(folder / '14.asf')
    write_amc(folder / '14_01.amc', 601, 1)
    for name in ('._14_01.amc', '._14.asf'):
        (folder / name).write_bytes(b'\0\5\x16\7')

    def run(*options):
        report = cmu.main([
            '--data-root',
            str(tmp_path / 'subjects'), '--out-dir',
            str(tmp_path / 'out'), *options
        ])
        split = next(iter(report['splits'].values()))
        return split['frames'] // 4, report['notes']

    frames, notes = run()
    assert frames == 251 and '1 trials are taken as of 120' in notes[0]
    rates = tmp_path / 'rates.csv'
    for line in ('14_01,60', 'trial,fps\n14;60.0 # all', '\ufeff14\t60',
                 '# a comment\n\ntrials,fps\n14_01-01,60'):
        rates.write_text(line, encoding='utf-8')
        frames, notes = run('--rates', str(rates))
        assert frames == 501 and not any('taken as' in n for n in notes)
    for line, message in (('14_01,x', 'line 1: expected <subject or'),
                          ('14_02-01,60', 'line 1: expected <subject or'),
                          ('91,60', 'rates of ..91.., but no files')):
        rates.write_text(line)
        with pytest.raises(ValueError, match=message):
            run('--rates', str(rates))
    # Of the rest the command says it, and then nothing is assumed.
    frames, notes = run('--fps', '60')
    assert frames == 501 and not any('taken as' in n for n in notes)
    with pytest.raises(ValueError, match='fps should be above 0'):
        run('--fps', '0')
    # Subjects who are known, unless a table says otherwise.
    known = folder.rename(folder.with_name('89'))
    for path in sorted(known.glob('14*')):
        path.rename(path.with_name(path.name.replace('14', '89')))
    frames, notes = run('--fps', '120')
    assert frames == 501 and not any('taken as' in n for n in notes)
    rates.write_text('89,120')
    assert run('--rates', str(rates))[0] == 251


def test_cmus_known_rates(tmp_path, converters):
    """By AMASS's copies of the C3D files, and by those who looked at them."""
    cmu = converters['cmu']
    expected = {
        '01_01': 120, '60_15': 60, '61_01': 60, '62_25': 60, '74_08': 60,
        '74_09': 120, '77_28': 120, '79_96': 60, '80_01': 60, '88_03': 120,
        '88_04': 60, '89_02': 120, '89_06': 60, '90_08': 60, '90_12': 120,
        '93_01': 60, '139_21': 120, '139_34': 60, '143_41': 60, '33_02': 60,
        '90_09': None, '74_21': None, '14_01': None, '104_01': None
    }  # yapf: disable
    for trial in expected:
        folder = tmp_path / trial.split('_')[0]
        folder.mkdir(exist_ok=True)
        (folder / f'{folder.name}.asf').touch()
        (folder / f'{trial}.amc').touch()
    with pytest.warns(UserWarning, match='4 trials are taken as of 120'):
        files = cmu.find_files(tmp_path)
    found = {file.motion.stem: file.fps for file in files}
    assert found == {trial: rate or 120 for trial, rate in expected.items()}
    # The rest by the command; the table stays.
    found = {
        file.motion.stem: file.fps
        for file in cmu.find_files(tmp_path, {'60_15': 30.}, fps=100)
    }
    assert found == {**{t: r or 100 for t, r in expected.items()}, '60_15': 30}
