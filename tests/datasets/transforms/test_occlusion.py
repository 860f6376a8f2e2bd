# Copyright (c) mmdiffpose contributors. All rights reserved.
import copy

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

from mmdiffpose.codecs import GMMDiffusionPose
from mmdiffpose.datasets import MocapMiniDataset
from mmdiffpose.datasets.transforms import KeypointNoise, Occlusion

PATTERNS = ('random', 'leg_arm', 'consecutive_leg', 'consecutive_frames')
ENCODED = ('keypoints', 'keypoints_visible', 'keypoint_mixtures',
           'camera_param')


def dataset(seq_len=27, **kwargs):
    return MocapMiniDataset(
        seq_len, 'val', cameras=['v1'], max_sequences=1, **kwargs)


@pytest.fixture(scope='module')
def sample():
    found = dataset().get_data_info(40)
    return lambda: copy.deepcopy(found)


def encode(results, **codec):
    return GMMDiffusionPose(**codec).encode(
        **{key: results[key]
           for key in ENCODED if key in results})


@pytest.mark.parametrize('pattern', PATTERNS)
def test_missing_joints_are_zero_after_the_codec(sample, pattern):
    before = sample()
    after = Occlusion(pattern, seed=1)(sample())
    missing = after['keypoints_visible'] == 0
    assert missing.any() and not missing.all()
    encoded = encode(after)
    assert (encoded['keypoint_labels'][missing] == 0).all()
    # What the pixels say is the same, for codecs that know no scores.
    pixels = GMMDiffusionPose.normalize(after['keypoints'][missing],
                                        (1000, 1000))
    assert (pixels == 0).all()
    for key in ENCODED[:3]:
        np.testing.assert_array_equal(after[key][~missing],
                                      before[key][~missing])
        assert after[key].dtype == before[key].dtype
    other = encode(after, mask_value=-2.)['keypoint_labels']
    assert (other[missing] == -2).all()
    # The target is that of all joints.
    np.testing.assert_array_equal(after['lifting_target'],
                                  before['lifting_target'])


@pytest.mark.parametrize('mixtures', [True, False])
@pytest.mark.parametrize('pattern', PATTERNS)
def test_nothing_of_where_a_missing_joint_was_is_left(sample, pattern,
                                                      mixtures):
    occlude = Occlusion(pattern, seed=1)
    here, elsewhere = sample(), sample()
    missing = occlude(sample())['keypoints_visible'] == 0
    elsewhere['keypoints'][missing] += 100
    elsewhere['keypoint_mixtures'][missing, :, 1:3] -= 50
    elsewhere['keypoint_mixtures'][missing, :, 3:] *= 3
    elsewhere['keypoints_visible'][missing] = .9
    if not mixtures:
        here.pop('keypoint_mixtures')
        elsewhere.pop('keypoint_mixtures')
    here, elsewhere = occlude(here), occlude(elsewhere)
    for key in set(ENCODED[:3]) & set(here):
        np.testing.assert_array_equal(here[key], elsewhere[key])
    here, elsewhere = encode(here), encode(elsewhere)
    for key in ('keypoint_labels', 'keypoint_labels_visible',
                'mixture_labels'):
        np.testing.assert_array_equal(here[key], elsewhere[key])


def test_a_mixture_of_a_missing_joint_says_little(sample):
    after = Occlusion('consecutive_frames', seed=1)(sample())
    missing = after['keypoints_visible'] == 0
    mixtures = encode(after)['mixture_labels']
    width = mixtures[..., 0, 3]
    assert width[missing].min() > 5 * np.median(width[~missing])
    # A frame that is missing altogether is where the others are.
    mean = mixtures[missing, 0, 1:3]
    others = encode(after)['keypoint_labels'][~missing]
    assert np.abs(mean - others.mean(0)).max() < .3
    nothing = dict(after, keypoints_visible=np.zeros((27, 17)))
    assert encode(nothing)['mixture_labels'][..., 0, 3].min() == 1


def test_mask_channel(sample):
    after = Occlusion('leg_arm', seed=1)(sample())
    with_mask = encode(after, mask_channel=True)['keypoint_labels']
    assert with_mask.shape == (27, 17, 3) and with_mask.dtype == np.float32
    np.testing.assert_array_equal(with_mask[..., :2],
                                  encode(after)['keypoint_labels'])
    np.testing.assert_array_equal(with_mask[..., 2], after['keypoints_visible']
                                  > 0)


def test_a_seed_fixes_the_mask_of_each_window_in_any_order():
    data = dataset()
    occlude = Occlusion('random', seed=0)

    def masks(order, transform=occlude):
        found = {
            i: transform(data.get_data_info(i))['keypoints_visible'] == 0
            for i in order
        }
        return np.stack([found[i] for i in sorted(found)])

    first = masks(range(8))
    np.random.seed(99)
    np.testing.assert_array_equal(first, masks(range(7, -1, -1)))
    assert len({mask.tobytes() for mask in first}) == 8
    other = masks(range(8), Occlusion('random', seed=1))
    assert (first != other).any((1, 2)).all()


def test_workers_and_batches_do_not_change_a_test():
    data = dataset(
        occlusion='mixture', pipeline=pipeline()[1:], test_mode=True)

    def inputs(**kwargs):
        loader = DataLoader(data, collate_fn=list, **kwargs)
        return np.stack([s['inputs'] for batch in loader for s in batch])

    alone = inputs(batch_size=1)
    np.testing.assert_array_equal(alone, inputs(batch_size=5, num_workers=2))
    assert (alone == 0).any()


