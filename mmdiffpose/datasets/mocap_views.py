# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Endless training data: motions held once, cameras drawn anew.

A sample of a usual data set is a dictionary that a pipeline makes and packs,
some milliseconds of Python for a window. Here a batch is one piece from the
start: PyTorch hands a list of indices to ``__getitems__``, which draws all of
them at once. ::

    train_dataloader = dict(
        batch_size=256,
        num_workers=1,
        persistent_workers=True,
        sampler=dict(type='mmdiffpose.ViewSampler'),
        collate_fn=dict(type='mmdiffpose.view_collate'),
        dataset=dict(
            type='mmdiffpose.MocapViewDataset',
            ann_file='data/world_motions/hdm05_cmu.npz',
            subjects=['bd', 'bk', 'cmu/01', 'cmu/02', 'cmu/03'],
            seq_len=27,
            windows=100_000))
"""

import math
from types import MappingProxyType
from typing import (Any, Dict, Iterator, List, Mapping, Optional, Sequence,
                    Sized, Union)

import numpy as np
import torch
from mmengine.dataset import Compose
from mmengine.dist import get_dist_info
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from torch.utils.data import Dataset, Sampler

from mmdiffpose.codecs import GMMDiffusionPose
from mmdiffpose.registry import (DATA_SAMPLERS, DATASETS, FUNCTIONS,
                                 KEYPOINT_CODECS)
from mmdiffpose.structures.canonical_view import turn_poses_back
from .epoch_index import EpochIndex
from .simulation.bodies import BodySampler
from .simulation.motion_variety import MotionVariety
from .simulation.occlusion_patterns import make_pattern
from .simulation.random_cameras import CameraRanges
from .simulation.view_simulator import ViewLaw, ViewSimulator
from .simulation.window_noise import WindowNoise
from .transforms import TurnToPerson
from .windows.lifting_dataset import LiftingDataset
from .windows.sequence import PoseSequence
from .world_motions import join_motions, read_motions

Files = Union[str, Sequence[str]]
SEEN = ('seen', )


def build_law(cameras: Optional[Mapping[str, Any]] = None,
              noise: Optional[Mapping[str, Any]] = None,
              bodies: Optional[Mapping[str, Any]] = MappingProxyType({}),
              occlusion: Union[None, str, Mapping[str, Any]] = 'mixture',
              variety: Optional[Mapping[str, Any]] = None,
              **others: Any) -> ViewLaw:
    """What is drawn, from a config.

    Args:
        cameras: Of :class:`CameraRanges`.
        noise: Of :class:`WindowNoise`.
        bodies: Of :class:`BodySampler`; None leaves everybody their own.
        occlusion: A pattern's name, or a dict of ``pattern`` and its
            parameters; None for joints that are missing for other reasons
            only.
        variety: Of :class:`MotionVariety`.
        **others: ``fps``, ``self_occlusion`` and ``weights`` of
            :class:`ViewLaw`.
    """
    if occlusion is None or isinstance(occlusion, str):
        occlusion = dict(pattern=occlusion or 'none')
    pattern = dict(occlusion)
    name = pattern.pop('pattern')
    return ViewLaw(
        cameras=CameraRanges(**(cameras or {})),
        noise=WindowNoise(**(noise or {})),
        bodies=None if bodies is None else BodySampler(**bodies),
        occlusion=make_pattern(name, **pattern),
        variety=MotionVariety(**(variety or {})),
        **others)


def _simulator(ann_file: Files, subjects: Optional[Sequence[str]],
               seq_len: int, law: Optional[Mapping[str, Any]],
               seed: int) -> ViewSimulator:
    files = [ann_file] if isinstance(ann_file, str) else list(ann_file)
    motions = join_motions([read_motions(file) for file in files])
    if subjects is not None:
        motions = motions.of_subjects(subjects)
    return ViewSimulator(motions, seq_len, build_law(**(law or {})), seed)


def _recorded(drawn: Mapping[str, np.ndarray], index: int) -> Dict[str, Any]:
    """A drawn window as its own camera recorded it.

    Returns:
        ``keypoints`` (T, J, 2) in pixels and ``scores`` (T, J), ``target``
        (T, J, 3) in metres and the camera's axes, and ``camera_param`` with
        the focal length that the lifter is told.
    """
    turned = drawn['targets'][index] + drawn['root'][index, :, None]
    width, height = drawn['image_size'][index].tolist()
    return dict(
        keypoints=drawn['keypoints'][index],
        scores=drawn['scores'][index],
        target=turn_poses_back(turned, drawn['rotation'][index]),
        camera_param=dict(
            w=int(width),
            h=int(height),
            f=np.repeat(drawn['assumed_focal'][index], 2),
            c=drawn['center'][index]))


@DATASETS.register_module()
class MocapViewDataset(Dataset):
    """Windows of motion that a new camera and detector see each time.

    Memory is that of the motions (204 bytes a frame), whatever the number of
    windows. All draws follow from the seed, the epoch and the window's index
    (see :mod:`~mmdiffpose.datasets.simulation.keyed_draws`): the same for any
    number of workers and any batch size, and after a restart. The epoch comes
    with the index, from :class:`ViewSampler`: persistent workers hold copies
    of the data set that no hook reaches.

    A plain training loop calls :meth:`draw_batch`.

    Args:
        ann_file: Files of world motions, one or several, of
            ``tools/dataset_converters/world_motions.py``.
        seq_len: Frames T of a window.
        subjects: Who, or None for all; ``'cmu/01'`` or ``'01'``.
        windows: Windows of an epoch.
        law: Arguments of :func:`build_law`.
        seed: Of all draws.
        channels: Channels of the inputs behind u and v: ``'seen'``, 1 for
            joints that are seen and 0 for others, and ``'log_size'``, the
            log of the person's angular size over 0.1, the same number for
            all joints of a window.
        codec: A :class:`~mmdiffpose.codecs.GMMDiffusionPose` that makes
            ``mixture_labels`` from the scores, for heads that begin with the
            2D mixtures. Takes as long as all the rest.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If an argument is not what it should be.
    """

    CHANNELS = ('seen', 'log_size')
    takes_epoch = True
    """Whether an index should say the epoch."""

    def __init__(self,
                 ann_file: Files,
                 seq_len: int,
                 subjects: Optional[Sequence[str]] = None,
                 windows: int = 100_000,
                 law: Optional[Mapping[str, Any]] = None,
                 seed: int = 0,
                 channels: Sequence[str] = SEEN,
                 codec: Optional[Mapping[str, Any]] = None) -> None:
        unknown = set(channels) - set(self.CHANNELS)
        if unknown:
            raise ValueError(f'channels: expected some of {self.CHANNELS}, '
                             f'found {sorted(unknown)}')
        if windows < 1:
            raise ValueError(
                f'windows: expected a positive int, found {windows}')
        self.windows = windows
        self.channels = tuple(channels)
        self.codec = None if codec is None else KEYPOINT_CODECS.build(codec)
        self.simulator = _simulator(ann_file, subjects, seq_len, law, seed)

    @property
    def metainfo(self) -> Dict[str, Any]:
        """Joint set and its statistics, as the lifting data sets have."""
        return LiftingDataset._load_metainfo()

    def __len__(self) -> int:
        """Windows of an epoch."""
        return self.windows

    def draw_batch(self, indices: Sequence[int],
                   epoch: int) -> Dict[str, np.ndarray]:
        """Arrays of these windows in this epoch.

        See :meth:`ViewSimulator.draw` for what they are.
        """
        return self.simulator.draw(indices, epoch)

    def __getitems__(self, indices: Sequence[EpochIndex]) -> Dict[str, Any]:
        """A batch as a model's ``train_step`` takes it.

        Args:
            indices: Of :class:`ViewSampler`.

        Returns:
            ``inputs`` (B, T, J, 2 + channels), and ``data_samples``, one
            sample whose labels hold all windows: ``lifting_target_label``
            (B, T, J, 3), ``lifting_target_weight`` (B, T, J),
            ``keypoint_labels`` as the inputs, ``keypoint_labels_visible``
            (B, T, J) and, with a codec, ``mixture_labels`` (B, T, J, M, 5).
            Its ``ids`` tell the windows of all epochs apart.

        Raises:
            ValueError: If the indices don't tell the epoch.
        """
        if not all(isinstance(index, EpochIndex) for index in indices):
            raise ValueError(
                'MocapViewDataset needs to know the epoch, or else each epoch '
                'would be the same: expected '
                "sampler=dict(type='mmdiffpose.ViewSampler'), found plain "
                f'indices {list(indices)[:3]}')
        epochs = {index.epoch for index in indices}
        if len(epochs) > 1:
            raise ValueError(f'a batch is of one epoch, found {epochs}')
        drawn = self.draw_batch([index.window for index in indices],
                                epochs.pop())
        batch = self.pack(drawn)
        batch['data_samples'].set_metainfo(
            dict(ids=[i.epoch * self.windows + i.window for i in indices]))
        return batch

    def __getitem__(self, index: Union[int, EpochIndex]) -> Dict[str, Any]:
        """A batch of one window; of epoch 0 where only an int is given."""
        if not isinstance(index, EpochIndex):
            index = EpochIndex(0, int(index))
        return self.__getitems__([index])

    def get_data_info(self, index: int) -> Dict[str, Any]:
        """A window of epoch 0 as its own camera recorded it.

        What :attr:`pipeline` makes of it, with the codec, is what the lifter
        is given. To look at; training doesn't come here.
        """
        window = _recorded(self.draw_batch([index], 0), 0)
        return dict(
            keypoints=window['keypoints'],
            keypoints_visible=window['scores'],
            lifting_target=window['target'],
            camera_param=window['camera_param'],
            frame_ids=np.arange(self.simulator.seq_len))

    @property
    def pipeline(self) -> Compose:
        """The way from a recorded window to the canonical view."""
        return Compose([TurnToPerson()])

    def pack(self, drawn: Dict[str, np.ndarray]) -> Dict[str, Any]:
        """Arrays of :meth:`draw_batch` as ``__getitems__`` returns them."""
        inputs = self.inputs(drawn)
        target = torch.from_numpy(drawn['targets'])
        labels = InstanceData(
            lifting_target_label=target,
            lifting_target_weight=torch.ones(target.shape[:-1]),
            keypoint_labels=torch.from_numpy(inputs),
            keypoint_labels_visible=torch.from_numpy(drawn['scores']))
        if self.codec is not None:
            labels.mixture_labels = torch.from_numpy(
                self._mixtures(drawn, self.codec))
        return dict(
            inputs=torch.from_numpy(inputs),
            data_samples=PoseDataSample(gt_instance_labels=labels))

    @staticmethod
    def _mixtures(drawn: Dict[str, np.ndarray],
                  codec: GMMDiffusionPose) -> np.ndarray:
        """2D mixtures (B, T, J, M, 5) in the canonical view."""
        points, missing = drawn['inputs'][..., :2], drawn['scores'] == 0
        return np.stack([
            codec.mixtures_from_scores(*window)
            for window in zip(points, drawn['scores'], missing)
        ])

    def inputs(self, drawn: Dict[str, np.ndarray]) -> np.ndarray:
        """Inputs (B, T, J, 2 + channels) with the channels asked for."""
        if self.channels == SEEN:
            return drawn['inputs']
        planes = [drawn['inputs'][..., :2]]
        for name in self.channels:
            if name == 'seen':
                planes.append(drawn['inputs'][..., 2:])
            else:
                size = drawn['log_size'] - np.float32(np.log(.1))
                planes.append(
                    np.broadcast_to(size[:, None, None, None],
                                    planes[0].shape[:-1] + (1, )))
        return np.concatenate(planes, axis=-1)


@DATA_SAMPLERS.register_module()
class ViewSampler(Sampler):
    """All windows of an epoch in order, told which epoch it is.

    Order doesn't matter where each window is drawn at random. With several
    processes each has every n-th window.

    Args:
        dataset: The data set.
        seed: Given by MMEngine; the data set has its own.
    """

    def __init__(self, dataset: Sized, seed: Optional[int] = None) -> None:
        self.rank, self.world_size = get_dist_info()
        self.windows = len(dataset)
        self.epoch = 0

    def __iter__(self) -> Iterator[EpochIndex]:
        """Indices of this process."""
        for index in range(self.rank, self.windows, self.world_size):
            yield EpochIndex(self.epoch, index)

    def __len__(self) -> int:
        """Windows of this process."""
        return math.ceil((self.windows - self.rank) / self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Called by MMEngine before each epoch."""
        self.epoch = epoch


