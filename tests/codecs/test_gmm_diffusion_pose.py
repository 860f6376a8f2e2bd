# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.codecs import GMMDiffusionPose
from mmdiffpose.skeletons import H36M_17

T, J = 6, 17
CAMERA = dict(w=1000, h=800)


def window(seed=0):
    rng = np.random.default_rng(seed)
    return dict(
        keypoints=rng.uniform(100, 700, (T, J, 2)),
        keypoints_visible=rng.uniform(0.2, 1, (T, J)),
        lifting_target=rng.normal(0, 0.3, (T, J, 3)) + [0, 0, 5],
        lifting_target_visible=np.ones((T, J)),
        camera_param=CAMERA)


def mixtures(seed=0, M=3):
    rng = np.random.default_rng(seed)
    out = rng.uniform(1, 9, (T, J, M, 5))
    out[..., 0] /= out[..., 0].sum(-1, keepdims=True)
    return out


def test_screen_normalisation_keeps_the_aspect():
    codec = GMMDiffusionPose()
    corners = np.array([[0., 0], [1000, 0], [500, 400], [1000, 800]])
    expected = [[-1, -.8], [1, -.8], [0, 0], [1, .8]]
    np.testing.assert_allclose(
        codec.normalize(corners, (1000, 800)), expected, atol=1e-6)


def test_target_is_root_relative_and_the_input_stays_untouched():
    data = window()
    before = {k: np.copy(v) for k, v in data.items() if k != 'camera_param'}
    encoded = GMMDiffusionPose().encode(**data)
    label = encoded['lifting_target_label']
    assert (label[:, 0] == 0).all()
    np.testing.assert_allclose(
        label + data['lifting_target'][:, :1],
        data['lifting_target'],
        atol=1e-5)
    np.testing.assert_allclose(
        encoded['lifting_target'], data['lifting_target'], atol=1e-6)
    for key, value in before.items():
        np.testing.assert_array_equal(data[key], value)
    assert encoded['target_frame'] is None


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 999))
def test_encoding_commutes_with_the_mirror(seed):
    """Mirrored pixels (u -> w - u, sides swapped) encode to mirrored
    labels: x negated, sides swapped."""
    codec, data = GMMDiffusionPose(), window(seed)
    order = list(H36M_17.flip_indices)
    mirrored = dict(data)
    mirrored['keypoints'] = data['keypoints'][:, order] * [-1, 1] + [1000, 0]
    mirrored['keypoints_visible'] = data['keypoints_visible'][:, order]
    label = codec.encode(**data)['keypoint_labels'][:, order] * [-1, 1]
    np.testing.assert_allclose(
        codec.encode(**mirrored)['keypoint_labels'], label, atol=1e-5)


def test_mixtures_are_normalised_with_their_units():
    data = mixtures()
    codec = GMMDiffusionPose(num_components=3)
    out = codec.encode(**window(), keypoint_mixtures=data)['mixture_labels']
    np.testing.assert_allclose(
        out[..., 1:3], codec.normalize(data[..., 1:3], (1000, 800)), atol=1e-6)
    # 1000 px are 2 units, in both directions.
    np.testing.assert_allclose(out[..., 3:], data[..., 3:] / 500, rtol=1e-5)
    np.testing.assert_allclose(out[..., 0].sum(-1), 1, rtol=1e-5)


def test_the_likeliest_components_stay_and_missing_ones_weigh_nothing():
    data = mixtures(M=3)
    two = GMMDiffusionPose(num_components=2).encode(
        **window(), keypoint_mixtures=data)['mixture_labels']
    kept = np.sort(data[..., 0], axis=-1)[..., :0:-1]
    np.testing.assert_allclose(
        two[..., 0], kept / kept.sum(-1, keepdims=True), rtol=1e-4)
    five = GMMDiffusionPose(num_components=5).encode(
        **window(), keypoint_mixtures=data)['mixture_labels']
    assert five.shape == (T, J, 5, 5)
    assert (five[..., 3:, 0] == 0).all() and (five[..., 3:] >= 0).any()
    assert (five[..., 3] > 0).all()


def test_without_mixtures_the_width_follows_the_score():
    data = window()
    data['keypoints_visible'][:] = np.linspace(0.1, 1, J)
    out = GMMDiffusionPose().encode(**data)['mixture_labels']
    sigma = out[..., 0, 3]
    assert (np.diff(sigma, axis=1) < 0).all()
    np.testing.assert_allclose(out[..., 0, 0], 1)
    # At score 1 the std is the stated share of the track's size.
    labels = GMMDiffusionPose().encode(**data)['keypoint_labels']
    centred = labels - labels.mean(1, keepdims=True)
    extent = np.median(np.sqrt((centred**2).sum(-1).mean(-1)))
    np.testing.assert_allclose(sigma[:, -1], 0.0376 * extent, rtol=1e-4)