def test_training_draws_another_mask_at_each_visit(sample):
    occlude = Occlusion('random')
    np.random.seed(0)
    masks = [occlude(sample())['keypoints_visible'] == 0 for _ in range(3)]
    np.random.seed(0)
    again = [occlude(sample())['keypoints_visible'] == 0 for _ in range(3)]
    np.testing.assert_array_equal(masks, again)
    assert len({mask.tobytes() for mask in masks}) == 3


def pipeline():
    init_default_scope('mmpose')
    return [
        dict(type='mmdiffpose.LiftingFlip'),
        dict(
            type='GenerateTarget',
            encoder=dict(type='mmdiffpose.'
                         'GMMDiffusionPose')),
        dict(type='PackPoseInputs', meta_keys=('frame_ids', 'clip'))
    ]


@pytest.mark.parametrize('occlusion', [None, 'none', dict(pattern='none')])
def test_no_occlusion_leaves_the_pipeline_as_it_was(occlusion):
    plain = dataset(pipeline=pipeline())
    none = dataset(pipeline=pipeline(), occlusion=occlusion)
    assert repr(plain.pipeline) == repr(none.pipeline)
    found = []
    for data in (plain, none):
        np.random.seed(3)
        found.append([data[i]['inputs'].numpy() for i in range(5)])
        found[-1].append(np.random.get_state()[1])
    for one, other in zip(*found):
        np.testing.assert_array_equal(one, other)
    np.random.seed(0)
    state = np.random.get_state()[1].copy()
    sample = plain.get_data_info(0)
    assert Occlusion('none')(sample) is sample
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_a_data_set_occludes_right_before_the_codec():
    occlusion = dict(pattern='random', probability=1.)
    for test_mode in (True, False):
        data = dataset(
            pipeline=pipeline(), occlusion=occlusion, test_mode=test_mode)
        steps = data.pipeline.transforms
        assert [type(step).__name__ for step in steps] == [
            'LiftingFlip', 'Occlusion', 'GenerateTarget', 'QuickPackPoseInputs'
        ]
        assert steps[1].seed == (0 if test_mode else None)
        assert (data[0]['inputs'] == 0).all()
    noise = dataset(pipeline=pipeline(), occlusion='noise')
    assert isinstance(noise.pipeline.transforms[1], KeypointNoise)
    for bad in ('randm', dict(probability=.3)):
        with pytest.raises(ValueError, match='pattern'):
            dataset(pipeline=pipeline(), occlusion=bad)


def test_overlapping_test_windows_score_each_frame_in_one_mask():
    """The share of scored frames that are missing is the pattern's own."""
    data = dataset(
        pipeline=pipeline()[1:],
        occlusion=dict(pattern='leg_arm'),
        test_mode=True)
    length = len(data.sequences[0])
    assert length % 27
    scored, missing = [], []
    for i in range(len(data)):
        packed = data[i]
        valid = packed['data_samples'].gt_instances.valid_frames
        frames = packed['data_samples'].metainfo['frame_ids']
        scored += frames[valid].tolist()
        missing += (packed['inputs'][:, 1] == 0).all(-1)[valid].tolist()
    assert sorted(scored) == list(range(length))
    bound = 5 * np.sqrt(.24 / length)
    assert abs(np.mean(missing) - .4) < bound


@pytest.mark.parametrize('pattern, share', [('consecutive_leg', 10 / 27),
                                            ('leg_arm', .4)])
def test_single_frames(pattern, share):
    data = dataset(1, occlusion=pattern, test_mode=True)
    number = min(len(data), 300)
    missing = [(data[i]['keypoints_visible'][:, 1] == 0).item()
               for i in range(number)]
    bound = 5 * np.sqrt(share * (1 - share) / number)
    assert abs(np.mean(missing) - share) < bound


def test_noise_moves_joints_and_their_mixtures(sample):
    before, noise = sample(), KeypointNoise(seed=0)
    after = noise(sample())
    shift = after['keypoints'] - before['keypoints']
    assert shift.std() == pytest.approx(10, rel=.15)  # 0.02 of 500 px
    moved = after['keypoint_mixtures'] - before['keypoint_mixtures']
    np.testing.assert_allclose(
        moved[..., 1:3],
        np.broadcast_to(shift[:, :, None], moved[..., 1:3].shape),
        atol=1e-3)
    assert (moved[..., [0, 3, 4]] == 0).all()
    np.testing.assert_array_equal(after['keypoints'],
                                  noise(sample())['keypoints'])
    official = KeypointNoise(mode='official', seed=0)(sample())
    shift = official['keypoints'] - before['keypoints']
    assert shift.std() == pytest.approx(2500, rel=.15)


def test_bad_samples_and_arguments(sample):
    with pytest.raises(ValueError, match='17 joints'):
        Occlusion('random')(dict(keypoints=np.zeros((3, 16, 2))))
    unknown = sample()
    del unknown['frame_ids'], unknown['target_img_path']
    with pytest.raises(ValueError, match='frame_ids'):
        Occlusion('random', seed=0)(unknown)
    with pytest.raises(ValueError, match='std'):
        KeypointNoise(std=-1.)
    with pytest.raises(ValueError, match='mode'):
        KeypointNoise(mode='released')
