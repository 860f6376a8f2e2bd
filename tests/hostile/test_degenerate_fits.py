# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Codecs, fits, samplers and views of people that are no people."""
import ast
import warnings
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import test_degenerate_metrics
import torch
from degenerate_poses import masks, poses
from hypothesis import given, settings

import mmdiffpose
from mmdiffpose.codecs.gmm_diffusion_pose import GMMDiffusionPose
from mmdiffpose.codecs.heatmap_mixtures import METHODS, fit_heatmap_mixtures
from mmdiffpose.datasets.annotation_files.camera_files import project_points
from mmdiffpose.datasets.recording_sources.world_recording import (find_axes,
                                                                   rigid_links)
from mmdiffpose.datasets.windows.clock_check import find_clock_shift
from mmdiffpose.datasets.windows.sequence import PoseSequence
from mmdiffpose.diffusion.aggregation import score_from_std, spread
from mmdiffpose.diffusion.depth_histogram import (count_depths,
                                                  histogram_mixture)
from mmdiffpose.diffusion.gmm import fit_gmm
from mmdiffpose.diffusion.initial_distribution import (fit_pose_mixture,
                                                       initial_distribution)
from mmdiffpose.diffusion.noise import HypothesisNoise
from mmdiffpose.diffusion.process import TARGETS, DiffusionProcess
from mmdiffpose.diffusion.root_solver import solve_root
from mmdiffpose.diffusion.sampling import SAMPLERS, run
from mmdiffpose.diffusion.schedules import make_alphas
from mmdiffpose.lifting.root_trajectory import estimate_root_trajectory
from mmdiffpose.lifting.unseen_joints import widen_unsure
from mmdiffpose.lifting.usual_poses import usual_distances
from mmdiffpose.lifting.view_fit import fit_to_training
from mmdiffpose.registry import KEYPOINT_CODECS, METRICS
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.skeletons.anatomy import layout_costs
from mmdiffpose.skeletons.armature_fit import (MIN_LENGTH, bone_lengths,
                                               fit_armature)
from mmdiffpose.structures.canonical_view import (canonical_view, turn_poses,
                                                  turn_poses_back)
from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.visualization.common_scene import CommonScene
from mmdiffpose.visualization.scene import MAX_PITCH, Scene, estimate_pitch

EACH = settings(deadline=None, max_examples=30)
CAMERA = dict(w=1000, h=800)


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)
        yield


@EACH
@given(poses(dims=2), st.data())
def test_the_codec(points, data):
    """What is told to a network is finite, whatever stands in for what
    nobody saw; the widths of mixtures are positive."""
    scores = data.draw(masks(points.shape[:2])).astype(float)
    given_points = np.where(scores[..., None] > 0, points, np.nan)
    pose = data.draw(poses(frames=len(points)))
    if not len(points):
        with pytest.raises(ValueError, match='at least one frame'):
            GMMDiffusionPose().encode(points, scores, camera_param=CAMERA)
        return
    encoded = GMMDiffusionPose().encode(given_points, scores, pose, None,
                                        CAMERA)
    for name, value in encoded.items():
        if isinstance(value, np.ndarray):
            assert np.isfinite(value).all(), name
    assert (encoded['mixture_labels'][..., 3:] > 0).all()
    np.testing.assert_allclose(encoded['mixture_labels'][..., 0].sum(-1), 1)
    decoded, ones = GMMDiffusionPose().decode(pose)
    assert np.isfinite(decoded).all() and ones.shape == pose.shape[:2]


def test_all_that_is_registered_and_all_that_fits_is_tried():
    """What is new has to be tried here, or among the metrics, too."""
    KEYPOINT_CODECS.import_from_location()
    METRICS.import_from_location()
    assert set(KEYPOINT_CODECS.module_dict) == {'GMMDiffusionPose'}
    assert set(METRICS.module_dict) == set(test_degenerate_metrics.METRICS)
    tried = ''.join(
        Path(__file__).with_name(f'test_degenerate_{name}.py').read_text()
        for name in ('fits', 'metrics'))
    fits = {
        node.name
        for path in Path(mmdiffpose.__file__).parent.rglob('*.py')
        for node in ast.parse(path.read_text(encoding='utf-8')).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith((
            'fit_', 'solve_', 'estimate_'))
    }
    assert len(fits) > 6
    # EM's inner part is that of fit_gmm.
    assert not {
        name
        for name in fits - {'fit_problems'} if f'{name}(' not in tried
    }


