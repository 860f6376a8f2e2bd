# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The endless data set: geometry, determinism, what models are given."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mini_motions import write_mini_motions
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmdiffpose.datasets import (FixedViewDataset, MocapViewDataset,
                                 ViewSampler, mocap_views, view_collate)
from mmdiffpose.datasets.cameras import project
from mmdiffpose.datasets.mocap_views import EpochIndex, build_law
from mmdiffpose.datasets.simulation.view_simulator import (ViewLaw,
                                                           ViewSimulator)
from mmdiffpose.datasets.world_motions import make_motions, read_motions
from mmdiffpose.models.heads import LiftingRegressionHead
from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.structures.canonical_view import turn_poses_back

CONFIGS = Path(__file__).parents[2] / 'configs'
QUIET = dict(
    noise=dict(
        joint_sigma=(1e-4, ) * 17,
        outlier_rate=0.,
        swap_rates=(0., 0., 0.),
        edge_missing=1.,
        threshold=(0., 0.)),
    cameras=dict(cut_off=0., focal_unknown=0.),
    occlusion=None)


@pytest.fixture(scope='module')
def ann_file(tmp_path_factory):
    return write_mini_motions(
        tmp_path_factory.mktemp('motions') / 'mini.npz', 6)


def make(ann_file, **changes):
    settings = dict(ann_file=ann_file, seq_len=9, windows=150, seed=1)
    return MocapViewDataset(**{**settings, **changes})


def loaded(dataset, workers, epochs, batch_size=64):
    sampler = ViewSampler(dataset)
    loader = DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        collate_fn=view_collate,
        num_workers=workers,
        persistent_workers=workers > 0)
    inputs = []
    for epoch in epochs:
        sampler.set_epoch(epoch)
        inputs.append(torch.cat([batch['inputs'] for batch in loader]))
    return torch.stack(inputs)


@pytest.mark.parametrize('workers', [1, 2])
def test_workers_and_batches_change_nothing(ann_file, workers):
    dataset = make(ann_file)
    expected = loaded(dataset, 0, [0, 1, 2])
    assert torch.equal(loaded(dataset, workers, [0, 1, 2]), expected)
    assert torch.equal(loaded(dataset, 0, [2], batch_size=7), expected[2:])
    # Epochs differ, persistent workers or not.
    assert not torch.equal(expected[0], expected[1])


def test_a_window_does_not_depend_on_its_batch(ann_file):
    dataset = make(ann_file)
    together = dataset.draw_batch(range(150), 3)
    for index in (0, 77, 149):
        alone = make(ann_file).draw_batch([index], 3)
        for key, value in alone.items():
            np.testing.assert_array_equal(value[0], together[key][index], key)


def test_seeds_differ(ann_file):
    first, second = (
        make(ann_file, seed=seed).draw_batch([0], 0)['inputs']
        for seed in (0, 1))
    assert (first != second).any()


def test_global_generators_play_no_part(ann_file):
    dataset = make(ann_file)
    np.random.seed(0)
    state = np.random.get_state()[1].copy()
    first = dataset.draw_batch([0], 0)['inputs']
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    np.random.seed(1)
    np.testing.assert_array_equal(dataset.draw_batch([0], 0)['inputs'], first)


def test_inputs_are_the_projected_targets(ann_file):
    drawn = make(ann_file, law=QUIET).draw_batch(range(150), 0)
    turned = drawn['targets'] + drawn['root'][:, :, None]
    camera = turn_poses_back(turned, drawn['rotation'])
    pixels = camera[..., :2] / camera[..., 2:] * drawn[
        'focal'][:, None, None, None] + drawn['center'][:, None, None]
    seen = drawn['inputs'][..., 2] > 0
    assert seen.mean() > .9
    np.testing.assert_allclose(
        drawn['keypoints'][seen], pixels[seen], atol=.01)
    tangents = turned[..., :2] / turned[..., 2:]
    size = np.exp(drawn['log_size'])[:, None, None, None]
    np.testing.assert_allclose(
        drawn['inputs'][..., :2][seen], (tangents / size * .5)[seen],
        atol=2e-4)


def test_vertical_is_the_world_s(ann_file):
    law = dict(QUIET, bodies=None, variety=dict(mirror=0.), fps=(50, 50))
    dataset = make(ann_file, law=law, seq_len=1)
    drawn = dataset.draw_batch(range(100), 0)
    motions = dataset.simulator.motions
    heights = np.einsum('btjc,bc->btj', drawn['targets'], drawn['up'])
    for i, clip in enumerate(drawn['clip']):
        world = motions.clip(clip)
        relative = world[..., 1] - world[:, :1, 1]
        gap = np.abs(relative - heights[i, 0]).max(axis=1).min()
        assert gap < .02  # between two frames


