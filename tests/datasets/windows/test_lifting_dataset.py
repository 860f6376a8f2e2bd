# Copyright (c) mmdiffpose contributors. All rights reserved.
import multiprocessing
import pickle
import tracemalloc

import numpy as np
import pytest
from other_orders import FLIP_INDICES, NAMES, ROOT, metainfo
from torch.utils.data import DataLoader

from mmdiffpose.datasets import LiftingDataset, PoseSequence
from mmdiffpose.datasets.cameras import project

LENGTHS = (50, 7, 31)
CAMERA = dict(w=1000, h=900, f=np.array([1145., 1144.]), c=np.array([5., 6.]))


class ToyDataset(LiftingDataset):
    """Frame f of clip k is recognisable by its numbers."""

    def __init__(self, *args, lengths=LENGTHS, mixtures=False, **kwargs):
        self.lengths, self.with_mixtures = lengths, mixtures
        super().__init__(*args, **kwargs)

    def load_sequences(self):
        return [self._sequence(k, n) for k, n in enumerate(self.lengths)]

    def _sequence(self, clip, frames):
        rng = np.random.default_rng(clip)
        poses = rng.random((frames, 17, 3), np.float32) + 3
        return PoseSequence(
            subject='S1',
            action='Walking',
            camera='v0',
            clip=f'Walking_{clip}',
            keypoints_2d=project(poses, CAMERA['f'], CAMERA['c']),
            scores=rng.random((frames, 17), np.float32),
            keypoints_3d=poses,
            camera_param=CAMERA,
            mixtures=rng.random(
                (frames, 17, 2,
                 5), np.float32) if self.with_mixtures else None)


@pytest.mark.parametrize('seq_len, stride', [(1, 1), (9, 4), (27, 27)])
@pytest.mark.parametrize('clip_end', ['overlap', 'pad'])
def test_windows_are_slices_with_repeated_edges(seq_len, stride, clip_end):
    dataset = ToyDataset(seq_len, stride, clip_end=clip_end, mixtures=True)
    for i in range(len(dataset)):
        sample = dataset.get_data_info(i)
        sequence = dataset.sequences[int(sample['clip'][-1])]
        frames = sample['frame_ids']
        start = frames[0]
        expected = np.minimum(
            np.arange(start, start + seq_len),
            len(sequence) - 1)
        np.testing.assert_array_equal(frames, expected)
        for key, array in (('keypoints', sequence.keypoints_2d),
                           ('keypoints_visible', sequence.scores),
                           ('keypoint_mixtures', sequence.mixtures),
                           ('lifting_target', sequence.keypoints_3d)):
            np.testing.assert_array_equal(sample[key], array[frames])
        inside = np.arange(start, start + seq_len) < len(sequence)
        np.testing.assert_array_equal(sample['valid_frames'], inside)
        assert sample['target_img_path'][0].endswith(
            f'S1_Walking_{sample["clip"][-1]}.v0_{start + 1:06d}.jpg')


@pytest.mark.parametrize('causal', [False, True])
@pytest.mark.parametrize('seq_len', [1, 9, 100])
def test_every_test_frame_is_valid_once(seq_len, causal):
    dataset = ToyDataset(seq_len, test_mode=True, causal=causal)
    found = []
    for i in range(len(dataset)):
        sample = dataset[i]
        frames = sample['frame_ids'][sample['valid_frames']]
        found += [(sample['clip'], frame) for frame in frames]
        if causal:
            assert sample['valid_frames'].nonzero()[0].tolist() == [
                seq_len - 1
            ]
    assert len(found) == len(set(found)) == sum(LENGTHS)


def test_sample_meta():
    sample = ToyDataset(9).get_data_info(0)
    assert sample['dataset_name'] == 'h36m'
    assert sample['num_keypoints'] == 17
    assert sample['flip_indices'][4] == 1
    assert sample['category_id'] == 1
    assert sample['lifting_target_visible'].shape == (9, 17)
    assert 'keypoint_mixtures' not in sample


def test_samples_can_be_changed_without_harm():
    dataset = ToyDataset(9, mixtures=True)
    before = pickle.dumps(dataset.sequences[0])
    sample = dataset.get_data_info(0)
    for key in ('keypoints', 'keypoints_visible', 'lifting_target',
                'keypoint_mixtures'):
        sample[key][...] = -1
    sample['camera_param']['c'][0] = -1
    sample['flip_indices'][0] = 9
    assert pickle.dumps(dataset.sequences[0]) == before
    assert dataset.get_data_info(0)['flip_indices'][0] == 0


def test_memory_grows_with_frames_not_with_windows():
    tracemalloc.start()
    dataset = ToyDataset(243, 1, lengths=(20000, ), mixtures=True)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(dataset) == 20000 - 242
    raw = sum(sequence.nbytes for sequence in dataset.sequences)
    assert raw == 20000 * 17 * 16 * 4
    assert held < 1.1 * raw