@EACH
@given(poses(frames=2), st.sampled_from(['diag', 'joint', 'full']))
def test_mixtures_of_poses(pose, kind):
    coarse = torch.from_numpy(pose - pose[:, :1]).float()[None]
    joints = initial_distribution(coarse, torch.zeros(17, 3), None, 'context')
    noise = HypothesisNoise([0], 20, 1, 17)
    mixture = fit_pose_mixture(joints, 3, noise, kind)
    for value in (mixture.weights, mixture.means, mixture.scale):
        assert value.isfinite().all()


@EACH
@given(poses(dims=2).filter(len), st.data())
def test_places_of_the_training(points, data):
    scores = data.draw(masks(points.shape[:2])).astype(float)
    stats = dict(bbox_center=[500., 400.], bbox_scale=400.)
    if not scores.any():
        with pytest.raises(ValueError, match='seen'):
            fit_to_training(points, scores, stats)
        return
    found = fit_to_training(points, scores, stats)
    assert np.isfinite(found.center).all() and 0 < found.zoom <= 400
    assert np.isfinite(found.points(points)).all()


def lifted(pose, points, seen):
    scores = seen.astype(np.float32)
    return LiftedTrack(
        keypoints_3d=(pose - pose[:, :1]).astype(np.float32),
        scores=scores,
        std=np.full(scores.shape, .03, np.float32),
        hypotheses=None,
        keypoints_2d=points,
        scores_2d=scores,
        frame_ids=np.arange(len(pose)),
        image_size=(1000, 800))


@EACH
@given(poses(), st.data())
def test_ways_through_a_room(pose, data):
    points = data.draw(poses(frames=len(pose), dims=2))
    track = lifted(pose, points, data.draw(masks(pose.shape[:2])))
    found = estimate_root_trajectory(track, 900.)
    assert found.shape == (len(pose), 3)
    # All of it, or nothing where no frame tells where it is.
    assert np.isfinite(found).all() or np.isnan(found).all()


@EACH
@given(poses().filter(len), st.data())
def test_scenes(pose, data):
    pose = pose - pose[:, :1]
    assert abs(estimate_pitch(pose, H36M_17)) <= MAX_PITCH
    scene = Scene.fit(pose, H36M_17)
    placed, = scene.place(pose[0])
    assert np.isfinite(placed).all() and np.isfinite(scene.floor).all()
    assert abs(placed[:, 1].min()) <= 1e-9 * (1 + abs(pose).max())
    points = data.draw(poses(frames=len(pose), dims=2))
    track = lifted(pose, points, data.draw(masks(pose.shape[:2])))
    root = data.draw(st.sampled_from([None, 0., 4.]))
    if root is not None:
        track.root_trajectory = np.full((len(pose), 3), root)
    common = CommonScene.fit([track, track], [0, 1])
    assert np.isfinite(common.ground).all()
    assert np.isfinite([*common.floor, *common.reach(1.), common.height]).all()


@EACH
@given(poses(frames=60), st.data())
def test_clocks(pose, data):
    """Of people who stand still, on one point or unseen no clock is told."""
    seen = data.draw(masks(pose.shape[:2]))
    pose = pose + [0, 0, 2 + abs(pose).max()]
    camera = dict(w=1000, h=800, f=np.full(2, 900.), c=np.array([500., 400.]))
    points = project_points(
        pose, camera) + data.draw(poses(frames=60, dims=2)) * 1e-3
    sequence = PoseSequence(
        subject='a',
        action='b',
        clip='c',
        camera='d',
        keypoints_3d=pose.astype(np.float32),
        keypoints_2d=points.astype(np.float32),
        scores=seen.astype(np.float32),
        camera_param=camera)
    shift = find_clock_shift([sequence])
    assert shift is None or (0 <= shift.share < 1 and 0 < abs(shift.frames))