def test_bodies_and_mirrors_change_lengths_and_sides(ann_file):
    law = dict(QUIET, fps=(50, 50))
    own = make(ann_file, law=dict(law, bodies=None, variety=dict(mirror=0.)))
    mirrored = make(
        ann_file, law=dict(law, bodies=None, variety=dict(mirror=1.)))

    def thighs(dataset):
        targets = dataset.draw_batch(range(150), 0)['targets']
        bones = targets[:, 0, [5, 2]] - targets[:, 0, [4, 1]]
        return np.linalg.norm(bones, axis=-1)

    np.testing.assert_allclose(
        thighs(own), thighs(mirrored)[:, ::-1], atol=1e-3)
    lengths = thighs(make(ann_file, law=law))
    np.testing.assert_allclose(lengths[:, 0], lengths[:, 1], rtol=1e-4)
    assert lengths[:, 0].std() > 2 * thighs(own)[:, 0].std()


def test_frame_rates_and_missing_joints(ann_file):
    drawn = make(ann_file, windows=1000).draw_batch(range(1000), 0)
    assert drawn['fps'].min() >= 12 and drawn['fps'].max() <= 60
    assert np.median(drawn['fps']) == pytest.approx(np.sqrt(720), rel=.15)
    seen = drawn['inputs'][..., 2] > 0
    assert (drawn['inputs'][~seen] == 0).all()
    assert (drawn['scores'][~seen] == 0).all()
    assert (drawn['scores'][seen] > 0).all()
    assert .75 < seen.mean() < .95
    # The patterns take right legs; here either side is missing as often.
    both = seen.mean(axis=(0, 1))
    left, right = np.array(H36M_17.flip_pairs).T
    np.testing.assert_allclose(both[right], both[left], atol=.04)


def test_heads_train_on_a_batch_in_one_piece(ann_file):
    dataset = make(ann_file, channels=('seen', 'log_size'))
    batch = dataset.__getitems__([EpochIndex(0, i) for i in range(5)])
    assert batch['inputs'].shape == (5, 9, 17, 4)
    head = LiftingRegressionHead(in_channels=4)
    losses = head.loss((batch['inputs'], ), batch['data_samples'])
    drawn = dataset.draw_batch(range(5), 0)
    poses = head.forward((batch['inputs'], )).detach().numpy()
    error = np.linalg.norm(poses - poses[:, :, :1] - drawn['targets'], axis=-1)
    assert float(losses['mpjpe_mm']) == pytest.approx(
        error.mean() * 1000, rel=1e-4)
    # Noise of diffusion heads: another one for each window and epoch.
    ids = batch['data_samples'].metainfo['ids']
    later = dataset.__getitems__([EpochIndex(1, i) for i in range(5)])
    ids = ids + later['data_samples'].metainfo['ids']
    assert len(set(ids)) == 10
    size = batch['inputs'][..., 3]
    np.testing.assert_allclose(
        size[:, 0, 0], drawn['log_size'] - np.log(.1), atol=1e-6)
    assert (size == size[:, :1, :1]).all()


@pytest.mark.parametrize('name', ['diffhpe-2d', 'diffpose_mixste'])
def test_diffusion_heads_train_on_it_too(ann_file, name):
    """Their noise and 2D mixtures come from the batch in one piece."""
    config = Config.fromfile(CONFIGS / f'{name}_mini-27.py').model
    codec = dict(type='mmdiffpose.GMMDiffusionPose')
    dataset = make(ann_file, seq_len=27, channels=(), codec=codec)
    with DefaultScope.overwrite_default_scope('mmpose'):
        model = MODELS.build(config)
    if hasattr(model, 'context_loaded'):
        model.context_loaded.fill_(True)
    batch = dataset.__getitems__([EpochIndex(0, i) for i in range(3)])
    losses = model.loss(batch['inputs'], batch['data_samples'])
    assert all(torch.isfinite(loss).all() for loss in losses.values())


def test_joints_behind_the_body_are_found_worse(ann_file):
    scores = [
        make(ann_file, law=dict(self_occlusion=law)).draw_batch(range(300),
                                                                0)['scores']
        for law in (False, True)
    ]
    # Only some joints are hidden, and none scores better for it.
    changed = scores[0] != scores[1]
    assert .02 < changed.mean() < .4
    assert (scores[1] <= scores[0] + .05).mean() > .98


def test_processes_share_the_windows(ann_file, monkeypatch):
    dataset = make(ann_file)
    found = []
    for rank in range(4):
        monkeypatch.setattr(mocap_views, 'get_dist_info', lambda: (rank, 4))
        sampler = ViewSampler(dataset)
        sampler.set_epoch(2)
        indices = list(sampler)
        assert len(sampler) == len(indices)
        found += indices
    assert sorted(
        (i.epoch, i.window) for i in found) == [(2, i) for i in range(150)]