def test_missing_joints_are_masked_not_invented():
    data = window()
    data['keypoints_visible'][2, 5] = 0
    data['keypoints'][2, 5] = [12345., 54321.]
    out = GMMDiffusionPose().encode(**data)
    assert (out['keypoint_labels'][2, 5] == 0).all()
    seen = out['mixture_labels'][2, 4, 0, 3]
    assert out['mixture_labels'][2, 5, 0, 3] > 3 * seen
    assert np.abs(out['mixture_labels']).max() < 10


def test_masked_joints_need_no_mixture():
    data, found = window(), mixtures()
    data['keypoints_visible'][2, 5] = 0
    found[2, 5] = 0
    out = GMMDiffusionPose().encode(**data, keypoint_mixtures=found)
    plain = GMMDiffusionPose().encode(**data)
    np.testing.assert_allclose(out['mixture_labels'][2, 5],
                               plain['mixture_labels'][2, 5])
    with pytest.raises(ValueError, match='stds > 0'):
        GMMDiffusionPose().encode(**window(), keypoint_mixtures=found)


def test_one_target_frame_asks_for_the_middle_of_the_window():
    """What MMPose's inferencer passes: zeros of one frame."""
    data = window()
    data['lifting_target'] = np.zeros((1, J, 3))
    data['lifting_target_visible'] = np.ones((1, J, 1))
    out = GMMDiffusionPose().encode(**data)
    assert out['target_frame'] == T // 2
    assert out['lifting_target'].shape == (T, J, 3)
    assert out['lifting_target_visible'].shape == (T, J)


@pytest.mark.parametrize(
    'names, target, expected',
    [
        ('abcdef', 'f', 5),  # the last, of a causal window
        ('aaabcd', 'a', 2),  # a clip's first frame is repeated before it
        ('abcddd', 'd', 3),
        ('abcdef', 'x', 3),
    ])
def test_the_target_frame_is_the_one_of_its_name(names, target, expected):
    data = window()
    data['lifting_target'] = data['lifting_target'][:1]
    del data['lifting_target_visible']
    out = GMMDiffusionPose().encode(
        **data, img_paths=list(names), target_img_path=[target])
    frame = out['target_frame']
    assert frame == expected
    others = np.arange(T) != frame
    assert out['lifting_target_weight'][frame].all()
    assert not out['lifting_target_weight'][others].any()
    assert out['valid_frames'].tolist() == (~others).tolist()


@pytest.mark.parametrize('key, index, value', [
    ('keypoints', (1, 2, 0), np.nan),
    ('keypoints', (1, 2, 0), np.inf),
    ('lifting_target', (0, 3, 1), np.nan),
    ('keypoints_visible', (5, 16), np.nan),
])
def test_nan_is_an_error_that_names_the_place(key, index, value):
    data = window()
    data[key][index] = value
    with pytest.raises(ValueError, match=f'{key} has a NaN') as error:
        GMMDiffusionPose().encode(**data)
    assert str(index) in str(error.value)


def test_wrong_shapes_are_errors():
    codec = GMMDiffusionPose()
    data = window()
    with pytest.raises(ValueError, match='keypoints should have'):
        codec.encode(**{**data, 'keypoints': data['keypoints'][:, :16]})
    with pytest.raises(ValueError, match='frames'):
        codec.encode(
            **{
                **data, 'lifting_target': data['lifting_target'][:4],
                'lifting_target_visible': np.ones((4, J))
            })
    with pytest.raises(ValueError, match='camera_param'):
        codec.encode(**{**data, 'camera_param': dict(w=1000)})
    bad = mixtures()
    bad[..., 3:] = 0
    with pytest.raises(ValueError, match='stds > 0'):
        codec.encode(**data, keypoint_mixtures=bad)
    with pytest.raises(ValueError, match='score_sigma'):
        GMMDiffusionPose(score_sigma=(0.2, 0.1))


def test_decode_keeps_poses_root_relative_unless_given_a_root():
    poses = np.random.default_rng(0).normal(size=(T, J, 3))
    decoded, scores = GMMDiffusionPose().decode(poses)
    np.testing.assert_allclose(decoded, poses - poses[:, :1])
    root = np.ones((T, 1, 3))
    np.testing.assert_allclose(GMMDiffusionPose().decode(poses, root)[0],
                               poses - poses[:, :1] + 1)
    assert scores.shape == (T, J)