@pytest.mark.parametrize('size', [
    dict(w=0, h=5),
    dict(w=float('nan'), h=5),
    dict(w=5, h=float('inf')),
    dict(w=5, h=-5)
])
def test_the_codec_refuses_pictures_without_size(size):
    with pytest.raises(ValueError, match='camera_param.*w and h'):
        GMMDiffusionPose().encode(np.ones((1, 17, 2)), camera_param=size)


@EACH
@given(
    poses(frames=3), st.sampled_from(['diag', 'joint', 'full']),
    st.integers(1, 5))
def test_em(pose, kind, components):
    x = torch.from_numpy(pose.reshape(3, 17, 3)).float()
    mixture, info = fit_gmm(x, components, kind)
    for value in (mixture.weights, mixture.means, mixture.scale,
                  info.log_likelihood):
        assert value.isfinite().all()
    torch.testing.assert_close(
        mixture.weights.sum(-1), torch.ones(3), rtol=1e-4, atol=1e-4)


@EACH
@given(
    st.sampled_from(['zeros', 'one cell', 'same', 'edge', 'noise']),
    st.sampled_from(METHODS), st.integers(1, 8), st.integers(1, 8))
def test_mixtures_of_heatmaps(kind, method, height, width):
    maps = np.zeros((1, height, width), np.float32)
    if kind == 'one cell':
        maps[0, height // 2, width // 2] = 1e-20
    elif kind == 'edge':
        maps[0, 0, 0] = 1
    elif kind != 'zeros':
        rng = np.random.default_rng(height)
        maps += 1 if kind == 'same' else rng.uniform(size=maps.shape)
    if height * width == 1 and method == 'em' and kind != 'zeros':
        with pytest.raises(ValueError, match='need as many samples'):
            fit_heatmap_mixtures(maps, 2, method)
        return
    found = fit_heatmap_mixtures(maps, 2, method)
    assert np.isfinite(found).all() and (found[..., 3:] > 0).all()
    assert found[..., 0].sum() == pytest.approx(
        0 if kind in ('zeros', ) else 1, abs=1e-5) or kind == 'one cell'


@EACH
@given(poses())
def test_depths(pose):
    depths = pose[..., 2] - pose[:, :1, 2]
    try:
        mixture = histogram_mixture(count_depths(depths))
    except ValueError as error:
        assert 'depth' in str(error)
        assert not len(pose) or abs(depths).max() > 5
    else:
        assert mixture.isfinite().all() and (mixture[..., 2] > 0).all()


@pytest.mark.parametrize('sampler', SAMPLERS)
@pytest.mark.parametrize('target', TARGETS)
@settings(deadline=None, max_examples=6)
@given(pose=poses(frames=2))
def test_samplers(sampler, target, pose):
    """From one point, with a network that says nothing or says the truth."""
    process = DiffusionProcess(make_alphas('cosine', 10))
    start = torch.from_numpy(pose).float()
    for says in (torch.zeros_like, lambda h: h):
        found = run(
            sampler,
            lambda h, k: says(h),
            start,
            process,
            5,
            target,
            center=start.mean(),
            noise=lambda *args: torch.zeros_like(start))
        assert found.shape == start.shape and found.isfinite().all()
    drawn = start[:, None].expand(2, 3, 17, 3)[:, :, None]
    assert (spread(drawn) >= 0).all()
    assert ((0 <= score_from_std(spread(drawn))) &
            (score_from_std(spread(drawn)) <= 1)).all()


@EACH
@given(poses(frames=2), poses(frames=2, dims=2), st.data())
def test_initial_distributions(pose, points, data):
    coarse = torch.from_numpy(pose - pose[:, :1]).float()[None]
    mixtures = torch.ones(1, 2, 17, 2, 5) / 2
    mixtures[..., 1:3] = torch.from_numpy(points).float()[None, :, :, None]
    xy = data.draw(st.sampled_from(['heatmap', 'context', 'encoder']))
    joints = initial_distribution(coarse, torch.zeros(17, 3), mixtures, xy)
    for value in vars(joints).values():
        if isinstance(value, torch.Tensor):
            assert value.isfinite().all()


@EACH
@given(poses(dims=2).filter(len), st.data())
def test_canonical_views(points, data):
    seen = data.draw(masks(points.shape[:2]))
    given_points = np.where(seen[..., None], points, np.nan)
    view = canonical_view(given_points, seen, np.full(2, 900.),
                          np.array([500., 400]))
    assert np.isfinite(view.keypoints).all()
    assert np.isfinite(view.size).all() and (view.size > 0).all()
    np.testing.assert_allclose(
        view.rotation @ view.rotation.T, np.eye(3), atol=1e-5)
    assert np.linalg.det(view.rotation) == pytest.approx(1, abs=1e-5)
    pose = data.draw(poses(frames=1))
    back = turn_poses_back(turn_poses(pose, view.rotation), view.rotation)
    np.testing.assert_allclose(
        back, pose, rtol=1e-4, atol=abs(pose).max() * 1e-4 + 1e-9)


@EACH
@given(poses(), st.data())
def test_roots(pose, data):
    """A place in front of the camera, or NaN."""
    points = data.draw(poses(frames=len(pose), dims=2))
    seen = data.draw(masks(pose.shape[:2]))
    root = solve_root(
        torch.from_numpy(pose), torch.from_numpy(points),
        torch.from_numpy(seen.astype(float)), 900., torch.tensor([500., 400]))
    known = root.isfinite().all(-1).numpy()
    assert (root.isnan().all(-1).numpy() | known).all()
    assert not known[seen.sum(1) < 2].any()
    depth = pose[..., 2] + root[:, 2:].numpy()
    assert (depth[known] > 0)[seen[known]].all()


@EACH
@given(poses().filter(len), st.data())
def test_unseen_joints(pose, data):
    scores = data.draw(masks(pose.shape[:2])).astype(np.float32)
    pose = pose - pose[:, :1]
    std = np.full(scores.shape, .03, np.float32)
    drawn = np.stack([pose, pose], 1)
    wide = widen_unsure(pose, std, drawn, scores, H36M_17)
    for value in wide:
        assert value is None or np.isfinite(value).all()
    assert (usual_distances(H36M_17, pose) > 0)[1:].all()


@EACH
@given(poses().filter(len), st.data())
def test_stiff_bones(pose, data):
    seen = data.draw(masks(pose.shape[:2]))
    lengths = bone_lengths(pose, seen, H36M_17)
    assert np.isfinite(lengths).all() and (lengths >= 0).all()
    try:
        motion = fit_armature(pose, lengths, H36M_17, 50.)
    except ValueError as error:
        assert 'expected a frame that tells where it is' in str(error)
        parents, children = np.array(H36M_17.bones).T
        bones = np.linalg.norm(pose[:, children] - pose[:, parents], axis=-1)
        assert (bones.max(0) <= MIN_LENGTH).any()
        return
    for value in motion._asdict().values():
        if isinstance(value, np.ndarray):
            assert np.isfinite(value).all()


@EACH
@given(poses(dims=2).filter(len), st.data())
def test_looks_of_joint_sets(points, data):
    """Costs are finite; what cannot be told is left out."""
    seen = data.draw(masks(points.shape[:2])).astype(float)
    costs = layout_costs(points, seen, H36M_17)
    assert np.isfinite(list(costs.values())).all()


@EACH
@given(poses(), st.data())
def test_calibration_by_points(joints, data):
    """Bones are a tree of all joints; axes are those in which they are seen,
    or there is an error."""
    joints[~data.draw(masks(joints.shape[:2]))] = np.nan
    if not len(joints):
        with pytest.raises(ValueError, match='frame'):
            rigid_links(joints)
    else:
        links = rigid_links(joints)
        assert len(links) == 16 and {j
                                     for link in links
                                     for j in link} == set(range(17))
    camera = dict(
        w=1000,
        h=800,
        f=np.full(2, 900.),
        c=np.array([500., 400]),
        R=np.eye(3),
        T=np.zeros(3))
    try:
        assert find_axes(joints,
                         dict(front=camera)) in ('same', 'pose2sim', 'y-up')
    except ValueError as error:
        assert 'cameras see' in str(error)