def test_plain_indices_are_refused_by_name(ann_file):
    with pytest.raises(ValueError, match='ViewSampler'):
        make(ann_file).__getitems__([0, 1])


def test_fixed_views_give_models_what_training_does(ann_file):
    codec = dict(type='mmdiffpose.GMMDiffusionPose', mask_channel=True)
    fixed = FixedViewDataset(
        ann_file=ann_file,
        seq_len=9,
        windows=20,
        seed=1,
        test_mode=True,
        pipeline=[
            dict(type='mmdiffpose.TurnToPerson'),
            dict(type='GenerateTarget', encoder=codec),
            dict(type='PackPoseInputs')
        ])
    dataset = make(ann_file, codec=codec)
    drawn = dataset.draw_batch(range(20), 0)
    mixtures = dataset.pack(
        drawn)['data_samples'].gt_instance_labels.mixture_labels
    assert len(fixed) == 20
    for i in range(20):
        sample = fixed[i]
        np.testing.assert_allclose(
            sample['inputs'], drawn['inputs'][i], atol=1e-5)
        np.testing.assert_allclose(
            sample['data_samples'].gt_instance_labels.lifting_target_label,
            drawn['targets'][i],
            atol=1e-5)
        np.testing.assert_allclose(
            sample['data_samples'].gt_instance_labels.mixture_labels,
            mixtures[i],
            atol=1e-4)


def test_windows_can_be_looked_at(ann_file):
    dataset = make(ann_file, law=QUIET)
    window = dataset.get_data_info(5)
    camera, drawn = window['camera_param'], dataset.draw_batch([5], 0)
    seen = window['keypoints_visible'] > 0
    # Told the true focal length, the camera sees the target at the keypoints.
    np.testing.assert_allclose(
        project(window['lifting_target'], camera['f'], camera['c'])[seen],
        window['keypoints'][seen],
        atol=.02)
    turned = dataset.pipeline(window)
    screen = turned['keypoints'] / 500 - 1
    np.testing.assert_allclose(
        screen[seen], drawn['inputs'][0, ..., :2][seen], atol=1e-4)


def test_people_are_picked_by_name(ann_file):
    motions = read_motions(ann_file)
    name = str(motions.subjects[0])
    chosen = read_motions(ann_file, [f'mini/{name}'])
    assert set(chosen.subjects) == {name}
    expected = [
        motions.clip(i) for i in range(len(motions))
        if motions.subjects[i] == name
    ]
    np.testing.assert_array_equal(chosen.positions, np.concatenate(expected))
    with pytest.raises(ValueError, match='nobody'):
        read_motions(ann_file, ['nobody'])
    with pytest.raises(FileNotFoundError, match='world_motions'):
        read_motions(ann_file + '.gone')


def test_broken_motions_are_named():
    still = np.zeros((3, 17, 3))
    still[:, 1, 1] = 1
    clip = dict(
        positions=still, fps=50, subject='a', action='b', clip='c', source='d')
    make_motions([clip])
    with pytest.raises(ValueError, match='metres'):
        make_motions([dict(clip, positions=still * 1000)])
    with pytest.raises(ValueError, match='NaN'):
        make_motions([dict(clip, positions=still * np.nan)])
    with pytest.raises(ValueError, match='starts'):
        make_motions([dict(clip, positions=still[:1])])


def test_the_config_makes_loaders(ann_file):
    config = Config.fromfile(CONFIGS / '_base_/datasets/views_27.py')
    name = str(read_motions(ann_file).subjects[0])
    for key, frames in (('train_dataloader', 256), ('val_dataloader', 64)):
        loader = config[key]
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.update(ann_file=ann_file, subjects=[name])
        if 'law' in loader.dataset:
            loader.dataset.law = dict()
        with DefaultScope.overwrite_default_scope('mmpose'):
            batch = next(iter(Runner.build_dataloader(loader, seed=0)))
        assert len(batch['inputs']) == frames
        assert batch['inputs'][0].shape == (27, 17, 3)


@pytest.mark.parametrize('name, children, scaled', [
    ('residual_frames_views-27', .02, .06),
    ('diffpose_frames_views-27', .02, .06),
    ('diffhpe-wrapper_frames_views-27', .02, .06),
    ('mixste_views-27', .1, .2),
    ('diffhpe-2d_views-27', .1, .2),
    ('diffpose_graformer_views-1', .1, .2),
])
def test_the_bodies_that_cards_name(name, children, scaled):
    """Trained on adults or all sizes, chosen and calibrated on adults."""
    config = Config.fromfile(CONFIGS / f'{name}.py')
    law = config.train_dataloader.dataset.law
    assert law.bodies == dict(children=children, scaled=scaled)
    assert law.weights == dict(cmu=.5, deepmimic=3.)
    val = config.val_dataloader.dataset.law
    assert val == dict(bodies=dict(children=.02, scaled=.06))