def test_indices_and_subsets_share_the_arrays():
    whole = ToyDataset(9, 3)
    assert len(ToyDataset(9, 3, indices=5)) == 5
    some = ToyDataset(9, 3, indices=[3, 1])
    np.testing.assert_array_equal(
        some.get_data_info(0)['keypoints'],
        whole.get_data_info(3)['keypoints'])
    subset = whole.get_subset(-2)
    assert len(subset) == 2 and len(whole) > 2
    assert subset.sequences[0] is whole.sequences[0]
    assert len(ToyDataset(9, 3, max_sequences=2).sequences) == 2


def test_random_phase_moves_windows_within_the_clip():
    dataset = ToyDataset(9, 4, random_phase=True)
    np.random.seed(0)
    starts = [dataset.get_data_info(2)['frame_ids'][0] for _ in range(50)]
    assert set(starts) == {6, 7, 8, 9}
    np.random.seed(0)
    assert starts == [
        dataset.get_data_info(2)['frame_ids'][0] for _ in range(50)
    ]
    for i in range(len(dataset)):
        sample = dataset.get_data_info(i)
        length = LENGTHS[int(sample['clip'][-1])]
        if length >= 9:
            assert sample['valid_frames'].all()
            assert (np.diff(sample['frame_ids']) == 1).all()


@pytest.mark.parametrize('kind', ['from_file', 'itself', 'of the class'])
def test_joints_come_from_a_configs_metainfo(tmp_path, kind):
    """As MMPose's data sets take it; nothing of Human3.6M's is left."""
    meta = metainfo(fps=25.)
    path = tmp_path / 'others.py'
    path.write_text(f'dataset_info = {meta!r}')
    written = dict(from_file=str(path))
    given = None if kind == 'of the class' else (
        meta if kind == 'itself' else written)

    class Own(ToyDataset):
        METAINFO = written if given is None else ToyDataset.METAINFO

    found = Own(9, lazy_init=True, metainfo=given)
    assert list(found.metainfo['keypoint_id2name'].values()) == NAMES
    assert found.metainfo['flip_indices'] == FLIP_INDICES
    assert found.skeleton.root == ROOT
    assert found.metainfo['fps'] == 25
    assert Own.metainfo_of(dict(metainfo=given))['dataset_name'] == 'others'


@pytest.mark.parametrize('given, error, message', [
    (dict(from_file='nowhere.py'), FileNotFoundError,
     'nowhere.py does not exist'),
    (dict(metainfo(), joint_weights=[1.]), ValueError,
     'joint_weights: .*17 joints, found 1'),
    (dict(
        dataset_name='own',
        keypoint_info={
            i: dict(name=name)
            for i, name in enumerate(['hip', 'LKnee', 'RKnee'])
        }), ValueError, 'neither LKnee nor RKnee that the other'),
    (dict(keypoint_info=metainfo()['keypoint_info']), ValueError,
     'expected dataset_name'),
])
def test_a_metainfo_that_is_none_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        ToyDataset(9, lazy_init=True, metainfo=given)


def test_lazy_init():
    dataset = ToyDataset(9, lazy_init=True)
    assert not dataset.sequences
    assert dataset.metainfo['num_keypoints'] == 17
    assert len(dataset) > 0


@pytest.mark.parametrize('kwargs, error, message', [
    (dict(seq_len=0), ValueError, 'seq_len.*positive int.*0'),
    (dict(seq_len=9, stride=2.5), ValueError, 'stride.*2.5'),
    (dict(seq_len=9, stride=10,
          test_mode=True), ValueError, 'stride 10 is larger than seq_len 9'),
    (dict(seq_len=9, test_mode=True,
          random_phase=True), ValueError, 'random_phase'),
    (dict(seq_len=9, clip_end='drop'), ValueError, 'clip_end'),
    (dict(seq_len=9, sequence_length=9), TypeError, 'sequence_length'),
    (dict(seq_len=9, lengths=()), ValueError, 'no sequences'),
])
def test_bad_arguments(kwargs, error, message):
    with pytest.raises(error, match=message):
        ToyDataset(**kwargs)


def test_base_class_has_no_data():
    with pytest.raises(NotImplementedError, match='load_sequences'):
        LiftingDataset(9)


@pytest.mark.parametrize('method', [
    method for method in ('fork', 'spawn')
    if method in multiprocessing.get_all_start_methods()
])
def test_worker_processes(method):
    dataset = ToyDataset(9, 9)
    loader = DataLoader(
        dataset,
        batch_size=None,
        num_workers=1,
        multiprocessing_context=method)
    for i, sample in enumerate(loader):
        np.testing.assert_array_equal(sample['keypoints'],
                                      dataset.get_data_info(i)['keypoints'])
    assert i == len(dataset) - 1


def test_people_are_chosen_by_name():

    class People(ToyDataset):

        def load_sequences(self):
            sequences = super().load_sequences()
            for name, sequence in zip(('Ann', 'Bo', 'Ann Lee'), sequences):
                sequence.subject = name
            return sequences

    chosen = People(9, 9, subjects=['Ann', 'Bo'])
    assert {sample['subject'] for sample in chosen} == {'Ann', 'Bo'}
    with pytest.raises(ValueError, match=r"no subject \['An'\]; it has.*Bo"):
        People(9, 9, subjects=['An'])
    with pytest.raises(ValueError, match="list of names, got 'Ann'"):
        People(9, 9, subjects='Ann')