@FUNCTIONS.register_module()
def view_collate(batch: Dict[str, Any]) -> Dict[str, Any]:
    """Collate of batches that come from the data set in one piece."""
    return batch


@DATASETS.register_module()
class FixedViewDataset(LiftingDataset):
    """Drawn views as a validation or test set: always the same ones.

    Windows are those of epoch 0 of a :class:`MocapViewDataset` with the same
    arguments, each a sequence of its own as its camera recorded it. With
    ``TurnToPerson`` and ``GMMDiffusionPose(mask_channel=True)`` in the
    pipeline the inputs are those of training.

    Args:
        windows: How many.
        law: Arguments of :func:`build_law`.
        seed: Of all draws; part of the protocol.
        subjects: Who, or None for all.
        **kwargs: Of :class:`LiftingDataset`.
    """

    # The focal length that a lifter is told is not the one that drew.
    CHECK_PROJECTION = False

    def __init__(self,
                 *args: Any,
                 windows: int = 1000,
                 law: Optional[Mapping[str, Any]] = None,
                 seed: int = 0,
                 subjects: Optional[Sequence[str]] = None,
                 **kwargs: Any) -> None:
        self.num_windows = windows
        self.law = law
        self.seed = seed
        self.subjects = subjects
        # The law hides whole frames, which the lifter is to bridge.
        kwargs.setdefault('score_unseen', True)
        super().__init__(*args, **kwargs)

    def load_sequences(self) -> List[PoseSequence]:
        """Draws the windows."""
        simulator = _simulator(self.ann_file, self.subjects, self.seq_len,
                               self.law, self.seed)
        drawn = simulator.draw(range(self.num_windows), 0)
        motions = simulator.motions
        sequences = []
        for i, clip in enumerate(drawn['clip']):
            window = _recorded(drawn, i)
            sequences.append(
                PoseSequence(
                    subject=str(motions.subjects[clip]),
                    action=str(motions.actions[clip]),
                    camera=f'view{i}',
                    clip=str(motions.clips[clip]),
                    keypoints_2d=window['keypoints'],
                    scores=window['scores'],
                    keypoints_3d=window['target'],
                    camera_param=window['camera_param']))
        return sequences