def test_weights_make_sources_rarer():
    rng = np.random.default_rng(0)

    def clip(source, frames):
        poses = rng.normal(size=(1, 17, 3)) * .3
        return dict(
            positions=np.repeat(poses, frames, 0),
            fps=120,
            subject=source,
            action='stand',
            clip=source,
            source=source)

    motions = make_motions([clip('a', 300), clip('b', 100), clip('c', 200)])
    for weights, expected in (({}, [3, 1, 2]), (dict(a=1 / 3, c=0.), [1, 1,
                                                                      0])):
        simulator = ViewSimulator(motions, 3, ViewLaw(weights=weights))
        counts = np.bincount(
            simulator.draw(range(2000), 0)['clip'], minlength=3)
        np.testing.assert_allclose(
            counts / 2000, np.array(expected) / np.sum(expected), atol=.035)
    with pytest.raises(ValueError, match='weights'):
        ViewSimulator(motions, 3, ViewLaw(weights=dict(d=1)))


def test_variety_is_drawn_for_each_window(ann_file):
    law = dict(QUIET, variety=dict(cross=.5, tilt=.5, warp=.5, mirror=.5))
    dataset = make(ann_file, law=law)
    together = dataset.draw_batch(range(100), 0)
    alone = dataset.draw_batch([42], 0)
    for key, value in alone.items():
        np.testing.assert_array_equal(value[0], together[key][42], key)
    plain = make(ann_file, law=QUIET).draw_batch(range(100), 0)
    # Tilts leave no vertical trunk; 45 degrees and more in a quarter.
    for drawn, low, high in ((plain, .5, 1), (together, .3, .8)):
        trunk = drawn['targets'][:, 4, 8]
        cosine = (trunk * drawn['up']).sum(-1) / np.linalg.norm(trunk, axis=-1)
        assert low < (cosine > .8).mean() < high


def knees_bent(drawn):
    """Degrees (B, T, 2); relative positions do not know the camera."""
    points = drawn['targets']
    thigh = points[..., [2, 5], :] - points[..., [1, 4], :]
    shin = points[..., [3, 6], :] - points[..., [2, 5], :]
    cosine = (thigh * shin).sum(-1) / np.linalg.norm(
        thigh, axis=-1) / np.linalg.norm(
            shin, axis=-1)
    return np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))


def test_knees_are_straighter_where_the_law_says(ann_file):
    variety = dict(mirror=0., straighten_by=(20., 20.))
    before, after = (
        knees_bent(
            make(
                ann_file, law=dict(QUIET, variety=dict(
                    variety, straighten=x))).draw_batch(range(100), 0))
        for x in (0., 1.))
    bent = before > 42
    assert bent.mean() > .2
    np.testing.assert_allclose(after[bent], before[bent] - 20, atol=.1)
    straight = before < 38
    np.testing.assert_allclose(
        after[straight], before[straight]**2 / 80, atol=.3)


def test_short_clips_are_held_at_their_ends():
    steps = np.arange(60.)[:, None, None] / 60
    poses = np.random.default_rng(0).normal(size=(1, 17, 3)) * .3
    motions = make_motions([
        dict(
            positions=poses + steps * [1, 0, 0],
            fps=120,
            subject='a',
            action='walk',
            clip='b',
            source='c')
    ])
    still = dict(QUIET, cameras=dict(QUIET['cameras'], followed=0.))
    law = build_law(
        **still, bodies=None, variety=dict(mirror=0.), fps=(12, 60))
    simulator = ViewSimulator(motions, 27, law)
    # 26 frames at 26.4 fps and more reach over half of 59 frames at 120.
    drawn = simulator.draw(range(500), 0)
    assert drawn['fps'].min() == pytest.approx(26 * 120 / (2 * 59), rel=1e-5)
    turned = np.einsum('bij,btj->bti', drawn['rotation'].swapaxes(1, 2),
                       drawn['root'])
    steps = np.linalg.norm(np.diff(turned, axis=1), axis=-1)
    # Two metres a second wherever both frames are inside the clip.
    for moved, fps in zip(steps, drawn['fps']):
        inside = moved[moved > 1e-4][1:-1]
        np.testing.assert_allclose(inside, 2 / fps, atol=2e-4)
    still = (steps < 1e-4).mean(axis=1)
    assert .3 < still.max() <= .55 and still.min() == 0
